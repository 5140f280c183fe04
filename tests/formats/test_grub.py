"""The table of GRUB's `lsefimmap`."""

import pytest

from efipolicy.formats import grub
from efipolicy.formats.logical_lines import CaptureText
from efipolicy.model.platform import Platform
from efipolicy.source import SourceText
from tests.formats.places import words_at

# A Raspberry Pi 2 with GRUB 2.04, from a mail to linux-efi in July 2019.
RASPBERRY = """\
> >   grub> lsefimmap
> >   Type      Physical start  - end             #Pages        Size Attributes
> >   reserved  0000000000000000-0000000000000fff 00000001      4KiB WB
> >   conv-mem  0000000000001000-0000000007ef5fff 00007ef5 130004KiB WB
> >   RT-data   0000000007ef6000-0000000007f09fff 00000014     80KiB RT WB
> >   conv-mem  0000000007f0a000-000000002d871fff 00025968 615840KiB WB
> >   .....
"""
HEADER = "Type      Physical start  - end             #Pages        Size Attributes\n"
DATA = "RT-data   0000000007ef6000-0000000007f09fff 00000014     80KiB RT WB\n"
FREE = "conv-mem  0000000007f0a000-000000002d871fff 00025968 615840KiB WB\n"
OLD_HEADER = "Type      Physical start  - end             #Pages     Size Attributes\n"
OLD_FREE = "conv-mem  0000000000100000-0000000000ffffff 00000f00   15MB UC WC WT WB\n"
OLD_CODE = "BS-code   0000000001000000-0000000001020fff 00000021  132KB UC WC WT WB\n"


def read(text: str) -> Platform:
    reading = grub.read(CaptureText(SourceText("map.txt", text)))
    assert reading
    return reading.platform


def unreadable(platform: Platform) -> list[tuple[int, str]]:
    assert platform.capture
    return [(line.located.span.line, line.what) for line in platform.capture.unreadable]


def test_a_table_from_a_mail_is_read_and_known_to_be_a_part() -> None:
    platform = read(RASPBERRY)
    rows = platform.memory_map.descriptors
    assert [(one.type, one.physical_start, one.number_of_pages) for one in rows] == [
        (0, 0, 1),
        (7, 0x1000, 0x7EF5),
        (6, 0x7EF6000, 0x14),
        (7, 0x7F0A000, 0x25968),
    ]
    assert [one.attribute for one in rows] == [8, 8, 0x8000000000000008, 8]
    assert (platform.memory_map.extent, platform.memory_map.origin) == ("partial", "firmware")
    assert (platform.architecture, unreadable(platform)) == ("unknown", [])


def test_a_table_without_a_gap_may_be_whole() -> None:
    platform = read(HEADER + DATA + FREE)
    assert platform.memory_map.extent == "unknown"
    assert platform.capture
    assert platform.capture.skipped_lines == 0


def test_each_field_knows_its_place() -> None:
    (row,) = read(DATA).memory_map.descriptors
    fields = words_at(row.located, "type", "physical_start", "pages", "attribute")
    assert fields == ["RT-data", "0000000007ef6000", "00000014", "RT WB"]


def test_the_old_style_rounds_sizes_down() -> None:
    rows = read(OLD_HEADER + OLD_FREE + OLD_CODE).memory_map.descriptors
    assert [(one.type, one.number_of_pages, one.attribute) for one in rows] == [
        (7, 0xF00, 0xF),
        (3, 0x21, 0xF),
    ]
    rounded = "conv-mem  0000000100000000-000000013dffffff 0003e000  992MB WB\n"
    assert read(rounded).memory_map.descriptors[0].number_of_pages == 0x3E000


@pytest.mark.parametrize(
    ("words", "attribute"),
    [
        ("", 0),
        (" RT UC WC WT WB UCE WP RP XP NV MR RO", 0x800000000003F01F),
        (" UCE", 0x10),
        (" RT RP", 0x8000000000002000),
    ],
)
def test_every_word_of_an_attribute_is_known(words: str, attribute: int) -> None:
    (row,) = read(DATA.replace(" RT WB", words)).memory_map.descriptors
    assert row.attribute == attribute
    assert words_at(row.located, "attribute") == [words.strip() or None]


@pytest.mark.parametrize("words", [" RT WB SP", " WB RT", " WB WB", " none"])
def test_words_that_are_unknown_are_reported_and_the_attribute_is_too(words: str) -> None:
    platform = read(FREE + DATA.replace(" RT WB", words))
    assert [one.attribute for one in platform.memory_map.descriptors] == [8, None]
    assert [line for line, _ in unreadable(platform)] == [2]


@pytest.mark.parametrize(
    ("printed", "number"), [("Unk 0f  ", 15), ("Unk 70000001  ", 0x70000001), ("persist ", 14)]
)
def test_a_type_without_a_name_keeps_its_number(printed: str, number: int) -> None:
    (row,) = read(DATA.replace("RT-data ", printed)).memory_map.descriptors
    assert row.type == number


@pytest.mark.parametrize(
    "row",
    [
        "RT-data   0000000007ef6000-0000000007f09fff 00000015     80KiB RT WB\n",
        "RT-data   0000000007ef6000-0000000007f09fff 00000014     84KiB RT WB\n",
        "RT-data   0000000007ef6000-0000000007f0afff 00000014     80KiB RT WB\n",
        "RT-data   0000000007ef6000-0000000007f09ff0 00000014     80KiB RT WB\n",
        "RT-data   0000000007ef6000-0000000007f09fff 00000014      1MiB RT WB\n",
        "RT-data   0000000007ef6000-0000000007f09fff 0000014     80KiB RT WB\n",
        "RT-data   0000000007ef6000-0000000007f09fff\n",
        "RT-data   0000000007ef6000-00\n",
        "-data   0000000007ef6000-0000000007f09fff 00000014     80KiB RT WB\n",
    ],
)
def test_a_row_that_does_not_add_up_is_refused(row: str) -> None:
    platform = read(HEADER + FREE + row + OLD_FREE)
    assert [one.type for one in platform.memory_map.descriptors] == [7, 7]
    assert [line for line, _ in unreadable(platform)] == [3]
    assert platform.memory_map.extent == "partial"


def test_a_table_of_nothing_but_refused_rows_is_still_one() -> None:
    platform = read(DATA.replace("80KiB", "84KiB"))
    assert platform.memory_map.descriptors == ()
    assert "00000014 84KiB" in unreadable(platform)[0][1]


def test_entries_of_no_pages_and_of_more_than_memory_can_hold_are_exact() -> None:
    nothing = "MMIO      0000000000001000-0000000000000fff 00000000      0EiB UC\n"
    endless = "MMIO      00000000fec00000-00000000febfffff 10000000000000      0EiB UC\n"
    rows = read(FREE + nothing + endless).memory_map.descriptors
    assert [one.number_of_pages for one in rows[1:]] == [0, 1 << 52]
    assert rows[2].physical.end == 0xFEC00000 + (1 << 64)


@pytest.mark.parametrize(
    "wrapped",
    [
        DATA.replace(" RT WB", "\n> RT WB"),
        DATA.replace("RT WB", "RT\nWB"),
        DATA.replace(" 00000014", "\r\n> 00000014"),
        DATA.replace("00000014", "0000\n0014"),
        DATA.replace("     80KiB", "     8\n0KiB"),
        DATA.replace("80KiB", "80Ki=\nB"),
        DATA.replace("-0000", "-\n0000"),
    ],
)
def test_a_wrapped_row_is_read_whole(wrapped: str) -> None:
    platform = read(OLD_FREE + wrapped + FREE)
    assert [one.type for one in platform.memory_map.descriptors] == [7, 6, 7]
    row = platform.memory_map.descriptors[1]
    assert (row.number_of_pages, row.attribute) == (0x14, 0x8000000000000008)
    assert unreadable(platform) == []


def test_the_table_of_a_second_run_is_another_map() -> None:
    platform = read(HEADER + DATA + FREE + HEADER + DATA)
    assert platform.capture
    assert [len(one.descriptors) for one in platform.capture.other_maps] == [1]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "insmod lsefimmap\nlsefimmap\n",
        "MMIO       00000000FEE00000-00000000FEE00FFF 0000000000000001 8000000000000001\n",
        "reserved  the RT-data of ACPI-nvs 12MB\n",
    ],
)
def test_other_texts_are_none(text: str) -> None:
    assert grub.read(CaptureText(SourceText("map.txt", text))) is None


@pytest.mark.parametrize(
    "words", ["RT\u00a0WB", "RT&nbsp;WB", "RT, WB", "rt wb", "RT wb", "RT\nWB |"]
)
def test_an_attribute_is_never_a_part_of_its_words(words: str) -> None:
    platform = read(HEADER + FREE + DATA.replace("RT WB", words))
    row = platform.memory_map.descriptors[1]
    lines = [line for line, _ in unreadable(platform)]
    assert (row.attribute, lines) in [(None, [3]), (0x8000000000000008, [])]


LEFT_OUT = ("...", ".....", "> ...", "[...]", "[\u2026]", "\u2026", "<snip>", "[snip]", "<SNIP>")


@pytest.mark.parametrize("gap", LEFT_OUT)
def test_rows_left_out_beside_a_table_make_it_a_part(gap: str) -> None:
    for text in (
        f"{HEADER}{DATA}{FREE}\n{gap}\n",
        f"{gap}\n\n{DATA}{FREE}",
        f"{DATA}{gap}\n{FREE}",
    ):
        assert read(text).memory_map.extent == "partial"


def test_what_is_left_out_of_something_else_is_no_gap_of_a_table() -> None:
    assert read(f"...\n{HEADER}{DATA}{FREE}grub> ls\n...\n").memory_map.extent == "unknown"


def test_the_type_of_the_next_row_is_no_attribute_where_line_ends_were_lost() -> None:
    rows = (
        "ACPI-rec  0000000000010000-0000000000010fff 00000001      4KiB "
        "RT-code   0000000000012000-0000000000012fff 00000001      4KiB RT WB "
        "RT-data   0000000000013000-0000000000013fff 00000001      4KiB UC WB"
    )
    platform = read(rows)
    assert [one.attribute for one in platform.memory_map.descriptors] == [0, 1 << 63 | 8, 9]
    assert platform.capture
    assert platform.capture.unreadable == ()
