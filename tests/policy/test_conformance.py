"""How a platform stands to each requirement."""

from __future__ import annotations

import pytest

from efipolicy.engine.linting import lint
from efipolicy.plugin.registry import Registry
from efipolicy.policy import Policy, Selection, Setting
from efipolicy.policy.conformance import Conformance, conformance
from efipolicy.policy.coverage import citations_of, coverage
from efipolicy.policy.requirements import load_requirements
from efipolicy.testing import factories


@pytest.fixture(scope="module")
def registry() -> Registry:
    return Registry()


def outcomes(
    registry: Registry, *lines: str, policy: tuple[tuple[str, str], ...] = (), **given: object
) -> dict[str, Conformance]:
    report, _ = lint(
        factories.platform(*lines, architecture="x86_64", **given),  # type: ignore[arg-type]
        registry.rules.values(),
        registry.architectures,
        Selection([Policy(name="p", summary="", settings=tuple(Setting(*one) for one in policy))]),
        path="p.yaml",
        today="2027-01-01",
    )
    requirements, _ = load_requirements(registry.requirements)
    covered = coverage(requirements, citations_of(registry)).covered
    return {item.code: item for item in conformance(covered, report)}


def test_every_requirement_has_one_outcome(registry: Registry) -> None:
    assert len(outcomes(registry, "EfiConventionalMemory 0x0 1 WB")) == 167


def test_a_requirement_whose_code_a_finding_carries_failed(registry: Registry) -> None:
    found = outcomes(registry, "EfiACPIMemoryNVS 0x7e000000 16 WB RUNTIME")
    assert found["UEFI-RT-003"] == Conformance(
        "UEFI-RT-003", "failed", ("uefi/runtime-bit-on-acpi-memory",)
    )
    assert found["UEFI-MAP-001"].outcome == "passed"


def test_a_requirement_whose_facts_are_absent_is_not_checked_and_says_which(
    registry: Registry,
) -> None:
    found = outcomes(registry, "EfiConventionalMemory 0x0 1 WB")
    assert found["UEFI-SVAM-001"].outcome == "not-checked"
    assert found["UEFI-SVAM-001"].needs == ("mapping",)


def test_another_architecture_s_requirement_is_not_applicable(registry: Registry) -> None:
    assert outcomes(registry, "EfiConventionalMemory 0x0 1 WB")["ARM64-001"].outcome == (
        "not-applicable"
    )


def test_what_the_policy_leaves_out_is_neither_passed_nor_not_checked(registry: Registry) -> None:
    found = outcomes(
        registry, "EfiConventionalMemory 0x0 1 WB", policy=(("uefi/zero-pages", "off"),)
    )
    assert found["UEFI-MAP-003"].outcome == "not-judged"


def test_what_no_rule_can_judge_is_called_so(registry: Registry) -> None:
    assert outcomes(registry, "EfiConventionalMemory 0x0 1 WB")["LOONG-001"].outcome == "no-rule"


def test_what_deserves_an_info_is_noted_and_did_not_fail(registry: Registry) -> None:
    found = outcomes(
        registry,
        "EfiRuntimeServicesCode 0x0 1 WB RUNTIME",
        "EfiRuntimeServicesCode 0x9000 1 WB RUNTIME",
    )
    assert found["UEFI-MAP-018"].outcome == "noted"
