"""What the engine promises beyond what single rules find."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from efipolicy.engine.linting import lint
from efipolicy.formats.platform import read_platform
from efipolicy.model.finding import Confidence, Finding, InputReport, Severity
from efipolicy.model.memory_map import MemoryMap
from efipolicy.model.platform import Platform
from efipolicy.plugin import Rule, rule
from efipolicy.plugin.registry import Registry
from efipolicy.policy import Policy, Selection
from efipolicy.source import SourceText

ALL = Policy(name="all", summary="", settings=())


def platform_of(*rows: str, header: str = "architecture: x86_64", more: str = "") -> Platform:
    lines = "\n".join(f"    - {{{row}}}" for row in rows) or "    []"
    text = (
        f"efipolicy: 1\nplatform: {{name: p, {header}}}\n"
        f"memory_map:\n  extent: whole\n  origin: firmware\n  descriptors:\n{lines}\n{more}"
    )
    platform, errors = read_platform(SourceText("p.yaml", text))
    assert errors == []
    assert platform is not None
    return platform


def judged(
    platform: Platform,
    registry: Registry,
    *rules: Rule,
    selection: Selection | None = None,
    today: str = "2026-01-01",
) -> InputReport:
    report, errors = lint(
        platform,
        rules or registry.rules.values(),
        registry.architectures,
        selection or Selection([ALL]),
        path="p.yaml",
        today=today,
    )
    assert errors == []
    return report


def ids(report: InputReport) -> list[str]:
    return [finding.rule for finding in report.findings]


def every_descriptor(name: str, **named: Any) -> Rule:
    """A rule that reports every descriptor it is shown."""
    named.setdefault("severity", Severity.ERROR)

    def check(memory_map: MemoryMap) -> Iterator[Finding]:
        """Reports everything."""
        return (Finding(descriptor, "seen") for descriptor in memory_map.descriptors)

    return rule(name, requirements=(), sources=(), help="", examples=(), **named)(check)


SOUND = "type: EfiConventionalMemory, physical_start: 0x100000, pages: 1, attribute: [WB]"
UNKNOWN = "type: EfiMemoryMappedIO, physical_start: 0xfec00000, pages: 1"
WRAPS = "type: 6, physical_start: 0xfffffffffffff000, pages: 2, attribute: [RUNTIME]"


def test_garbage_is_reported_once_and_shown_to_no_later_rule(registry: Registry) -> None:
    report = judged(platform_of(SOUND, WRAPS), registry)
    about = [f for f in report.findings if f.span and f.span.line == 8]
    assert [finding.rule for finding in about] == ["uefi/range-wraps-address-space"]


def test_what_a_rule_that_is_off_would_set_aside_is_judged_by_the_others(
    registry: Registry,
) -> None:
    """Otherwise a descriptor would be judged by nobody and the map would pass."""
    strange = "type: 0x20, physical_start: 0x100000, pages: 4, attribute: [RUNTIME]"
    platform = platform_of(strange, strange.replace("0x100000", "0x101000"))
    assert ids(judged(platform, registry)) == ["uefi/unassigned-memory-type"] * 2
    selection = Selection([ALL], select=["uefi/overlapping-descriptors"])
    assert ids(judged(platform, registry, selection=selection)) == ["uefi/overlapping-descriptors"]


def test_every_rule_of_the_policy_ends_in_exactly_one_way(registry: Registry) -> None:
    for platform in (platform_of(SOUND), platform_of(SOUND, UNKNOWN, WRAPS), platform_of()):
        checked = judged(platform, registry).checked
        ended = [
            *checked.passed,
            *checked.failed,
            *checked.not_applicable,
            *(item.rule for item in checked.not_checked),
        ]
        assert sorted(ended) == sorted(registry.rules)


def test_what_the_input_does_not_state_is_not_checked_and_named(registry: Registry) -> None:
    checked = judged(platform_of(SOUND), registry).checked
    needs = {item.rule: item.needs for item in checked.not_checked}
    assert needs["uefi/type-newer-than-revision"] == "platform.uefi"
    assert needs["uefi/unsorted-mat"] == (
        "memory_attributes_table, the whole memory_attributes_table"
    )
    assert "uefi/unsorted-mat" not in checked.passed


def test_a_descriptor_of_unknown_attribute_is_never_passed(registry: Registry) -> None:
    checked = judged(platform_of(SOUND, UNKNOWN), registry).checked
    needs = {item.rule: item.needs for item in checked.not_checked}
    assert needs["uefi/runtime-region-without-cacheability"] == (
        "memory_map.descriptors[].attribute (1 unknown)"
    )
    assert "uefi/overlapping-descriptors" in checked.passed


def test_a_found_violation_counts_although_other_attributes_are_unknown(registry: Registry) -> None:
    bad = "type: EfiMemoryMappedIO, physical_start: 0xfed00000, pages: 1, attribute: [RUNTIME]"
    report = judged(platform_of(UNKNOWN, bad), registry)
    assert "uefi/runtime-region-without-cacheability" in report.checked.failed


def test_a_rule_of_another_architecture_does_not_apply(registry: Registry) -> None:
    checked = judged(platform_of(SOUND), registry).checked
    assert "arm64/mixed-cacheability-in-64k-page" in checked.not_applicable


def test_an_unknown_architecture_leaves_its_rules_unchecked(registry: Registry) -> None:
    report = judged(platform_of(SOUND, header="architecture: unknown"), registry)
    needs = {item.rule: item.needs for item in report.checked.not_checked}
    assert needs["arm64/mixed-cacheability-in-64k-page"] == "platform.architecture"
    assert needs["uefi/runtime-region-breaks-granularity"] == "platform.architecture"


def test_where_only_the_dialect_suggests_the_architecture_its_rules_warn_at_most(
    registry: Registry,
) -> None:
    general, special = every_descriptor("t/a"), every_descriptor("t/b", architectures=("arm64",))
    reason = "architecture_reason: {kind: dialect, evidence: its lines}"
    guessed = platform_of(SOUND, header=f"architecture: arm64, {reason}")
    found = {f.rule: f for f in judged(guessed, registry, general, special).findings}
    assert (found["t/a"].severity, found["t/a"].confidence) == (
        Severity.ERROR,
        Confidence.CERTAIN,
    )
    assert (found["t/b"].severity, found["t/b"].confidence) == (
        Severity.WARNING,
        Confidence.POSSIBLE,
    )
    stated = platform_of(SOUND, header="architecture: arm64")
    assert judged(stated, registry, special).findings[0].severity is Severity.ERROR


def test_the_same_fault_seen_by_two_rules_is_reported_once(registry: Registry) -> None:
    first = every_descriptor("t/a")
    second = every_descriptor("t/b", unless=("t/a",))
    assert ids(judged(platform_of(SOUND), registry, second, first)) == ["t/a"]
    without = Selection([ALL], ignore=["t/a"])
    assert ids(judged(platform_of(SOUND), registry, first, second, selection=without)) == ["t/b"]


def test_findings_come_in_the_order_of_the_input_gravest_first(registry: Registry) -> None:
    info = every_descriptor("t/a", severity=Severity.INFO)
    error = every_descriptor("t/b")
    other = SOUND.replace("0x100000", "0x200000")
    report = judged(platform_of(SOUND, other), registry, info, error)
    assert ids(report) == ["t/b", "t/a", "t/b", "t/a"]


def test_a_rule_that_raises_is_a_plugins_failure_and_nothing_it_judged_passed(
    registry: Registry,
) -> None:
    def check(memory_map: MemoryMap) -> Iterator[Finding]:
        """Fails."""
        yield Finding(memory_map.descriptors[0], "fine")
        raise KeyError("oops")

    broken = rule(
        "t/x", severity=Severity.ERROR, requirements=(), sources=(), help="", examples=()
    )(check)
    rules = [broken, every_descriptor("t/y")]
    report, errors = lint(
        platform_of(SOUND),
        rules,
        registry.architectures,
        Selection([ALL]),
        path="p.yaml",
        today="2026-01-01",
    )
    assert [str(error) for error in errors] == ["p.yaml: rule t/x failed: KeyError: 'oops'"]
    assert [item.rule for item in report.checked.not_checked] == ["t/x"]
    assert ids(report) == ["t/y"]


ACCEPT = "accept:\n  - {rule: t/a, at: 0x100800, reason: known, owner: me, until: 2026-06-30}\n"


@pytest.mark.parametrize(("today", "accepted"), [("2026-06-30", True), ("2026-07-01", False)])
def test_an_acceptance_holds_to_its_last_day(
    registry: Registry, today: str, accepted: bool
) -> None:
    other = SOUND.replace("0x100000", "0x200000")
    platform = platform_of(SOUND, other, more=ACCEPT)
    report = judged(platform, registry, every_descriptor("t/a"), today=today)
    assert [finding.accepted is not None for finding in report.findings] == [accepted, False]


def test_a_fingerprint_survives_a_moved_base_and_tells_neighbours_apart(
    registry: Registry,
) -> None:
    every = every_descriptor("t/a")
    moved: Callable[[str], str] = lambda row: row.replace("0x1", "0x7")  # noqa: E731
    other = SOUND.replace("0x100000", "0x180000")
    before = [f.fingerprint for f in judged(platform_of(SOUND, other), registry, every).findings]
    after = [
        f.fingerprint
        for f in judged(platform_of(moved(SOUND), moved(other)), registry, every).findings
    ]
    assert before == after
    assert len(set(before)) == 2


def test_without_a_memory_map_nothing_about_one_has_passed(registry: Registry) -> None:
    platform = replace(platform_of(), memory_map=MemoryMap())
    checked = judged(platform, registry).checked
    assert "uefi/overlapping-descriptors" not in checked.passed
    needs = {item.rule: item.needs for item in checked.not_checked}
    assert needs["uefi/overlapping-descriptors"] == "memory_map"
    assert "uefi/overlapping-descriptors" in judged(platform_of(), registry).checked.passed


def test_what_a_rule_could_not_judge_has_not_passed(registry: Registry) -> None:
    tables = "configuration_tables: [{table: ACPI_20, address: 0x5000000}]\n"
    whole = platform_of(SOUND, more=tables)
    part = replace(whole, memory_map=replace(whole.memory_map, extent="partial"))
    needs = {item.rule: item.needs for item in judged(part, registry).checked.not_checked}
    assert needs["uefi/acpi-table-outside-acpi-memory"] == "memory_map.extent: whole, acpi_tables"
    assert "uefi/configuration-table-outside-map" in judged(whole, registry).checked.failed


def test_entries_of_unknown_attribute_have_not_passed(registry: Registry) -> None:
    entry = "{type: EfiRuntimeServicesCode, physical_start: 0x1000, pages: 2}"
    table = f"memory_attributes_table:\n  entries: [{entry}, {entry}]\n"
    checked = judged(platform_of(SOUND, more=table), registry).checked
    assert "uefi/overlapping-mat-entries" not in checked.passed
    assert "uefi/mat-entry-with-other-attributes" not in checked.passed


def test_a_fault_that_another_rule_reports_is_no_pass(registry: Registry) -> None:
    first = every_descriptor("t/a")
    second = every_descriptor("t/b", unless=("t/a",))
    assert judged(platform_of(SOUND), registry, second, first).checked.failed == ("t/b", "t/a")


def test_no_two_findings_of_a_report_have_one_fingerprint(registry: Registry) -> None:
    more = (
        "memory_attributes_table:\n  entries:\n"
        "    - {type: EfiLoaderCode, physical_start: 0x1000, pages: 2, attribute: [RUNTIME]}\n"
        "    - {type: EfiLoaderCode, physical_start: 0x9000, pages: 2, attribute: [RUNTIME]}\n"
        "configuration_tables:\n"
        "  - {table: SMBIOS, address: 0x5000000}\n  - {table: SMBIOS3, address: 0x6000000}\n"
        "  - {table: SMBIOS3, address: 0x6000000}\n"
    )
    report = judged(platform_of(SOUND, SOUND, SOUND, more=more), registry)
    fingerprints = [finding.fingerprint for finding in report.findings]
    assert len(fingerprints) > 6
    assert len(set(fingerprints)) == len(fingerprints)


def test_a_rule_that_yields_something_else_is_a_plugins_failure(registry: Registry) -> None:
    def check(memory_map: MemoryMap) -> Iterator[Any]:
        """A page."""
        yield memory_map

    broken = rule(
        "t/x", severity=Severity.ERROR, requirements=(), sources=(), help="", examples=()
    )(check)
    _, errors = lint(
        platform_of(SOUND), [broken], {}, Selection([ALL]), path="p.yaml", today="2026-01-01"
    )
    assert "rule t/x failed: TypeError" in str(errors[0])


def test_a_condition_is_no_parameter() -> None:
    def check(whole_map: object) -> Iterator[Finding]:
        """A page."""
        yield from ()

    with pytest.raises(ValueError, match="asks for unknown facts: whole_map"):
        rule("t/x", severity=Severity.INFO, requirements=(), sources=(), help="", examples=())(
            check
        )


def test_an_unknown_fact_is_a_mistake_in_the_rule() -> None:
    def check(weather: object) -> Iterator[Finding]:
        """A page."""
        yield from ()

    with pytest.raises(ValueError, match="rule t/x asks for unknown facts: weather"):
        rule("t/x", severity=Severity.INFO, requirements=(), sources=(), help="", examples=())(
            check
        )
