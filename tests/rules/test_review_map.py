"""What strangers may declare of maps and tables, and shapes that look wrong and are none."""

from collections.abc import Callable
from time import perf_counter

import pytest

from efipolicy.api import selection_of
from efipolicy.plugin import Finding, Responsible, Severity
from efipolicy.plugin.registry import Registry
from efipolicy.testing import ExampleError
from tests.rules.test_one_cause_one_finding import rules_reported

Found = Callable[..., tuple[int, ...]]
Findings = Callable[..., list[Finding]]

CODE = "EfiRuntimeServicesCode 0x7f000000 32 RUNTIME WB"


# The size of the map


@pytest.mark.parametrize("extent", ["whole", "partial", "unknown"])
def test_a_buffer_may_have_room_for_more_descriptors_than_it_holds(
    found: Found, extent: str
) -> None:
    rule = "uefi/memory-map-size-mismatch"
    line = "EfiConventionalMemory 0x100000 16 WB"
    assert found(rule, line, extent=extent, descriptor_size=48, size=4080) == ()
    assert found(rule, line, extent=extent, descriptor_size=48, size=4096) == (0,)


def test_more_descriptors_than_the_size_has_room_for_are_counted(findings: Findings) -> None:
    (finding,) = findings(
        "uefi/memory-map-size-mismatch",
        "EfiConventionalMemory 0x100000 16 WB",
        "EfiConventionalMemory 0x200000 16 WB",
        descriptor_size=48,
        size=48,
    )
    assert finding.message == (
        "the 48 bytes of the map hold 1 descriptor of 48 bytes, and the map has 2"
    )


# Whom a map may blame


@pytest.mark.parametrize(
    ("rule", "line"),
    [
        ("uefi/range-wraps-address-space", "EfiLoaderData 0xfffffffffffff000 2 WB"),
        ("uefi/address-beyond-physical-limit", "EfiLoaderData 0x8000000000000000 2 WB"),
        ("uefi/unassigned-memory-type", "0x20 0x9000000 8 WB"),
    ],
)
@pytest.mark.parametrize(
    ("origin", "responsible"),
    [("firmware", None), ("kernel-edited", None), ("kexec", Responsible.KERNEL)],
)
def test_garbage_in_a_list_that_came_through_kexec_is_a_kernel_s(
    findings: Findings, rule: str, line: str, origin: str, responsible: Responsible | None
) -> None:
    (finding,) = findings(rule, line, origin=origin)
    assert finding.responsible is responsible


@pytest.mark.parametrize(
    ("origin", "responsible"),
    [("firmware", None), ("unknown", None), ("kernel-edited", Responsible.KERNEL)],
)
def test_a_virtual_start_is_the_choice_of_whoever_edited_the_map(
    findings: Findings, origin: str, responsible: Responsible | None
) -> None:
    line = "EfiRuntimeServicesCode 0x7f000000 16 RUNTIME WB @0x20000800"
    (finding,) = findings("uefi/invalid-virtual-start", line, origin=origin)
    assert finding.responsible is responsible


@pytest.mark.parametrize(
    ("origin", "places"), [("firmware", (1,)), ("kernel-edited", ()), ("kexec", ())]
)
def test_the_mark_of_a_failed_call_is_no_virtual_address(
    found: Found, origin: str, places: tuple[int, ...]
) -> None:
    line = "EfiRuntimeServicesCode 0x7f000000 16 RUNTIME WB @0xffffffffffffffff"
    assert found("uefi/invalid-virtual-start", line, origin=origin) == places


# Limits and types


@pytest.mark.parametrize(
    ("line", "places"),
    [
        ("EfiConventionalMemory 0xfffffffffff000 1 WB", ()),
        ("EfiConventionalMemory 0xfffffffffff000 2 WB", (1,)),
        ("EfiConventionalMemory 0x100000000000000 1 WB", (1,)),
    ],
)
def test_a_map_of_an_unknown_architecture_may_use_56_bits(
    found: Found, line: str, places: tuple[int, ...]
) -> None:
    rule = "uefi/address-beyond-physical-limit"
    assert found(rule, line, architecture="unknown") == places
    assert found(rule, line, architecture="ia64") == ()


@pytest.mark.parametrize(("uefi", "places"), [("1.02", ()), ("1.10", (1,)), ("2.5", (1,))])
@pytest.mark.parametrize("rule", ["uefi/ram-without-cacheability", "linux/ram-without-write-back"])
def test_type_14_of_efi_1_02_is_not_ram(
    found: Found, rule: str, uefi: str, places: tuple[int, ...]
) -> None:
    assert found(rule, "14 0x100000 16", uefi=uefi) == places


# Overlaps


@pytest.mark.parametrize(
    "lines",
    [
        ("EfiLoaderData 0x80000800 4 WB", "EfiConventionalMemory 0x80004000 4 WB"),
        ("EfiConventionalMemory 0x7fffc000 5 WB", "EfiLoaderData 0x80000800 4 WB"),
        (
            "EfiConventionalMemory 0x7fffc000 5 WB",
            "EfiLoaderData 0x80000800 4 WB",
            "EfiConventionalMemory 0x80004000 4 WB",
        ),
    ],
)
def test_an_overlap_of_less_than_a_page_is_the_fault_of_the_start_inside_one(
    registry: Registry, lines: tuple[str, ...]
) -> None:
    assert rules_reported(registry, *lines, architecture="x86_64") == [
        "uefi/misaligned-physical-start"
    ]


def test_an_overlap_of_pages_is_reported_beside_a_start_inside_one(registry: Registry) -> None:
    lines = ("EfiLoaderData 0x80000800 4 WB", "EfiConventionalMemory 0x80003000 4 WB")
    assert sorted(rules_reported(registry, *lines, architecture="x86_64")) == [
        "uefi/misaligned-physical-start",
        "uefi/overlapping-descriptors",
    ]


def test_an_overlap_of_less_than_a_page_is_found_by_its_own_rule_too(findings: Findings) -> None:
    (finding,) = findings(
        "uefi/overlapping-descriptors",
        "EfiLoaderData 0x80000800 4 WB",
        "EfiConventionalMemory 0x80004000 4 WB",
    )
    assert str(finding.region) == "0x80004000-0x80004800"


# Runtime data and pointers


@pytest.mark.parametrize("field", ["runtime_services", "firmware_vendor", "configuration_table"])
def test_runtime_data_of_a_table_and_of_firmware_itself_is_worth_a_look(
    found: Found, field: str
) -> None:
    places = found(
        "uefi/runtime-data-without-runtime-bit",
        "EfiRuntimeServicesData 0x7f000000 16 WB",
        "EfiRuntimeServicesData 0x7e000000 16 WB",
        configuration_tables=("SMBIOS 0x7f000000", "SMBIOS3 0x7e000000"),
        sections=f"system_table: {{{field}: 0x7f001000}}",
    )
    assert places == (1,)


@pytest.mark.parametrize(("field", "places"), [("runtime_services", (0,)), ("firmware_vendor", ())])
def test_a_null_vendor_string_leads_nowhere_and_null_services_are_wrong(
    found: Found, field: str, places: tuple[int, ...]
) -> None:
    pointers = dict.fromkeys(
        ("runtime_services", "firmware_vendor", "configuration_table"), 0x7F000000
    ) | {field: 0}
    stated = ", ".join(f"{name}: {address:#x}" for name, address in pointers.items())
    places_found = found(
        "uefi/runtime-pointer-outside-runtime-memory",
        "EfiRuntimeServicesData 0x7f000000 16 RUNTIME WB",
        sections=f"system_table: {{{stated}}}",
    )
    assert places_found == places


# Tables


def test_a_root_of_acpi_that_comes_at_run_time_is_judged_without_the_tables_behind_it(
    found: Found,
) -> None:
    rule = "uefi/runtime-loaded-acpi-table-outside-nvs"
    line = "EfiACPIReclaimMemory 0x7f000000 16 WB"
    assert found(rule, line, configuration_tables=("ACPI_20 0x7f000014 36 runtime",)) == (1,)
    with pytest.raises(ExampleError, match="acpi_tables"):
        found(rule, line, configuration_tables=("ACPI_20 0x7f000014 36 boot",))


# The Memory Attributes Table


def test_the_type_of_an_entry_is_compared_with_what_is_known_of_the_map(found: Found) -> None:
    rule = "uefi/mat-entry-type-differs"
    entries = (
        "EfiRuntimeServicesCode 0x7f000000 16 RUNTIME RO",
        "EfiRuntimeServicesData 0x7f010000 16 RUNTIME XP",
    )
    given = {"extent": "unknown", "memory_attributes_table": entries}
    assert found(rule, CODE, **given) == (2,)
    with pytest.raises(ExampleError, match="extent: whole"):
        found(rule, "EfiRuntimeServicesCode 0x7f000000 16 RUNTIME WB", **given)


def test_an_entry_without_pages_shares_none(found: Found, registry: Registry) -> None:
    entries = (
        "EfiRuntimeServicesCode 0x7f000000 32 RUNTIME RO",
        "EfiRuntimeServicesCode 0x7f001000 0 RUNTIME XP",
    )
    assert found("uefi/overlapping-mat-entries", memory_attributes_table=entries) == ()
    twice = ("EfiRuntimeServicesCode 0x7f000000 0 RUNTIME RO", entries[0])
    assert found("uefi/unsorted-mat", memory_attributes_table=twice) == (2,)


def test_a_table_of_attributes_may_lie_in_touching_descriptors_of_one_type(found: Found) -> None:
    rule = "linux/mat-with-too-many-entries"
    section = """
memory_attributes_table:
  {address: 0x7e003018, number_of_entries: 0x100, descriptor_size: 48, entries: []}
"""
    first = "EfiBootServicesData 0x7e000000 4 WB"
    assert found(rule, first, "EfiBootServicesData 0x7e004000 4 UC WB", sections=section) == ()
    assert found(rule, first, "EfiLoaderData 0x7e004000 4 WB", sections=section) == (0,)


# Thousands of descriptors


@pytest.mark.parametrize(
    ("rule", "architecture"),
    [
        ("linux/runtime-region-not-64k-aligned", "arm64"),
        ("uefi/overlapping-descriptors", "x86_64"),
    ],
)
def test_thousands_of_equal_starts_are_judged_in_one_sweep(
    findings: Findings, rule: str, architecture: str
) -> None:
    lines = [
        f"{('EfiRuntimeServicesCode', 'EfiRuntimeServicesData')[pages % 2]} 0x100001000 {pages} "
        "RUNTIME WB"
        for pages in range(1, 5001)
    ]
    began = perf_counter()
    assert len(findings(rule, *lines, architecture=architecture)) >= 4999
    assert perf_counter() - began < 5


def test_a_table_nobody_describes_is_lost_whether_it_is_listed_or_not(
    found: Found, registry: Registry
) -> None:
    rule, line = "uefi/mat-outside-table-memory", "EfiBootServicesData 0x7e000000 2 WB"
    section = "memory_attributes_table: {address: 0x7e003018, entries: []}"
    listed = ("MEMORY_ATTRIBUTES 0x7e003018",)
    assert found(rule, line, sections=section) == (0,)
    # Of a listed one uefi/configuration-table-outside-map says it, once.
    assert found(rule, line, sections=section, configuration_tables=listed) == ()
    assert rules_reported(registry, line, sections=section, configuration_tables=listed) == [
        "uefi/configuration-table-outside-map"
    ]


# Healthy shapes of every age


_HEALTHY = (
    "EfiConventionalMemory   0x100000    0x100  UC WC WT WB",
    "EfiBootServicesData     0x7d000000  16     UC WC WT WB",
    "EfiACPIReclaimMemory    0x7e000000  16     UC WC WT WB",
    "EfiACPIMemoryNVS        0x7e010000  16     UC WC WT WB",
    "EfiRuntimeServicesCode  0x7f000000  32     RUNTIME UC WC WT WB",
    "EfiRuntimeServicesData  0x7f020000  32     RUNTIME UC WC WT WB",
    "EfiMemoryMappedIO       0xffc00000  0x400  RUNTIME UC",
    "EfiMemoryMappedIOPortSpace  0xffffc000000  0x4000  UC",
)
_STATED = """
memory_attributes_table:
  version: 2
  descriptor_size: 48
  flags: 1
  address: 0x7d000018
  entries:
    - {type: 5, physical_start: 0x7f000000, pages: 16, attribute: [RUNTIME, RO], virtual_start: 0}
    - {type: 5, physical_start: 0x7f010000, pages: 16, attribute: [RUNTIME, XP], virtual_start: 0}
    - {type: 6, physical_start: 0x7f020000, pages: 32, attribute: [RUNTIME, RO, XP]}
configuration_tables:
  - {table: ACPI_20, address: 0x7e000014, length: 36, loaded: boot}
  - {table: SMBIOS3, address: 0x7f020000, length: 24}
  - {table: MEMORY_ATTRIBUTES, address: 0x7d000018}
  - {table: ESRT, address: 0x7d001000, length: 16}
  - {table: RT_PROPERTIES, address: 0x7f021000, length: 8}
  # The last byte of a descriptor, its last page, and nothing at its end.
  - {guid: 00000000-0000-0000-0000-000000000001, address: 0x7d00ffff, length: 1}
  - {guid: 00000000-0000-0000-0000-000000000002, address: 0x7d00f000, length: 0x1000}
  - {guid: 00000000-0000-0000-0000-000000000003, address: 0x7d00f000, length: 0}
acpi_tables:
  - {signature: XSDT, address: 0x7e00fff0, length: 16}
  - {signature: DSDT, address: 0x7e00f000, length: 0x2000}
  - {signature: FACS, address: 0x7e010000, length: 64}
  - {signature: SSDT, address: 0x7e011000, loaded: runtime}
runtime_properties: {version: 1, length: 8, supported: 0x3fff}
system_table:
  {address: 0x7f022000, runtime_services: 0x7f03ffff, firmware_vendor: 0x7f020000,
   configuration_table: 0x7f021000}
"""


@pytest.mark.parametrize("uefi", ["2.0", "2.3.1", "2.6", "2.10", "2.11", None])
@pytest.mark.parametrize("architecture", ["x86_64", "arm64", "i386", "ia64", "unknown"])
@pytest.mark.parametrize("origin", ["firmware", "kernel-edited", "kexec", "unknown"])
def test_a_healthy_platform_breaks_no_rule_in_any_revision(
    registry: Registry, architecture: str, uefi: str | None, origin: str
) -> None:
    given = {"uefi": uefi} if uefi else {}
    notes = {"uefi/runtime-bit-on-table-memory", "ia64/several-io-port-spaces"}
    reported = rules_reported(
        registry,
        *_HEALTHY,
        architecture=architecture,
        origin=origin,
        descriptor_size=48,
        size=4080,
        sections=_STATED,
        **given,
    )
    assert [rule for rule in reported if rule not in notes] == []


@pytest.mark.parametrize("kind", range(16))
@pytest.mark.parametrize("architecture", ["x86_64", "ia64", "unknown"])
def test_a_descriptor_of_which_only_type_and_place_are_known_breaks_no_rule(
    registry: Registry, architecture: str, kind: int
) -> None:
    line = f"{kind} 0x1000000 16 ?"
    assert rules_reported(registry, line, architecture=architecture, extent="unknown") == []


@pytest.mark.parametrize(
    "rule",
    [
        "linux/big-mmio-window",
        "linux/mmio-offered-as-write-back",
        "linux/runtime-memory-at-page-zero",
    ],
)
def test_notes_without_a_clause_are_for_those_who_ask_for_linux(
    registry: Registry, rule: str
) -> None:
    assert registry.rules[rule].requirements == ()
    asked = {
        policy: selection_of(registry, policies=[policy]).severity(registry.rules[rule])
        for policy in ("recommended", "uefi", "linux", "strict")
    }
    assert asked == {
        "recommended": None,
        "uefi": None,
        "linux": Severity.INFO,
        "strict": Severity.INFO,
    }
