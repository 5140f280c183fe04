"""What operating systems declare, and what plans tell SetVirtualAddressMap."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

import pytest

import efipolicy_policies
from efipolicy.engine.linting import lint
from efipolicy.engine.planning import planner_of
from efipolicy.formats.platform import read_platform
from efipolicy.model.finding import InputReport
from efipolicy.model.platform import Platform
from efipolicy.plugin import AddressRange, EfipolicyError, Finding, Severity
from efipolicy.plugin.registry import Registry
from efipolicy.policy import Selection
from efipolicy.source import SourceText
from efipolicy.testing import ExampleError, platform

Found = Callable[..., tuple[int, ...]]
Findings = Callable[..., list[Finding]]

CODE = "EfiRuntimeServicesCode 0x7f000000 32 RUNTIME WB"
DATA = "EfiRuntimeServicesData 0x7f100000 16 RUNTIME WB"
FLASH = "EfiMemoryMappedIO 0xffc00000 0x400 RUNTIME UC"
LOADER = "EfiBootServicesData 0x7a000000 16 WB"

CODES = {
    "UEFI-MAP-014",
    "UEFI-MAP-015",
    "UEFI-MAP-016",
    "UEFI-MAP-017",
    "UEFI-MAP-022",
    "UEFI-MAP-024",
    "UEFI-ATTR-012",
    "UEFI-RT-014",
    "UEFI-RT-015",
    "UEFI-RT-016",
    "UEFI-RT-017",
    "UEFI-CFG-019",
    *(f"UEFI-SVAM-{number:03}" for number in range(1, 20)),
}

QUIET = {"uefi/set-virtual-address-map-never-called", "uefi/virtual-map-entry-without-runtime"}
"""What speaks up on healthy mappings, as info and under ``strict`` only."""


def entries(*lines: str, more: str = "") -> str:
    """One mapping with a virtual map: each line is physical start, virtual start and pages."""
    items = []
    for line in lines:
        physical, virtual, pages, *attribute = line.split()
        bits = f", attribute: [{', '.join(attribute)}]" if attribute else ""
        place = "" if virtual == "?" else f"virtual_start: {virtual}, "
        items.append(f"{{type: 6, physical_start: {physical}, {place}pages: {pages}{bits}}}")
    return f"mapping: [{{os: a, virtual_map: [{', '.join(items)}]{more}}}]"


def judged(registry: Registry, given: Platform) -> InputReport:
    """The report of the rules these tests are about, each at the severity it declares."""
    problems: list[EfipolicyError] = []
    rules = [rule for rule in registry.rules.values() if CODES & set(rule.requirements)]
    report, errors = lint(
        given,
        rules,
        registry.architectures,
        Selection([]),
        path="example.yaml",
        today="2030-01-01",
        planner=planner_of(given, registry, problems),
    )
    assert problems + errors == []
    return report


def rules_of(report: InputReport) -> list[str]:
    return [finding.rule for finding in report.findings]


def not_checked(report: InputReport, rule: str) -> str | None:
    needs = {item.rule: item.needs for item in report.checked.not_checked}
    return needs.get(rule)


def reference_platform(name: str) -> Platform:
    path = Path(efipolicy_policies.__file__).parent / "platforms" / f"{name}.yaml"
    given, errors = read_platform(SourceText(str(path), path.read_text()))
    assert given is not None
    assert errors == []
    return given


IDENTITY = """
mapping:
  - os: linux
    strategy: identity
    exit_boot_services: {by: stub}
    set_virtual_address_map: {calls: never}
    calls: {serialised: true, stack_bytes: 8192, stack_alignment: 16, protection_from: mat,
            addresses: physical, machine_check_map: same}
    usable_memory: {types: [1, 2, 3, 4, 7], before_acpi: [1, 2, 3, 4, 7]}
    kexec: [{strategy: identity, kind: kexec}, {strategy: identity, kind: crash}]
  - {os: everything, strategy: identity, options: {regions: all}}
"""
TOPDOWN = """
mapping:
  - os: linux
    strategy: x86-topdown
    exit_boot_services: {by: stub}
    set_virtual_address_map: {calls: once, when: after-exit-boot-services, by: kernel,
                              under: identity, entries: whole, processors: quiet,
                              protection: after}
    calls: {serialised: true, stack_bytes: 4096, stack_alignment: 16, protection_from: mat,
            addresses: virtual, machine_check_map: same}
    usable_memory: {types: [1, 2, 3, 4, 7, 9], before_acpi: [7]}
  - os: linux
    strategy: x86-topdown
    options: {kernel: "4.3"}
    kexec:
      - strategy: x86-topdown
        kind: kexec
        set_virtual_address_map: {calls: never}
        calls: {addresses: virtual}
      - {strategy: x86-topdown, kind: crash}
"""


@pytest.mark.parametrize(
    ("name", "sections"),
    [
        ("ovmf-x86_64", IDENTITY),
        ("ovmf-x86_64", TOPDOWN),
        ("aavmf-arm64", IDENTITY),
        ("hp-rx8620-ia64", IDENTITY),
    ],
)
def test_healthy_firmware_and_a_correct_strategy_are_quiet(
    registry: Registry, name: str, sections: str
) -> None:
    mapping = platform(sections=sections).mapping
    report = judged(registry, replace(reference_platform(name), mapping=mapping))
    assert set(rules_of(report)) <= QUIET
    assert {finding.severity for finding in report.findings} <= {Severity.INFO}


@pytest.mark.parametrize("name", ["ovmf-x86_64", "aavmf-arm64"])
def test_the_reference_platforms_as_shipped_are_quiet(registry: Registry, name: str) -> None:
    assert set(rules_of(judged(registry, reference_platform(name)))) <= QUIET


def test_misaligned_firmware_memory_is_not_blamed_on_the_virtual_map(registry: Registry) -> None:
    report = judged(registry, reference_platform("broken-x86_64"))
    assert "uefi/misaligned-virtual-map-entry" not in rules_of(report)


# Several mappings, and kernels that follow each other


def test_each_mapping_is_judged_by_itself(findings: Findings) -> None:
    both = findings(
        "uefi/concurrent-runtime-calls",
        sections="""
mapping:
  - {os: a, calls: {serialised: false}}
  - {os: b, calls: {serialised: true}}
  - {os: c, calls: {serialised: false}}
""",
    )
    assert len({id(finding.subject) for finding in both}) == 2


def test_a_mapping_that_says_nothing_is_not_passed(registry: Registry) -> None:
    given = platform(
        sections="mapping: [{os: a, calls: {serialised: true}}, {os: b, strategy: identity}]",
        architecture="arm64",
    )
    needs = not_checked(judged(registry, given), "uefi/concurrent-runtime-calls")
    assert needs == "mapping[].calls.serialised"


def test_the_list_of_a_kernel_started_by_kexec_is_not_given_to_firmware_again(
    found: Found,
) -> None:
    sections = """
mapping:
  - os: a
    virtual_map: [{type: 5, physical_start: 0x7f000000, virtual_start: 0x20000000, pages: 32}]
    kexec: [{virtual_map: [{type: 5, physical_start: 0x1000, virtual_start: 0x400, pages: 1}]}]
"""
    for rule in ("misaligned-virtual-map-entry", "foreign-entry-in-virtual-map"):
        assert found(f"uefi/{rule}", CODE, sections=sections) == ()


def test_a_kernel_that_follows_a_physical_one_gives_firmware_its_own_list(found: Found) -> None:
    sections = """
mapping:
  - os: a
    set_virtual_address_map: {calls: never}
    kexec: [{virtual_map: [{type: 5, physical_start: 0x1000, virtual_start: 0x400, pages: 1}]}]
"""
    assert found("uefi/misaligned-virtual-map-entry", CODE, sections=sections) == (0,)


def test_a_missing_region_is_told_once_for_a_chain_of_equal_kernels(found: Found) -> None:
    sections = """
mapping:
  - os: a
    virtual_map: [{type: 5, physical_start: 0x7f000000, virtual_start: 0x20000000, pages: 32}]
    kexec:
      - virtual_map: [{type: 5, physical_start: 0x7f000000, virtual_start: 0x20000000, pages: 32}]
"""
    rule = "uefi/runtime-descriptor-missing-from-virtual-map"
    assert found(rule, CODE, DATA, sections=sections) == (2,)


def test_a_physical_kernel_after_a_virtual_one_calls_into_nothing(findings: Findings) -> None:
    (finding,) = findings(
        "uefi/physical-call-after-set-virtual-address-map",
        CODE,
        architecture="x86_64",
        sections="""
mapping:
  - strategy: x86-topdown
    set_virtual_address_map: {calls: once}
    calls: {addresses: virtual}
    kexec:
      - strategy: identity
        set_virtual_address_map: {calls: never}
        calls: {addresses: physical}
""",
    )
    assert finding.subject.located is not None
    assert finding.subject.located.span.line == 9


def test_a_layout_at_physical_addresses_serves_the_next_kernel_too(found: Found) -> None:
    sections = """
mapping:
  - os: a
    set_virtual_address_map: {calls: once}
    virtual_map: [{type: 5, physical_start: 0x7f000000, virtual_start: 0x7f000000, pages: 32}]
    calls: {addresses: identity}
    kexec: [{set_virtual_address_map: {calls: never}, calls: {addresses: physical}}]
"""
    assert found("uefi/physical-call-after-set-virtual-address-map", CODE, sections=sections) == ()


def test_whether_identity_calls_are_right_depends_on_the_list(registry: Registry) -> None:
    given = platform(
        CODE,
        sections="""
mapping: [{set_virtual_address_map: {calls: once}, calls: {addresses: identity}}]
""",
    )
    rule = "uefi/physical-call-after-set-virtual-address-map"
    assert not_checked(judged(registry, given), rule) == "mapping[].virtual_map"


def test_a_kernel_started_by_kexec_does_not_end_boot_services(found: Found) -> None:
    sections = """
mapping:
  - exit_boot_services: {by: loader, map_key: 7}
    kexec: [{kind: kexec}]
"""
    assert found("uefi/stale-memory-map", CODE, map_key=7, sections=sections) == ()


def test_the_owner_of_the_map_is_who_ended_boot_services_for_the_first_kernel(
    found: Found,
) -> None:
    sections = """
mapping:
  - exit_boot_services: {by: hypervisor}
    set_virtual_address_map: {calls: never, by: hypervisor}
    kexec: [{set_virtual_address_map: {calls: once, by: kernel}}]
"""
    assert found("uefi/set-virtual-address-map-by-other-component", sections=sections) == (0,)


@pytest.mark.parametrize("ended", ["loader", "stub", "kernel"])
@pytest.mark.parametrize("called", ["loader", "stub", "kernel"])
def test_a_loader_a_stub_and_a_kernel_are_one_owner(found: Found, ended: str, called: str) -> None:
    sections = f"""
mapping: [{{exit_boot_services: {{by: {ended}}}, set_virtual_address_map: {{by: {called}}}}}]
"""
    assert found("uefi/set-virtual-address-map-by-other-component", sections=sections) == ()


# Memory that is taken


@pytest.mark.parametrize(
    ("rule", "types"),
    [
        ("runtime-memory-reused", {5, 6}),
        ("acpi-nvs-reused", {10}),
        ("mmio-used-as-ram", {11, 12}),
        ("reserved-memory-reused", {0, 8, 13, 16, 0x6FFFFFFF, 0x70000000, 0x7FFFFFFF}),
    ],
)
def test_each_type_that_must_be_kept_has_one_rule(
    found: Found, rule: str, types: Iterable[int]
) -> None:
    everything = [*range(17), 0x6FFFFFFF, 0x70000000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF]
    reported = {
        kind
        for kind in everything
        if found(f"uefi/{rule}", sections=f"mapping: [{{usable_memory: {{types: [{kind}]}}}}]")
    }
    assert reported == types


def test_all_types_of_one_kind_are_in_one_finding_with_their_memory(findings: Findings) -> None:
    (finding,) = findings(
        "uefi/runtime-memory-reused",
        CODE,
        DATA,
        FLASH,
        sections="mapping: [{usable_memory: {types: [7, 6, 5]}}]",
    )
    assert finding.message == (
        "EfiRuntimeServicesData and EfiRuntimeServicesCode are given to the page allocator; "
        "firmware keeps this memory, with EFI_MEMORY_RUNTIME and without"
    )
    assert [str(related.subject) for related in finding.related] == [
        "EfiRuntimeServicesCode 0x7f000000-0x7f020000",
        "EfiRuntimeServicesData 0x7f100000-0x7f110000",
    ]
    assert finding.fix is not None
    assert [edit.field for edit in finding.fix.edits] == ["types.1", "types.2"]


def test_what_is_only_taken_early_is_underlined_there(findings: Findings) -> None:
    (finding,) = findings(
        "uefi/acpi-nvs-reused",
        sections="mapping: [{usable_memory: {types: [7], before_acpi: [7, 10]}}]",
    )
    assert finding.field == "before_acpi"


def test_reclaim_memory_without_a_time_is_not_judged(registry: Registry) -> None:
    given = platform(sections="mapping: [{usable_memory: {types: [7, 9]}}]")
    report = judged(registry, given)
    rule = "uefi/acpi-reclaim-memory-reused-early"
    assert not_checked(report, rule) == "mapping[].usable_memory.before_acpi"


@pytest.mark.parametrize(("first", "second", "reported"), [(9, 7, 1), (7, 9, 0), (9, 9, 1)])
def test_only_the_last_kernel_may_reuse_the_acpi_tables(
    found: Found, first: int, second: int, reported: int
) -> None:
    sections = f"""
mapping:
  - usable_memory: {{types: [{first}], before_acpi: []}}
    kexec: [{{usable_memory: {{types: [{second}], before_acpi: []}}}}]
"""
    rule = "uefi/acpi-reclaim-memory-reused-early"
    assert found(rule, sections=sections) == (0,) * reported


def test_unaccepted_memory_that_nobody_says_is_accepted_is_not_judged(registry: Registry) -> None:
    given = platform(sections="mapping: [{usable_memory: {types: [15], before_acpi: []}}]")
    needs = not_checked(judged(registry, given), "uefi/unaccepted-memory-used")
    assert needs == "mapping[].usable_memory.unaccepted"


# Calls


@pytest.mark.parametrize(
    ("architecture", "least"), [("x86_64", 0x1000), ("i386", 0x1000), ("arm64", 0x2000)]
)
def test_the_least_stack_is_enough(found: Found, architecture: str, least: int) -> None:
    text = "mapping: [{{calls: {{stack_bytes: {}, stack_alignment: 16}}}}]"
    given = {"architecture": architecture}
    assert found("uefi/insufficient-stack", sections=text.format(least), **given) == ()
    assert found("uefi/insufficient-stack", sections=text.format(least - 1), **given) == (0,)


@pytest.mark.parametrize(("alignment", "enough"), [(16, True), (48, True), (8, False), (24, False)])
def test_a_stack_is_aligned_to_a_multiple_of_the_unit(
    found: Found, alignment: int, enough: bool
) -> None:
    sections = f"mapping: [{{calls: {{stack_bytes: 8192, stack_alignment: {alignment}}}}}]"
    places = found("uefi/insufficient-stack", sections=sections, architecture="arm64")
    assert places == (() if enough else (0,))


def test_a_stack_without_an_alignment_is_half_judged(registry: Registry) -> None:
    given = platform(sections="mapping: [{calls: {stack_bytes: 8192}}]", architecture="arm64")
    needs = not_checked(judged(registry, given), "uefi/insufficient-stack")
    assert needs == "mapping[].calls.stack_alignment"


def test_set_virtual_address_map_is_no_service_an_operating_system_wastes_a_call_on(
    found: Found,
) -> None:
    sections = """
runtime_properties: {supported: 0x0}
mapping: [{set_virtual_address_map: {calls: never}, calls: {services: [SetVirtualAddressMap]}}]
"""
    assert found("uefi/unsupported-service-called", sections=sections) == ()


def test_the_part_of_an_argument_that_is_no_ram_is_named(findings: Findings) -> None:
    device, outside = findings(
        "uefi/argument-outside-ram",
        "EfiConventionalMemory 0x1000 1 WB",
        "EfiMemoryMappedIO 0x2000 1 UC",
        sections="mapping: [{calls: {arguments: [{start: 0x1800, size: 0x2000, what: a name}]}}]",
    )
    assert device.region == AddressRange(0x2000, 0x3000)
    assert device.message == "a name at 0x2000-0x3000 lies in EfiMemoryMappedIO"
    assert outside.region == AddressRange(0x3000, 0x3800)


def test_a_part_of_a_map_says_nothing_about_arguments_outside_it(found: Found) -> None:
    with pytest.raises(ExampleError, match="could not be judged"):
        found(
            "uefi/argument-outside-ram",
            "EfiConventionalMemory 0x1000 1 WB",
            extent="partial",
            sections="mapping: [{calls: {arguments: [{start: 0x8000, size: 8}]}}]",
        )


@pytest.mark.parametrize(
    ("attribute", "cache", "outcome"),
    [
        ("WB", "WB", "passes"),
        ("WB", "UC", "fails"),
        ("UC WC WT WB", "WC", "passes"),
        ("XP", "UC", "passes"),
        ("XP", "WB", "unknown"),
        ("?", "WB", "unknown"),
    ],
)
def test_an_operation_region_has_a_cache_type_of_its_memory(
    registry: Registry, attribute: str, cache: str, outcome: str
) -> None:
    given = platform(
        f"EfiACPIMemoryNVS 0x7f77e000 128 {attribute}",
        sections=f"mapping: [{{operation_regions: "
        f"[{{start: 0x7f77e100, size: 16, cache: {cache}}}]}}]",
    )
    report = judged(registry, given)
    rule = "uefi/operation-region-with-other-cacheability"
    outcomes = {
        "passes": rule in report.checked.passed,
        "fails": rule in report.checked.failed,
        "unknown": not_checked(report, rule) is not None,
    }
    assert [name for name, holds in outcomes.items() if holds] == [outcome]


# The list given to SetVirtualAddressMap


def test_a_declared_entry_without_a_virtual_start_is_not_judged(registry: Registry) -> None:
    given = platform(CODE, sections=entries("0x7f000000 ? 32"))
    needs = not_checked(judged(registry, given), "uefi/runtime-descriptor-missing-from-virtual-map")
    assert needs == "mapping[].virtual_map[].virtual_start"


def test_all_ones_is_no_virtual_start(findings: Findings, found: Found) -> None:
    sections = entries("0x7f000000 0xffffffffffffffff 32")
    (finding,) = findings(
        "uefi/runtime-descriptor-missing-from-virtual-map", CODE, sections=sections
    )
    assert finding.message.endswith("is given to SetVirtualAddressMap without a virtual start")
    assert found("uefi/misaligned-virtual-map-entry", CODE, sections=sections) == ()


def test_an_entry_without_the_bit_gives_no_region_a_virtual_address(findings: Findings) -> None:
    (finding,) = findings(
        "uefi/runtime-descriptor-missing-from-virtual-map",
        CODE,
        sections=entries("0x7f000000 0x20000000 32 WB"),
    )
    assert finding.message.endswith("without EFI_MEMORY_RUNTIME, so firmware skips it")


def test_a_region_without_attributes_is_not_missed(registry: Registry) -> None:
    given = platform(CODE.replace("RUNTIME WB", "?"), sections=entries("0x1000 0x1000 1"))
    rule = "uefi/runtime-descriptor-missing-from-virtual-map"
    assert not_checked(judged(registry, given), rule) == "memory_map.descriptors[].attribute"


def test_a_region_that_cannot_be_cached_is_missing_for_one_reason_only(registry: Registry) -> None:
    given = platform(
        FLASH.removesuffix(" UC"),
        CODE,
        sections=entries("0x7f000000 0x20000000 32"),
    )
    rules = [*registry.rules.values()]
    report, _ = lint(
        given, rules, registry.architectures, Selection([]), path="", today="2030-01-01"
    )
    assert "uefi/runtime-region-without-cacheability" in rules_of(report)
    assert "uefi/runtime-descriptor-missing-from-virtual-map" not in rules_of(report)


def test_an_empty_list_misses_every_region(found: Found) -> None:
    sections = "mapping: [{os: a, virtual_map: []}]"
    rule = "uefi/runtime-descriptor-missing-from-virtual-map"
    assert found(rule, CODE, DATA, LOADER, sections=sections) == (1, 2)


def test_pieces_of_a_descriptor_are_one_fault(registry: Registry) -> None:
    sections = entries(
        "0x7f000000 0x20000000 8", "0x7f008000 0x20008000 8", "0x7f010000 0x20010000 16"
    )
    report = judged(registry, platform(CODE, sections=sections))
    (finding,) = report.findings
    assert finding.rule == "uefi/virtual-map-entry-not-a-descriptor"
    assert finding.finding.message == (
        "3 entries given to SetVirtualAddressMap are pieces of "
        "EfiRuntimeServicesCode 0x7f000000-0x7f020000"
    )
    assert finding.region == AddressRange(0x7F000000, 0x7F020000)
    assert len(finding.finding.related) == 3


def test_one_page_less_than_a_descriptor_is_a_piece(findings: Findings) -> None:
    rule = "uefi/virtual-map-entry-not-a-descriptor"
    (finding,) = findings(rule, CODE, sections=entries("0x7f001000 0x20001000 31"))
    assert finding.message == (
        "an entry given to SetVirtualAddressMap has 0x1f of the 0x20 pages of "
        "EfiRuntimeServicesCode 0x7f000000-0x7f020000"
    )


def test_one_page_more_than_a_descriptor_is_none(findings: Findings) -> None:
    rule = "uefi/virtual-map-entry-not-a-descriptor"
    (finding,) = findings(rule, CODE, sections=entries("0x7f000000 0x20000000 33"))
    assert "0x7f000000-0x7f021000, is more than" in finding.message


def test_a_declared_split_and_its_pieces_are_one_fault(registry: Registry) -> None:
    sections = entries(
        "0x7f000000 0x20000000 16",
        "0x7f010000 0x20010000 16",
        more=", set_virtual_address_map: {entries: split}",
    )
    report = judged(registry, platform(CODE, sections=sections))
    assert rules_of(report) == ["uefi/virtual-map-entry-not-a-descriptor"]


def test_neighbours_of_equal_kind_may_share_an_entry_of_a_plan(registry: Registry) -> None:
    given = platform(
        CODE,
        "EfiRuntimeServicesCode 0x7f020000 16 RUNTIME WB",
        "EfiRuntimeServicesCode 0x7f030000 16 RUNTIME WB",
        architecture="x86_64",
        sections="mapping: [{strategy: x86-topdown}]",
    )
    assert rules_of(judged(registry, given)) == []


def test_a_range_no_map_knows_is_foreign_only_on_a_whole_map(found: Found) -> None:
    sections = entries("0x7f000000 0x20000000 32", "0x1000 0x30000000 1")
    rule = "uefi/foreign-entry-in-virtual-map"
    assert found(rule, CODE, sections=sections) == (0,)
    with pytest.raises(ExampleError, match="extent: whole"):
        found(rule, CODE, sections=sections, extent="unknown")


def test_an_entry_of_another_type_than_the_map_has_is_foreign(findings: Findings) -> None:
    (finding,) = findings(
        "uefi/foreign-entry-in-virtual-map",
        LOADER,
        sections=entries("0x7a000000 0x20000000 16"),
    )
    assert finding.message == (
        "EfiRuntimeServicesData 0x7a000000-0x7a010000 is given to SetVirtualAddressMap, and the "
        "memory map has EfiBootServicesData there"
    )


def test_a_boot_services_entry_of_unknown_attribute_has_that_of_its_memory(found: Found) -> None:
    sections = entries("0x7a000000 0x20000000 16").replace("type: 6", "type: 4")
    assert found("uefi/foreign-entry-in-virtual-map", LOADER, sections=sections) == ()
    assert found("uefi/virtual-map-entry-without-runtime", LOADER, sections=sections) == (0,)


def test_boot_services_entries_of_a_plan_are_one_piece_of_information(findings: Findings) -> None:
    (finding,) = findings(
        "uefi/virtual-map-entry-without-runtime",
        LOADER,
        CODE,
        "EfiBootServicesCode 0x10000 16 WB",
        architecture="x86_64",
        sections="mapping: [{strategy: x86-topdown}]",
    )
    assert finding.message == (
        "EfiBootServicesCode 0x10000-0x20000 and 1 more are "
        "given to SetVirtualAddressMap; the memory map has no EFI_MEMORY_RUNTIME there"
    )


@pytest.mark.parametrize(
    ("virtual", "wrong"),
    [
        ("0x20000000", False),
        ("0x20000001", True),
        ("0x20000fff", True),
        ("0xffffffffffff0000", False),
        ("0xffffffffffff1000", True),
    ],
)
def test_a_virtual_start_is_a_page_with_room_above_it(
    found: Found, virtual: str, wrong: bool
) -> None:
    places = found(
        "uefi/misaligned-virtual-map-entry", DATA, sections=entries(f"0x7f100000 {virtual} 16")
    )
    assert places == ((0,) if wrong else ())


def test_a_virtual_start_as_misaligned_as_the_physical_one_is_firmware_s_fault(
    found: Found,
) -> None:
    device = "EfiMemoryMappedIO 0x1e88180 1 RUNTIME UC"
    rule = "uefi/misaligned-virtual-map-entry"
    assert found(rule, device, sections=entries("0x1e88180 0x20000180 1")) == ()
    assert found(rule, device, sections=entries("0x1e88180 0x20000190 1")) == (0,)


def test_the_virtual_addresses_that_two_regions_share_are_named(findings: Findings) -> None:
    (finding,) = findings(
        "uefi/overlapping-virtual-map-entries",
        CODE,
        DATA,
        sections=entries("0x7f100000 0x2001f000 16", "0x7f000000 0x20000000 32"),
    )
    assert "0x2001f000-0x20020000" in finding.message


def test_regions_that_touch_do_not_overlap(found: Found) -> None:
    sections = entries("0x7f100000 0x20020000 16", "0x7f000000 0x20000000 32")
    assert found("uefi/overlapping-virtual-map-entries", CODE, DATA, sections=sections) == ()


def test_a_large_region_that_two_others_lie_in_is_found_for_both(found: Found) -> None:
    sections = entries(
        "0x7f000000 0x20000000 32", "0x7f100000 0x20001000 1", "0xffc00000 0x20010000 1"
    )
    rule = "uefi/overlapping-virtual-map-entries"
    assert found(rule, CODE, DATA, FLASH, sections=sections) == (0, 0)


def test_a_map_that_overlaps_itself_is_not_blamed_on_an_identity_list(found: Found) -> None:
    other = "EfiRuntimeServicesData 0x7f010000 32 RUNTIME WB"
    sections = entries("0x7f000000 0x7f000000 32", "0x7f010000 0x7f010000 32")
    assert found("uefi/overlapping-virtual-map-entries", CODE, other, sections=sections) == ()


def test_two_regions_without_room_are_told_by_page_zero_alone(registry: Registry) -> None:
    sections = entries("0x7f000000 0x0 32", "0x7f100000 0x0 16")
    report = judged(registry, platform(CODE, DATA, sections=sections))
    assert rules_of(report) == ["uefi/runtime-region-at-virtual-page-zero"] * 2


@pytest.mark.parametrize(
    ("size", "wrong"), [(96, False), (48, True), (144, True), (100, True), (0, True)]
)
def test_the_size_of_a_list_is_that_of_its_entries(found: Found, size: int, wrong: bool) -> None:
    sections = entries(
        "0x7f000000 0x20000000 32",
        "0x7f100000 0x30000000 16",
        more=f", set_virtual_address_map: {{descriptor_size: 48, memory_map_size: {size}}}",
    )
    places = found(
        "uefi/other-descriptor-format-in-virtual-map",
        CODE,
        DATA,
        descriptor_size=48,
        sections=sections,
    )
    assert places == ((0,) if wrong else ())


def test_a_format_is_compared_with_what_the_map_states(registry: Registry) -> None:
    given = platform(CODE, sections="mapping: [{set_virtual_address_map: {descriptor_size: 40}}]")
    needs = not_checked(judged(registry, given), "uefi/other-descriptor-format-in-virtual-map")
    assert needs == "memory_map.descriptor_size"


# The mapping itself


@pytest.mark.parametrize(
    ("line", "cache", "fits"),
    [
        (FLASH, "UC", True),
        (FLASH, "WB", False),
        (FLASH, "WC", False),
        ("EfiMemoryMappedIO 0xffc00000 0x400 RUNTIME WC", "UC", True),
        ("EfiMemoryMappedIO 0xffc00000 0x400 RUNTIME", "WB", True),
        ("EfiMemoryMappedIO 0xffc00000 0x400 UC", "WB", True),
        ("EfiRuntimeServicesData 0xffc00000 0x400 RUNTIME UC WC WT WB", "WT", True),
        ("EfiRuntimeServicesData 0xffc00000 0x400 RUNTIME WB", "UC", False),
        ("EfiRuntimeServicesData 0xffc00000 0x400 RUNTIME WB WP", "WP", True),
    ],
)
def test_a_runtime_region_is_mapped_with_a_type_it_offers(
    found: Found, line: str, cache: str, fits: bool
) -> None:
    region = f"{{start: 0xffc00000, size: 0x400000, cache: {cache}}}"
    sections = f"mapping: [{{runtime_regions: [{region}]}}]"
    places = found("uefi/runtime-region-mapped-with-other-cacheability", line, sections=sections)
    assert places == (() if fits else (0,))


@pytest.mark.parametrize("architecture", ["x86_64", "arm64", "ia64", "i386"])
@pytest.mark.parametrize("bits", ["UC", "WC", "WB", "UC WB", "UC WC WT WB"])
def test_the_identity_strategy_maps_every_region_as_it_may(
    found: Found, architecture: str, bits: str
) -> None:
    lines = [CODE.replace("WB", bits), DATA.replace("WB", bits), FLASH.replace("UC", bits)]
    rule = "uefi/runtime-region-mapped-with-other-cacheability"
    sections = "mapping: [{strategy: identity}]"
    assert found(rule, *lines, architecture=architecture, sections=sections) == ()


def test_what_is_declared_of_a_mapping_counts_before_the_plan(found: Found) -> None:
    rule = "uefi/runtime-region-mapped-with-other-cacheability"
    sections = """
mapping: [{strategy: identity, runtime_regions: [{start: 0x7f000000, size: 1, cache: UC}]}]
"""
    assert found(rule, CODE, architecture="arm64", sections=sections) == (0,)


def test_firmware_without_the_service_blames_a_strategy_that_calls_it_once(
    findings: Findings,
) -> None:
    (finding,) = findings(
        "uefi/unsupported-set-virtual-address-map-called",
        CODE,
        architecture="x86_64",
        sections="""
runtime_properties: {supported: 0x3f7f}
mapping: [{strategy: x86-topdown, kexec: [{strategy: x86-topdown}]}, {strategy: identity}]
""",
    )
    assert finding.message.startswith("the strategy x86-topdown calls SetVirtualAddressMap")
    assert finding.field == "strategy"


def test_a_run_of_touching_regions_is_told_once(findings: Findings) -> None:
    lines = [
        f"EfiRuntimeServices{kind} {0x7F000000 + place * 0x5000:#x} 5 RUNTIME WB"
        for place, kind in enumerate(["Code", "Data", "Code", "Data"])
    ]
    sections = 'mapping: [{strategy: x86-topdown, options: {kernel: "3.14"}}]'
    (finding,) = findings(
        "plan/relative-layout-lost", *lines, architecture="x86_64", sections=sections
    )
    assert finding.message.endswith("not 0x5000 above; 2 more like it")
    assert len(finding.related) == 4  # three regions, and whose list it is


def test_regions_with_a_gap_between_them_may_move_apart(found: Found) -> None:
    upper = "EfiRuntimeServicesData 0x7f021000 16 RUNTIME WB"
    sections = entries("0x7f000000 0x20000000 32", "0x7f021000 0x10000000 16")
    rule = "plan/relative-layout-lost"
    assert found(rule, CODE, upper, sections=sections, architecture="arm64") == ()


@pytest.mark.parametrize("vendor", ["U-Boot", "Das U-Boot", "uboot", "Das U-Boot 2023.01"])
def test_u_boot_is_known_by_its_names(found: Found, vendor: str) -> None:
    sections = f"""
platform: {{firmware: {{vendor: {vendor}}}}}
mapping: [{{strategy: x86-topdown}}]
"""
    rule = "plan/runtime-code-entries-u-boot-refuses"
    assert found(rule, DATA, sections=sections, architecture="x86_64") == (0,)
    assert found(rule, DATA, CODE, sections=sections, architecture="x86_64") == ()


def test_thousands_of_entries_are_judged_in_a_moment(registry: Registry) -> None:
    from time import perf_counter

    lines = [
        f"EfiRuntimeServicesData {0x100000 + place * 0x2000:#x} 1 RUNTIME WB"
        for place in range(5000)
    ]
    given = platform(*lines, architecture="x86_64", sections="mapping: [{strategy: x86-topdown}]")
    started = perf_counter()
    assert rules_of(judged(registry, given)) == []
    assert perf_counter() - started < 5
