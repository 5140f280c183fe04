"""Globs of rule ids, and what they make of the rules: severity, options, pins."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from efipolicy.model.finding import Severity
from efipolicy.named_tuple import NamedTuple
from efipolicy.plugin import Rule

if TYPE_CHECKING:
    from efipolicy.source import SourceSpan
    from efipolicy.source.document import Node, Scalar

OFF = "off"
DECLARED = "declared"


class Setting(NamedTuple):
    """What a policy says of the rules that a glob names; what is ``None`` it leaves as it was.

    ``severity`` is that of a finding, ``off``, or ``declared`` for the one the rule itself states.
    ``options`` are keys and values as written. ``by`` names the policy, or the configuration.
    """

    glob: str
    severity: str | None = None
    pinned: bool | None = None
    options: Mapping[str, tuple[Scalar, Node]] = {}
    by: str = ""
    span: SourceSpan | None = None


class Policy(NamedTuple):
    """A named list of settings, those of the policies it extends first.

    Of several globs that match a rule the last one counts. A policy of ``preview`` judges by rules
    that are new or stricter, too; one of ``native_strategy`` judges the mapping that a current
    kernel of the architecture would install where none is declared.
    """

    name: str
    summary: str
    settings: tuple[Setting, ...]
    preview: bool = False
    extends: tuple[str, ...] = ()
    native_strategy: bool = False


class Resolved(NamedTuple):
    """What the settings come to for one rule.

    ``pinned`` names the policy that lets nobody silence it, ``options`` are keys and values as
    written, and ``refused`` are the settings that would have undone a pin.
    """

    severity: Severity | None
    pinned: str | None
    options: Mapping[str, tuple[Scalar, Node]]
    refused: tuple[Setting, ...]


class Counted(NamedTuple):
    """The rules that are on, each with the severity of its findings.

    ``disqualifying`` recognise garbage and are among the ``rules``; they are asked first, in this
    order. The rules ``of_acceptances`` are asked last, about what the others found.
    """

    disqualifying: tuple[Rule, ...]
    rules: tuple[tuple[Rule, Severity], ...]
    of_acceptances: tuple[tuple[Rule, Severity], ...]


class Selection:
    """Policies, and ``--select``, ``--ignore`` and ``--preview`` of the command line on top.

    Policies apply in the order they are given, one that several extend only once. ``select`` leaves
    only what it names (and turns on, at its own severity, what the policies have turned off);
    ``ignore`` removes. Neither silences what a policy has pinned.
    """

    def __init__(
        self,
        policies: Iterable[Policy],
        *,
        select: Iterable[str] = (),
        ignore: Iterable[str] = (),
        preview: bool = False,
    ) -> None:
        policies = tuple(policies)
        self.settings = list(_each_policy_once(policies))
        self.select = tuple(select)
        self.ignore = tuple(ignore)
        self.preview = preview or any(policy.preview for policy in policies)
        self.native_strategy = any(policy.native_strategy for policy in policies)
        self._named: dict[str, list[int]] = {}
        self._globs: list[int] = []
        for place, setting in enumerate(self.settings):
            places = (
                self._globs if is_glob(setting.glob) else self._named.setdefault(setting[0], [])
            )
            places.append(place)
        self._resolved: dict[Rule, Resolved] = {}
        self._counted: tuple[tuple[Rule, ...], Counted] | None = None
        self._options: dict[Rule, Mapping[str, Any]] = {}

    def severity(self, rule: Rule) -> Severity | None:
        """The severity of a rule's findings, or ``None`` when the rule is off."""
        return self.resolved(rule).severity

    def counted(self, rules: Iterable[Rule]) -> Counted:
        """The rules that are on. Worked out once for all the inputs of a run."""
        rules = tuple(rules)
        if self._counted is None or self._counted[0] != rules:
            self._counted = rules, self._count(rules)
        return self._counted[1]

    def _count(self, rules: Iterable[Rule]) -> Counted:
        severities = ((rule, self.severity(rule)) for rule in rules)
        counted = [(rule, severity) for rule, severity in severities if severity is not None]
        disqualifying = [rule for rule, _ in counted if rule.disqualifies is not None]
        disqualifying.sort(key=lambda rule: (rule.disqualifies or 0, rule.id))
        return Counted(
            tuple(disqualifying),
            tuple([one for one in counted if "acceptances" not in one[0].facts]),
            tuple([one for one in counted if "acceptances" in one[0].facts]),
        )

    def pinned(self, rule: Rule) -> str | None:
        """The policy that lets nobody silence a rule, if there is one."""
        return self.resolved(rule).pinned

    def options(self, rule: Rule) -> Mapping[str, Any]:
        """The values of a rule's options by name: the policies', else the rule's defaults.

        A value that the option cannot have raises `InputError`; whoever makes a selection for
        people checks it first (`efipolicy.policy.checking`).
        """
        values = self._options.get(rule)
        if values is None:
            values = {option.name: option.default for option in rule.options}
            written = self.resolved(rule).options
            if written:
                from efipolicy.plugin.options import option_values

                values |= option_values(rule.options, written)
            self._options[rule] = values
        return values

    def resolved(self, rule: Rule) -> Resolved:
        """Everything the settings come to for a rule."""
        found = self._resolved.get(rule)
        if found is None:
            found = self._resolved[rule] = self._resolve(rule)
        return found

    def unmatched(self, rules: Iterable[Rule]) -> list[str]:
        """The globs of the command line that match no rule."""
        rules = list(rules)
        return [
            glob
            for glob in (*self.select, *self.ignore)
            if not any(matches(glob, rule) for rule in rules)
        ]

    def settings_of(self, rule: Rule) -> Iterator[Setting]:
        """The settings whose globs name a rule, by its id or one it had before, in their order."""
        places = {place for name in names_of(rule) for place in self._named.get(name, ())}
        places.update(p for p in self._globs if matches(self.settings[p].glob, rule))
        return (self.settings[place] for place in sorted(places))

    def _resolve(self, rule: Rule) -> Resolved:
        word, pinned = DECLARED, None
        options: dict[str, tuple[Scalar, Node]] = {}
        refused: list[Setting] = []
        for setting in self.settings_of(rule):
            held = _severity(word, rule)
            if held is None and setting.by != pinned:
                pinned = None  # a pin holds what is on
            stays = pinned is not None and setting.by != pinned
            if stays and held and _undoes(setting, held, options, rule):
                refused.append(setting)
                continue
            word = setting.severity or word
            options.update((n, o) for n, o in setting.options.items() if _has(rule, n))
            if setting.pinned is not None and not stays:
                pinned = setting.by if setting.pinned else None
        severity = _severity(word, rule)
        if severity is None:
            pinned = None
        if not pinned:
            severity = self._chosen(rule, severity)
        if rule.preview and not self.preview:
            severity, pinned = None, None
        return Resolved(severity, pinned, options, tuple(refused))

    def _chosen(self, rule: Rule, severity: Severity | None) -> Severity | None:
        """What ``select`` and ``ignore`` leave of a severity."""
        if any(matches(glob, rule) for glob in self.ignore):
            return None
        if self.select:
            if not any(matches(glob, rule) for glob in self.select):
                return None
            return severity or rule.severity
        return severity


def _each_policy_once(policies: Iterable[Policy]) -> Iterator[Setting]:
    """The settings in their order, those of a policy that several extend where it is first met.

    A second time it would undo what came between.
    """
    current: str | None = None
    seen: set[str] = set()
    for policy in policies:
        for setting in policy.settings:
            if setting.by != current and setting.by in seen:
                continue
            if setting.by:
                current = setting.by
                seen.add(current)
            yield setting


def is_glob(text: str) -> bool:
    """Whether a text names rules by a pattern, not one by its id."""
    return any(character in text for character in "*?[")


def names_of(rule: Rule) -> tuple[str, ...]:
    """The id of a rule, and those it had before."""
    return (rule.id, *rule.aliases)


def matches(glob: str, rule: Rule) -> bool:
    """Whether a glob names a rule, by its id or by one it had before."""
    if glob == "*":
        return True
    if not is_glob(glob):
        return glob == rule.id or glob in rule.aliases
    return any(fnmatchcase(name, glob) for name in names_of(rule))


def rules_by_name(rules: Iterable[Rule]) -> dict[str, Rule]:
    """Rules by id and by the ids they had before; a present id wins."""
    rules = list(rules)
    named = {alias: rule for rule in rules for alias in rule.aliases}
    return named | {rule.id: rule for rule in rules}


def _severity(word: str, rule: Rule) -> Severity | None:
    if word == OFF:
        return None
    return rule.severity if word == DECLARED else Severity(word)


def _has(rule: Rule, option: str) -> bool:
    return any(known.name == option for known in rule.options)


def _undoes(
    setting: Setting,
    held: Severity,
    options: Mapping[str, tuple[Scalar, Node]],
    rule: Rule,
) -> bool:
    """Whether a setting would lower, unpin or give other limits to a rule that is pinned."""
    if setting.severity is not None:
        severity = _severity(setting.severity, rule)
        if severity is None or severity.rank > held.rank:
            return True
    if setting.pinned is False:
        return True
    return any(
        _has(rule, name) and (name not in options or options[name][1].span.text != node.span.text)
        for name, (_, node) in setting.options.items()
    )
