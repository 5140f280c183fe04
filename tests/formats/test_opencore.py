"""The debug log of OpenCore."""

import pytest

from efipolicy.formats import opencore
from efipolicy.formats.logical_lines import CaptureText
from efipolicy.model.platform import Platform
from efipolicy.source import SourceText

START = "21:495 00:009 OCABC: MMIO devirt start\n"
FIRST = "21:499 00:003 OCABC: MMIO devirt 0xFEC00000 (0x10 pages, 0x8000000000000001) skip 0\n"
SECOND = "21:503 00:003 OCABC: MMIO devirt 0xFEE00000 (0x1 pages, 0x800000000000100D) skip 1\n"
END = "21:520 00:003 OCABC: MMIO devirt end, saved 64 KB\n"
MAP_HEADER = """\
OCMM: MemoryMap:
OCMM:   Size                 - 0x00000060
OCMM:   NumberOfEntries      - 0x00000002
OCMM:   DescriptorSize       - 0x00000030
"""
TABLE_HEADER = """\
OCMM: MemoryAttributesTable:
OCMM:   Version              - 0x00000001
OCMM:   NumberOfEntries      - 0x00000001
OCMM:   DescriptorSize       - 0x00000030
"""
CELL = "{0}|   |  |  |  |  |  |  |  |   |WB|WT|WC|UC"
CODE = (
    f"OCMM: RT Code   [{CELL.format('RUN')}] "
    "0x000000007F000000-0x000000007F0FFFFF -> 0x0000000000000000 (1 MB)\n"
)
FREE = (
    f"OCMM: Available [{CELL.format('   ')}] "
    "0x0000000000100000-0x0000000000103FFF -> 0x0000000000000000 (16 KB)\n"
)


def read(text: str) -> Platform:
    reading = opencore.read(CaptureText(SourceText("log.txt", text)))
    assert reading
    return reading.platform


def unreadable(platform: Platform) -> list[tuple[int, str]]:
    assert platform.capture
    return [(line.located.span.line, line.what) for line in platform.capture.unreadable]


def test_the_list_of_the_quirk_is_a_part_of_a_map() -> None:
    platform = read(START + FIRST + SECOND + END)
    found = platform.memory_map.descriptors
    assert [(one.type, one.physical_start, one.number_of_pages) for one in found] == [
        (11, 0xFEC00000, 16),
        (11, 0xFEE00000, 1),
    ]
    assert [one.attribute for one in found] == [0x8000000000000001, 0x800000000000100D]
    assert platform.memory_map.extent == "partial"
    assert platform.architecture == "x86_64"
    assert platform.architecture_reason.kind == "dialect"
    assert platform.capture
    assert (platform.capture.dialect, platform.capture.skipped_lines) == ("opencore-devirt", 0)
    assert unreadable(platform) == []


def test_a_sum_that_does_not_fit_tells_of_a_lost_line() -> None:
    platform = read(START + FIRST + SECOND + END.replace("64", "72"))
    ((line, what),) = unreadable(platform)
    assert (line, what) == (4, "a sum of 72 KB where the lines above it make 64 KB")


@pytest.mark.parametrize("text", [START + FIRST, FIRST + END.replace("64", "72"), FIRST])
def test_without_both_ends_there_is_no_sum_to_compare(text: str) -> None:
    assert unreadable(read(text)) == []


def test_a_row_without_its_last_word_leaves_the_sum_open() -> None:
    assert unreadable(read(START + FIRST + SECOND.replace(" skip 1", "") + END)) == []


def test_a_damaged_line_of_the_list_is_reported() -> None:
    damaged = "21:503 00:003 OCABC: MMIO devirt 0xFEE00000 (0x1 pag\n"
    platform = read(START + FIRST + damaged + END)
    assert [line for line, _ in unreadable(platform)] == [3]


def test_a_dumped_map_is_whole_when_its_count_says_so() -> None:
    platform = read(MAP_HEADER + FREE + CODE)
    memory_map = platform.memory_map
    assert [(one.type, one.number_of_pages) for one in memory_map.descriptors] == [(7, 4), (5, 256)]
    assert [one.attribute for one in memory_map.descriptors] == [0xF, 0x800000000000000F]
    assert (memory_map.extent, memory_map.descriptor_size, memory_map.size) == ("whole", 48, 96)
    assert read(MAP_HEADER + FREE).memory_map.extent == "partial"
    assert read(FREE + CODE).memory_map.extent == "unknown"


def test_the_dump_of_the_attributes_table_is_not_the_map() -> None:
    text = CODE.replace("UC]", "  ]").replace("|WC", "|  ")
    platform = read(TABLE_HEADER + text + MAP_HEADER + FREE + CODE)
    table = platform.memory_attributes_table
    assert table
    assert (len(table.entries), table.extent, table.version) == (1, "whole", 1)
    assert table.entries[0].attribute == 0x800000000000000C
    assert len(platform.memory_map.descriptors) == 2
    assert platform.capture
    assert platform.capture.other_maps == ()


def test_half_of_a_virtual_address_is_no_virtual_address() -> None:
    high = CODE.replace("-> 0x0000000000000000", "-> 0x0000000012345000")
    assert read(CODE).memory_map.descriptors[0].virtual_start == 0
    assert read(high).memory_map.descriptors[0].virtual_start is None
    whole = CODE.replace("-> 0x0000000000000000", "-> 0xFFFFFF8012345000")
    assert read(whole).memory_map.descriptors[0].virtual_start == 0xFFFFFF8012345000


@pytest.mark.parametrize(
    ("row", "what"),
    [
        (CODE.replace("RT Code  ", "Invalid  "), "unknown type `Invalid`"),
        (CODE.replace("0FFFFF", "0FFFFE"), "whole number of pages"),
        (CODE.replace("1 MB", "2 MB"), "the size printed behind it, 2 MB"),
        (CODE.replace("RUN", "NEW"), "not known for certain"),
        (CODE[:60] + "\n", "other part is missing"),
    ],
)
def test_a_row_that_cannot_be_read_is_reported(row: str, what: str) -> None:
    ((line, found),) = unreadable(read(FREE + row))
    assert line == 2
    assert what in found


@pytest.mark.parametrize(
    "text",
    [START + END, '"OCABC: MMIO devirt 0x%Lx (0x%Lx pages, 0x%Lx) skip %d"', "OCMM: A [%a|%a]"],
)
def test_a_text_without_a_row_of_either_list_is_no_map(text: str) -> None:
    assert opencore.read(CaptureText(SourceText("x", text))) is None
