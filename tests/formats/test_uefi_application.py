"""The print of small UEFI applications."""

import pytest

from efipolicy.formats import uefi_application
from efipolicy.formats.logical_lines import CaptureText
from efipolicy.model.platform import Platform
from efipolicy.source import SourceText
from tests.formats.places import words_at

# The first and the last rows of OVMF with 128 MiB, from a public tutorial.
OVMF = """\
FS0:\\> MemoryInfo.efi
[#00] Type: EfiBootServicesCode  Attr:  UC WC WT WB
      Phys: 0000000000000000-0000000000000FFF
[#01] Type: EfiConventionalMemory  Attr:  UC WC WT WB
      Phys: 0000000000001000-000000000009FFFF
[#02] Type: EfiRuntimeServicesData  Attr:  UC WC WT WB RUNTIME
      Phys: 00000000078EF000-00000000079EEFFF
[#03] Type: EfiRuntimeServicesCode  Attr:  UC WC WT WB RUNTIME
      Phys: 00000000079EF000-0000000007AEEFFF
[#04] Type: EfiMemoryMappedIO  Attr:  UC RUNTIME
      Phys: 00000000FFC00000-00000000FFFFFFFF
"""
OLD = """\
Memory Map Size: 144
Map Key: 2812
Descriptor Version: 1
Descriptor Size: 48

[#00] Type: EfiConventionalMemory  Attr: 0xF
      Phys: 0000000000001000-00000000000A0000
      Virt: 0000000000000000-000000000009F000

[#01] Type: EfiRuntimeServicesCode  Attr: 0x800000000000000F
      Phys: 00000000079EF000-0000000007AEF000
      Virt: 00000000FFE00000-00000000FFF00000

[#02] Type: EfiMemoryMappedIO  Attr: 0x8000000000000001
      Phys: 00000000FFC00000-0000000100000000
      Virt: 0000000000000000-0000000000400000
"""


def entry(index: int, name: str = "EfiRuntimeServicesCode", words: str = " UC WB RUNTIME") -> str:
    """An entry of a page, each behind the one before."""
    start = index << 12
    return (
        f"[#{index:02}] Type: {name}  Attr: {words}\n"
        f"      Phys: {start:016X}-{start + 0xFFF:016X}\n"
    )


FREE = entry(0, "EfiConventionalMemory", " UC WC WT WB")
CODE = entry(1)


def read(text: str) -> Platform:
    reading = uefi_application.read(CaptureText(SourceText("map.txt", text)))
    assert reading
    return reading.platform


def unreadable(platform: Platform) -> list[tuple[int, str]]:
    assert platform.capture
    return [(line.located.span.line, line.what) for line in platform.capture.unreadable]


def test_entries_of_two_lines_are_read() -> None:
    platform = read(OVMF)
    rows = platform.memory_map.descriptors
    assert [(one.index, one.type, one.physical_start, one.number_of_pages) for one in rows] == [
        (0, 3, 0, 1),
        (1, 7, 0x1000, 0x9F),
        (2, 6, 0x78EF000, 0x100),
        (3, 5, 0x79EF000, 0x100),
        (4, 11, 0xFFC00000, 0x400),
    ]
    assert [one.attribute for one in rows[3:]] == [0x800000000000000F, 0x8000000000000001]
    assert (platform.memory_map.extent, platform.memory_map.origin) == ("whole", "firmware")
    assert platform.capture
    assert (platform.capture.skipped_lines, unreadable(platform)) == (1, [])


def test_the_older_style_tells_the_end_the_virtual_start_and_the_sizes() -> None:
    memory_map = read(OLD).memory_map
    assert [
        (one.type, one.number_of_pages, one.virtual_start) for one in memory_map.descriptors
    ] == [
        (7, 0x9F, 0),
        (5, 0x100, 0xFFE00000),
        (11, 0x400, 0),
    ]
    assert [one.attribute for one in memory_map.descriptors] == [0xF, (1 << 63) + 15, (1 << 63) + 1]
    assert (memory_map.size, memory_map.descriptor_size, memory_map.map_key) == (144, 48, 2812)
    assert (memory_map.descriptor_version, memory_map.extent) == (1, "whole")


def test_a_count_that_is_not_reached_makes_it_a_part() -> None:
    assert read(OLD.replace("Size: 144", "Size: 192")).memory_map.extent == "partial"


def test_sizes_under_each_others_names_are_left_alone() -> None:
    swapped = OLD.replace("Version: 1", "Version: 48").replace(
        "Descriptor Size: 48", "Descriptor Size: 1"
    )
    memory_map = read(swapped).memory_map
    assert (memory_map.size, memory_map.descriptor_size, memory_map.extent) == (None, None, "whole")


def test_numbers_without_a_high_half_say_nothing_of_runtime_memory() -> None:
    cut = OLD.replace("0x800000000000000F", "0xF").replace("0x8000000000000001", "0x1")
    platform = read(cut)
    assert {one.attribute for one in platform.memory_map.descriptors} == {None}
    assert unreadable(platform) == []


def test_each_field_knows_its_place() -> None:
    row = read(OLD).memory_map.descriptors[1]
    names = ("type", "physical_start", "pages", "attribute", "virtual_start")
    assert words_at(row.located, *names) == [
        "EfiRuntimeServicesCode",
        "00000000079EF000",
        "0000000007AEF000",
        "0x800000000000000F",
        "00000000FFE00000",
    ]


@pytest.mark.parametrize(
    ("words", "attribute"),
    [
        ("", 0),
        (" UC WC WT WB UCE WP RP XP NV MORE_RELIABLE RO SP CPU_CRYPTO RUNTIME", 0x80000000000FF01F),
        (" WB XP RO", 0x24008),
    ],
)
def test_every_word_of_an_attribute_is_known(words: str, attribute: int) -> None:
    assert read(FREE + entry(1, words=words)).memory_map.descriptors[1].attribute == attribute


@pytest.mark.parametrize("words", [" WB HOT", " RUNTIME WB", " unknown"])
def test_words_that_are_unknown_are_reported_and_the_attribute_is_too(words: str) -> None:
    platform = read(FREE + entry(1, words=words))
    assert [one.attribute for one in platform.memory_map.descriptors] == [0xF, None]
    assert [line for line, _ in unreadable(platform)] == [3]


@pytest.mark.parametrize("name", ["EfiMaxMemoryType", "Unknown"])
def test_a_type_without_its_number_is_reported(name: str) -> None:
    platform = read(FREE + CODE + entry(2, name))
    assert platform.memory_map.missing == ()
    ((line, what),) = unreadable(platform)
    assert (line, f"`{name}`" in what, platform.memory_map.extent) == (5, True, "partial")


@pytest.mark.parametrize(
    ("damaged", "line"),
    [
        (CODE.split("\n")[0] + "\n", 3),
        (CODE.replace("1FFF", "1FFE"), 3),
        (CODE.replace("1FFF", "1F"), 3),
        (CODE.replace("[#01] Type: ", ""), 3),
    ],
)
def test_a_damaged_entry_is_reported(damaged: str, line: int) -> None:
    platform = read(FREE + damaged + entry(2))
    assert [one.index for one in platform.memory_map.descriptors] == [0, 2]
    assert platform.memory_map.missing == ((1, 1),)
    assert unreadable(platform)[0][0] == line
    assert platform.memory_map.extent == "partial"


def test_a_virtual_range_of_another_length_is_reported() -> None:
    platform = read(OLD.replace("0000000000400000", "0000000000500000"))
    assert platform.memory_map.descriptors[2].virtual_start is None
    assert "virtual" in unreadable(platform)[0][1]


def test_gaps_and_starts_that_were_cut_off_are_missing_entries() -> None:
    platform = read(entry(2) + entry(3) + entry(7))
    assert platform.memory_map.missing == ((0, 1), (4, 6))
    assert platform.memory_map.extent == "partial"


def test_each_line_may_come_twice_and_behind_a_time_stamp() -> None:
    lines = [f"[   12.345678] {line}" for line in OLD.split("\n") for _ in range(2)]
    platform = read("\n".join(lines))
    assert platform.memory_map.descriptors == read(OLD).memory_map.descriptors
    assert unreadable(platform) == []


def test_an_index_that_goes_back_starts_another_map() -> None:
    platform = read(FREE + CODE + FREE)
    assert platform.capture
    assert [len(one.descriptors) for one in platform.capture.other_maps] == [1]


@pytest.mark.parametrize(
    "wrapped",
    [
        CODE.replace(" RUNTIME", "\n> RUNTIME"),
        CODE.replace("RUNTIME", "RUN\nTIME"),
        CODE.replace("Services", "Serv=\nices"),
        CODE.replace("Attr:", "\r\nAttr:"),
        CODE.replace("-", "-\n"),
        CODE.replace("Phys: ", "Phys:\n> "),
        CODE.replace("      Phys", "\n\n(what now?)\n      Phys"),
    ],
)
def test_a_wrapped_entry_is_read_whole(wrapped: str) -> None:
    platform = read(FREE + wrapped + entry(2))
    rows = platform.memory_map.descriptors
    assert [(one.index, one.number_of_pages) for one in rows] == [(0, 1), (1, 1), (2, 1)]
    assert rows[1].attribute == 0x8000000000000009
    assert unreadable(platform) == []


@pytest.mark.parametrize("text", ["", "Phys: 0000000000001000-0000000000001FFF\n", "[#1] Type:\n"])
def test_other_texts_are_none(text: str) -> None:
    assert uefi_application.read(CaptureText(SourceText("map.txt", text))) is None


@pytest.mark.parametrize(
    ("line", "damaged"),
    [("Attr: 0x8", "At~tr: 0x8"), ("Phys: 0000000000002", "Phys: 00000~00000002")],
)
def test_virtual_addresses_of_a_damaged_entry_are_not_those_of_the_one_before(
    line: str, damaged: str
) -> None:
    entries = "".join(
        f"[#{index:02}] Type: EfiRuntimeServicesData  Attr: 0x800000000000000F\n"
        f"      Phys: {at:016X}-{at + 0x1000:016X}\n"
        f"      Virt: {2 * at:016X}-{2 * at + 0x1000:016X}\n"
        for index, at in enumerate((0x1000, 0x2000))
    )
    second = entries.index("[#01]")
    platform = read(entries[:second] + entries[second:].replace(line, damaged))
    (first,) = platform.memory_map.descriptors
    assert (first.physical_start, first.virtual_start) == (0x1000, 0x2000)
    assert platform.capture
    assert platform.capture.unreadable
