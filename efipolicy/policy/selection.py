"""Globs of rule ids and the severities they are given."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

from efipolicy.model.finding import Severity
from efipolicy.plugin import Rule

OFF = "off"
DECLARED = "declared"


class Policy(NamedTuple):
    """A named list of settings; of several globs that match a rule the last one counts.

    A setting is a severity, ``off``, or ``declared`` for the severity the rule itself states.
    """

    name: str
    summary: str
    settings: tuple[tuple[str, str], ...]


class Selection:
    """Policies and the command line's ``--select`` and ``--ignore`` taken together.

    Policies apply in the order they are given. ``--select`` leaves only what it names (and turns
    on, at its own severity, what the policies have turned off); ``--ignore`` removes.
    """

    def __init__(
        self, policies: Iterable[Policy], *, select: Iterable[str] = (), ignore: Iterable[str] = ()
    ) -> None:
        self.settings = [setting for policy in policies for setting in policy.settings]
        self.select = tuple(select)
        self.ignore = tuple(ignore)

    def severity(self, rule: Rule) -> Severity | None:
        """The severity of a rule's findings, or ``None`` when the rule is off."""
        if any(fnmatchcase(rule.id, glob) for glob in self.ignore):
            return None
        setting = DECLARED
        for glob, value in self.settings:
            if fnmatchcase(rule.id, glob):
                setting = value
        if self.select:
            if not any(fnmatchcase(rule.id, glob) for glob in self.select):
                return None
            if setting == OFF:
                setting = DECLARED
        if setting == OFF:
            return None
        return rule.severity if setting == DECLARED else Severity(setting)

    def options(self, rule: Rule) -> Mapping[str, Any]:
        """The values of a rule's options, by name."""
        return {option.name: option.default for option in rule.options}

    def unmatched(self, rules: Iterable[Rule]) -> list[str]:
        """The globs of the command line that match no rule."""
        ids = [rule.id for rule in rules]
        return [
            glob
            for glob in (*self.select, *self.ignore)
            if not any(fnmatchcase(id, glob) for id in ids)
        ]
