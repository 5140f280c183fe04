"""What strangers write of their kernels, what real kernels do, and shapes that nobody expects."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import pytest
from hypothesis import HealthCheck, given, settings
from jsonschema import Draft202012Validator

from efipolicy.engine.linting import lint
from efipolicy.engine.planning import planner_of
from efipolicy.formats.platform import read_platform
from efipolicy.formats.platform_mapping import MAPPING
from efipolicy.model.finding import InputReport, Responsible
from efipolicy.plugin import EfipolicyError, Finding
from efipolicy.plugin.registry import Registry
from efipolicy.policy import Selection
from efipolicy.source import SourceText
from efipolicy.testing import ExampleError
from tests.rules.platform_files import kernels, platform_files

Found = Callable[..., tuple[int, ...]]
Findings = Callable[..., list[Finding]]

CODE = "EfiRuntimeServicesCode 0x7f000000 16 RUNTIME WB"
DATA = "EfiRuntimeServicesData 0x7f010000 16 RUNTIME WB"
FLASH = "EfiMemoryMappedIO 0xffc00000 0x400 RUNTIME UC"
LOADER = "EfiBootServicesData 0x7a000000 16 WB"


@cache
def installed() -> Registry:
    return Registry()


def report_on(text: str) -> InputReport:
    """What every rule at its declared severity says of a platform file that can be read."""
    registry = installed()
    platform, errors = read_platform(SourceText("p.yaml", text))
    assert platform is not None, errors
    problems: list[EfipolicyError] = []
    report, failures = lint(
        platform,
        registry.rules.values(),
        registry.architectures,
        Selection([]),
        path="p.yaml",
        today="2030-01-01",
        planner=planner_of(platform, registry, problems),
    )
    assert [*problems, *failures] == []
    return report


def platform_file(mapping: str, *descriptors: str, architecture: str = "x86_64") -> str:
    items = ",\n    ".join(f"{{{descriptor}}}" for descriptor in descriptors)
    return f"""
efipolicy: 1
platform: {{name: reviewed, architecture: {architecture}}}
memory_map:
  extent: whole
  origin: firmware
  descriptors: [
    {items}]
mapping:
{mapping}
"""


# Whatever a file says or leaves out


FUZZED = settings(
    max_examples=60, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True
)


@FUZZED
@given(platform_files)
def test_no_rule_fails_on_a_file_the_format_allows(text: str) -> None:
    assert report_on(text).checked


@FUZZED
@given(kernels())
def test_no_rule_fails_on_anything_said_of_kernels(text: str) -> None:
    assert report_on(text).checked


# Words


@pytest.mark.parametrize(
    ("section", "key", "written", "meant"),
    [
        ("set_virtual_address_map", "calls", "0", "never"),
        ("set_virtual_address_map", "calls", "no", "never"),
        ("set_virtual_address_map", "calls", "1", "once"),
        ("set_virtual_address_map", "calls", "2", "more"),
        ("set_virtual_address_map", "calls", "17", "more"),
        ("set_virtual_address_map", "calls", "twice", "more"),
        ("set_virtual_address_map", "when", "before", "before-exit-boot-services"),
        ("set_virtual_address_map", "when", "after_exit_boot_services", "after-exit-boot-services"),
        ("set_virtual_address_map", "by", "xen", "hypervisor"),
        ("set_virtual_address_map", "by", "dom0", "guest"),
        ("set_virtual_address_map", "by", "bootloader", "loader"),
        ("set_virtual_address_map", "under", '"1:1"', "identity"),
        ("set_virtual_address_map", "entries", "pieces", "split"),
        ("set_virtual_address_map", "entries", "mat", "split"),
        ("calls", "protection_from", "map", "memory-map"),
        ("calls", "protection_from", "memory_map", "memory-map"),
        ("calls", "protection_from", "memory-attributes-table", "mat"),
        ("calls", "stack_bytes", "8K", 8192),
        ("calls", "stack_bytes", "0x2000", 8192),
        ("usable_memory", "unaccepted", "lazy", "accepted"),
    ],
)
def test_other_words_for_the_same_are_read(
    section: str, key: str, written: str, meant: object
) -> None:
    text = platform_file(f"  - {section}: {{{key}: {written}}}")
    platform, errors = read_platform(SourceText("p.yaml", text))
    assert errors == []
    assert platform is not None
    assert platform.mapping is not None
    assert getattr(getattr(platform.mapping[0], section), key) == meant
    word = int(written) if written.isdecimal() else written.strip('"')
    Draft202012Validator(MAPPING.json_schema()).validate({section: {key: word}})


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("calls: onse", "did you mean `once`?"),
        ("calls: -1", "one of `never`, `once`, `more`"),
        ("entries: hole", "did you mean `whole`?"),
        ("by: kernle", "did you mean `kernel`?"),
    ],
)
def test_a_word_nobody_knows_is_told_with_those_that_may_stand_there(
    written: str, told: str
) -> None:
    text = platform_file(f"  - set_virtual_address_map: {{{written}}}")
    _, (error,) = read_platform(SourceText("p.yaml", text))
    assert told in error.message


# One owner of the memory map


def test_a_guest_owns_no_memory_map_of_firmware_s(findings: Findings) -> None:
    rule = "uefi/set-virtual-address-map-by-other-component"
    (finding,) = findings(rule, sections="mapping: [{set_virtual_address_map: {by: dom0}}]")
    assert "by a guest" in finding.message
    sections = """
mapping: [{exit_boot_services: {by: guest}, set_virtual_address_map: {calls: once, by: guest}}]
"""
    assert not findings(rule, sections=sections)


# Memory taken early only


@pytest.mark.parametrize(
    ("kind", "rule"),
    [
        (0, "uefi/reserved-memory-reused"),
        (6, "uefi/runtime-memory-reused"),
        (9, "uefi/acpi-reclaim-memory-reused-early"),
        (10, "uefi/acpi-nvs-reused"),
        (11, "uefi/mmio-used-as-ram"),
    ],
)
def test_what_is_taken_early_is_judged_alone_and_the_rest_is_not_checked(
    found: Found, kind: int, rule: str
) -> None:
    sections = "mapping: [{usable_memory: {before_acpi: [7, KIND]}}]"
    assert found(rule, sections=sections.replace("KIND", str(kind))) == (0,)
    with pytest.raises(ExampleError, match=r"usable_memory\.types"):
        found(rule, sections=sections.replace("KIND", "2"))


@pytest.mark.parametrize(
    ("by", "responsible"), [("loader", Responsible.LOADER), ("stub", Responsible.KERNEL)]
)
def test_whoever_ended_boot_services_answers_for_a_stale_map(
    by: str, responsible: Responsible
) -> None:
    text = platform_file(f"  - exit_boot_services: {{by: {by}, map_key: 2}}")
    text = text.replace("extent: whole", "extent: whole\n  map_key: 1")
    (finding,) = report_on(text).findings
    assert (finding.rule, finding.responsible) == ("uefi/stale-memory-map", responsible)


# Chains


def rules_on(mapping: str, *descriptors: str, architecture: str = "x86_64") -> list[str]:
    report = report_on(platform_file(mapping, *descriptors, architecture=architecture))
    return [finding.rule for finding in report.findings]


BOOT = "type: 4, physical_start: 0x7a000000, pages: 16, attribute: [WB]"
RUNTIME = "type: 6, physical_start: 0x7f000000, pages: 16, attribute: [RUNTIME, WB]"


def test_a_call_by_a_later_kernel_breaks_the_rule_of_one_call_a_boot(findings: Findings) -> None:
    sections = """
mapping: [{set_virtual_address_map: {calls: once}, kexec: [{set_virtual_address_map: {calls: 2}}]}]
"""
    (finding,) = findings("kexec/second-set-virtual-address-map", sections=sections)
    assert finding.message.startswith("a kernel started by kexec calls SetVirtualAddressMap")
    rules = rules_on(sections.replace("mapping:", " "))
    assert "kexec/second-set-virtual-address-map" in rules
    assert "uefi/repeated-set-virtual-address-map" not in rules


def test_a_stub_in_place_of_the_service_is_no_second_call_on_itanium(findings: Findings) -> None:
    sections = """
mapping:
  - {set_virtual_address_map: {calls: once}, kexec: [{set_virtual_address_map: {calls: once}}]}
"""
    with pytest.raises(ExampleError, match="put a stub"):
        findings("kexec/second-set-virtual-address-map", architecture="ia64", sections=sections)


def test_the_first_kernel_to_call_gives_firmware_its_list_whoever_ran_before(
    findings: Findings,
) -> None:
    """A strategy that stays physical says as much as `calls: never` does."""
    sections = """
mapping: [{strategy: identity, kexec: [{strategy: x86-topdown}, {strategy: x86-topdown}]}]
"""
    found = findings(
        "uefi/virtual-map-entry-without-runtime",
        LOADER,
        CODE,
        architecture="x86_64",
        sections=sections,
    )
    assert len(found) == 1


def test_a_mapping_without_kexec_says_nothing_of_chains() -> None:
    mapping = """
  - {set_virtual_address_map: {calls: never}, kexec: [{set_virtual_address_map: {calls: never}}]}
  - {os: windows}
"""
    checked = report_on(platform_file(mapping, RUNTIME)).checked
    assert "kexec/second-set-virtual-address-map" in checked.passed


def layout(*entries: str) -> str:
    items = ", ".join(f"{{{entry}}}" for entry in entries)
    return f"virtual_map: [{items}]"


MOVED = RUNTIME + ", virtual_start: 0x20000000"
MARKED = RUNTIME + ", virtual_start: 0xffffffffffffffff"
AT_HOME = RUNTIME + ", virtual_start: 0x7f000000"


@pytest.mark.parametrize("entries", [(AT_HOME,), (MARKED,), (AT_HOME, BOOT + ", virtual_start: 1")])
def test_a_layout_that_moves_no_region_makes_no_kernel_a_caller(
    findings: Findings, entries: tuple[str, ...]
) -> None:
    sections = (
        f"mapping: [{{{layout(*entries)}, kexec: [{{set_virtual_address_map: {{calls: once}}}}]}}]"
    )
    with pytest.raises(ExampleError, match=r"mapping\[\].set_virtual_address_map.calls"):
        findings("kexec/second-set-virtual-address-map", sections=sections)


def test_a_region_marked_as_failed_is_left_out_of_the_layout(findings: Findings) -> None:
    sections = f"mapping: [{{{layout(MOVED)}, kexec: [{{{layout(MARKED)}}}]}}]"
    (finding,) = findings("kexec/inherited-layout-changed", sections=sections)
    assert "leaves out EfiRuntimeServicesData 0x7f000000-0x7f010000" in finding.message


def test_boot_services_memory_a_later_kernel_keeps_is_no_other_layout(found: Found) -> None:
    kept = BOOT.replace("[WB]", "[RUNTIME, WB]") + ", virtual_start: 0x20010000"
    sections = f"mapping: [{{{layout(MOVED)}, kexec: [{{{layout(MOVED, kept)}}}]}}]"
    assert found("kexec/inherited-layout-changed", sections=sections) == ()


def test_a_physical_layout_has_no_slots_to_leave(found: Found) -> None:
    one = "type: 5, physical_start: 0x7f001000, virtual_start: 0x7f001000, pages: 1"
    two = "type: 6, physical_start: 0x7f002000, virtual_start: 0x7f002000, pages: 1"
    sections = f"mapping: [{{page_size: 4K, {layout(one, two)}, kexec: [{{page_size: 64K}}]}}]"
    rule = "linux/kexec-layout-without-64k-slots"
    assert found(rule, architecture="arm64", sections=sections) == ()


def test_smbios_in_the_rom_shadow_is_no_virtual_pointer(found: Found) -> None:
    rule = "linux/virtual-pointer-in-kexec-handover"
    sections = "mapping: [{kexec: [{carried: {smbios: 0xf05b0}}]}]"
    assert found(rule, CODE, sections=sections) == ()
    assert found(rule, CODE, sections=sections.replace("0xf05b0", "0xf05b00000000")) == (0,)


# What real kernels pass


@pytest.mark.parametrize("architecture", ["x86_64", "arm64"])
def test_memory_that_linux_marked_to_keep_is_foreign_elsewhere_only(architecture: str) -> None:
    kept = BOOT.replace("[WB]", "[RUNTIME, WB]") + ", virtual_start: 0x20010000"
    mapping = f"  - {{os: linux, {layout(MOVED, kept)}}}"
    rules = rules_on(mapping, BOOT, RUNTIME, architecture=architecture)
    expected = {
        "x86_64": "uefi/virtual-map-entry-without-runtime",
        "arm64": "uefi/foreign-entry-in-virtual-map",
    }
    assert rules == [expected[architecture]]


def test_the_map_xen_passes_serves_physical_calls() -> None:
    rest = BOOT + ", virtual_start: 0xffffffffffffffff"
    mapping = f"""
  - os: xen
    set_virtual_address_map: {{calls: once, by: xen}}
    exit_boot_services: {{by: xen}}
    calls: {{addresses: physical}}
    {layout(AT_HOME, rest)}
"""
    assert rules_on(mapping, BOOT, RUNTIME) == ["uefi/virtual-map-entry-without-runtime"]


def test_what_a_strategy_joins_is_missing_once() -> None:
    huge = "attribute: [RUNTIME, WB], type: 6"
    descriptors = (
        f"{huge}, physical_start: 0x1000000000, pages: 0x1000000",
        f"{huge}, physical_start: 0x2000000000, pages: 0x1000000",
    )
    rules = rules_on("  - {os: linux, strategy: x86-topdown}", *descriptors)
    assert rules.count("linux/runtime-window-overflow") == 1
    assert "uefi/runtime-descriptor-missing-from-virtual-map" not in rules


@pytest.mark.parametrize(
    ("entries", "strategy", "reported"),
    [
        ("merged", "strategy: x86-topdown, ", False),
        ("merged", "", True),
        ("split", "strategy: x86-topdown, ", True),
    ],
)
def test_joining_is_let_pass_where_the_list_shows_what_is_joined(
    found: Found, entries: str, strategy: str, reported: bool
) -> None:
    sections = (
        f"mapping: [{{{strategy}set_virtual_address_map: {{calls: once, entries: {entries}}}}}]"
    )
    places = found(
        "uefi/split-or-merged-virtual-map", CODE, architecture="x86_64", sections=sections
    )
    assert places == ((0,) if reported else ())


# What is declared in part


def test_the_strategy_maps_the_regions_that_are_not_declared(findings: Findings) -> None:
    sections = """
mapping:
  - {strategy: x86-topdown, runtime_regions: [{start: 0x7f000000, size: 0x10000, cache: WB}]}
"""
    rule = "uefi/runtime-region-mapped-with-other-cacheability"
    lines = (CODE, DATA.replace("WB", "WT"))
    (finding,) = findings(rule, *lines, architecture="x86_64", sections=sections)
    assert (
        finding.message
        == "EfiRuntimeServicesData 0x7f010000-0x7f020000 is mapped UC- and offers WT"
    )
    without = sections.replace("strategy: x86-topdown, ", "")
    with pytest.raises(ExampleError, match="runtime_regions"):
        findings(rule, *lines, architecture="x86_64", sections=without)


@pytest.mark.parametrize(
    "rule",
    [
        "uefi/misaligned-virtual-map-entry",
        "uefi/overlapping-virtual-map-entries",
        "uefi/runtime-region-at-virtual-page-zero",
        "uefi/runtime-descriptor-missing-from-virtual-map",
    ],
)
def test_an_entry_that_goes_nowhere_yet_leaves_a_list_unchecked(found: Found, rule: str) -> None:
    sections = "mapping: [{virtual_map: [{type: 5, physical_start: 0x7f000000, pages: 16}]}]"
    with pytest.raises(ExampleError, match=r"virtual_map\[\]\.virtual_start"):
        found(rule, CODE, sections=sections)


def test_an_entry_without_pages_shares_no_addresses(found: Found) -> None:
    entries = (
        "{type: 5, physical_start: 0x7f000000, virtual_start: 0x20000000, pages: 16}",
        "{type: 6, physical_start: 0x7f010000, virtual_start: 0x20008000, pages: 0}",
    )
    sections = f"mapping: [{{virtual_map: [{', '.join(entries)}]}}]"
    assert found("uefi/overlapping-virtual-map-entries", CODE, DATA, sections=sections) == ()


def test_firmware_converts_no_pointer_by_an_entry_it_skips(findings: Findings) -> None:
    sections = """
configuration_tables:
  - {table: JSON_CONFIG_DATA, address: 0x7a000010, after_set_virtual_address_map: 0x7a000010}
mapping: [{strategy: x86-topdown}]
"""
    with pytest.raises(ExampleError, match=r"virtual_map with 0x7a000010"):
        findings(
            "uefi/json-table-pointer-not-converted",
            LOADER,
            CODE,
            architecture="x86_64",
            sections=sections,
        )


# Other systems


@pytest.mark.parametrize(("os", "judged"), [("Linux 6.12", True), ("windows", False)])
def test_mixed_mode_is_how_linux_calls_32_bit_firmware(found: Found, os: str, judged: bool) -> None:
    sections = f"""
platform: {{firmware: {{bits: 32}}}}
mapping:
  - os: {os}
    virtual_map: [{{type: 6, physical_start: 0x7e000000, virtual_start: 0x80000000, pages: 1}}]
"""
    places = found("linux/mixed-mode-region-moved", architecture="x86_64", sections=sections)
    assert places == ((0,) if judged else ())


@pytest.mark.parametrize(("what", "secure"), [("TSEG", True), ("hardware monitor", False)])
def test_secure_memory_is_known_by_its_names(found: Found, what: str, secure: bool) -> None:
    sections = f"hardware: {{off_limits: [{{start: 0x80000000, size: 0x1000, what: {what}}}]}}"
    rule = "windows/secure-memory-not-reserved"
    if secure:
        assert found(rule, CODE, architecture="x86_64", sections=sections) == (0,)
    else:
        with pytest.raises(ExampleError, match="TSEG"):
            found(rule, CODE, architecture="x86_64", sections=sections)


@pytest.mark.parametrize(
    ("architecture", "codes"),
    [("x86_64", ("UEFI-MAT-013", "WIN-002")), ("ia64", ("UEFI-MAT-013",))],
)
def test_what_windows_wants_of_a_table_is_asked_where_windows_runs(
    findings: Findings, architecture: str, codes: tuple[str, ...]
) -> None:
    (finding,) = findings(
        "windows/mat-entry-writable-and-executable",
        architecture=architecture,
        memory_attributes_table=("EfiRuntimeServicesCode 0x7f000000 16 RUNTIME",),
    )
    assert finding.requirements == codes


# Effort


def test_lists_whose_entries_all_overlap_are_judged_in_a_moment() -> None:
    from time import process_time

    entry = "{{type: 5, physical_start: 0x100000000, virtual_start: {:#x}, pages: 0x10000}}"
    entries = ", ".join(entry.format(0x10_0000_0000 + each * 0x1000) for each in range(1000))
    text = platform_file(
        f"  - virtual_map: [{entries}]",
        *(
            f"type: 5, physical_start: {0x1_0000_0000 + each * 0x20000:#x}, pages: 16, "
            "attribute: [RUNTIME, WB]"
            for each in range(1000)
        ),
    )
    start = process_time()
    assert report_on(text).findings
    assert process_time() - start < 5
