"""Memory as bytes: maps, the Memory Attributes Table, runtime properties, device trees."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings

from efipolicy.formats import efipolicy_formats
from efipolicy.formats.hex_dump import dumped
from efipolicy.formats.recognition import recognise
from efipolicy.model.declared import RuntimeProperties, SystemTable
from efipolicy.model.memory_map import MemoryAttributesTable, MemoryDescriptor
from efipolicy.model.platform import Capture, Platform
from efipolicy.source import SourceText, decode
from tests.formats import dumping
from tests.formats.dumping import attributes_table, packed, xxd

FORMATS = {form.name: form for form in efipolicy_formats()}
CAPTURES = Path(__file__).parents[1] / "captures" / "raw-memory"
SOME = settings(max_examples=50, deadline=None)


def entry(start: int, pages: int = 16, *, kind: int = 7, attribute: int = 0xF) -> MemoryDescriptor:
    return MemoryDescriptor(
        index=0,
        type=kind,
        physical_start=start,
        number_of_pages=pages,
        attribute=attribute,
        virtual_start=0,
    )


MAP = tuple(replace(entry(0x100000 * (at + 1)), index=at) for at in range(6))
RUNTIME = tuple(
    replace(one, type=5 + at % 2, attribute=1 << 63 | 0x4000) for at, one in enumerate(MAP)
)
COUNTED = "the 6 entries of 48 bytes that the header of the Memory Attributes Table counts"


def read(text: str | SourceText, stride: int | None = None) -> Platform | None:
    """What the text says, ``None`` when it is nothing."""
    source = SourceText("dump.txt", text) if isinstance(text, str) else text
    source.descriptor_size = stride
    reading, _ = recognise(source, FORMATS)
    return reading.platform if reading else None


def platform_of(content: bytes, stride: int | None = None) -> Platform:
    """What a binary file with these bytes says."""
    source = dumped("memory.bin", content)
    assert source
    platform = read(source, stride)
    assert platform
    return platform


def capture_of(platform: Platform) -> Capture:
    assert platform.capture
    return platform.capture


def table_of(platform: Platform) -> MemoryAttributesTable:
    assert platform.memory_attributes_table
    return platform.memory_attributes_table


def unreadable(platform: Platform) -> list[str]:
    return [line.what for line in capture_of(platform).unreadable]


def captured(name: str) -> Platform:
    path = CAPTURES / name
    platform = read(decode(path.name, path.read_bytes()))
    assert platform
    return platform


@pytest.mark.parametrize(
    ("name", "entries", "stride"),
    [("qemu-virt-1g-map", 35, 48), ("qemu-virt-1g-u-boot-map", 19, 40)],
)
def test_a_map_in_guest_memory_is_what_a_decoder_makes_of_it(
    name: str, entries: int, stride: int
) -> None:
    memory_map = captured(f"{name}.hex").memory_map
    rows = re.findall(
        r"^ *(\d+) \S+ +0x(\w+) 0x(\w+) +(\d+) 0x(\w+)$",
        (CAPTURES / f"{name}.decoded").read_text(),
        re.MULTILINE,
    )
    assert len(rows) == entries
    assert [
        (one.index, one.physical_start, one.virtual_start, one.number_of_pages, one.attribute)
        for one in memory_map.descriptors
    ] == [
        (int(index), int(start, 16), int(virtual, 16), int(pages), int(attribute, 16))
        for index, start, virtual, pages, attribute in rows
    ]
    assert (memory_map.descriptor_size, memory_map.size) == (stride, entries * stride)
    assert (memory_map.extent, memory_map.origin) == ("unknown", "unknown")


def test_a_map_says_nothing_of_its_architecture() -> None:
    platform = captured("qemu-virt-1g-map.hex")
    assert platform.architecture == "unknown"
    assert (capture_of(platform).dialect, capture_of(platform).skipped_lines) == (
        "raw-memory-map",
        3,
    )


def test_the_attributes_table_in_guest_memory_is_whole() -> None:
    platform = captured("qemu-q35-2g-attributes.hex")
    table = table_of(platform)
    assert (len(table.entries), table.extent) == (22, "whole")
    assert (table.version, table.number_of_entries, table.descriptor_size, table.flags) == (
        1,
        22,
        48,
        0,
    )
    assert table.entries[0] == MemoryDescriptor(
        index=0,
        type=6,
        physical_start=0x7EAA0000,
        virtual_start=0,
        number_of_pages=258,
        attribute=0x8000000000004000,
    )
    assert platform.memory_map.descriptors == ()
    assert capture_of(platform).dialect == "raw-memory-attributes-table"


def test_runtime_properties_are_read() -> None:
    platform = captured("qemu-virt-1g-u-boot-properties.hex")
    assert platform.runtime_properties == RuntimeProperties(version=1, length=8, supported=0x5B0)
    assert capture_of(platform).dialect == "raw-rt-properties"


def test_a_device_tree_tells_where_the_tables_are() -> None:
    platform = captured("qemu-virt-1g-device-tree.hex")
    assert platform.system_table == SystemTable(address=0x7FFD0018)
    assert (platform.memory_map.size, platform.memory_map.descriptor_size) == (0x690, 48)
    located = platform.system_table.located
    assert located
    span = located.span_of("address")
    assert span
    assert span.text.startswith("0000 0000  ")
    assert span.text.endswith("\n000000d0: 7ffd 0018")


def test_a_device_tree_file_tells_the_same() -> None:
    text = (CAPTURES / "qemu-virt-1g-device-tree.hex").read_text()
    groups = re.findall(r"^[0-9a-f]{8}: ((?:[0-9a-f]{2,4} )+)", text, re.MULTILINE)
    platform = platform_of_file(bytes.fromhex("".join(groups)))
    assert platform.system_table == SystemTable(address=0x7FFD0018)


def platform_of_file(content: bytes) -> Platform:
    source = dumped("fdt.dtb", content)
    assert source
    assert source.content == content
    platform = read(source)
    assert platform
    return platform


def test_other_memory_is_no_map() -> None:
    path = CAPTURES / "qemu-q35-2g-boot-params.hex"
    assert read(decode(path.name, path.read_bytes())) is None


@SOME
@given(dumping.maps(odd=True), dumping.strides)
def test_what_the_user_says_of_the_distance_holds_whatever_the_records_are(
    found: tuple[MemoryDescriptor, ...], stride: int
) -> None:
    content = packed([entry(0x100000), *found], stride)
    platform = platform_of(content, stride)
    first, *others = platform.memory_map.descriptors
    assert first == entry(0x100000)
    assert [replace(one, index=one.index - 1) for one in others] == [*found]
    assert unreadable(platform) == []


def test_a_distance_that_makes_no_descriptors_is_reported_beside_the_one_that_does() -> None:
    found = tuple(entry(0x100000 * number) for number in range(1, 21))
    platform = platform_of(packed(found, 48), 40)
    assert platform.memory_map.descriptor_size == 40
    (line,) = unreadable(platform)
    assert "all of 20 records of 48 bytes are descriptors, and those of 40 bytes are not" in line


@SOME
@given(dumping.maps(least=3), dumping.strides)
def test_the_distance_is_found_or_asked_for(
    found: tuple[MemoryDescriptor, ...], stride: int
) -> None:
    platform = platform_of(packed(found, stride))
    if platform.memory_map.descriptors:
        assert platform.memory_map.descriptors == found
        assert platform.memory_map.descriptor_size == stride
    else:
        assert any("--descriptor-size" in what for what in unreadable(platform))


@SOME
@given(dumping.maps(odd=True), dumping.strides)
def test_an_attributes_table_is_read_back(found: tuple[MemoryDescriptor, ...], stride: int) -> None:
    table = table_of(platform_of(attributes_table(found, stride)))
    assert table.entries == found
    assert (table.extent, table.descriptor_size) == ("whole", stride)


def test_several_distances_that_fit_are_named() -> None:
    content = packed(MAP[:1], 40) + bytes(32)
    assert unreadable(platform_of(content[:70])) == [
        "raw descriptors of 40 or 48 or 56 or 64 bytes each; say --descriptor-size"
    ]


def test_a_map_with_one_record_that_is_none_asks_for_the_distance() -> None:
    odd = replace(MAP[2], physical_start=0x123)
    content = packed([*MAP[:2], odd, *MAP[3:]])
    (what,) = unreadable(platform_of(content))
    assert "at 48 bytes 5 of the first 6 are" in what
    assert what.endswith("say --descriptor-size")
    platform = platform_of(content, 48)
    assert platform.memory_map.descriptors[2] == odd
    assert unreadable(platform) == []


def test_bad_records_are_not_passed_over_at_twice_the_distance() -> None:
    bad = [replace(one, number_of_pages=0) if one.index % 2 else one for one in MAP]
    for count in (2, 6):
        platform = platform_of(packed(bad[:count]))
        assert platform.memory_map.descriptors == ()
        assert len(unreadable(platform)) == 1
        assert platform_of(packed(bad[:count]), 48).memory_map.descriptors == tuple(bad[:count])


def test_bytes_that_fill_no_record_are_reported() -> None:
    for stride in (None, 48):
        platform = platform_of(packed(MAP) + b"\x07" + bytes(20), stride)
        assert platform.memory_map.descriptors == MAP
        assert (platform.memory_map.extent, platform.memory_map.size) == ("partial", None)
        assert unreadable(platform) == ["21 bytes, too few for a descriptor of 48"]


def test_zeros_behind_a_map_are_padding_unless_the_user_says_otherwise() -> None:
    content = packed(MAP) + bytes(96)
    platform = platform_of(content)
    assert platform.memory_map.descriptors == MAP
    (what,) = unreadable(platform)
    assert what.startswith("96 bytes of zeros behind the descriptors")
    assert len(platform_of(content, 48).memory_map.descriptors) == 8


def test_records_that_say_protection_alone_are_no_memory_map() -> None:
    platform = platform_of(packed(RUNTIME))
    assert platform.memory_map.descriptors == ()
    assert unreadable(platform) == [
        "descriptors as of a Memory Attributes Table, whose header is missing before them"
    ]


def test_a_short_attributes_table_is_partial() -> None:
    platform = platform_of(attributes_table(RUNTIME)[:-50])
    table = table_of(platform)
    assert (table.entries, table.extent, table.number_of_entries) == (RUNTIME[:4], "partial", 6)
    assert unreadable(platform) == [
        f"50 bytes are missing of {COUNTED}",
    ]


def test_bytes_behind_an_attributes_table_are_reported_unless_they_are_zero() -> None:
    content = attributes_table(RUNTIME)
    padded = platform_of(content + bytes(24))
    assert (table_of(padded).extent, unreadable(padded)) == ("whole", [])
    followed = platform_of(content + b"pool tail")
    assert (table_of(followed).entries, table_of(followed).extent) == (RUNTIME, "partial")
    (what,) = unreadable(followed)
    assert what == f"9 bytes behind {COUNTED}"


def test_a_map_that_starts_like_a_table_is_a_map() -> None:
    # Type 2 and a start at 4 KiB: version 2 and entries of 4096 bytes in a table.
    loader = replace(MAP[0], type=2, physical_start=0x1000)
    platform = platform_of(packed([loader, *MAP[1:]]))
    assert platform.memory_map.descriptors == (loader, *MAP[1:])


def test_a_table_in_memory_keeps_its_address() -> None:
    lines = dumping.dmem(attributes_table(RUNTIME), 0x7E9C3018)
    platform = read("\n".join(lines))
    assert platform
    assert table_of(platform).address == 0x7E9C3018
    assert table_of(platform_of(attributes_table(RUNTIME))).address is None


def test_a_field_over_two_lines_spans_them() -> None:
    text = "\n".join(xxd(packed(MAP, 40)))
    platform = read(text)
    assert platform
    located = platform.memory_map.descriptors[1].located
    assert located
    spans = {
        name: span
        for name in ("type", "physical_start", "virtual_start", "pages", "attribute")
        if (span := located.span_of(name))
    }
    assert {name: span.line for name, span in spans.items()} == {
        "type": 3,
        "physical_start": 4,
        "virtual_start": 4,
        "pages": 5,
        "attribute": 5,
    }
    assert spans["physical_start"].text == "0000 2000 0000 0000"
    assert (located.span.line, located.span.end_line) == (3, 5)
    wide = "\n".join(
        f"{at:08x}: {packed(MAP, 40)[at : at + 12].hex(' ')}" for at in range(0, 240, 12)
    )
    platform = read(wide)
    assert platform
    located = platform.memory_map.descriptors[0].located
    assert located
    start = located.span_of("physical_start")
    assert start
    assert (start.line, start.end_line) == (1, 2)


def test_a_map_and_its_tables_in_one_text_are_one_platform() -> None:
    text = [
        "$ xxd map",
        *xxd(packed(MAP)),
        "$ xxd table",
        *xxd(attributes_table(RUNTIME)),
        *xxd(bytes.fromhex("01000800b0050000")),
    ]
    platform = read("\n".join(text))
    assert platform
    assert platform.memory_map.descriptors == MAP
    assert table_of(platform).entries == RUNTIME
    assert platform.runtime_properties
    assert (unreadable(platform), capture_of(platform).skipped_lines) == ([], 2)


def test_a_dump_printed_twice_is_one_map_and_two_dumps_are_two() -> None:
    other = tuple(replace(one, physical_start=one.physical_start << 4) for one in MAP)
    platform = read("\n".join([*xxd(packed(MAP)), *xxd(packed(other)), *xxd(packed(MAP))]))
    assert platform
    assert platform.memory_map.descriptors == MAP
    assert [one.descriptors for one in capture_of(platform).other_maps] == [other]
    assert (unreadable(platform), capture_of(platform).skipped_lines) == ([], 0)


def test_the_map_a_kernel_prints_is_preferred_to_the_same_in_memory() -> None:
    log = [
        f"efi: mem{one.index:02}: type=7, attr=0xf, "
        f"range=[{one.physical_start:#018x}-{one.physical.end:#018x}) (0MB)"
        for one in MAP
    ]
    platform = read("\n".join([*log, *xxd(packed(MAP))]))
    assert platform
    assert capture_of(platform).dialect == "linux-x86-raw"
    (other,) = capture_of(platform).other_maps
    assert [one.physical_start for one in other.descriptors] == [one.physical_start for one in MAP]


def test_half_a_gigabyte_of_repeated_lines_is_not_made_up() -> None:
    lines = [*xxd(packed(MAP)), "*", *xxd(bytes(16), 0x20000000)]
    platform = read("\n".join(lines))
    assert platform
    assert platform.memory_map.descriptors == MAP
