"""The memory map in a log of Xen."""

import pytest

from efipolicy.formats import efipolicy_formats, xen
from efipolicy.formats.logical_lines import CaptureText
from efipolicy.formats.recognition import recognise
from efipolicy.model.platform import Platform, Revision
from efipolicy.source import SourceText

FORMATS = {form.name: form for form in efipolicy_formats()}
HEADER = "(XEN) EFI memory map:\n"
RAM = "(XEN)  0000000000000-0000000007fff type=3 attr=000000000000000f\n"
FREE = "(XEN)  0000000100000-00000001fffff type=7 attr=000000000000000f\n"
CODE = "(XEN)  000007f5f3000-000007f647fff type=5 attr=800000000000000f\n"
DOM0 = """\
[    0.000000] Linux version 5.10.0-8-amd64 (x) (gcc-10 (Debian) 10.2.1) #1 SMP
[    0.000000] efi: EFI v2.50 by American Megatrends
[    0.000000] efi: ACPI 2.0=0x7ed1e000 SMBIOS=0x7eb74000
[    0.000000] DMI: Supermicro A1SAi/A1SAi, BIOS 1.1c 09/01/2015
"""


def read(text: str) -> Platform:
    reading = xen.read(CaptureText(SourceText("log.txt", text)))
    assert reading
    return reading.platform


def unreadable(platform: Platform) -> list[tuple[int, str]]:
    assert platform.capture
    return [(line.located.span.line, line.what) for line in platform.capture.unreadable]


def test_a_row_is_closed_and_its_type_is_decimal() -> None:
    (row,) = read(
        "(XEN)  000000003f000-000000003ffff type=10 attr=800000000000000f"
    ).memory_map.descriptors
    assert (row.type, row.physical_start, row.number_of_pages) == (10, 0x3F000, 1)
    assert row.attribute == 0x800000000000000F
    assert row.located
    assert row.located.span.text == "000000003f000-000000003ffff type=10 attr=800000000000000f"


@pytest.mark.parametrize(
    ("row", "pages"),
    [
        ("(XEN)  0000000001000-0000000000fff type=7 attr=000000000000000f", 0),
        ("(XEN)  0000000000000-ffffffffffffffff type=7 attr=000000000000000f", 0),
        ("(XEN)  fffffffffffff000-ffffffffffffffff type=11 attr=8000000000000001", 1),
        ("(XEN)  0000001e88180-0000001e8917f type=11 attr=8000000000000001", 1),
    ],
)
def test_pages_are_what_prints_such_an_end(row: str, pages: int) -> None:
    assert read(row).memory_map.descriptors[0].number_of_pages == pages


def test_ranges_in_messages_of_xen_are_no_rows() -> None:
    platform = read(
        HEADER
        + CODE
        + "(XEN) Setting RUNTIME attribute for 000007f5f3000-000007f647fff\n"
        + RAM
        + "(XEN) Unknown cachability for MFNs 0xff900-0xfffff\n"
        + FREE
    )
    assert len(platform.memory_map.descriptors) == 3
    assert unreadable(platform) == []
    assert platform.capture
    assert platform.capture.skipped_lines == 2


@pytest.mark.parametrize(
    "damaged",
    [
        "(XEN)  0000000008000-000000000bfff type=2 attr=00000000\n",
        "(XEN)  0000000008000-000000000bfff typ\n",
        "(XEN)  0000000008000-000000\n",
        "(XEN)  0000000008000-000000000bfff type=2 attr=\n",
        "(XEN)  00000-000000000bfff type=2 attr=000000000000000f\n",
        "type=2 attr=000000000000000f\n",
    ],
)
def test_a_damaged_row_is_reported_and_the_map_called_partial(damaged: str) -> None:
    platform = read(HEADER + RAM + damaged + FREE)
    assert [one.type for one in platform.memory_map.descriptors] == [3, 7]
    assert [line for line, _ in unreadable(platform)] == [3]
    assert platform.memory_map.extent == "partial"


def test_digits_of_the_next_row_do_not_complete_a_shortened_one() -> None:
    platform = read(RAM + "0000000008000-000000000bfff type=2 attr=000\n" + FREE[6:])
    assert [one.type for one in platform.memory_map.descriptors] == [3, 7]
    assert [line for line, _ in unreadable(platform)] == [2]


@pytest.mark.parametrize(
    ("row", "what"),
    [
        (RAM.replace("7fff", "7ffe"), "not a whole number of pages"),
        (RAM.replace("type=3", "type=4294967296"), "does not fit 32 bits"),
    ],
)
def test_a_row_with_an_impossible_number_is_reported(row: str, what: str) -> None:
    ((line, found),) = unreadable(read(FREE + row))
    assert line == 2
    assert what in found


def test_the_map_of_a_second_boot_is_another_map() -> None:
    platform = read(HEADER + RAM + FREE + HEADER + RAM + FREE + CODE)
    assert len(platform.memory_map.descriptors) == 3
    assert platform.capture
    assert [len(one.descriptors) for one in platform.capture.other_maps] == [2]


def test_maps_without_a_header_are_told_apart_by_their_first_row() -> None:
    platform = read((RAM + FREE + CODE) * 2)
    assert len(platform.memory_map.descriptors) == 3


def test_rows_left_out_by_a_poster_make_a_part() -> None:
    assert read(HEADER + RAM + FREE).memory_map.extent == "unknown"
    assert read(HEADER + RAM + "...\n" + FREE).memory_map.extent == "partial"
    assert read(HEADER + "...\n" + RAM + FREE).memory_map.extent == "partial"


def test_xen_prints_the_list_on_x86_only() -> None:
    platform = read(RAM)
    assert platform.architecture == "x86_64"
    assert platform.architecture_reason.kind == "dialect"
    crash = "(XEN) ----[ Xen-4.14.0  x86_64  debug=y   Not tainted ]----\n"
    assert read(RAM + crash).architecture_reason.kind == "stated"
    assert read(f"# {crash}{RAM}").architecture_reason.kind == "dialect"


def test_the_linux_that_xen_starts_tells_of_the_same_firmware() -> None:
    platform = read(HEADER + RAM + FREE + DOM0)
    assert len(platform.memory_map.descriptors) == 2
    assert platform.uefi == Revision(2, 5)
    assert platform.firmware
    assert (platform.firmware.vendor, platform.firmware.version) == ("American Megatrends", "1.1c")
    assert [table.name for table in platform.configuration_tables or ()] == ["ACPI_20", "SMBIOS"]
    assert platform.title == "Supermicro A1SAi/A1SAi"
    assert platform.architecture_reason.kind == "stated"
    assert platform.capture
    assert platform.capture.skipped_lines == 0


def test_the_linux_of_the_next_boot_tells_nothing_of_this_one() -> None:
    whole = HEADER + RAM + FREE + CODE
    platform = read(whole + HEADER + RAM + DOM0)
    assert len(platform.memory_map.descriptors) == 3
    assert platform.configuration_tables is None


def test_one_row_of_xen_outweighs_a_kernel_that_prints_no_map() -> None:
    reading, errors = recognise(SourceText("x", RAM + DOM0), FORMATS)
    assert errors == ()
    assert reading
    assert len(reading.platform.memory_map.descriptors) == 1
    assert reading.platform.configuration_tables


def test_a_kernel_with_a_map_of_its_own_is_still_linux() -> None:
    cells = "efi: mem{0:02}: type=7, attr=0xf, range=[0x{0:x}000-0x{1:x}000) (0MB)\n"
    linux = "".join(cells.format(number, number + 1) for number in range(5))
    reading, errors = recognise(SourceText("x", DOM0 + linux + "(XEN) Dom0 has 4 VCPUs\n"), FORMATS)
    assert errors == ()
    assert reading
    assert reading.platform.capture
    assert reading.platform.capture.dialect == "linux-x86-raw"


def test_a_log_without_rows_is_not_a_map_of_xen() -> None:
    assert xen.read(CaptureText(SourceText("x", "(XEN) Command line: attr=uc\n"))) is None
