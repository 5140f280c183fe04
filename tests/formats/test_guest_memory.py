"""Memory maps read back from the memory of stopped guests."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from efipolicy.formats import guest_memory
from efipolicy.formats.logical_lines import CaptureText
from efipolicy.model.memory_map import MemoryDescriptor
from efipolicy.model.platform import Platform
from efipolicy.source import SourceText
from tests.formats import printing
from tests.formats import test_loader_damage as damage

CAPTURES = Path(__file__).parents[1] / "captures" / "sysfs"
ARM = (CAPTURES / "qemu-virt-1g-u-boot-guest-memory.txt").read_text()
X86 = (CAPTURES / "qemu-pc-2g-u-boot-guest-memory.txt").read_text()
HEADER = "# desc_size=48 desc_version=1 entries=3\n"
ROW = "{:3} {:20} {:#018x} {:#018x} {:10} {:#018x}\n"
FREE = ROW.format(0, "ConventionalMemory", 0, 0, 160, 15)
CODE = ROW.format(1, "RuntimeServicesCode", 0x100000, 0xFFFFFFFE00100000, 16, 0x800000000000000F)
NVS = ROW.format(2, "ACPINVS", 0x200000, 0, 2, 15)


def read(text: str) -> Platform:
    reading = guest_memory.read(CaptureText(SourceText("memory.txt", text)))
    assert reading
    assert reading.platform.capture
    return reading.platform


def unreadable(platform: Platform) -> list[tuple[int, str]]:
    assert platform.capture
    return [(line.located.span.line, line.what) for line in platform.capture.unreadable]


def test_a_capture_has_as_many_entries_as_its_header_says() -> None:
    for text in (ARM, X86):
        platform = read(text)
        found = platform.memory_map
        assert len(found.descriptors) == 19
        assert (found.extent, found.origin, found.missing) == ("whole", "kernel-edited", ())
        assert (found.descriptor_size, found.descriptor_version) == (40, 1)
        assert unreadable(platform) == []
        assert platform.capture
        assert (platform.capture.dialect, platform.capture.skipped_lines) == ("guest-memory", 2)


def test_pages_are_decimal_and_virtual_addresses_are_kept() -> None:
    _, code, nvs = read(HEADER + FREE + CODE + NVS).memory_map.descriptors
    assert (code.type, code.physical_start, code.number_of_pages) == (5, 0x100000, 16)
    assert (code.virtual_start, code.attribute) == (0xFFFFFFFE00100000, 0x800000000000000F)
    assert nvs.type == 10


def test_every_field_knows_its_place() -> None:
    for one in read(X86).memory_map.descriptors:
        assert one.located
        places = {
            name: one.located.span_of(name)
            for name in ("physical_start", "virtual_start", "pages", "attribute", "type")
        }
        shown = {name: place.text for name, place in places.items() if place}
        assert int(shown["physical_start"], 16) == one.physical_start
        assert int(shown["virtual_start"], 16) == one.virtual_start
        assert int(shown["pages"]) == one.number_of_pages
        assert int(shown["attribute"], 16) == one.attribute
        assert shown["type"].isalpha()


def test_boot_params_filled_in_by_64_bit_firmware_prove_x86_64() -> None:
    platform = read(X86)
    assert (platform.architecture, platform.architecture_reason.kind) == ("x86_64", "stated")
    assert platform.firmware
    assert platform.firmware.bits == 64


def test_boot_params_of_32_bit_firmware_and_a_device_tree_prove_nothing() -> None:
    mixed = read(X86.replace("EL64", "EL32"))
    assert mixed.architecture == "unknown"
    assert mixed.firmware
    assert mixed.firmware.bits == 32
    assert read(ARM).architecture == "unknown"


def test_entries_that_are_missing_are_named_up_to_the_stated_number() -> None:
    found = read(HEADER.replace("3", "6") + FREE + NVS).memory_map
    assert (found.extent, found.missing) == ("partial", ((1, 1), (3, 5)))
    assert read(FREE + CODE + NVS).memory_map.extent == "unknown"
    assert read(HEADER + FREE + "...\n" + NVS).memory_map.extent == "partial"


def test_more_entries_than_stated_are_no_whole_map() -> None:
    assert read(HEADER.replace("=3", "=2") + FREE + CODE + NVS).memory_map.extent == "partial"


def test_a_list_that_one_kernel_handed_to_the_next_is_a_part() -> None:
    rows = [
        ROW.format(0, "MMIO", 0xFFC00000, 0xFFFFFFFEFFC00000, 1024, 1 << 63),
        ROW.format(1, "RuntimeServicesData", 0x7F000000, 0xFFFFFFFEFF000000, 4, (1 << 63) + 15),
        ROW.format(2, "BootServicesCode", 0x7E000000, 0xFFFFFFFEFE000000, 4, 15),
    ]
    found = read(HEADER + "".join(rows)).memory_map
    assert (found.extent, found.origin) == ("partial", "kexec")


@pytest.mark.parametrize(
    ("row", "what"),
    [
        (CODE.replace("RuntimeServicesCode", "OemDefined"), "the type `OemDefined`"),
        (CODE.replace("         16 ", "99999999999999999999 "), "does not fit 64 bits"),
        (CODE[:60] + "\n", "a part of a row"),
        (CODE[24:], "a part of a row"),
    ],
)
def test_a_row_that_cannot_be_read_is_reported(row: str, what: str) -> None:
    platform = read(HEADER + FREE + row + NVS)
    assert [one.index for one in platform.memory_map.descriptors] == [0, 2]
    assert platform.memory_map.extent == "partial"
    ((line, found),) = unreadable(platform)
    assert line == 3
    assert what in found


def test_two_lists_are_two_maps() -> None:
    platform = read(HEADER + FREE + CODE + NVS + HEADER.replace("3", "2") + FREE + CODE)
    assert len(platform.memory_map.descriptors) == 3
    assert platform.capture
    assert [one.extent for one in platform.capture.other_maps] == ["whole"]


NAMES = (
    "Reserved",
    *damage.NAMES[1:8],
    "UnusableMemory",
    "ACPIReclaim",
    "ACPINVS",
    "MMIO",
    *damage.NAMES[12:15],
)


def printed(one: MemoryDescriptor) -> str:
    return ROW.format(
        one.index,
        NAMES[one.type],
        one.physical_start,
        one.virtual_start or 0,
        one.number_of_pages,
        one.attribute or 0,
    ).rstrip()


DIALECT = damage.Dialect("guest-memory", printed, virtual=True)


@damage.SOME
@given(found=DIALECT.maps())
def test_what_is_printed_is_read_back(found: tuple[MemoryDescriptor, ...]) -> None:
    damage.assert_read(damage.read("\n".join(map(printed, found))), found)


@damage.SOME
@given(data=st.data())
def test_prefixes_noise_wraps_copies_and_line_ends_change_nothing(data: st.DataObject) -> None:
    found = data.draw(DIALECT.maps())
    text = data.draw(printing.damaged([printed(one) for one in found]))
    damage.assert_read(damage.read(text), found)


@damage.SOME
@given(data=st.data())
def test_forum_tags_and_quoted_printable_mail_change_nothing(data: st.DataObject) -> None:
    found = data.draw(DIALECT.maps())
    places = st.lists(st.integers(0, 200), max_size=4)
    lines = [printed(one) for one in found]
    tagged = "\n".join(printing.tagged(line, data.draw(places)) for line in lines)
    damage.assert_read(damage.read(tagged), found)
    mail = [part for line in lines for part in printing.quoted_printable(line)]
    damage.assert_read(damage.read("\n".join(mail)), found)


@damage.SOME
@given(data=st.data())
def test_a_row_cut_at_any_column_or_shortened_is_read_right_or_reported(
    data: st.DataObject,
) -> None:
    found = data.draw(DIALECT.maps())
    broken = data.draw(st.integers(0, len(found) - 1))
    lines = [printed(one) for one in found]
    column = data.draw(st.integers(30, len(lines[broken]) - 1))
    pieces = printing.cut("> " + lines[broken], column) if data.draw(st.booleans()) else []
    lines[broken : broken + 1] = pieces or [lines[broken][:column]]
    damage.judge(found, broken, damage.read("\n".join(lines)))
