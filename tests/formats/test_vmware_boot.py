"""The list in the log of VMware's boot loader."""

import pytest

from efipolicy.formats import vmware_boot
from efipolicy.formats.logical_lines import CaptureText
from efipolicy.model.platform import Platform
from efipolicy.source import SourceText

ROWS = (
    "<6>MMap[0]: 0x0 - 0x8dfff len=581632, type=7, attr=0xf\n",
    "<6>MMap[1]: 0x8e000 - 0x8ffff len=8192, type=0, attr=0xf\n",
    "<6>MMap[2]: 0x90000 - 0x90fff len=4096, type=5, attr=0x800000000000000f\n",
)
WHOLE = "".join(ROWS)


def read(text: str) -> Platform:
    reading = vmware_boot.read(CaptureText(SourceText("log.txt", text)))
    assert reading
    return reading.platform


def unreadable(platform: Platform) -> list[tuple[int, str]]:
    assert platform.capture
    return [(line.located.span.line, line.what) for line in platform.capture.unreadable]


def test_a_length_is_decimal_bytes_and_an_end_closed() -> None:
    row = read(ROWS[2]).memory_map.descriptors[0]
    assert (row.index, row.type, row.physical_start) == (2, 5, 0x90000)
    assert (row.number_of_pages, row.attribute) == (1, 0x800000000000000F)
    assert row.located
    span = row.located.span_of("attribute")
    assert span
    assert span.text == "0x800000000000000f"


def test_an_unbroken_list_with_code_and_free_memory_is_whole() -> None:
    assert read(WHOLE).memory_map.extent == "whole"
    assert read(ROWS[0] + ROWS[1]).memory_map.extent == "partial"
    assert read(ROWS[0] + "...\n" + ROWS[1] + ROWS[2]).memory_map.extent == "partial"


def test_gaps_in_the_index_are_told() -> None:
    memory_map = read(ROWS[0] + ROWS[2]).memory_map
    assert (memory_map.extent, memory_map.missing) == ("partial", ((1, 1),))
    assert read(ROWS[2]).memory_map.missing == ((0, 1),)


def test_copies_of_two_consoles_are_one_entry() -> None:
    platform = read("".join(row + row.removeprefix("<6>") for row in ROWS))
    assert [one.index for one in platform.memory_map.descriptors] == [0, 1, 2]
    assert platform.memory_map.extent == "whole"
    assert platform.capture
    assert platform.capture.other_maps == ()


def test_a_list_printed_again_is_another_map() -> None:
    platform = read(WHOLE + WHOLE.replace("0xf\n", "0xe\n"))
    assert platform.capture
    assert [len(one.descriptors) for one in platform.capture.other_maps] == [3]
    assert platform.memory_map.descriptors[0].attribute == 0xF


@pytest.mark.parametrize(
    ("row", "what"),
    [
        ("MMap[1]: 0x8e000 - 0x8ffff len=8193, type=0, attr=0xf\n", "not 8193 bytes long"),
        ("MMap[1]: 0x8e000 - 0x8efff len=8192, type=0, attr=0xf\n", "not 8192 bytes long"),
        ("MMap[1]: 0x8e000 - 0x8e00f len=16, type=0, attr=0xf\n", "whole number of pages"),
        ("MMap[1]: 0x8e000 - 0x8efff len=4096, type=4294967296, attr=0xf\n", "32 bits"),
        ("MMap[1]: 0x8e000 - 0x8efff len=4096, type=0, attr=0x\n", "no number"),
        ("MMap[1]: 0x8e000 - 0x8e\n", "other part is missing"),
        ("0x8e000 - 0x8ffff len=8192, type=0, attr=0xf\n", "other part is missing"),
        (f"MMap[1]: 0x0 - 0xfff len={'9' * 40}, type=0, attr=0xf\n", "bytes long"),
    ],
)
def test_a_row_that_cannot_be_read_is_reported(row: str, what: str) -> None:
    platform = read(ROWS[0] + row + ROWS[2])
    assert [one.index for one in platform.memory_map.descriptors] == [0, 2]
    ((line, found),) = unreadable(platform)
    assert line == 2
    assert what in found


def test_a_list_that_cannot_be_read_at_all_is_still_recognised() -> None:
    platform = read("<6>MMap[0]: garbage\n")
    assert platform.memory_map.descriptors == ()
    assert len(unreadable(platform)) == 1
    assert platform.capture
    assert platform.capture.dialect == "esx-boot"


@pytest.mark.parametrize(
    "wrapped",
    [
        ROWS[2].replace(" attr", "\n> attr"),
        ROWS[2].replace("0000000f", "\n0000000f"),
        ROWS[2].replace("len=", "len=3D").replace("attr=", "=\nattr=3D"),
        ROWS[2].replace(" - ", " -\r\n"),
    ],
)
def test_a_wrapped_row_is_read_whole(wrapped: str) -> None:
    platform = read(ROWS[0] + ROWS[1] + wrapped)
    assert platform.memory_map.descriptors[2].attribute == 0x800000000000000F
    assert unreadable(platform) == []


def test_an_empty_descriptor_ends_before_it_starts() -> None:
    row = "MMap[0]: 0x1000 - 0xfff len=0, type=7, attr=0xf\n"
    assert read(row).memory_map.descriptors[0].number_of_pages == 0


def test_nothing_tells_the_architecture() -> None:
    assert read(WHOLE).architecture == "unknown"


FIRST = "MMap[0]: 0x0 - 0x9efff len=651264, type=7, attr=0xf\n"
SECOND = "MMap[1]: 0x9f000 - 0x9ffff len=4096, type=6, attr=0x800000000000000f\n"


@pytest.mark.parametrize("stray", ["26\n", "\n26\n", "bad\n", "> 26\n", "26 |\n"])
def test_digits_below_a_number_that_may_be_whole_are_not_taken_for_its_own(stray: str) -> None:
    platform = read(FIRST + stray + SECOND)
    assert [one.attribute for one in platform.memory_map.descriptors] == [0x800000000000000F]
    ((line, what),) = unreadable(platform)
    assert (line, "may go on in the line below" in what) == (1, True)
    assert platform.memory_map.extent == "partial"


@pytest.mark.parametrize(
    "numbered",
    [f"    25  {FIRST}    26  \n    27  {SECOND}", f"25\n{FIRST}26\n{SECOND}27\n"],
)
def test_numbers_of_lines_are_told_from_digits(numbered: str) -> None:
    platform = read(numbered)
    attributes = [one.attribute for one in platform.memory_map.descriptors]
    assert (attributes, unreadable(platform)) == ([0xF, 0x800000000000000F], [])


def test_a_soft_line_end_joins_a_number_of_any_length() -> None:
    platform = read(FIRST.replace("=0xf", "=3D0x1=\n00f"))
    assert platform.memory_map.descriptors[0].attribute == 0x100F


@pytest.mark.parametrize("shift", ["<wbr>0f", "\u00ad0f", "F"])
def test_a_number_cut_by_a_foreign_character_is_never_a_part_of_it(shift: str) -> None:
    platform = read(FIRST.replace("0xf", "0x80000000000000" + shift))
    attributes = [one.attribute for one in platform.memory_map.descriptors]
    assert attributes == [0x800000000000000F] or (attributes == [] and unreadable(platform))
