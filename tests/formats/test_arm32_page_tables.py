"""Page tables that 32-bit Arm kernels dump."""

from __future__ import annotations

import pytest

from tests.formats.page_table_texts import capture_of, dump_of, platform_of

START = "---[ UEFI runtime start ]---\n"
PAGE = "0x20000000-0x20010000          64K PTE KERNEL      RW NX SHD MEM/CACHED/WBWA\n"
SECTION = "0xc0000000-0xc0300000           3M PGD KERNEL      RW x  SHD\n"
BLOCK = "0xc0000000-0xc0600000           6M PMD     ro x  SHD\n"


def test_a_page_says_how_it_is_mapped() -> None:
    dump = dump_of(START + PAGE)
    (found,) = dump.ranges
    assert (found.virtual, found.leaf_size) == ((0x20000000, 0x20010000), 4096)
    assert (found.access, found.cache, found.section) == ("RW", "normal", "UEFI runtime start")
    assert found.flags == ("KERNEL", "RW", "NX", "SHD", "MEM/CACHED/WBWA")
    assert (dump.page_size, dump.virtual_address_bits) == (4096, 32)


@pytest.mark.parametrize(
    ("row", "leaf_size", "access"), [(SECTION, 1 << 20, "RWX"), (BLOCK, 1 << 21, "RX")]
)
def test_a_section_has_no_memory_type(row: str, leaf_size: int, access: str) -> None:
    (found,) = dump_of(START + row).ranges
    assert (found.leaf_size, found.access, found.cache) == (leaf_size, access, None)


@pytest.mark.parametrize(
    ("word", "cache"),
    [
        ("SO/UNCACHED", "device-nGnRnE"),
        ("MEM/BUFFERABLE/WC", "normal-nc"),
        ("MEM/CACHED/WT", "normal-wt"),
        ("MEM/CACHED/WBRA", "normal"),
        ("DEV/SHARED", "device-nGnRE"),
        ("DEV/WC", None),
    ],
)
def test_a_memory_type_has_the_name_that_plans_use(word: str, cache: str | None) -> None:
    assert dump_of(PAGE.replace("MEM/CACHED/WBWA", word)).ranges[0].cache == cache


def test_a_page_without_a_memory_type_is_reported() -> None:
    capture = capture_of(PAGE + "0x20010000-0x20020000          64K PTE KERNEL      RW NX SHD\n")
    assert [line.located.span.line for line in capture.unreadable] == [2]


def test_memory_types_say_that_it_is_32_bit_arm() -> None:
    platform = platform_of(PAGE)
    assert platform
    assert (platform.architecture, platform.architecture_reason.kind) == ("arm32", "stated")
    platform = platform_of(START + SECTION)
    assert platform
    assert (platform.architecture, platform.architecture_reason.kind) == ("arm32", "dialect")
