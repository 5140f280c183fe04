"""The installed rules and what they check, as text and as version 1 of ``efipolicy rules``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final

from efipolicy.errors import EfipolicyError
from efipolicy.named_tuple import NamedTuple
from efipolicy.plugin import Rule
from efipolicy.plugin.registry import Plugin
from efipolicy.policy.coverage import Coverage, Covered, State
from efipolicy.reporters.lint_json import JsonObject, dump, error_json

STATE_WORDS: Final[dict[State | None, str]] = {
    "checked": "checked",
    "modelled": "modelled",
    "not-checkable": "not checkable",
    None: "not covered",
}
"""How people are told the state of a requirement."""


class RuleBook(NamedTuple):
    """What to print: rules with the plugin behind each, requirements, and what went wrong.

    ``chosen``: somebody named rules or requirements, and wants to see all of those.
    """

    rules: tuple[Rule, ...]
    owners: Mapping[str, Plugin]
    coverage: Coverage
    errors: tuple[EfipolicyError, ...] = ()
    chosen: bool = False


def rules_text(book: RuleBook, *, verbose: bool = False) -> str:
    """The rules pack by pack, then the requirements no rule checks, then a count.

    The requirements somebody asked for are shown whoever checks them.
    """
    lines: list[str] = []
    for pack in dict.fromkeys(rule.pack for rule in book.rules):
        rules = [rule for rule in book.rules if rule.pack == pack]
        point = book.owners[rules[0].id].entry_point
        counted = "1 rule" if len(rules) == 1 else f"{len(rules)} rules"
        lines += [f"{pack}: {counted} ({point.distribution} {point.version})"]
        lines += [*_indented(_aligned(map(_rule_row, rules))), ""]
    shown = [item for item in book.coverage.covered if book.chosen or item.state != "checked"]
    if shown:
        lines += ["requirements:" if book.chosen else "requirements that no rule checks:"]
        lines += [*_indented(_requirement_lines(shown, verbose=verbose)), ""]
    return _ended(lines, book)


def requirements_text(book: RuleBook, *, verbose: bool = False) -> str:
    """Every requirement with its level, its state and what checks it, then a count."""
    lines = _requirement_lines(book.coverage.covered, verbose=verbose)
    return _ended([*lines, ""] if lines else [], book)


def summary_text(book: RuleBook) -> str:
    """The count alone."""
    return _ended([], book)


def _ended(lines: list[str], book: RuleBook) -> str:
    problems = [f"problem: {problem}" for problem in book.coverage.problems]
    return "\n".join([*lines, *problems, summary_line(book.coverage.covered)]) + "\n"


def summary_line(covered: tuple[Covered, ...]) -> str:
    """How many requirements there are, and how many of them are in each state."""
    counts = Counter(item.state for item in covered)
    states = ", ".join(
        f"{counts[state]} {word}" for state, word in STATE_WORDS.items() if state or counts[state]
    )
    return f"{len(covered)} requirement{'' if len(covered) == 1 else 's'}: {states}"


def _rule_row(rule: Rule) -> tuple[str, ...]:
    notes = [] if rule.fix == "none" else [f"{rule.fix} fix"]
    notes += ["preview"] if rule.preview else []
    summary = f"{rule.summary} ({', '.join(notes)})" if notes else rule.summary
    return (rule.severity.value, rule.id, ", ".join(rule.requirements), summary)


def _requirement_lines(covered: Iterable[Covered], *, verbose: bool) -> list[str]:
    covered = list(covered)
    lines = _aligned(map(_requirement_row, covered))
    if not verbose:
        return lines
    return [
        line
        for item, row in zip(covered, lines, strict=True)
        for line in (row, f"  {item.requirement.statement}")
    ]


def _requirement_row(item: Covered) -> tuple[str, ...]:
    requirement = item.requirement
    told = ": ".join(filter(None, (", ".join(item.by), item.reason)))
    return (requirement.code, requirement.level, STATE_WORDS[item.state], told or requirement.name)


def _aligned(rows: Iterable[tuple[str, ...]]) -> list[str]:
    """Rows as lines whose columns stand below each other."""
    table = list(rows)
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in table
    ]


def _indented(lines: Iterable[str]) -> list[str]:
    return [f"  {line}" for line in lines]


def rules_json(book: RuleBook) -> str:
    """One JSON object, indented, with a final line end."""
    value: JsonObject = {
        "version": 1,
        "rules": [_rule_json(rule, book.owners[rule.id]) for rule in book.rules],
        "requirements": [_requirement_json(item) for item in book.coverage.covered],
    }
    if book.coverage.problems:
        value["problems"] = list(book.coverage.problems)
    if book.errors:
        value["errors"] = [error_json(error) for error in book.errors]
    return dump(value)


def _rule_json(rule: Rule, owner: Plugin) -> JsonObject:
    return {
        "id": rule.id,
        "summary": rule.summary,
        "severity": rule.severity.value,
        "architectures": sorted(rule.architectures),
        "requirements": list(rule.requirements),
        "fix": rule.fix,
        "plugin": owner.name,
        "since": rule.since,
        "aliases": list(rule.aliases),
        "preview": rule.preview,
    }


def _requirement_json(item: Covered) -> JsonObject:
    requirement = item.requirement
    return {
        "code": requirement.code,
        "level": requirement.level,
        "state": item.state,
        "by": list(item.by),
        "reason": item.reason,
        "name": requirement.name,
        "statement": requirement.statement,
        "severity": requirement.severity.value,
        "source": list(requirement.source),
        "since": requirement.since,
        "changed": requirement.changed,
        "verified": requirement.verified,
        "architectures": list(requirement.architectures),
    }
