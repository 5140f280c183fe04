"""Hex dumps: whoever printed the memory and whatever happened to the text, its bytes are right."""

from __future__ import annotations

import sys
from types import FrameType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from efipolicy.formats import efipolicy_formats
from efipolicy.formats.dump_runs import memories
from efipolicy.formats.hex_dump import dumped
from efipolicy.formats.logical_lines import CaptureText
from efipolicy.formats.marks import RAW_MEMORY
from efipolicy.formats.recognition import recognise
from efipolicy.model.memory_map import MemoryDescriptor
from efipolicy.model.platform import Platform
from efipolicy.source import SourceText
from tests.formats import dumping, printing
from tests.formats.dumping import STYLES, packed, xxd
from tests.formats.test_raw_memory import MAP, RUNTIME, capture_of, table_of, unreadable

FORMATS = {form.name: form for form in efipolicy_formats()}
EACH = pytest.mark.parametrize("style", STYLES.values(), ids=STYLES)
SOME = settings(max_examples=25, deadline=None)
UNTOLD = "a hex dump whose order of bytes cannot be told"


def read(text: str, stride: int | None = None) -> Platform | None:
    source = SourceText("dump.txt", text)
    source.descriptor_size = stride
    reading, _ = recognise(source, FORMATS)
    return reading.platform if reading else None


def platform_of(lines: list[str], stride: int | None = None) -> Platform:
    platform = read("\n".join(lines), stride)
    assert platform
    return platform


def values(found: tuple[MemoryDescriptor, ...]) -> list[tuple[object, ...]]:
    return [
        (one.type, one.physical_start, one.virtual_start, one.number_of_pages, one.attribute)
        for one in found
    ]


def judge(platform: Platform | None, found: tuple[MemoryDescriptor, ...]) -> None:
    """What was read is a part of the map without a gap; what was not is reported.

    Nothing at all is an error to who asks for it.
    """
    if platform is None:
        return
    read_back, expected = values(platform.memory_map.descriptors), values(found)
    count = len(read_back)
    assert read_back in [expected[at : at + count] for at in range(len(expected) + 1)]
    assert unreadable(platform) or count == len(expected)


@EACH
@SOME
@given(found=dumping.maps(least=3), stride=dumping.strides, address=dumping.addresses)
def test_what_is_dumped_is_read_back(
    style: dumping.Style, found: tuple[MemoryDescriptor, ...], stride: int, address: int
) -> None:
    platform = platform_of(style(packed(found, stride), address), stride)
    if unreadable(platform) == [UNTOLD]:
        assert not style(b" ", 0)[0].endswith("  ")  # a style that shows no characters
        return
    assert unreadable(platform) == []
    assert platform.memory_map.descriptors == found


def test_a_dump_whose_numbers_are_hardly_zero_is_recognised() -> None:
    rows = (
        (1, 0x1000, 1, 0x1008, 0x1000),
        (0, 0x1000, 0x1000, 8, 0),
        (1, 0x1000, 1, 0x1008, 0x1000),
    )
    found = tuple(
        MemoryDescriptor(
            index=index,
            type=type,
            physical_start=start,
            number_of_pages=pages,
            attribute=attribute,
            virtual_start=virtual_start,
        )
        for index, (type, start, pages, attribute, virtual_start) in enumerate(rows)
    )
    platform = platform_of(dumping.md_q(packed(found, 40), 0x10018), 40)
    assert platform.memory_map.descriptors == found


@EACH
@SOME
@given(data=st.data(), found=dumping.maps(least=3), stride=dumping.strides)
def test_prefixes_noise_wraps_copies_and_line_ends_make_nothing_wrong(
    style: dumping.Style, data: st.DataObject, found: tuple[MemoryDescriptor, ...], stride: int
) -> None:
    lines = style(packed(found, stride), data.draw(dumping.addresses))
    judge(read(data.draw(printing.damaged(lines)), data.draw(st.none() | st.just(stride))), found)


@EACH
@SOME
@given(data=st.data(), found=dumping.maps(least=3), stride=dumping.strides)
def test_what_stands_behind_lost_lines_is_not_read_as_what_was_there(
    style: dumping.Style, data: st.DataObject, found: tuple[MemoryDescriptor, ...], stride: int
) -> None:
    lines = style(packed(found, stride), 0)
    first = data.draw(st.integers(2, len(lines) - 2))
    after = min(first + data.draw(st.integers(1, 4)), len(lines) - 1)
    if "*" not in lines:
        del lines[first:after]
        judge(read("\n".join(lines), data.draw(st.none() | st.just(stride))), found)


@EACH
@SOME
@given(data=st.data(), found=dumping.maps(least=3), stride=dumping.strides)
def test_a_cut_line_ends_what_is_read(
    style: dumping.Style, data: st.DataObject, found: tuple[MemoryDescriptor, ...], stride: int
) -> None:
    lines = style(packed(found, stride), 0)
    broken = data.draw(st.integers(2, len(lines) - 2))
    lines[broken] = lines[broken][: data.draw(st.integers(1, 60))]
    if "*" not in lines:
        judge(read("\n".join(lines), data.draw(st.none() | st.just(stride))), found)


@EACH
@SOME
@given(data=st.data(), found=dumping.maps(least=3), stride=dumping.strides)
def test_lines_broken_by_a_terminal_are_put_together_or_reported(
    style: dumping.Style, data: st.DataObject, found: tuple[MemoryDescriptor, ...], stride: int
) -> None:
    width = data.draw(st.integers(20, 90))
    lines = [
        part
        for line in style(packed(found, stride), data.draw(dumping.addresses))
        for part in printing.cut(line, width)
    ]
    judge(read("\n".join(lines), data.draw(st.none() | st.just(stride))), found)


def test_a_mail_that_wraps_each_line_loses_nothing() -> None:
    lines = [part for line in xxd(packed(MAP)) for part in printing.wrapped(line, 44, quote="> ")]
    platform = platform_of(["> " + line.removeprefix("> ") for line in lines])
    assert platform.memory_map.descriptors == MAP
    assert unreadable(platform) == []


def test_quoted_printable_mail_loses_nothing() -> None:
    # Page 0x3d3d3d: an equals sign among the characters, which the mail writes as `=3D`.
    found = (
        *MAP,
        *[
            MemoryDescriptor(
                index=6,
                type=7,
                physical_start=0x3D3D3D000,
                number_of_pages=1,
                attribute=8,
                virtual_start=0,
            )
        ],
    )
    lines = [
        part
        for line in dumping.hexdump_c(packed(found), 0)
        for part in printing.quoted_printable(line)
    ]
    platform = platform_of(lines)
    assert platform.memory_map.descriptors == found
    assert unreadable(platform) == []


def test_forum_tags_change_nothing_and_spans_are_of_the_original() -> None:
    lines = [printing.tagged(line, (0, 13, 40)) for line in xxd(packed(MAP))]
    platform = platform_of(lines)
    assert platform.memory_map.descriptors == MAP
    located = platform.memory_map.descriptors[1].located
    assert located
    assert located.span.line == 4


def test_a_list_of_lines_in_json_is_read() -> None:
    lines = [f'  "{line}",' for line in xxd(packed(MAP))]
    assert platform_of(["[", *lines, "]"]).memory_map.descriptors == MAP


@pytest.mark.parametrize("end", ["\n", "\r\n", " \t\n"])
def test_line_ends_do_not_matter(end: str) -> None:
    platform = read(end.join(xxd(packed(MAP))))
    assert platform
    assert platform.memory_map.descriptors == MAP


def test_a_gap_is_reported_and_what_follows_is_not_read() -> None:
    lines = xxd(packed(MAP))
    del lines[9:12]
    platform = platform_of(lines)
    assert platform.memory_map.descriptors == MAP[:3]
    assert platform.memory_map.extent == "partial"
    (line,) = capture_of(platform).unreadable
    assert line.what == "48 bytes are missing from the hex dump before address 0xc0"
    assert line.located.span.line == 10


def test_dots_of_a_poster_are_a_gap_however_much_they_stand_for() -> None:
    content = packed(MAP)
    lines = [*xxd(content[:144]), "...", *xxd(content, 0x8000)]
    platform = platform_of(lines, 48)
    assert platform.memory_map.descriptors == MAP[:3]
    assert unreadable(platform) == [
        "32624 bytes are missing from the hex dump before address 0x8000"
    ]


def test_another_dump_further_on_is_no_gap() -> None:
    other = tuple(MAP[:4])
    lines = [
        *dumping.dmem(packed(MAP), 0x7E9C3018),
        "Shell> dmem 7EA00000 c0",
        *dumping.dmem(packed(other), 0x7EA00000),
    ]
    platform = platform_of(lines)
    assert platform.memory_map.descriptors == MAP
    assert [one.descriptors for one in capture_of(platform).other_maps] == [other]
    assert unreadable(platform) == []


def test_what_follows_a_whole_table_is_no_part_of_it() -> None:
    properties = bytes.fromhex("01000800b0050000")
    lines = [
        *dumping.dmem(dumping.attributes_table(RUNTIME), 0x7E9C3018),
        "Shell> dmem 7E9C3F98 8",
        *dumping.dmem(properties, 0x7E9C3F98),
    ]
    platform = platform_of(lines)
    assert table_of(platform).extent == "whole"
    assert platform.runtime_properties
    assert unreadable(platform) == []


def test_a_line_whose_digits_and_characters_disagree_is_not_believed() -> None:
    lines = xxd(packed(MAP))
    lines[9] = lines[9].replace("0700", "0900").replace("  .", "  @", 1)
    platform = platform_of(lines)
    assert platform.memory_map.descriptors == MAP[:3]
    assert unreadable(platform) == ["a line of a hex dump whose digits and characters disagree"]


def test_a_good_copy_makes_up_for_a_bad_one() -> None:
    lines = xxd(packed(MAP))
    for bad in (lines[9][:30], lines[9].replace("  .", "  @", 1)):
        platform = platform_of([*lines[:9], bad, *lines[9:]])
        assert platform.memory_map.descriptors == MAP
        assert unreadable(platform) == []


def test_one_address_with_two_contents_is_reported() -> None:
    lines = dumping.od(packed(MAP), 0)
    lines[3:3] = [lines[3].replace("07", "09")]
    platform = platform_of(lines)
    assert platform.memory_map.descriptors == ()
    assert any("was there before with other bytes" in what for what in unreadable(platform))


def test_a_star_stands_for_the_line_before_it() -> None:
    padded = [MAP[0], *(MAP[1],) * 3]
    lines = dumping.od(packed(padded, 128), 0)
    assert "*" in lines
    found = platform_of(lines, 128).memory_map.descriptors
    assert values(found) == values(tuple(padded))
    located = found[1].located
    assert located


def test_an_address_that_was_left_out_of_the_end_is_missed() -> None:
    lines = dumping.hexdump_c(packed(MAP), 0)
    platform = platform_of([*lines[:-3], lines[-1]])
    assert platform.memory_map.descriptors == MAP[:5]
    assert unreadable(platform) == [
        "16 bytes, too few for a descriptor of 48",
        "32 bytes are missing from the hex dump before address 0x120",
    ]


def test_the_start_of_a_file_that_was_cut_off_is_reported() -> None:
    platform = platform_of(xxd(packed(MAP))[2:])
    assert platform.memory_map.descriptors == MAP[1:]
    assert platform.memory_map.missing == ((0, 0),)
    assert platform.memory_map.extent == "partial"
    assert unreadable(platform) == ["the first 32 bytes of the memory map are missing"]


def test_the_characters_tell_the_order_of_bytes() -> None:
    # Page 0x41414: `@AA` backwards; the numbers alone could be meant in either order.
    content = bytes.fromhex("40414100" * 12)
    (number,) = memories(CaptureText(SourceText("x", "\n".join(dumping.md_l(content, 0)))))
    (printed,) = memories(CaptureText(SourceText("x", "\n".join(xxd(content)))))
    assert [number.ordered(order) for order in number.orders] == [content]
    assert [printed.ordered(order) for order in printed.orders] == [content]


def test_a_place_in_a_little_endian_number_is_that_of_its_digits() -> None:
    platform = platform_of(dumping.md_l(packed(MAP), 0x43B0_0000))
    located = platform.memory_map.descriptors[0].located
    assert located
    kind, start = located.span_of("type"), located.span_of("physical_start")
    assert kind
    assert start
    assert (kind.text, start.text) == ("00000007", "00100000 00000000")


def test_logs_full_of_other_dumps_say_nothing() -> None:
    text = (
        "[    1.0] Code: 00 00 00 00 48 89 e5 41 57 41 56 41 55 41 54 53\n"
        "[    1.0] 00000000: 45 00 00 3c 1c 46 40 00 40 06 b1 e6 ac 10 0a 63  E..<.F@.@......c\n"
        "[    1.0] 00000010: ac 10 0a 0c 00 00 00 00 00 00 00 00 00 00 00 00  ................\n"
        "[    1.0] RAX: 0000000000000000 RBX: ffff888100000000 RCX: 0000000000000000\n"
    )
    assert RAW_MEMORY.read(SourceText("log.txt", text)) is None


@pytest.mark.parametrize(
    "content",
    [
        b"\x89PNG\r\n\x1a\n" + bytes(8000),
        b"\xa7\r\r\n" + bytes(12) + b"\xe3" + bytes(900),
        b"\x7fELF\x02\x01\x01" + bytes(9000),
        bytes(4096),
        b"",
        packed(MAP) * 2000,
    ],
    ids=["picture", "bytecode", "program", "zeros", "nothing", "too much"],
)
def test_other_binary_files_are_not_dumped(content: bytes) -> None:
    assert dumped("file", content) is None


def test_a_binary_file_is_shown_as_xxd_shows_it() -> None:
    content = packed(MAP, 40) + b"A\x07"
    source = dumped("map.bin", content)
    assert source
    assert source.text.splitlines() == xxd(content)
    assert source.text.endswith("000000f0: 4107                                     A.\n")
    assert source.content == content


HOSTILE = {
    "lines with gaps": "{0:07x}0: 0000 0000 0000 0000 0000 0000 0000 0000\n{0:07x}8: 0\n",
    "cut lines": "{0:07x}0: 0000 000\n",
    "descriptors in no list": "{0:07x}0: 0700 0000 0000 0000 0010 0000 0000 0000\n",
    "copies": "00000010: 0000 0000 0000 0000 0000 0000 0000 0001\n",
    "stars": "*\n00000010  00 00 00 00\n",
    "wrapped lines": "{0:07x}0: 0000 0000 0000\n> 0000 0000 0000 0000 0000\n",
}


def work(text: str) -> int:
    """How many lines of Python run when a text is read."""
    count = 0

    def counted(_frame: FrameType, event: str, _argument: Any) -> Any:
        nonlocal count
        count += event == "line"
        return counted

    before = sys.gettrace()
    sys.settrace(counted)
    try:
        RAW_MEMORY.read(SourceText("log.txt", text))
    finally:
        sys.settrace(before)
    return count


@pytest.mark.parametrize("part", HOSTILE.values(), ids=HOSTILE)
def test_four_times_the_text_is_four_times_the_work(part: str) -> None:
    small, large = (
        "00000000: 0000 0000\n" + "".join(part.format(2 * at) for at in range(size))
        for size in (150, 600)
    )
    assert work(large) < 5 * work(small)
