"""How a platform stands to each requirement: the evidence a vendor hands to a customer."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, TypeAlias

from efipolicy.model.finding import InputReport, Severity
from efipolicy.named_tuple import NamedTuple
from efipolicy.policy.coverage import Covered

Outcome: TypeAlias = Literal[
    "failed", "noted", "passed", "not-checked", "not-applicable", "not-judged", "no-rule"
]


class Conformance(NamedTuple):
    """How one requirement ended on one input.

    ``noted``: nothing graver than an info was found. ``not-checked``: an input lacks facts, which
    ``needs`` names, for all or some of the rules; ``not-judged``: the policy leaves its rules out;
    ``no-rule``: no declaration can show it, or something else than a rule models it. ``rules`` are
    those that decided.
    """

    code: str
    outcome: Outcome
    rules: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()


def conformance(covered: Iterable[Covered], report: InputReport) -> tuple[Conformance, ...]:
    """Each requirement's outcome on an input.

    A requirement failed when a finding carries its code, accepted or not: a rule may judge several
    requirements. It passed when every rule that checks it ran to its end and had nothing to say.
    """
    checked = report.checked
    needs = {item.rule: item.needs for item in checked.not_checked}
    failing: dict[str, dict[str, None]] = {}
    grave: set[str] = set()
    for finding in report.findings:
        for code in finding.requirements:
            failing.setdefault(code, {})[finding.rule] = None
            if finding.severity is not Severity.INFO:
                grave.add(code)
    return tuple(
        _outcome(
            item,
            tuple(failing.get(item.requirement.code, ())),
            grave=item.requirement.code in grave,
            judged={*checked.passed, *checked.failed},
            needs=needs,
            not_applicable={*checked.not_applicable},
        )
        for item in covered
    )


def _outcome(
    item: Covered,
    failing: tuple[str, ...],
    *,
    grave: bool,
    judged: set[str],
    needs: dict[str, str],
    not_applicable: set[str],
) -> Conformance:
    code = item.requirement.code
    if failing:
        return Conformance(code, "failed" if grave else "noted", failing)
    if item.state != "checked":
        return Conformance(code, "no-rule")
    lacking = tuple(rule for rule in item.by if rule in needs)
    if lacking:
        return Conformance(
            code, "not-checked", lacking, tuple(dict.fromkeys(needs[rule] for rule in lacking))
        )
    passed = tuple(rule for rule in item.by if rule in judged)
    if passed:
        return Conformance(code, "passed", passed)
    foreign = tuple(rule for rule in item.by if rule in not_applicable)
    if foreign:
        return Conformance(code, "not-applicable", foreign)
    return Conformance(code, "not-judged", item.by)
