"""The debug print of OpenBSD."""

import pytest

from efipolicy.formats import openbsd
from efipolicy.formats.logical_lines import CaptureText
from efipolicy.model.platform import Platform
from efipolicy.source import SourceText
from tests.formats.places import words_at

# OpenBSD/armv7 7.7 on a KING JIM Pomera DM250 with U-Boot 2017.09, from a public journal of 2025.
POMERA = """\
OpenBSD/armv7 booting ...
Constructing L2 page tables
undefined page type 0x2 pa 0x60000000 va 0x60000000 pages 0x2000 attr 0x8
type 0x7 pa 0x62000000 va 0x60000000 pages 0x6000 attr 0x8
initarm: added 24576 pages at 0x62000000, physmem now 32768
type 0x4 pa 0x68000000 va 0x68000000 pages 0x7 attr 0x8
type 0x6 pa 0x9adae000 va 0x9adae000 pages 0x1 attr 0x8000000000000008
type 0x0 pa 0x9adaf000 va 0x9adaf000 pages 0x1 attr 0x8
type 0x5 pa 0x9de43000 va 0x9de43000 pages 0x1 attr 0x8000000000000008
pmap [ using 3484148 bytes of bsd ELF symbol table ]
OpenBSD 7.7 (obj.amd64.armv7) #113: Fri Apr 18 11:15:57 CDT 2025
        jcs@nano.jcs.org:/usr/src/sys/arch/armv7/compile/GENERIC/obj.amd64.armv7
"""
CODE = "type 0x5 pa 0x9de43000 va 0x0 pages 0x10 attr 0x8000000000000008\n"
DATA = "type 0x6 pa 0x9adae000 va 0x0 pages 0x1 attr 0x800000000000000f\n"
NVS = "type 0xa pa 0x7f000000 va 0x0 pages 0x80 attr 0xf\n"
FREE = "type 0x7 pa 0x62000000 va 0x0 pages 0x6000 attr 0x8\n"
DRIVER = "efi0 at bios0: UEFI 2.7\n"


def read(text: str) -> Platform:
    reading = openbsd.read(CaptureText(SourceText("map.txt", text)))
    assert reading
    return reading.platform


def unreadable(platform: Platform) -> list[tuple[int, str]]:
    assert platform.capture
    return [(line.located.span.line, line.what) for line in platform.capture.unreadable]


def test_the_list_of_a_starting_kernel_is_read_between_its_other_words() -> None:
    platform = read(POMERA)
    rows = platform.memory_map.descriptors
    assert [(one.type, one.physical_start, one.number_of_pages) for one in rows] == [
        (2, 0x60000000, 0x2000),
        (7, 0x62000000, 0x6000),
        (4, 0x68000000, 7),
        (6, 0x9ADAE000, 1),
        (0, 0x9ADAF000, 1),
        (5, 0x9DE43000, 1),
    ]
    assert (rows[1].virtual_start, rows[5].attribute) == (0x60000000, 0x8000000000000008)
    assert (platform.architecture, platform.architecture_reason.kind) == ("arm32", "stated")
    assert (platform.memory_map.extent, platform.memory_map.origin) == ("unknown", "firmware")
    assert unreadable(platform) == []


def test_each_field_knows_its_place() -> None:
    (row,) = read(CODE).memory_map.descriptors
    fields = words_at(row.located, "type", "physical_start", "virtual_start", "pages", "attribute")
    assert fields == ["5", "9de43000", "0", "10", "0x8000000000000008"]


def test_the_driver_lists_what_it_maps_and_no_more() -> None:
    platform = read(DRIVER + CODE + DATA + NVS + "efi0: EDK II rev 0x10000\n")
    assert platform.memory_map.extent == "partial"
    assert (str(platform.uefi), platform.firmware and platform.firmware.vendor) == ("2.7", "EDK II")
    assert platform.capture
    assert platform.capture.skipped_lines == 0


@pytest.mark.parametrize(("words", "revision"), [("2.10", "2.10"), ("2.3.1", "2.3.1")])
def test_the_revision_is_never_in_two_digits(words: str, revision: str) -> None:
    assert str(read(DRIVER.replace("2.7", words) + CODE).uefi) == revision


def test_the_list_of_the_driver_is_another_map_than_the_first() -> None:
    platform = read(FREE + NVS + CODE + DRIVER + CODE)
    assert len(platform.memory_map.descriptors) == 3
    assert platform.capture
    assert [one.extent for one in platform.capture.other_maps] == ["partial"]


@pytest.mark.parametrize(
    "wrapped",
    [
        CODE.replace(" attr", "\nattr"),
        CODE.replace("attr 0x", "attr\n> 0x"),
        CODE.replace("0x8000", "0x80\n00"),
        CODE.replace("attr 0x8000", "attr 0=\nx8000"),
        CODE.replace("va", "v\na"),
        CODE.replace("9de43000", "9de4\r\n3000"),
    ],
)
def test_a_wrapped_row_is_read_whole(wrapped: str) -> None:
    platform = read(FREE + wrapped + DATA)
    assert [one.type for one in platform.memory_map.descriptors] == [7, 5, 6]
    assert platform.memory_map.descriptors[1].attribute == 0x8000000000000008
    assert unreadable(platform) == []


@pytest.mark.parametrize(
    "damaged",
    [
        "type 0x100000005 pa 0x9de43000 va 0x0 pages 0x10 attr 0x8\n",
        "type 0x5 pa 0x9de43000 va 0x0 pages 0x10 attr 0x80000000000000008\n",
        "type 0x5 pa 0x9de43000 va 0x0 pages 0x10 attr\n",
        "type 0x5 pa 0x9de43000 va 0x0 pages\n",
        "type 0x5 pa 0x9d\n",
        "00 va 0x0 pages 0x10 attr 0x8\n",
    ],
)
def test_a_damaged_row_is_reported(damaged: str) -> None:
    platform = read(FREE + damaged + DATA)
    assert [one.type for one in platform.memory_map.descriptors] == [7, 6]
    assert [line for line, _ in unreadable(platform)] == [2]
    assert platform.memory_map.extent == "partial"


def test_numbers_of_64_bits_are_exact() -> None:
    row = f"type 0xffffffff pa 0x{'f' * 13}000 va 0x0 pages 0x{'f' * 16} attr 0x{'f' * 16}\n"
    (one,) = read(row).memory_map.descriptors
    assert (one.type, one.number_of_pages, one.attribute) == (
        (1 << 32) - 1,
        (1 << 64) - 1,
        (1 << 64) - 1,
    )


@pytest.mark.parametrize(
    "text", ["", "type 0x7 packet\n", "efi0 at bios0: UEFI 2.7\n", "pages 0x10 attr 0x8\n"]
)
def test_other_texts_are_none(text: str) -> None:
    assert openbsd.read(CaptureText(SourceText("map.txt", text))) is None


def test_a_number_below_a_row_is_not_taken_for_digits_of_its_attribute() -> None:
    platform = read(NVS + "12\n" + DATA)
    assert [one.attribute for one in platform.memory_map.descriptors] == [0x800000000000000F]
    ((line, what),) = unreadable(platform)
    assert (line, "may go on in the line below" in what) == (1, True)


def test_words_below_a_number_of_full_width_are_no_doubt() -> None:
    platform = read(DATA + "be\ncafe\n")
    assert platform.memory_map.descriptors[0].attribute == 0x800000000000000F
    assert unreadable(platform) == []
