"""The rules that count: policies, the configuration, and the command line, taken together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from efipolicy.errors import UsageError
from efipolicy.plugin import Rule
from efipolicy.plugin.registry import Registry
from efipolicy.policy.loading import load_policy
from efipolicy.policy.selection import Policy, Selection, is_glob, matches, names_of
from efipolicy.policy.settings import SettingsError
from efipolicy.source import InputError
from efipolicy.source.shape import suggestion

if TYPE_CHECKING:
    from efipolicy.policy.configuration import Configuration
    from efipolicy.source.document import Scalar

DEFAULT_POLICY = "recommended"


def selection_of(
    registry: Registry,
    *,
    policies: Iterable[str] = (),
    select: Iterable[str] = (),
    ignore: Iterable[str] = (),
    preview: bool = False,
    configuration: Configuration | None = None,
) -> Selection:
    """The rules that count.

    ``policies``, ``select`` and ``ignore`` are the command line's, and win: policies replace those
    of the configuration, ``select`` what it selects and ignores; ``ignore`` is added. Raises
    `UsageError` for a policy, glob or setting that means nothing, or would undo a pin.
    """
    names = list(policies)
    if names or configuration is None or not configuration.policies:
        loaded = [load_policy(name, registry.policies) for name in names or [DEFAULT_POLICY]]
    else:
        loaded = _configured(configuration, registry)
    select, ignore = list(select), list(ignore)
    wanted: tuple[Scalar, ...] = ()
    unwanted: tuple[Scalar, ...] = ()
    if configuration:
        settings = configuration.rules
        loaded.append(Policy(configuration.path, "", settings, preview=configuration.preview))
        if not select:
            wanted, unwanted = configuration.select, configuration.ignore
    selection = Selection(
        loaded,
        select=select or [glob.text for glob in wanted],
        ignore=[*ignore, *(glob.text for glob in unwanted)],
        preview=preview,
    )
    rules = list(registry.rules.values())
    _refuse_what_means_nothing(selection, registry, (*wanted, *unwanted), configuration)
    _refuse_to_silence_pins(selection, rules, {glob.text: glob for glob in (*wanted, *unwanted)})
    _refuse_previews_not_asked_for(selection, rules)
    if not any(selection.severity(rule) for rule in rules):
        hints = _missing(selection, rules, registry)
        raise UsageError(
            f"no rule is left to check: policy, --select and --ignore turn all off{hints}"
        )
    return selection


def _missing(selection: Selection, rules: list[Rule], registry: Registry) -> str:
    """Where the rules are that are selected and that no plugin in use has."""
    from efipolicy.plugin.elsewhere import whose

    lost = set(selection.unmatched(rules)).intersection(selection.select)
    return "".join(whose("rules", glob, registry, similar="") for glob in sorted(lost))


def _configured(configuration: Configuration, registry: Registry) -> list[Policy]:
    """The policies a configuration names."""
    loaded: list[Policy] = []
    for name, place in zip(configuration.policies, configuration.named, strict=True):
        try:
            loaded.append(load_policy(name, registry.policies))
        except SettingsError:  # a bad file, which has told its place
            raise
        except UsageError as problem:
            known = ", ".join(sorted(registry.policies))
            expected = f"one of {known}{suggestion(name, registry.policies)}"
            mistake = InputError.at(place.span, f"the unknown policy `{name}`", expected)
            raise SettingsError([mistake]) from problem
    return loaded


def _refuse_what_means_nothing(
    selection: Selection,
    registry: Registry,
    globs: Iterable[Scalar],
    configuration: Configuration | None,
) -> None:
    """Raise for globs that name no rule, and for settings with a mistake."""
    rules = list(registry.rules.values())
    placed = {glob.text: glob for glob in globs}
    mistakes: list[InputError] = []
    whole = all(plugin.status == "ok" for plugin in registry.plugins)
    packs = {rule.pack for rule in rules}
    for glob in selection.unmatched(rules):
        if not whole and glob.partition("/")[0] not in packs:
            continue  # of a plugin that is blocked or failed
        from efipolicy.plugin.elsewhere import whose
        from efipolicy.policy.checking import name_hint

        hint = whose("rules", glob, registry, similar=name_hint(glob, rules))
        if glob not in placed:
            raise UsageError(f"no rule matches `{glob}`{hint}")
        expected = f"a glob of rule ids{hint}"
        found = f"`{glob}`, which names no rule"
        mistakes.append(InputError.at(placed[glob].span, found, expected))
    foreign = [setting for setting in selection.settings if setting.by not in registry.policies]
    if foreign or any(setting.options for setting in selection.settings):
        from efipolicy.policy.checking import mistakes_in

        mistakes += mistakes_in(
            selection,
            rules,
            shipped=registry.policies,
            whole=whole,
            configuration=configuration.path if configuration else None,
        )
    if mistakes:
        raise SettingsError(mistakes)


def _refuse_to_silence_pins(
    selection: Selection, rules: Iterable[Rule], placed: dict[str, Scalar]
) -> None:
    """Raise where ``--select``, ``--ignore`` or the configuration would silence what is pinned."""
    if not any(setting.pinned for setting in selection.settings):
        return
    silenced = list(_silenced(selection, rules))
    if not silenced:
        return
    glob, rule = silenced[0]
    more = len({other.id for _, other in silenced}) - 1
    also = f" and {more} more" if more else ""
    what = f"{rule.id}{also}, pinned by policy {selection.pinned(rule)}"
    if glob is None:
        sentence = f"what is selected leaves out {what}"
        place = next((placed[glob] for glob in selection.select if glob in placed), None)
    else:
        sentence = f"ignoring `{glob}` would silence {what}"
        place = placed.get(glob)
    raise UsageError(f"{place.span}: {sentence}" if place else sentence)


def _silenced(selection: Selection, rules: Iterable[Rule]) -> Iterator[tuple[str | None, Rule]]:
    """Pinned rules that a glob would silence; no glob where it is because none selects them."""
    for rule in rules:
        if not selection.pinned(rule):
            continue
        yield from ((glob, rule) for glob in selection.ignore if matches(glob, rule))
        if selection.select and not any(matches(glob, rule) for glob in selection.select):
            yield None, rule


def _refuse_previews_not_asked_for(selection: Selection, rules: Iterable[Rule]) -> None:
    """Raise where a preview rule is selected by its name and would be off all the same."""
    if selection.preview:
        return
    named = {glob for glob in selection.select if not is_glob(glob)}
    for rule in rules if named else ():
        if rule.preview and named.intersection(names_of(rule)):
            raise UsageError(f"{rule.id} is a preview; judge by it with --preview")
