"""Real captures: what a reader finds in them, row by row."""

from pathlib import Path

import pytest

from efipolicy.model.declared import SystemTable
from efipolicy.model.platform import Platform, Revision
from efipolicy.source import decode
from tests.formats.reading import FORMATS, platform_of

CAPTURES = Path(__file__).parents[1] / "captures"
DIALECTS = {dialect for form in FORMATS.values() for dialect in form.dialects}
ROWS = [
    row.split("\t")
    for row in (CAPTURES / "expected.tsv").read_text().splitlines()
    if not row.startswith("#")
]
MINE = [row for row in ROWS if row[3] in DIALECTS]


def read(name: str) -> Platform:
    path = next(CAPTURES.glob(f"{name}*"))
    return platform_of(decode(path.name, path.read_bytes()))


@pytest.mark.parametrize(("name", "architecture", "entries", "dialect"), MINE)
def test_a_capture_is_what_the_golden_table_says(
    name: str, architecture: str, entries: str, dialect: str
) -> None:
    platform = read(name)
    assert platform.capture
    assert (
        platform.architecture.replace("unknown", "?"),
        len(platform.memory_map.descriptors),
        platform.capture.dialect,
    ) == (architecture, int(entries), dialect)


@pytest.mark.parametrize("name", [row[0] for row in MINE])
def test_every_line_of_a_capture_that_looks_like_an_entry_is_read(name: str) -> None:
    capture = read(name).capture
    assert capture
    assert [line.located.span.line for line in capture.unreadable] == []


@pytest.mark.parametrize("name", [row[0] for row in MINE])
def test_a_descriptor_of_a_capture_stands_where_it_says(name: str) -> None:
    for descriptor in read(name).memory_map.descriptors:
        assert descriptor.located
        start = descriptor.located.span_of("physical_start")
        assert start
        assert int(start.text, 16) == descriptor.physical_start


@pytest.mark.parametrize(
    ("name", "extent"),
    [
        ("01-", "whole"),
        ("03-", "whole"),
        ("05-", "unknown"),
        ("08-", "whole"),
        ("18-", "unknown"),
        ("28-", "whole"),
        ("35-", "partial"),
        ("38-", "partial"),
        ("46-", "partial"),
        ("qemu-virt-1g-efishell-sfo", "whole"),
        ("qemu-virt-1g-linux-arm64", "whole"),
    ],
)
def test_only_a_map_that_proves_it_is_called_whole(name: str, extent: str) -> None:
    assert read(name).memory_map.extent == extent


def test_a_fragment_misses_what_precedes_it() -> None:
    assert read("46-").memory_map.missing == ((0, 18),)


def test_remarks_above_a_log_prove_nothing() -> None:
    # Its header speaks of x86-64 and of efi_fake_mem.
    platform = read("53-")
    assert platform.architecture_reason.kind == "dialect"
    assert platform.memory_map.origin == "firmware"
    assert platform.name == "53-softreserved-sp-linux-x86-fragment"


def test_a_wrapped_entry_keeps_its_first_line() -> None:
    first = read("28-").memory_map.descriptors[0]
    assert first.located
    assert first.located.span.line == 7
    assert first.located.span.end_line == 8
    assert first.located.span.text == (
        "mem00: type=7, attr=0xf,\nrange=[0x0000000000000000-0x0000000000080000) (0MB)"
    )


def test_the_memory_attributes_table_of_a_log_is_read_with_its_address() -> None:
    table = read("02-").memory_attributes_table
    assert table
    assert (len(table.entries), table.extent, table.address) == (28, "whole", 0xBE649190)
    assert table.entries[0].attribute == 0x8000000000004000


def test_rejected_entries_alone_are_a_part_of_the_table() -> None:
    platform = read("49-")
    table = platform.memory_attributes_table
    assert table
    assert (len(table.entries), table.extent) == (2, "partial")
    assert [entry.physical_start for entry in table.entries] == [0xA057A000, 0x90000]
    assert platform.memory_map.descriptors == ()


def test_entries_of_the_mmio_list_have_no_known_attribute() -> None:
    found = read("38-").memory_map.descriptors
    assert {(one.type, one.attribute) for one in found} == {(11, None)}
    assert [one.index for one in found] == list(range(101, 113))


def test_a_corrupted_entry_is_kept_digit_by_digit() -> None:
    entry = next(one for one in read("35-").memory_map.descriptors if one.index == 20)
    assert (entry.type, entry.attribute) == (16, 0xA)
    assert entry.physical_start == 0x8FFFF4438
    assert entry.number_of_pages == 0xFFFF443400003348


def test_the_parameter_block_describes_the_buffer() -> None:
    platform = read("03-")
    memory_map = platform.memory_map
    assert (memory_map.size, memory_map.descriptor_size, memory_map.descriptor_version) == (
        0x9F0,
        0x30,
        1,
    )
    assert platform.system_table == SystemTable(address=0x3F150018)


def test_firmware_and_tables_come_from_the_banner() -> None:
    platform = read("32-")
    assert platform.uefi == Revision(2, 3, 1)
    assert platform.firmware
    assert platform.firmware.vendor == "INSYDE Corp."
    assert platform.firmware.version == "A2CN27WW(V1.09)"
    assert platform.name == "lenovo-80e3-lancer-5b2"
    assert platform.configuration_tables
    assert [(table.name, table.address) for table in platform.configuration_tables] == [
        ("ACPI", 0x9FBFE000),
        ("ACPI_20", 0x9FBFE014),
        ("SMBIOS", 0x9FABEF98),
    ]


def test_tables_without_a_well_known_guid_are_left_out() -> None:
    names = [table.name for table in read("38-").configuration_tables or ()]
    assert names == ["ACPI", "ACPI_20", "SMBIOS", "SMBIOS3", "MEMORY_ATTRIBUTES", "ESRT"]


def test_the_first_list_of_the_first_boot_is_the_firmwares() -> None:
    platform = read("qemu-q35-1g-linux-x86-kexec")
    assert platform.memory_map.origin == "firmware"
    assert platform.memory_map.extent == "whole"
    assert platform.capture
    assert [(len(one.descriptors), one.origin) for one in platform.capture.other_maps] == [
        (103, "kernel-edited"),
        (103, "kexec"),
    ]
    assert platform.memory_attributes_table
    assert len(platform.memory_attributes_table.entries) == 22


def test_the_list_a_kernel_gives_the_next_is_known_by_its_shape() -> None:
    path = CAPTURES / "qemu-q35-1g-linux-x86-kexec.txt"
    _, _, second = path.read_text().partition("Starting new kernel")
    platform = platform_of(decode("second.txt", second.encode()))
    assert platform.memory_map.origin == "kexec"
    assert platform.memory_map.extent == "partial"
    assert platform.memory_attributes_table
    assert platform.memory_attributes_table.version == 1717526272


def test_the_words_of_the_log_prove_the_architecture() -> None:
    platform = read("qemu-virt-1g-linux-riscv64")
    assert platform.architecture == "riscv64"
    assert platform.architecture_reason.kind == "stated"
    assert "riscv64-linux-gnu-gcc" in platform.architecture_reason.evidence
    assert platform.uefi == Revision(2, 10)
    assert platform.name == "riscv-virtio-qemu"


def test_processor_abstraction_code_means_ia64() -> None:
    assert read("07-").architecture_reason.evidence == "PAL code in the map"


def test_a_log_without_a_map_is_evidence_of_its_firmware() -> None:
    platform = read("qemu-virt-2g-linux-arm64-nodebug")
    assert platform.memory_map.descriptors == ()
    assert platform.uefi == Revision(2, 7)
    assert [table.name for table in platform.configuration_tables or ()] == [
        "SMBIOS3",
        "MEMORY_ATTRIBUTES",
        "ACPI_20",
    ]


def test_lines_nobody_used_are_counted() -> None:
    capture = read("23-").capture
    assert capture
    assert capture.skipped_lines == 12
