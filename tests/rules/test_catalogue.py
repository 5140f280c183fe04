"""What the catalogue of requirements promises, through a whole lint under policy ``strict``.

A rule alone may find what another one silences; here every rule counts.
"""

from __future__ import annotations

from functools import cache

import pytest

from efipolicy.api import load_registry, selection_of
from efipolicy.engine.linting import lint
from efipolicy.engine.planning import planner_of
from efipolicy.model.finding import InputReport, Severity
from efipolicy.plugin import Bad
from efipolicy.plugin.registry import Registry
from efipolicy.policy.coverage import citations_of, coverage
from efipolicy.policy.requirements import load_requirements
from efipolicy.testing.examples import EXAMPLE_DAY, RuleCase, examples_of, other_boots


@cache
def registry() -> Registry:
    return load_registry()


@cache
def cases_of(rule: str) -> list[RuleCase]:
    return examples_of([registry().rules[rule]], architectures=registry().architectures)


@cache
def report_on(rule: str, place: int) -> InputReport:
    case = cases_of(rule)[place]
    platform = case.platform
    report, errors = lint(
        platform,
        registry().rules.values(),
        registry().architectures,
        selection_of(registry(), policies=["strict"]),
        path="example.yaml",
        today=EXAMPLE_DAY,
        planner=planner_of(platform, registry(), []),
        other_boots=other_boots(case.example, case.rule),
    )
    assert errors == []
    return report


def checked_by() -> list[tuple[str, str, tuple[str, ...]]]:
    requirements, errors = load_requirements(registry().requirements)
    assert errors == []
    return [
        (item.requirement.code, item.requirement.severity.value, item.by)
        for item in coverage(requirements, citations_of(registry())).covered
        if item.state == "checked"
    ]


CHECKED = checked_by()


@pytest.mark.parametrize(
    ("code", "by"), [(code, by) for code, _, by in CHECKED], ids=[code for code, _, _ in CHECKED]
)
def test_a_failing_example_yields_a_finding_with_the_code(code: str, by: tuple[str, ...]) -> None:
    assert any(
        code in finding.requirements
        for rule in by
        for place, case in enumerate(cases_of(rule))
        if isinstance(case.example, Bad)
        for finding in report_on(rule, place).findings
    )


@pytest.mark.parametrize(
    ("code", "severity", "by"), CHECKED, ids=[checked[0] for checked in CHECKED]
)
def test_the_finding_is_as_grave_as_the_catalogue_says(
    code: str, severity: str, by: tuple[str, ...]
) -> None:
    """Where the catalogue names two severities there are two rules, and one has the graver.

    A finding that breaks two requirements at once is as grave as the graver of them.
    """
    found = {
        finding.severity
        for rule in by
        for place, _ in enumerate(cases_of(rule))
        for finding in report_on(rule, place).findings
        if code in finding.requirements
    }
    assert Severity(severity) in found


@pytest.mark.parametrize("rule", sorted(registry().rules))
def test_a_passing_example_passes_beside_every_other_rule(rule: str) -> None:
    for place, case in enumerate(cases_of(rule)):
        if not isinstance(case.example, Bad):
            report = report_on(rule, place)
            assert [f.finding.message for f in report.findings if f.rule == rule] == []
