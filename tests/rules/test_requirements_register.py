"""Register, rules and examples say the same: what is demanded, what checks it, what shows it."""

from __future__ import annotations

from pathlib import Path

import pytest

from efipolicy.plugin import Bad
from efipolicy.plugin.registry import Registry
from efipolicy.policy.coverage import (
    ACPI_GRANULARITY,
    RUNTIME_GRANULARITY,
    Citation,
    citations_of,
    coverage,
)
from efipolicy.policy.requirements import load_requirements
from efipolicy.testing.examples import RuleCase, examples_of

CODES = (Path(__file__).parent / "requirement_codes.txt").read_text().split()
ARCHITECTURES = {"x86_64", "arm64", "ia64", "i386", "arm32", "riscv64", "loongarch64"}

REGISTRY = Registry()
REQUIREMENTS, ERRORS = load_requirements(REGISTRY.requirements)
OURS = {r.code: r for r in REQUIREMENTS if r.distribution == "efipolicy"}
CITATIONS = [c for c in citations_of(REGISTRY) if c.distribution == "efipolicy"]
COVERAGE = coverage(OURS.values(), CITATIONS)
INSTANCES = {
    RUNTIME_GRANULARITY: {
        a.runtime_granularity.requirement for a in REGISTRY.architectures.values()
    },
    ACPI_GRANULARITY: {a.acpi_granularity.requirement for a in REGISTRY.architectures.values()},
}


def codes_shown_by(case: RuleCase) -> set[str]:
    """The requirements that the findings on an example carry.

    What breaks the unit of an architecture breaks the general requirement, whose instance it is.
    """
    shown = {code for f in case.findings() for code in f.requirements or case.rule.requirements}
    general = {code for code, instances in INSTANCES.items() if shown & instances}
    return shown | (general & {*case.rule.requirements})


@pytest.fixture(scope="module")
def shown() -> dict[str, set[str]]:
    """The codes that the bad examples of each rule fail because of."""
    codes: dict[str, set[str]] = {}
    for case in examples_of(REGISTRY):
        if isinstance(case.example, Bad):
            codes.setdefault(case.rule.id, set()).update(codes_shown_by(case))
    return codes


def test_the_register_can_be_read() -> None:
    assert ERRORS == []


def test_every_code_is_in_the_register_once() -> None:
    assert sorted(OURS) == sorted(CODES)
    assert len(CODES) == len(set(CODES)) == 167


@pytest.mark.parametrize("code", OURS)
def test_a_requirement_says_what_is_right_in_full_sentences(code: str) -> None:
    requirement = OURS[code]
    assert requirement.statement[:1].isupper() or requirement.statement.startswith("EFI")
    assert requirement.statement.endswith(".")
    assert len(requirement.statement.split()) >= 5
    assert requirement.source
    assert ARCHITECTURES.issuperset(requirement.architectures)


def test_no_two_requirements_say_the_same() -> None:
    assert len({r.statement for r in OURS.values()}) == len({r.name for r in OURS.values()}) == 167


def test_a_finding_carries_no_code_that_its_rule_is_not_known_to_check(
    shown: dict[str, set[str]],
) -> None:
    """What checks a code is derived from the rules, so it must not show in findings alone."""
    known = {(c.rule, c.code) for c in citations_of(REGISTRY)}
    strange = {(rule, code) for rule, codes in shown.items() for code in codes} - known
    assert strange == set()


@pytest.mark.parametrize("citation", CITATIONS, ids=lambda c: f"{c.code}-{c.rule}")
def test_a_rule_has_an_example_that_fails_because_of_each_code_it_cites(
    citation: Citation, shown: dict[str, set[str]]
) -> None:
    assert citation.code in shown[citation.rule]


def test_what_models_a_requirement_is_named() -> None:
    for requirement in OURS.values():
        if requirement.modelled:
            assert requirement.modelled.by, requirement.code


def test_every_requirement_is_in_exactly_one_state() -> None:
    assert COVERAGE.problems == ()
    assert {item.state for item in COVERAGE.covered} <= {"checked", "modelled", "not-checkable"}


def test_at_least_120_requirements_are_checked_or_modelled() -> None:
    states = [item.state for item in COVERAGE.covered]
    assert states.count("checked") + states.count("modelled") >= 120
