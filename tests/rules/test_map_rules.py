"""Rules that judge the map, hardware, allocations, RT_PROPERTIES and the system table."""

from collections.abc import Callable

import pytest

from efipolicy.engine.fixing import fix
from efipolicy.engine.linting import lint
from efipolicy.formats.platform import read_platform
from efipolicy.plugin import RUNTIME_SERVICES, AddressRange, Finding, InputReport, Platform
from efipolicy.plugin.registry import Registry
from efipolicy.policy import Selection
from efipolicy.source import SourceText
from efipolicy.testing import ExampleError, platform

Found = Callable[..., tuple[int, ...]]
Findings = Callable[..., list[Finding]]

TSEG = "hardware: {off_limits: [{start: 0x7f800000, size: 0x800000, what: TSEG}]}"
SERVICES = tuple(RUNTIME_SERVICES)


def functions(**addresses: int) -> str:
    """A system table with all fourteen pointers, some of them at these addresses."""
    pointers = {name: 0x7F000000 + place for place, name in enumerate(SERVICES)} | addresses
    inner = ", ".join(f"{name}: {address:#x}" for name, address in pointers.items())
    return f"system_table: {{runtime_functions: {{{inner}}}}}"


def linted(registry: Registry, *lines: str, select: str = "*", **given: object) -> InputReport:
    """What all rules at their own severity say of a map, of x86_64 unless given."""
    given = {"architecture": "x86_64", **given}
    report, errors = lint(
        platform(*lines, **given),
        registry.rules.values(),
        registry.architectures,
        Selection([], select=[select]),
        path="example.yaml",
        today="2030-01-01",
    )
    assert errors == []
    return report


# The size of a descriptor and of the map


@pytest.mark.parametrize(
    ("size", "wrong"), [(0, True), (39, True), (40, False), (41, True), (48, False), (56, False)]
)
def test_a_descriptor_takes_40_bytes_or_more_in_steps_of_8(
    found: Found, size: int, wrong: bool
) -> None:
    places = found("uefi/invalid-descriptor-size", descriptor_size=size)
    assert places == ((0,) if wrong else ())


def test_a_map_without_a_descriptor_size_is_not_judged_by_it(found: Found) -> None:
    with pytest.raises(ExampleError, match=r"memory_map\.descriptor_size"):
        found("uefi/invalid-descriptor-size")
    with pytest.raises(ExampleError, match=r"memory_map\.size"):
        found("uefi/memory-map-size-mismatch", descriptor_size=48)


def test_the_size_of_a_map_says_what_is_left_over(findings: Findings) -> None:
    (finding,) = findings("uefi/memory-map-size-mismatch", descriptor_size=48, size=4096)
    assert finding.message == (
        "the 4096 bytes of the map hold 85 descriptors of 48 bytes and 16 bytes of another"
    )
    assert finding.field == "size"


@pytest.mark.parametrize("extent", ["partial", "unknown"])
def test_a_part_of_a_map_may_be_smaller_than_the_buffer(found: Found, extent: str) -> None:
    line = "EfiConventionalMemory 0x100000 16 WB"
    rule = "uefi/memory-map-size-mismatch"
    assert found(rule, line, extent=extent, descriptor_size=48, size=96) == ()
    assert found(rule, line, descriptor_size=48, size=96) == ()
    assert found(rule, line, line, extent=extent, descriptor_size=48, size=48) == (0,)


def test_entries_that_are_garbage_take_room_in_the_buffer(registry: Registry) -> None:
    lines = ["EfiConventionalMemory 0x100000 16 WB", "EfiReservedMemoryType 0x0 0 WB"]
    report = linted(registry, *lines, descriptor_size=48, size=96)
    assert [finding.rule for finding in report.findings] == ["uefi/zero-pages"]


def test_a_wrong_descriptor_size_is_not_also_a_wrong_map_size(registry: Registry) -> None:
    line = "EfiConventionalMemory 0x100000 16 WB"
    report = linted(registry, line, descriptor_size=44, size=96)
    assert [finding.rule for finding in report.findings] == ["uefi/invalid-descriptor-size"]


# Hardware


def test_what_is_not_reserved_is_named_range_by_range(findings: Findings) -> None:
    (finding,) = findings(
        "uefi/off-limits-memory-not-reserved",
        "EfiConventionalMemory 0x7f000000 0x900 WB",
        "EfiReservedMemoryType 0x7fa00000 0x100 WB",
        "EfiRuntimeServicesData 0x7fb00000 0x100 RUNTIME WB",
        "EfiReservedMemoryType 0x7fd00000 0x1000 WB",
        sections=TSEG,
    )
    assert finding.message == (
        "TSEG 0x7f800000-0x80000000 is off limits, but 0x7f800000-0x7f900000 is "
        "EfiConventionalMemory, 0x7f900000-0x7fa00000 is in no descriptor, "
        "0x7fb00000-0x7fc00000 is EfiRuntimeServicesData and "
        "0x7fc00000-0x7fd00000 is in no descriptor"
    )
    assert finding.region == AddressRange(0x7F800000, 0x7FD00000)
    assert [str(other.subject) for other in finding.related] == [
        "EfiConventionalMemory 0x7f000000-0x7f900000",
        "EfiRuntimeServicesData 0x7fb00000-0x7fc00000",
    ]


def test_one_page_that_is_not_reserved_is_the_region(findings: Findings) -> None:
    (finding,) = findings(
        "uefi/off-limits-memory-not-reserved",
        "EfiReservedMemoryType 0x7f800000 0x400 WB",
        "EfiReservedMemoryType 0x7fc01000 0x3ff WB",
        sections=TSEG,
    )
    assert finding.region == AddressRange(0x7FC00000, 0x7FC01000)


def test_a_part_of_a_map_hides_nothing_but_can_show_another_type(found: Found) -> None:
    rule = "uefi/off-limits-memory-not-reserved"
    reserved = "EfiReservedMemoryType 0x7f800000 0x400 WB"
    free = "EfiConventionalMemory 0x7fc00000 0x400 WB"
    with pytest.raises(ExampleError, match="extent: whole"):
        found(rule, reserved, extent="partial", sections=TSEG)
    assert found(rule, reserved, free, extent="partial", sections=TSEG) == (0,)


def test_off_limits_memory_of_an_unassigned_type_is_not_called_absent(findings: Findings) -> None:
    (finding,) = findings(
        "uefi/off-limits-memory-not-reserved", "0x20 0x7f800000 0x800 WB", sections=TSEG
    )
    assert finding.message.endswith("0x7f800000-0x80000000 is 0x20")


@pytest.mark.parametrize(
    ("line", "fixable"),
    [
        ("EfiUnusableMemory 0x7f800000 0x800 WB", True),
        ("EfiConventionalMemory 0x7f700000 0x900 WB", False),
        ("EfiUnusableMemory 0x7f800000 0x7ff WB", False),
        ("EfiRuntimeServicesData 0x7f800000 0x800 RUNTIME WB", False),
    ],
)
def test_only_descriptors_of_nothing_else_can_be_given_another_type(
    findings: Findings, line: str, fixable: bool
) -> None:
    (finding,) = findings("uefi/off-limits-memory-not-reserved", line, sections=TSEG)
    assert bool(finding.fix) is fixable


def test_hardware_that_is_not_declared_is_named_as_missing(registry: Registry) -> None:
    checked = linted(registry, "EfiConventionalMemory 0x100000 16 WB").checked.not_checked
    missing = {item.rule: item.needs for item in checked}
    assert missing["uefi/off-limits-memory-not-reserved"] == "hardware.off_limits"
    assert missing["uefi/memory-without-hardware"] == "hardware.unpopulated"
    assert missing["uefi/special-type-allocated"] == "allocations"


HOLES = """
hardware:
  unpopulated: [{start: 0xc0000000, size: 0x10000000}, {start: 0xd0000000, size: 0x10000000},
    {start: 0xf0000000, size: 0x1000}, {start: 0x0, size: 0}]
"""


def test_memory_over_holes_names_each_hole_and_joins_those_that_touch(findings: Findings) -> None:
    (finding,) = findings(
        "uefi/memory-without-hardware",
        "EfiConventionalMemory 0x80000000 0x70001 WB",
        sections=HOLES,
    )
    assert finding.message == (
        "EfiConventionalMemory 0x80000000-0xf0001000 covers 0xc0000000-0xe0000000 and "
        "0xf0000000-0xf0001000, where nothing is populated"
    )
    assert finding.region == AddressRange(0xC0000000, 0xF0001000)
    assert len(finding.related) == 3


@pytest.mark.parametrize(
    ("line", "places"),
    [
        ("EfiConventionalMemory 0xbfff0000 16 WB", ()),
        ("EfiConventionalMemory 0xe0000000 16 WB", ()),
        ("EfiConventionalMemory 0xdffff000 2 WB", (1,)),
        ("EfiMemoryMappedIO 0xc0000000 16 UC", ()),
        ("EfiMemoryMappedIOPortSpace 0xc0000000 16 UC", ()),
        ("EfiUnusableMemory 0xc0000000 16 WB", (1,)),
    ],
)
def test_only_memory_in_a_hole_is_reported(
    found: Found, line: str, places: tuple[int, ...]
) -> None:
    assert found("uefi/memory-without-hardware", line, sections=HOLES) == places


@pytest.mark.parametrize(
    ("line", "places"),
    [
        ("EfiConventionalMemory 0x7ffffff000 1 WB", ()),
        ("EfiConventionalMemory 0x7ffffff000 2 WB", (1,)),
        ("EfiReservedMemoryType 0x8000000000 1 WB", (1,)),
        ("EfiMemoryMappedIO 0x8000000000 1 UC", ()),
        ("EfiMemoryMappedIO 0x8000000000 1 ?", ()),
        ("EfiMemoryMappedIO 0x8000000000 1 RUNTIME UC", (1,)),
        ("EfiMemoryMappedIO 0x10000000000000 1 UC", (1,)),
    ],
)
@pytest.mark.parametrize("architecture", ["x86_64", "unknown"])
def test_a_declared_width_narrows_the_limit_for_all_but_unmapped_windows(
    found: Found, architecture: str, line: str, places: tuple[int, ...]
) -> None:
    if architecture == "unknown" and line.startswith("EfiMemoryMappedIO 0x1000"):
        places = ()  # an unknown architecture may have 56 bits
    given = {"architecture": architecture, "sections": "hardware: {physical_address_bits: 39}"}
    assert found("uefi/address-beyond-physical-limit", line, **given) == places


def test_a_declared_width_does_not_widen_the_architecture_s(found: Found) -> None:
    found_at = found(
        "uefi/address-beyond-physical-limit",
        "EfiConventionalMemory 0x10000000000000 1 WB",
        architecture="x86_64",
        sections="hardware: {physical_address_bits: 64}",
    )
    assert found_at == (1,)


def test_the_part_beyond_the_limit_is_the_region(findings: Findings) -> None:
    (finding,) = findings(
        "uefi/address-beyond-physical-limit",
        "EfiConventionalMemory 0x7ffffff000 3 WB",
        architecture="x86_64",
        sections="hardware: {physical_address_bits: 39}",
    )
    assert finding.region == AddressRange(1 << 39, (1 << 39) + 0x2000)
    assert finding.message == (
        "EfiConventionalMemory 0x7ffffff000-0x8000002000 reaches above the 39 bits of physical "
        "address that the hardware is declared to have"
    )


DEVICES = """
hardware:
  operating_system_devices:
    - {start: 0xfe340200, size: 0x100, what: mmc}
    - {start: 0xfe340800, size: 0x10}
"""


def test_a_device_of_the_operating_system_is_found_inside_a_runtime_window(
    findings: Findings,
) -> None:
    (finding,) = findings(
        "uefi/runtime-device-of-operating-system",
        "EfiMemoryMappedIO 0xfe340000 1 RUNTIME UC",
        architecture="riscv64",
        sections=DEVICES,
    )
    assert finding.region == AddressRange(0xFE340200, 0xFE340810)
    assert "holds mmc and 0xfe340800-0xfe340810" in finding.message


@pytest.mark.parametrize(
    "line", ["EfiMemoryMappedIO 0xfe340000 1 UC", "EfiRuntimeServicesData 0xfe340000 1 RUNTIME WB"]
)
def test_only_mapped_device_windows_can_hold_a_device(found: Found, line: str) -> None:
    rule = "uefi/runtime-device-of-operating-system"
    assert found(rule, line, architecture="arm64", sections=DEVICES) == ()


def test_pcs_may_share_devices_behind_system_management_mode(registry: Registry) -> None:
    line = "EfiMemoryMappedIO 0xfe340000 1 RUNTIME UC"
    report = linted(registry, line, architecture="x86_64", sections=DEVICES)
    assert "uefi/runtime-device-of-operating-system" in report.checked.not_applicable


# Types, counts and the order of descriptors


@pytest.mark.parametrize(
    ("uefi", "kind", "places"),
    [
        ("1.02", 14, ()),
        ("1.10", 14, (1,)),
        ("2.4", 14, (1,)),
        ("2.5", 14, ()),
        ("2.8", 15, (1,)),
        ("2.9", 15, ()),
        ("2.10", 15, ()),
    ],
)
def test_a_type_is_newer_than_the_revisions_before_its_own(
    found: Found, uefi: str, kind: int, places: tuple[int, ...]
) -> None:
    rule = "uefi/type-newer-than-revision"
    assert found(rule, f"{kind} 0x100000000 16 WB", uefi=uefi) == places


def test_the_limit_of_descriptors_counts_garbage_and_takes_the_declared_count(
    found: Found,
) -> None:
    rule = "uefi/too-many-descriptors"
    lines = [f"EfiConventionalMemory {place * 0x2000:#x} 1 WB" for place in range(500)]
    assert found(rule, *lines) == ()
    assert found(rule, *lines, "0x20 0x10000000 1 WB") == (0,)
    # What a whole map lists counts, not what its size makes of it.
    assert found(rule, *lines, descriptor_size=48, size=48 * 501) == ()
    with pytest.raises(ExampleError, match="extent: whole"):
        found(rule, *lines, extent="unknown")


def test_the_limit_of_descriptors_is_an_option(registry: Registry) -> None:
    rule = registry.rules["uefi/too-many-descriptors"]
    (option,) = rule.options
    assert (option.name, option.kind, option.default) == ("limit", "integer", 500)
    two = platform("EfiLoaderData 0x0 1 WB", "EfiLoaderData 0x1000 1 WB")
    (finding,) = rule.check(platform=two, options={"limit": 1})
    assert isinstance(finding, Finding)
    assert finding.message == "the map has 2 descriptors; the limit is 1"


@pytest.mark.parametrize(
    ("virtual_starts", "places"),
    [
        (["0", "0", "0"], ()),
        (["0x1000", "0x2000", "0x3000"], ()),
        (["0x1000", "0", "0"], (1,)),
        (["0x1000", "0x2000", "0"], (3,)),
        (["0x1000", "0x20000000", "0x3000"], (2,)),
        (["0", "0x20000000", "0x20001000"], (2,)),
    ],
)
def test_virtual_starts_are_none_or_all_those_of_the_physical_addresses(
    found: Found, virtual_starts: list[str], places: tuple[int, ...]
) -> None:
    lines = [
        f"EfiLoaderData {place * 0x1000:#x} 1 WB @{virtual}"
        for place, virtual in enumerate(virtual_starts, 1)
    ]
    assert found("uefi/virtual-start-in-firmware-map", *lines) == places


def test_physical_address_0_fits_both_ways_of_filling_virtual_starts(found: Found) -> None:
    rule = "uefi/virtual-start-in-firmware-map"
    zero = "EfiLoaderData 0x0 1 WB @0"
    assert found(rule, zero, "EfiLoaderData 0x1000 1 WB @0x1000") == ()
    assert found(rule, zero, "EfiLoaderData 0x1000 1 WB @0") == ()


@pytest.mark.parametrize("origin", ["kernel-edited", "kexec", "unknown"])
def test_virtual_addresses_in_a_map_of_the_kernel_s_blame_nobody(found: Found, origin: str) -> None:
    with pytest.raises(ExampleError, match="origin: firmware"):
        found(
            "uefi/virtual-start-in-firmware-map",
            "EfiRuntimeServicesCode 0x7f000000 16 RUNTIME WB @0x20000000",
            origin=origin,
        )


@pytest.mark.parametrize(
    ("by", "kind", "usual"),
    [
        ("application", "EfiReservedMemoryType", "EfiLoaderData"),
        ("loader", "EfiUnacceptedMemoryType", "EfiLoaderData"),
        ("boot-driver", "EfiMemoryMappedIO", "EfiBootServicesData"),
        ("runtime-driver", "EfiReservedMemoryType", "EfiRuntimeServicesData"),
    ],
)
def test_an_image_is_told_the_type_it_should_have_allocated(
    findings: Findings, by: str, kind: str, usual: str
) -> None:
    allocation = f"{{by: {by}, type: {kind}, physical_start: 0x7d000000, pages: 2}}"
    (finding,) = findings("uefi/special-type-allocated", sections=f"allocations: [{allocation}]")
    article = "an" if by == "application" else "a"
    image = by.replace("-", " ")
    assert finding.message == f"{article} {image} allocated 0x7d000000-0x7d002000 as {kind}"
    assert finding.help == f"allocate {usual}"
    assert finding.region == AddressRange(0x7D000000, 0x7D002000)


@pytest.mark.parametrize("kind", [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 13, 14, 0x80000000])
def test_other_types_may_be_allocated(found: Found, kind: int) -> None:
    allocation = f"{{by: loader, type: {kind}, physical_start: 0x7d000000, pages: 1}}"
    assert found("uefi/special-type-allocated", sections=f"allocations: [{allocation}]") == ()


def test_every_pair_that_overlaps_is_named_with_its_bytes(findings: Findings) -> None:
    second, third = findings(
        "uefi/overlapping-descriptors",
        "EfiConventionalMemory 0x100000 16 WB",
        "EfiLoaderData 0x104000 4 WB",
        "EfiRuntimeServicesData 0x107000 16 RUNTIME WB",
        "EfiBootServicesData 0x117000 1 WB",
    )
    assert second.message == (
        "EfiLoaderData 0x104000-0x108000 shares 0x104000-0x108000 with "
        "EfiConventionalMemory 0x100000-0x110000"
    )
    assert third.message == (
        "EfiRuntimeServicesData 0x107000-0x117000 shares 0x107000-0x110000 with "
        "EfiConventionalMemory 0x100000-0x110000 and 0x107000-0x108000 with "
        "EfiLoaderData 0x104000-0x108000"
    )
    assert third.region == AddressRange(0x107000, 0x110000)
    assert len(third.related) == 2


def test_a_descriptor_over_many_others_counts_those_it_does_not_list(findings: Findings) -> None:
    lines = [f"EfiLoaderData 0x1000 {pages} WB" for pages in range(20, 9, -1)]
    *_, last = findings("uefi/overlapping-descriptors", *lines)
    assert len(last.related) == 8
    assert last.message.endswith(", and more with 2 others")
    assert last.region == AddressRange(0x1000, 0xB000)


def test_thousands_of_overlapping_descriptors_are_judged_in_one_sweep(findings: Findings) -> None:
    lines = [f"EfiLoaderData 0x1000 {pages} WB" for pages in range(1, 3001)]
    assert len(findings("uefi/overlapping-descriptors", *lines)) == 2999


def test_disorder_is_one_finding_that_counts_its_places(findings: Findings) -> None:
    (finding,) = findings(
        "uefi/unsorted-memory-map",
        "EfiConventionalMemory 0x80000000 16 WB",
        "EfiMemoryMappedIO 0x4000000 1 RUNTIME UC",
        "EfiRuntimeServicesData 0x90000000 1 RUNTIME WB",
        "EfiRuntimeServicesCode 0x8f000000 1 RUNTIME WB",
    )
    assert finding.message == (
        "EfiMemoryMappedIO at 0x4000000 comes after EfiConventionalMemory at 0x80000000, and 1 "
        "more such places; runtime services code and data are among them"
    )
    assert [str(other.subject) for other in finding.related] == [
        "EfiConventionalMemory 0x80000000-0x80010000",
        "EfiRuntimeServicesCode 0x8f000000-0x8f001000",
    ]


@pytest.mark.parametrize(
    ("table", "region"),
    [
        ("DTB 0xffffe000 0x3000", AddressRange(0x100000000, 0x100001000)),
        ("DTB 0x100000000", AddressRange(0x100000000, 0x100000001)),
    ],
)
def test_the_bytes_of_a_table_in_unaccepted_memory_are_the_region(
    findings: Findings, table: str, region: AddressRange
) -> None:
    (finding,) = findings(
        "uefi/configuration-table-in-unaccepted-memory",
        "EfiACPIReclaimMemory 0xffffe000 2 WB",
        "EfiUnacceptedMemoryType 0x100000000 16",
        configuration_tables=(table,),
    )
    assert finding.region == region


def test_a_table_outside_a_part_of_a_map_may_lie_in_unaccepted_memory(found: Found) -> None:
    rule = "uefi/configuration-table-in-unaccepted-memory"
    line = "EfiConventionalMemory 0x0 1 WB"
    with pytest.raises(ExampleError, match="extent: whole"):
        found(rule, line, extent="partial", configuration_tables=("DTB 0x1000",))
    assert found(rule, line, configuration_tables=("DTB 0x1000",)) == ()


# Attributes


@pytest.mark.parametrize(
    ("bits", "first", "before"),
    [
        ("NV", "2.5", "2.4"),
        ("MORE_RELIABLE", "2.5", "2.4"),
        ("RO", "2.5", "2.4"),
        ("SP", "2.8", "2.7"),
        ("CPU_CRYPTO", "2.8", "2.7"),
        ("0x40ff000000000000", "2.10", "2.9"),
        ("HOT_PLUGGABLE", "2.11", "2.10"),
    ],
)
def test_an_attribute_is_newer_than_the_revisions_before_its_own(
    found: Found, bits: str, first: str, before: str
) -> None:
    rule, line = "uefi/attribute-newer-than-revision", f"EfiConventionalMemory 0x0 1 WB {bits}"
    assert found(rule, line, uefi=first) == ()
    assert found(rule, line, uefi=before) == (1,)


def test_the_newer_attributes_are_named_with_their_revisions(findings: Findings) -> None:
    line = "EfiConventionalMemory 0x0 1 WB RO NV SP 0x40ff000000000000"
    (finding,) = findings("uefi/attribute-newer-than-revision", line, uefi="2.4")
    assert finding.message == (
        "EfiConventionalMemory 0x0-0x1000 has RO and NV (since 2.5), SP (since 2.8) and "
        "ISA_VALID and 0xff000000000000 (since 2.10); the firmware declares UEFI 2.4"
    )


def test_bits_the_mask_rule_reports_are_not_also_too_new(registry: Registry) -> None:
    line = "EfiConventionalMemory 0x0 1 0x40ff000000000008"
    for architecture, rule in (
        ("x86_64", "uefi/isa-mask-without-isa-valid"),
        ("arm64", "uefi/attribute-newer-than-revision"),
    ):
        report = linted(registry, line, architecture=architecture, uefi="2.7")
        assert [finding.rule for finding in report.findings] == [rule]


def test_rules_of_revisions_are_not_checked_without_one(registry: Registry) -> None:
    report = linted(registry, "EfiRuntimeServicesCode 0x0 1 RUNTIME WB WP RO HOT_PLUGGABLE")
    missing = {item.rule: item.needs for item in report.checked.not_checked}
    assert missing["uefi/attribute-newer-than-revision"] == "platform.uefi"
    assert missing["uefi/type-newer-than-revision"] == "platform.uefi"
    assert missing["uefi/write-protection-by-cache-type"] == "platform.uefi"


@pytest.mark.parametrize(
    ("uefi", "message"),
    [
        (None, "without EFI_MEMORY_ISA_VALID"),
        ("2.10", "without EFI_MEMORY_ISA_VALID"),
        ("2.7", "without EFI_MEMORY_ISA_VALID; UEFI 2.7 has no such field"),
    ],
)
def test_stray_mask_bits_say_when_the_revision_does_not_know_them(
    findings: Findings, uefi: str | None, message: str
) -> None:
    line = "EfiReservedMemoryType 0x7ad00000 256 0x0700000000000008"
    (finding,) = findings("uefi/isa-mask-without-isa-valid", line, uefi=uefi)
    assert finding.message.endswith(message)


@pytest.mark.parametrize(
    ("rule", "line", "first", "before"),
    [
        ("uefi/nv-bit-against-type", "EfiPersistentMemory 0x0 1 WB", "2.5", "2.4"),
        ("uefi/nv-bit-against-type", "EfiLoaderData 0x0 1 WB NV", None, None),
        ("uefi/nv-bit-against-type", "EfiBootServicesData 0x0 1 WB NV", "2.5", "2.4"),
        (
            "uefi/more-reliable-on-all-memory",
            "EfiLoaderData 0x0 1 WB MORE_RELIABLE",
            "2.5",
            "2.4",
        ),
        (
            "uefi/specific-purpose-on-firmware-memory",
            "EfiReservedMemoryType 0x0 1 WB SP",
            "2.8",
            "2.7",
        ),
        (
            "uefi/hot-pluggable-firmware-memory",
            "EfiACPIReclaimMemory 0x0 1 WB HOT_PLUGGABLE",
            "2.11",
            "2.10",
        ),
    ],
)
def test_a_bit_is_judged_by_its_meaning_where_the_revision_gives_it_one(
    findings: Findings, rule: str, line: str, first: str | None, before: str | None
) -> None:
    if first is None:
        assert findings(rule, line, uefi="2.10") == []
        return
    assert findings(rule, line, uefi=before) == []
    (finding,) = findings(rule, line, uefi=first)
    assert "no revision is declared" not in finding.message
    (finding,) = findings(rule, line)
    assert finding.message.endswith(
        f"(no revision is declared; the bit means this since UEFI {first})"
    )


def test_all_ram_must_be_known_before_none_of_it_is_write_protected(found: Found) -> None:
    rule = "uefi/write-protection-by-cache-type"
    code = "EfiRuntimeServicesCode 0x7f000000 16 RUNTIME WB WP"
    free = "EfiConventionalMemory 0x100000 16"
    assert found(rule, code, f"{free} WB", uefi="2.5") == (1,)
    assert found(rule, code, f"{free} WB WP", uefi="2.5") == ()
    assert found(rule, code, f"{free} ?", f"{free} WP", uefi="2.5") == ()
    with pytest.raises(ExampleError, match="attribute of all RAM"):
        found(rule, code, f"{free} ?", uefi="2.5")
    with pytest.raises(ExampleError, match="extent: whole"):
        found(rule, code, f"{free} WB", uefi="2.5", extent="partial")


def test_devices_may_have_the_write_protected_cache_type_or_not(found: Found) -> None:
    lines = [
        "EfiRuntimeServicesCode 0x7f000000 16 RUNTIME WB WP",
        "EfiMemoryMappedIO 0xfed00000 1 RUNTIME UC WP",
    ]
    assert found("uefi/write-protection-by-cache-type", *lines, uefi="2.7") == (1,)


def test_one_region_without_the_bit_makes_the_others_more_reliable(found: Found) -> None:
    rule = "uefi/more-reliable-on-all-memory"
    marked = "EfiConventionalMemory 0x100000 16 WB MORE_RELIABLE"
    assert found(rule, marked) == (1,)
    assert found(rule, marked, "EfiUnacceptedMemoryType 0x200000 16") == ()
    assert found(rule, marked, "EfiPersistentMemory 0x200000 16 WB NV") == ()
    assert found(rule, marked, "EfiReservedMemoryType 0x200000 16 WB") == (1,)
    assert found(rule, marked, "EfiLoaderData 0x200000 16 ?", "EfiLoaderData 0x0 1 WB") == ()
    with pytest.raises(ExampleError, match="attribute of all RAM"):
        found(rule, marked, "EfiLoaderData 0x200000 16 ?")
    assert found(rule) == ()


@pytest.mark.parametrize("kind", [1, 2, 3, 4, 7, 9, 14])
def test_linux_wants_write_back_of_what_it_takes_for_ram(found: Found, kind: int) -> None:
    rule = "linux/ram-without-write-back"
    assert found(rule, f"{kind} 0x0 1 UC WC WT") == (1,)
    assert found(rule, f"{kind} 0x0 1 WB") == ()
    assert found(rule, f"{kind} 0x0 1 WC WT WB WP") == ()


@pytest.mark.parametrize("kind", [0, 5, 6, 8, 10, 11, 12, 13, 15, 0x70000000])
def test_linux_wants_no_write_back_of_other_memory(found: Found, kind: int) -> None:
    assert found("linux/ram-without-write-back", f"{kind} 0x0 1 UC") == ()


def test_ram_without_any_cache_type_is_one_fault(registry: Registry) -> None:
    report = linted(registry, "EfiConventionalMemory 0x100000 16")
    assert [finding.rule for finding in report.findings] == ["uefi/ram-without-cacheability"]


# Runtime regions


@pytest.mark.parametrize(
    ("bits", "word"),
    [
        ("UC", "EfiMemoryMappedIO"),
        ("UC WC WT", "EfiMemoryMappedIO"),
        ("UC WB", "EfiRuntimeServicesData"),
        ("0x40ff000000000000", "EfiRuntimeServicesData"),
    ],
)
def test_reserved_runtime_memory_is_told_from_a_device_by_its_cache_types(
    findings: Findings, bits: str, word: str
) -> None:
    line = f"EfiReservedMemoryType 0xe0000000 16 RUNTIME {bits}"
    (finding,) = findings("uefi/runtime-bit-on-reserved-memory", line)
    assert word in finding.message
    assert bool(finding.fix) is (word == "EfiMemoryMappedIO")


@pytest.mark.parametrize(
    "line",
    [
        "EfiMemoryMappedIO 0xe0000000 0x10000 RUNTIME UC",
        "EfiReservedMemoryType 0xe0000000 0x10000 UC",
        "EfiReservedMemoryType 0xe0000000 0x10000",
    ],
)
def test_both_ways_to_describe_pci_configuration_space_pass(registry: Registry, line: str) -> None:
    for select in ("uefi/*runtime-bit*", "uefi/mmio-*"):
        assert linted(registry, line, architecture="x86_64", select=select).findings == ()


def test_a_device_window_of_unknown_attribute_may_ask_to_be_mapped(found: Found) -> None:
    rule = "uefi/mmio-without-runtime-bit"
    assert found(rule, "EfiMemoryMappedIO 0x0 1 ?", "EfiMemoryMappedIO 0x1000 1 UC") == (2,)


def test_runtime_data_beside_its_tables_is_the_one_reported(found: Found) -> None:
    lines = [
        "EfiRuntimeServicesData 0x7f000000 16 WB",
        "EfiRuntimeServicesData 0x7e000000 16 WB",
    ]
    rule = "uefi/runtime-data-without-runtime-bit"
    assert found(rule, *lines, configuration_tables=("SMBIOS3 0x7e00fff0 24",)) == (1,)
    # A table that reaches into the next region lies in both.
    assert found(rule, *lines, configuration_tables=("SMBIOS3 0x7effffff 24",)) == (2,)
    assert found(rule, *lines) == (1, 2)


# Pointers and EFI_RT_PROPERTIES_TABLE


def test_pointers_into_one_wrong_descriptor_are_one_finding(findings: Findings) -> None:
    (finding,) = findings(
        "uefi/runtime-service-outside-runtime-memory",
        "EfiBootServicesCode 0x7f000000 16 WB",
        sections=functions(),
    )
    assert finding.message.startswith("GetTime 0x7f000000, SetTime 0x7f000001, ")
    assert finding.message.endswith(
        " and 6 more lie in EfiBootServicesCode 0x7f000000-0x7f010000 without EFI_MEMORY_RUNTIME"
    )
    assert finding.region == AddressRange(0x7F000000, 0x7F00000E)


def test_pointers_out_of_the_map_are_told_apart(findings: Findings) -> None:
    rule, line = (
        "uefi/runtime-service-outside-runtime-memory",
        "EfiRuntimeServicesCode 0x7f000000 1 RUNTIME WB",
    )
    section = functions(SetTime=0x10, ResetSystem=0xF0000000)
    first, second = findings(rule, line, sections=section)
    assert first.message == "SetTime 0x10 lies in no descriptor"
    assert second.region == AddressRange(0xF0000000, 0xF0000001)
    with pytest.raises(ExampleError, match="extent: whole"):
        findings(rule, line, sections=section, extent="partial")


def test_a_null_pointer_is_no_stray_one(found: Found) -> None:
    line = "EfiRuntimeServicesCode 0x7f000000 1 RUNTIME WB"
    section = functions(SetTime=0)
    assert found("uefi/runtime-service-outside-runtime-memory", line, sections=section) == ()
    assert found("uefi/null-runtime-service", line, sections=section) == (0,)


def test_null_pointers_are_one_finding(findings: Findings) -> None:
    section = functions(SetTime=0, UpdateCapsule=0)
    (finding,) = findings("uefi/null-runtime-service", sections=section)
    assert finding.message == "the pointers of SetTime and UpdateCapsule are null"


def test_services_whose_pointers_nobody_declares_have_not_passed(found: Found) -> None:
    some = "system_table: {runtime_functions: {GetTime: 0x7f000000}}"
    line = "EfiRuntimeServicesCode 0x7f000000 1 RUNTIME WB"
    for rule in ("uefi/null-runtime-service", "uefi/runtime-service-outside-runtime-memory"):
        with pytest.raises(ExampleError, match="13 of 14 unknown"):
            found(rule, line, sections=some)
        with pytest.raises(ExampleError, match="10 of 11 unknown"):
            found(rule, line, sections=some, uefi="1.10")


@pytest.mark.parametrize(
    ("table", "missing"),
    [
        ("{runtime_services: 0x7f000000}", "firmware_vendor|configuration_table"),
        ("{configuration_table: 0x7f000000, firmware_vendor: 0x7f000000}", "runtime_services"),
    ],
)
def test_pointers_nobody_declares_have_not_passed(found: Found, table: str, missing: str) -> None:
    with pytest.raises(ExampleError, match=missing):
        found(
            "uefi/runtime-pointer-outside-runtime-memory",
            "EfiRuntimeServicesData 0x7f000000 1 RUNTIME WB",
            sections=f"system_table: {table}",
        )


def test_a_pointer_into_memory_of_unknown_attribute_is_not_judged(found: Found) -> None:
    with pytest.raises(ExampleError, match="attribute"):
        found(
            "uefi/runtime-pointer-outside-runtime-memory",
            "EfiRuntimeServicesData 0x7f000000 1 ?",
            sections="system_table: {runtime_services: 0x7f000000, firmware_vendor: 0x7f000000, "
            "configuration_table: 0x7f000000}",
        )


def test_a_system_without_configuration_tables_needs_no_array(found: Found) -> None:
    section = (
        "system_table: {runtime_services: 0x7f000000, firmware_vendor: 0x7f000000, "
        "configuration_table: 0}"
    )
    line = "EfiRuntimeServicesData 0x7f000000 1 RUNTIME WB"
    for rule in (
        "uefi/runtime-pointer-outside-runtime-memory",
        "uefi/configuration-table-array-outside-runtime-data",
    ):
        assert found(rule, line, sections=section) == ()


def test_an_array_in_unmapped_runtime_data_is_where_it_belongs_but_unreachable(
    registry: Registry,
) -> None:
    section = (
        "system_table: {runtime_services: 0x7e000000, firmware_vendor: 0x7e000000, "
        "configuration_table: 0x7f000000}"
    )
    lines = [
        "EfiRuntimeServicesData 0x7e000000 1 RUNTIME WB",
        "EfiRuntimeServicesData 0x7f000000 1 WB",
    ]
    report = linted(registry, *lines, sections=section)
    assert sorted((finding.rule, finding.severity.value) for finding in report.findings) == [
        ("uefi/runtime-data-without-runtime-bit", "info"),
        ("uefi/runtime-pointer-outside-runtime-memory", "error"),
    ]


def test_a_table_of_wrong_version_and_length_is_one_finding(findings: Findings) -> None:
    (finding,) = findings(
        "uefi/invalid-rt-properties-table",
        sections="runtime_properties: {version: 2, length: 16, supported: 0x3fff}",
    )
    assert finding.message == ("EFI_RT_PROPERTIES_TABLE has version 2, not 1 and length 16, not 8")


def test_a_table_of_unknown_length_has_not_passed(found: Found) -> None:
    with pytest.raises(ExampleError, match=r"runtime_properties\.length"):
        found(
            "uefi/invalid-rt-properties-table",
            sections="runtime_properties: {version: 1, supported: 0x3fff}",
        )


UNAVAILABLE = "platform: {firmware: {unavailable_services: [SetTime, SetVariable]}}"


def test_the_mask_that_would_be_right_is_named(findings: Findings) -> None:
    (finding,) = findings(
        "uefi/unavailable-service-declared-supported",
        sections=f"{UNAVAILABLE}\nruntime_properties: {{supported: 0x3ffd}}",
    )
    assert finding.message == (
        "EFI_RT_PROPERTIES_TABLE offers SetVariable, which the firmware does not support at run "
        "time; the mask would be 0x3fbd"
    )


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        ({"uefi": "2.10"}, "configuration_tables"),
        ({"configuration_tables": ()}, "platform.uefi"),
    ],
)
def test_a_missing_table_is_known_from_a_list_and_a_revision_only(
    found: Found, given: dict[str, object], missing: str
) -> None:
    with pytest.raises(ExampleError, match=missing):
        found("uefi/missing-rt-properties-table", sections=UNAVAILABLE, **given)


def test_a_table_that_was_read_is_not_missing_from_the_list(found: Found) -> None:
    rule = "uefi/missing-rt-properties-table"
    given = {"uefi": "2.8", "configuration_tables": ()}
    assert found(rule, sections=UNAVAILABLE, **given) == (0,)
    read = f"{UNAVAILABLE}\nruntime_properties: {{supported: 0x3fff}}"
    assert found(rule, sections=read, **given) == ()


# Fixes


FIXABLE = """\
efipolicy: 1
platform:
  name: fixable
  architecture: x86_64
  uefi: "2.11"
  firmware: {unavailable_services: [SetTime]}
memory_map:
  extent: whole
  origin: firmware
  descriptors:
    # in the order of GetMemoryMap
    - {type: EfiACPIMemoryNVS,       physical_start: 0x7e00_0000, pages: 16, attribute: 0x10_0008}
    - {type: EfiRuntimeServicesData, physical_start: 0x7f00_0000, pages: 16,
       attribute: [RUNTIME, WB, SP]}   # ours
    - {type: EfiPersistentMemory,    physical_start: 0x1_0000_0000, pages: 16, attribute: [WB]}
runtime_properties: {version: 1, length: 16, supported: 0x7fff}
"""


def test_fixes_change_what_they_are_about_and_nothing_else(registry: Registry) -> None:
    def judged(read: Platform) -> InputReport:
        rules, architectures = registry.rules.values(), registry.architectures
        given = {"path": "fixable.yaml", "today": "2030-01-01"}
        return lint(read, rules, architectures, Selection([]), **given)[0]

    read, errors = read_platform(SourceText("fixable.yaml", FIXABLE))
    assert read is not None
    assert errors == []
    fixing = fix(judged(read), judged)
    assert fixing.refusals == ()
    assert fixing.report.findings == ()
    before, after = FIXABLE.splitlines(), fixing.text.splitlines()
    assert [line for line in after if line not in before] == [
        (
            "    - {type: EfiACPIMemoryNVS,       physical_start: 0x7e00_0000, pages: 16, "
            "attribute: 0x8}"
        ),
        "       attribute: [RUNTIME, WB]}   # ours",
        (
            "    - {type: EfiPersistentMemory,    physical_start: 0x1_0000_0000, pages: 16, "
            "attribute: [NV, WB]}"
        ),
        "runtime_properties: {version: 1, length: 8, supported: 0x3ffd}",
    ]
    assert len(before) == len(after)


# Maps that are well


@pytest.mark.parametrize("name", ["ovmf-x86_64", "aavmf-arm64"])
def test_healthy_firmware_gives_nothing_but_information(registry: Registry, name: str) -> None:
    import efipolicy_policies

    path = f"{efipolicy_policies.__path__[0]}/platforms/{name}.yaml"
    with open(path, encoding="utf-8") as file:
        read, _ = read_platform(SourceText(path, file.read()))
    assert read is not None
    report, _ = lint(
        read,
        [rule for rule in registry.rules.values() if rule.pack in ("uefi", "linux")],
        registry.architectures,
        Selection([]),
        path=path,
        today="2030-01-01",
    )
    assert {item.severity.value for item in report.findings} <= {"info"}
