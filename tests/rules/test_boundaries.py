"""Cases at the edge of a condition that would clutter the rules' pages."""

from collections.abc import Callable

import pytest

from efipolicy.plugin import AddressRange, Finding
from efipolicy.testing import ExampleError

Found = Callable[..., tuple[int, ...]]
Findings = Callable[..., list[Finding]]


@pytest.mark.parametrize(
    ("line", "wraps"),
    [
        ("EfiReservedMemoryType 0xfffffffffffff000 1", False),
        ("EfiReservedMemoryType 0xfffffffffffff000 2", True),
        ("EfiReservedMemoryType 0xfffffffffffff800 1", True),
        ("EfiReservedMemoryType 0x0 0x10000000000000", False),
        ("EfiReservedMemoryType 0x0 0x10000000000001", True),
        ("EfiReservedMemoryType 0xffffffffffffffff 0", False),
    ],
)
def test_the_last_page_may_be_the_highest_there_is(found: Found, line: str, wraps: bool) -> None:
    assert found("uefi/range-wraps-address-space", line) == ((1,) if wraps else ())


def test_a_wrapping_entry_names_everything_that_is_wrong_with_it(findings: Findings) -> None:
    (finding,) = findings(
        "uefi/range-wraps-address-space",
        "269370880 0x0486200e41038c18 0x1fc408000cadeb000 0x0e42100e42180e41",
    )
    assert finding.message.endswith(
        "reach beyond 64 bits; its start lies inside a page, its type is not assigned "
        "and its attribute has the undefined bits 0xe42000e40"
    )


def test_an_entry_that_only_wraps_is_told_in_one_clause(findings: Findings) -> None:
    (finding,) = findings(
        "uefi/range-wraps-address-space", "EfiReservedMemoryType 0xfffffffffffff000 2 WB"
    )
    assert finding.message == (
        "0x2 pages of type EfiReservedMemoryType from 0xfffffffffffff000 reach beyond 64 bits"
    )


@pytest.mark.parametrize(
    ("architecture", "bits"), [("x86_64", 52), ("arm64", 56), ("ia64", 63), ("unknown", 56)]
)
def test_memory_may_reach_up_to_the_physical_limit(
    found: Found, architecture: str, bits: int
) -> None:
    last = (1 << bits) - 0x1000
    lines = [f"EfiConventionalMemory {last:#x} 1 WB", f"EfiConventionalMemory {last:#x} 2 WB"]
    rule = "uefi/address-beyond-physical-limit"
    assert found(rule, *lines, architecture=architecture) == (2,)


def test_an_unknown_attribute_is_no_missing_one(found: Found) -> None:
    lines = ["EfiConventionalMemory 0x0 1 ?", "EfiConventionalMemory 0x1000 1"]
    assert found("uefi/ram-without-cacheability", *lines) == (2,)


def test_a_map_without_any_attribute_is_not_judged_by_attribute(found: Found) -> None:
    with pytest.raises(ExampleError, match="attribute"):
        found("uefi/ram-without-cacheability", "EfiConventionalMemory 0x0 1 ?")


@pytest.mark.parametrize("kind", [1, 2, 3, 4, 5, 6, 7, 9, 10, 14])
def test_every_kind_of_ram_needs_a_cacheability(found: Found, kind: int) -> None:
    assert found("uefi/ram-without-cacheability", f"{kind} 0x0 1 XP") == (1,)


@pytest.mark.parametrize("kind", [0, 8, 11, 12, 13, 15, 0x70000000])
def test_what_is_no_ram_needs_no_cacheability(found: Found, kind: int) -> None:
    assert found("uefi/ram-without-cacheability", f"{kind} 0x0 1 XP") == ()


@pytest.mark.parametrize("origin", ["kernel-edited", "kexec", "unknown"])
def test_only_the_firmware_s_own_map_blames_it_for_kept_boot_services(
    found: Found, origin: str
) -> None:
    line = "EfiBootServicesData 0x7d978000 1 RUNTIME WB"
    with pytest.raises(ExampleError, match="origin: firmware"):
        found("uefi/runtime-bit-on-boot-services-memory", line, origin=origin)
    assert found("uefi/runtime-bit-on-reusable-memory", line, origin=origin) == ()


def test_a_misaligned_copy_of_the_physical_start_can_still_run_out_of_room(found: Found) -> None:
    line = "EfiMemoryMappedIO 0xfffffffffffff800 1 RUNTIME UC @0xfffffffffffff800"
    assert found("uefi/invalid-virtual-start", line) == (1,)


def test_an_unknown_virtual_start_beside_a_known_one_is_not_judged(found: Found) -> None:
    lines = ["EfiLoaderData 0x0 1 WB", "EfiLoaderData 0x1000 1 WB @0x800"]
    assert found("uefi/invalid-virtual-start", *lines) == (2,)


@pytest.mark.parametrize(
    ("architecture", "codes"),
    [("ia64", ("IA64-001", "UEFI-RT-005")), ("x86_64", ("UEFI-RT-005",))],
)
def test_a_breach_of_granularity_carries_the_architecture_s_code_and_the_general_one(
    findings: Findings, architecture: str, codes: tuple[str, ...]
) -> None:
    (finding,) = findings(
        "uefi/runtime-region-breaks-granularity",
        "EfiRuntimeServicesData 0x3f001800 2 RUNTIME WB",
        architecture=architecture,
    )
    assert finding.requirements == codes
    assert finding.field == "physical_start"


def test_a_size_that_breaks_granularity_is_told_apart_from_a_start(findings: Findings) -> None:
    (finding,) = findings(
        "uefi/acpi-memory-breaks-granularity",
        "EfiACPIReclaimMemory 0x3e000000 3 WB",
        architecture="ia64",
    )
    assert finding.message == (
        "EfiACPIReclaimMemory has 12 KiB; UEFI 2.10 §2.3.3 wants multiples of 8 KiB"
    )
    assert finding.field == "pages"
    assert finding.requirements == ("IA64-002", "UEFI-RT-006")


def test_all_pieces_of_runtime_code_are_in_one_finding(findings: Findings) -> None:
    (finding,) = findings(
        "uefi/several-runtime-code-descriptors",
        "EfiRuntimeServicesCode 0x7f020000 16 RUNTIME WB",
        "EfiRuntimeServicesCode 0x7f000000 16 RUNTIME WB",
        "EfiRuntimeServicesCode 0x7f010000 16 RUNTIME WB",
        "EfiRuntimeServicesCode 0x7f040000 16 RUNTIME WB",
    )
    assert len(finding.related) == 3
    assert finding.message == (
        "4 descriptors of EfiRuntimeServicesCode; back to back at 0x7f010000, 0x7f020000"
    )


def test_pieces_of_runtime_code_apart_from_each_other_are_said_to_be(findings: Findings) -> None:
    (finding,) = findings(
        "uefi/several-runtime-code-descriptors",
        "EfiRuntimeServicesCode 0x7f000000 15 RUNTIME WB",
        "EfiRuntimeServicesCode 0x7f010000 16 RUNTIME WB",
    )
    assert finding.message.endswith("no two are back to back")


def test_equal_starts_are_an_overlap_and_no_disorder(found: Found) -> None:
    lines = ["EfiLoaderData 0x1000 1 WB", "EfiLoaderData 0x1000 2 WB"]
    assert found("uefi/unsorted-memory-map", *lines) == ()
    assert found("uefi/overlapping-descriptors", *lines) == (2,)


@pytest.mark.parametrize(
    ("second", "disorder", "overlap"),
    [
        ("EfiRuntimeServicesCode 0x7f000000 4 RUNTIME XP", (), (2,)),
        ("EfiRuntimeServicesCode 0x7f000000 4 XP", (2,), ()),
    ],
)
def test_equal_starts_in_the_attributes_table_are_one_fault(
    found: Found, second: str, disorder: tuple[int, ...], overlap: tuple[int, ...]
) -> None:
    table = ("EfiRuntimeServicesCode 0x7f000000 2 RUNTIME RO", second)
    assert found("uefi/unsorted-mat", memory_attributes_table=table) == disorder
    assert found("uefi/overlapping-mat-entries", memory_attributes_table=table) == overlap


def test_an_attributes_entry_over_the_end_reports_the_part_outside(findings: Findings) -> None:
    (finding,) = findings(
        "uefi/mat-entry-outside-descriptor",
        "EfiRuntimeServicesCode 0x7f000000 16 RUNTIME WB",
        memory_attributes_table=("EfiRuntimeServicesCode 0x7f00f000 3 RUNTIME RO",),
    )
    assert finding.region == AddressRange(0x7F010000, 0x7F012000)


def test_a_part_of_a_map_loses_no_attributes_entry(found: Found) -> None:
    with pytest.raises(ExampleError, match="extent: whole"):
        found(
            "uefi/mat-entry-outside-descriptor",
            "EfiRuntimeServicesCode 0x7f000000 16 RUNTIME WB",
            extent="partial",
            memory_attributes_table=("EfiRuntimeServicesCode 0x6f000000 2 RUNTIME RO",),
        )


def test_a_part_of_a_map_loses_no_configuration_table(found: Found) -> None:
    with pytest.raises(ExampleError, match="extent: whole"):
        found(
            "uefi/configuration-table-outside-map",
            "EfiConventionalMemory 0x100000 16 WB",
            extent="unknown",
            configuration_tables=("SMBIOS3 0xf0000",),
        )


@pytest.mark.parametrize(
    ("neighbour", "places"),
    [
        ("EfiACPIReclaimMemory 0x90000000 16 WB", ()),
        ("EfiACPIReclaimMemory 0x90000000 2 WB", ()),
        ("EfiACPIReclaimMemory 0x90000000 1 WB", (1,)),
        ("EfiACPIReclaimMemory 0x90000000 16 WB WT", (1,)),
        ("EfiBootServicesData 0x90000000 16 WB", (1,)),
        ("EfiACPIReclaimMemory 0x90001000 16 WB", (1,)),
    ],
)
def test_a_table_may_cross_into_an_equal_neighbour_only(
    found: Found, neighbour: str, places: tuple[int, ...]
) -> None:
    lines = ["EfiACPIReclaimMemory 0x8fff0000 16 WB", neighbour]
    tables = ("DTB 0x8ffff000 0x3000",)
    rule = "uefi/configuration-table-outside-map"
    assert found(rule, *lines, configuration_tables=tables) == places


def test_a_table_without_a_length_needs_room_for_its_first_byte(found: Found) -> None:
    rule = "uefi/configuration-table-outside-map"
    line = "EfiACPIReclaimMemory 0x8fff0000 16 WB"
    assert found(rule, line, configuration_tables=("DTB 0x8fffffff",)) == ()
    assert found(rule, line, configuration_tables=("DTB 0x90000000",)) == (1,)


def test_garbage_in_the_map_loses_no_configuration_table(found: Found) -> None:
    rule = "uefi/configuration-table-outside-map"
    line = "0x20 0x8fff0000 16 WB"
    assert found(rule, line, configuration_tables=("DTB 0x8fff0000",)) == ()


def test_acpi_tables_that_came_at_run_time_are_another_requirement(found: Found) -> None:
    rule = "uefi/acpi-table-outside-acpi-memory"
    line = "EfiRuntimeServicesData 0x7f000000 16 RUNTIME WB"
    tables = ("ACPI_20 0x7f000000 36 runtime", "ACPI 0x7f001000 20 boot")
    assert found(rule, line, configuration_tables=tables) == (2,)


def test_the_second_and_the_third_entry_of_a_guid_are_reported(found: Found) -> None:
    tables = ("DTB 0x1000", "DTB 0x2000", "ESRT 0x3000", "DTB 0x4000")
    rule = "uefi/duplicate-configuration-table"
    assert found(rule, configuration_tables=tables) == (2, 4)


@pytest.mark.parametrize("architecture", ["unknown", "arm64"])
def test_isa_valid_is_doubtful_only_where_it_is_known_to_mean_nothing(
    found: Found, architecture: str
) -> None:
    rule = "uefi/isa-mask-without-isa-valid"
    line = "EfiConventionalMemory 0x100000 16 ISA_VALID WB"
    assert found(rule, line, architecture=architecture) == ()
    assert found(rule, line, architecture="ia64") == (1,)
