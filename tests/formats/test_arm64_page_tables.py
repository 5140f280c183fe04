"""Page tables that arm64 kernels dump."""

from __future__ import annotations

import pytest

from tests.formats.page_table_texts import capture_of, captured, dump_of, platform_of

START = "---[ UEFI runtime start ]---\n"
END = "---[ UEFI runtime end ]---\n"
PAGE = (
    "0x00000000bc440000-0x00000000bc450000          64K PTE"
    "       RW NX SHD AF NG         UXN    MEM/NORMAL\n"
)
RUN = (
    "0x0000000004000000-0x0000000008000000          64M PTE"
    "       RW NX SHD AF NG CON     UXN    DEVICE/nGnRE\n"
)


def pages(start: int, size: int, level: str = "PTE", flags: str = "RW NX AF MEM/NORMAL") -> str:
    """A row, its blanks compressed."""
    return f"0x{start:016x}-0x{start + size:016x} {size >> 10}K {level} {flags}\n"


@pytest.mark.parametrize(
    ("name", "rows", "present", "page_size", "bits"),
    [
        ("qemu-virt-1g-arm64-4k-39", 24, 19, 4096, 39),
        ("qemu-virt-2g-arm64-64k-48", 29, 20, None, 48),
        ("qemu-virt-4g-arm64-64k-42", 23, 19, 65536, 42),
    ],
)
def test_the_tables_of_runtime_services_are_read_row_by_row(
    name: str, rows: int, present: int, page_size: int | None, bits: int
) -> None:
    text = captured(name)
    dump = dump_of(text)
    lines = [line for line in text.splitlines() if line.startswith("0x")]
    assert len(lines) == rows
    assert [one.located.span.text for one in dump.ranges] == [
        line for line in lines if "AF" in line
    ]
    assert len(dump.ranges) == present
    assert (dump.page_size, dump.virtual_address_bits) == (page_size, bits)
    assert {one.section for one in dump.ranges} == {"UEFI runtime start"}
    assert capture_of(text).skipped_lines == 4  # the remarks above it


def test_a_dump_below_a_memory_map_is_read_to_its_broken_end() -> None:
    path = captured("../20-uboot-qemu-linux-arm64-64k")
    dump = dump_of(path)
    found = [(one.virtual.start, one.access, one.cache) for one in dump.ranges]
    assert found == [
        (0xFFFF0000, "RW", "normal"),
        (0x43DD60000, "RW", "normal"),
        (0x43DDC0000, "RW", "normal"),
        (0x43FF10000, "RWX", "normal"),
    ]
    assert (dump.page_size, dump.virtual_address_bits) == (None, None)


def test_a_row_says_how_its_leaves_are_mapped() -> None:
    (run, page) = dump_of(START + RUN + PAGE).ranges
    assert run.virtual == (0x4000000, 0x8000000)
    assert (run.level, run.access, run.cache) == ("PTE", "RW", "device-nGnRE")
    assert run.flags == ("RW", "NX", "SHD", "AF", "NG", "CON", "UXN", "DEVICE/nGnRE")
    assert (page.cache, page.physical_start, page.leaf_size) == ("normal", None, None)


@pytest.mark.parametrize(
    ("row", "page_size"),
    [
        (pages(0x20800000, 64 << 20, "PMD", "RW NX AF BLK DEVICE/nGnRE"), 4096),
        (pages(0x20000000, 64 << 20, "PMD", "RW NX AF BLK DEVICE/nGnRE"), None),
        (pages(0x20000000, 512 << 20, "PMD", "RW NX AF BLK DEVICE/nGnRE"), None),
        (pages(0x20000000, 0x10000), None),
        (pages(0x20000000, 0x4000), None),
        (pages(0x20000000, 0x1000), 4096),
        (pages(0x20003000, 0x1000), 4096),
        (pages(0x20000000, 0x10000, flags="RW NX AF CON MEM/NORMAL"), 4096),
        (pages(0x20000000, 0x200000, flags="RW NX AF CON MEM/NORMAL"), None),
    ],
)
def test_the_page_size_is_what_only_one_size_allows(row: str, page_size: int | None) -> None:
    assert dump_of(row).page_size == page_size


def test_a_top_level_entry_of_512_mib_is_one_of_64_kib_pages() -> None:
    hole = "0x0000000000000000-0x0000000020000000         512M PGD\n"
    end = "0x0000000020010000-0x0000040000000000  4294442944K PTE\n"
    dump = dump_of(START + hole + pages(0x20000000, 0x10000) + end)
    assert (dump.page_size, dump.virtual_address_bits) == (65536, 42)
    assert dump.ranges[0].leaf_size == 65536


def test_the_walk_ends_at_the_end_of_the_address_space() -> None:
    rows = pages(0, 0x10000) + "0x0000000000010000-0x0000000020000000 524224K PTE\n"
    rest = "0x0000000020000000-0x0001000000000000 268434944M PMD\n"
    wider = "0x0001000000000000-0x0010000000000000 3840T PGD\n"
    assert dump_of(START + rows + rest).virtual_address_bits is None
    assert dump_of(START + rows + rest + END).virtual_address_bits == 48
    assert dump_of(START + rows + rest + END + wider).virtual_address_bits == 52


def test_an_entry_that_is_not_valid_maps_nothing() -> None:
    text = START + PAGE + pages(0xBC450000, 0x10000, flags="F RW NX SHD AF UXN MEM/NORMAL")
    assert [one.virtual.start for one in dump_of(text).ranges] == [0xBC440000]


@pytest.mark.parametrize(
    ("word", "cache"),
    [
        ("DEVICE/nGnRnE", "device-nGnRnE"),
        ("DEVICE/nGnRE", "device-nGnRE"),
        ("DEVICE/GRE", "device-GRE"),
        ("MEM/NORMAL-NC", "normal-nc"),
        ("MEM/NORMAL", "normal"),
        ("MEM/NORMAL-TAGGED", "normal"),
    ],
)
def test_a_memory_type_has_the_name_that_plans_use(word: str, cache: str) -> None:
    assert dump_of(pages(0, 4096, flags=f"ro x AF {word}")).ranges[0].cache == cache


def test_a_memory_type_broken_at_its_hyphen_is_not_taken_for_a_shorter_one() -> None:
    text = pages(0, 4096, flags="RW NX AF MEM/NORMAL\n-NC") + pages(4096, 4096)
    assert [one.cache for one in dump_of(text).ranges] == ["normal-nc", "normal"]


def test_a_row_without_a_memory_type_is_reported() -> None:
    capture = capture_of(PAGE + pages(0xBC450000, 0x10000, flags="RW NX SHD AF NG"))
    assert [line.located.span.line for line in capture.unreadable] == [2]


def test_a_row_that_a_mail_client_wrapped_is_joined() -> None:
    text = (
        "> 0x00000000bc440000-0x00000000bc450000          64K PTE       RW NX SHD\n"
        "> AF NG         UXN    MEM/NORMAL\n"
        "> 0x00000000bc450000-0x00000000bc460000          64K PTE\n"
    )
    (found,) = dump_of(text).ranges
    assert found.flags == ("RW", "NX", "SHD", "AF", "NG", "UXN", "MEM/NORMAL")


def test_a_row_wrapped_behind_its_level_is_no_hole() -> None:
    first, _, flags = PAGE.partition("PTE")
    after = "0x00000000bc450000-0x00000000bc460000          64K PTE\n"
    assert len(dump_of(f"{first}PTE\n{flags}{after}").ranges) == 1


def test_a_hole_does_not_take_the_flags_of_a_row_whose_beginning_is_lost() -> None:
    first, _, flags = PAGE.partition("PTE")
    after = "0x00000000bc460000-0x00000000bc470000          64K PTE\n"
    capture = capture_of(f"{first}PTE\n{flags}{after}")
    assert [dump.ranges for dump in capture.page_tables] == [()]
    assert [line.located.span.line for line in capture.unreadable] == [1]


def test_only_flags_say_that_it_is_arm64() -> None:
    platform = platform_of(PAGE)
    assert platform
    assert (platform.architecture, platform.architecture_reason.kind) == ("arm64", "stated")
    platform = platform_of(START + "0x0000000000000000-0x0000000020000000         512M PMD\n" + END)
    assert platform
    assert platform.architecture == "unknown"


def test_the_kernels_own_tables_below_those_of_runtime_services_are_a_second_dump() -> None:
    kernel = "---[ Linear Mapping start ]---\n" + pages(0xFFFF000000000000, 0x10000)
    dumps = capture_of(START + PAGE + END + kernel).page_tables
    assert [[one.section for one in dump.ranges] for dump in dumps] == [
        ["UEFI runtime start"],
        ["Linear Mapping start"],
    ]
    assert dumps[0].located.span.end_line == 3
