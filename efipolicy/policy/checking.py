"""Whether settings mean something: the rules they name, their options, the pins they meet."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence

from efipolicy.plugin import Rule
from efipolicy.plugin.options import shape_of
from efipolicy.policy.selection import Selection, Setting, is_glob, matches, rules_by_name
from efipolicy.source import InputError
from efipolicy.source.shape import Reading, suggestion


def mistakes_in(
    selection: Selection,
    rules: Iterable[Rule],
    *,
    shipped: Collection[str] = (),
    whole: bool = True,
    configuration: str | None = None,
) -> list[InputError]:
    """What is wrong with the settings of a selection, in the order they are written.

    A rule that is not there is none in policies that plugins brought (``shipped``), nor when a
    plugin is blocked or failed (not ``whole``). ``configuration`` is by whom the settings of the
    configuration are: it cannot undo a pin even with a glob, while a policy's glob passes pinned
    rules by.
    """
    rules = list(rules)
    mistakes: list[InputError] = []
    for setting in selection.settings:
        if setting.by in shipped and not setting.options:
            continue
        named = [rule for rule in rules if matches(setting.glob, rule)]
        if named:
            mistakes += _mistakes_in_options(setting, named)
        elif setting.span and whole and setting.by not in shipped:
            expected = f"the id of a rule, or a glob of some{name_hint(setting.glob, rules)}"
            found = f"`{setting.glob}`, which names no rule"
            mistakes.append(InputError.at(setting.span, found, expected))
    for rule in rules:
        resolved = selection.resolved(rule)
        for setting in resolved.refused:
            if setting.span and (setting.by == configuration or not is_glob(setting.glob)):
                mistakes.append(_undoing(setting, rule, resolved.pinned))
    unique = {str(mistake): mistake for mistake in mistakes}
    return list(unique.values())


def _mistakes_in_options(setting: Setting, named: Sequence[Rule]) -> Iterator[InputError]:
    for name, (key, node) in setting.options.items():
        options = [option for rule in named for option in rule.options]
        if not any(option.name == name for option in options):
            known = dict.fromkeys(("severity", "pinned", *(option.name for option in options)))
            expected = f"one of {', '.join(known)}{suggestion(name, known)}"
            found = f"the unknown option `{name}` of {setting.glob}"
            yield InputError.at(key.span, found, expected)
            continue
        reading = Reading()
        for option in options:
            if option.name == name:
                shape_of(option).read(node, reading)
        yield from reading.errors


def _undoing(setting: Setting, rule: Rule, pinned: str | None) -> InputError:
    assert setting.span
    found = f"a setting that would silence or lower {rule.id}"
    return InputError.at(setting.span, found, f"it as policy {pinned} pins it")


def name_hint(name: str, rules: Iterable[Rule]) -> str:
    """What somebody may have meant who named no rule: a pack, or a rule of a similar name."""
    rules = list(rules)
    packs = {rule.pack for rule in rules}
    if name.rstrip("/") in packs:
        return f"; did you mean `{name.rstrip('/')}/*`?"
    return suggestion(name, [*rules_by_name(rules), *(f"{pack}/*" for pack in sorted(packs))])
