"""Page tables that x86 kernels dump, from debugfs and from the log."""

from __future__ import annotations

import pytest

from tests.formats.page_table_texts import capture_of, captured, dump_of, platform_of

HOLE = "0x0000000000001000-0x00000000001e4000        1932K                               pte\n"
PAGE = "0x00000000001e4000-0x00000000001e8000          16K     RW                     NX pte\n"
BLOCK = "0xfffffffeffc00000-0xffffffff00000000           4M     RW     PCD PSE         NX pmd\n"


def test_the_tables_of_runtime_services_are_read_row_by_row() -> None:
    text = captured("qemu-q35-2g-x86")
    dump = dump_of(text)
    rows = [line for line in text.splitlines() if line.startswith("0x")]
    present = [line for line in rows if "NX" in line or " x " in line]
    assert (len(rows), len(present), len(dump.ranges)) == (60, 27, 27)
    assert [one.located.span.text for one in dump.ranges] == present
    assert (dump.kind, dump.page_size, dump.virtual_address_bits) == ("x86-page-tables", 4096, 48)
    assert capture_of(text).skipped_lines == 4  # the remarks above it


def test_the_log_of_a_kernel_that_dumps_them_is_read_row_by_row() -> None:
    text = captured("qemu-q35-2g-x86-log")
    rows = [line for line in text.splitlines() if "] 0x" in line]
    present = [line for line in rows if "NX" in line or " x " in line]
    dump = dump_of(text)
    assert len(rows) == 50
    assert [one.located.span.text for one in dump.ranges] == [line[15:] for line in present]


def test_a_row_says_how_its_leaves_are_mapped() -> None:
    (page, block) = dump_of("---[ User Space ]---\n" + HOLE + PAGE + BLOCK).ranges
    assert page.virtual == (0x1E4000, 0x1E8000)
    assert (page.level, page.leaf_size, page.access, page.cache) == ("pte", 4096, "RW", "WB")
    assert (page.flags, page.section, page.physical_start) == (("RW", "NX"), "User Space", None)
    assert (block.level, block.leaf_size, block.access, block.cache) == (
        "pmd",
        1 << 21,
        "RW",
        "UC-",
    )
    assert block.flags == ("RW", "PCD", "PSE", "NX")


def test_each_row_stands_in_the_part_that_is_named_above_it() -> None:
    dump = dump_of(captured("qemu-q35-2g-x86"))
    parts = {one.virtual.start: one.section for one in dump.ranges}
    assert parts[0x7BB75000] == "User Space"
    assert parts[0xFFFFFFFEFFC00000] == "EFI Runtime Services"
    assert parts[0xFFFFFFFFFF5FC000] == "Fixmap Area"


def test_the_last_row_of_the_address_space_ends_where_that_ends() -> None:
    row = "0xffffffffff800000-0x0000000000000000           8M     RW                     NX pmd\n"
    assert dump_of(row).ranges[0].virtual == (0xFFFFFFFFFF800000, 1 << 64)
    row = "0xfffff000-0x00000000           4K     RW             GLB NX pte\n"
    assert dump_of(row).ranges[0].virtual == (0xFFFFF000, 1 << 32)


@pytest.mark.parametrize(
    ("flags", "cache"),
    [
        ("RW NX", "WB"),
        ("RW PWT NX", "WC"),
        ("RW PCD NX", "UC-"),
        ("RW PWT PCD NX", "UC"),
        ("RW PAT NX", "WB"),
        ("RW PWT PAT NX", "WP"),
        ("RW PCD PAT NX", "UC-"),
        ("RW PWT PCD PAT NX", "WT"),
    ],
)
def test_flags_choose_a_memory_type_as_linux_programs_it(flags: str, cache: str) -> None:
    row = f"0x00000000001e4000-0x00000000001e8000 16K {flags} pte\n"
    assert dump_of(row).ranges[0].cache == cache


@pytest.mark.parametrize(
    ("flags", "access"), [("RW NX", "RW"), ("RW x", "RWX"), ("ro NX", "R"), ("ro x", "RX")]
)
def test_flags_give_access(flags: str, access: str) -> None:
    row = f"0x00000000001e4000-0x00000000001e8000 16K USR {flags} pte\n"
    assert dump_of(row).ranges[0].access == access


def test_sixteen_digits_are_x86_64_and_eight_are_i386() -> None:
    platform = platform_of(PAGE)
    assert platform
    assert (platform.architecture, platform.architecture_reason.kind) == ("x86_64", "stated")
    assert "`RW NX pte`" in platform.architecture_reason.evidence
    platform = platform_of("0xc0000000-0xc0400000           4M     RW         PSE GLB x  pmd\n")
    assert platform
    assert (platform.architecture, platform.architecture_reason.kind) == ("i386", "stated")


def test_holes_alone_have_the_shape_of_x86_and_no_more() -> None:
    platform = platform_of(HOLE)
    assert platform
    assert (platform.architecture, platform.architecture_reason.kind) == ("x86_64", "dialect")
    assert dump_of(HOLE).ranges == ()


def test_five_levels_are_known_by_the_name_of_the_fifth() -> None:
    hole = "0x0000008000000000-0x0001000000000000      261632G                               p4d\n"
    assert dump_of(PAGE + hole).virtual_address_bits == 57
    assert dump_of(PAGE).virtual_address_bits is None
    edge = "0x0000008000000000-0x0000010000000000         512G                               pgd\n"
    assert dump_of(PAGE + edge).virtual_address_bits == 48


@pytest.mark.parametrize(
    ("rows", "leaf_size"),
    [
        (("0xc0000000-0xc0800000 8M RW PSE GLB x pmd",), None),
        (("0xc0000000-0xc0800000 8M RW PSE GLB NX pmd",), 1 << 21),
        (("0xc0000000-0xc0600000 6M RW PSE GLB x pmd",), 1 << 21),
        (("0xc0000000-0xc0400000 4M RW PSE GLB x pgd", "0xc0400000-0xc0401000 4K pte"), 1 << 22),
    ],
)
def test_a_32_bit_block_has_a_size_where_a_row_proves_it(
    rows: tuple[str, ...], leaf_size: int | None
) -> None:
    assert dump_of("\n".join(rows)).ranges[0].leaf_size == leaf_size


def test_entries_that_a_kernel_skips_are_no_unreadable_line() -> None:
    text = (
        "---[ ESPfix Area ]---\n"
        "0xffffff0000000000-0xffffff0000001000           4K     ro                     NX pte\n"
        "... 131059 entries skipped ... \n"
        "---[ EFI Runtime Services ]---\n"
        "0xffffffef00000000-0xfffffffec0000000          63G                               pud\n"
        + BLOCK
    )
    dump = dump_of(text)
    assert [one.section for one in dump.ranges] == ["ESPfix Area", "EFI Runtime Services"]
    assert capture_of(text).skipped_lines == 0


def test_a_row_that_a_mail_client_wrapped_is_joined() -> None:
    text = (
        "> 0xfffffffeffc00000-0xffffffff00000000           4M     RW     PCD PSE\n"
        ">       NX pmd\n"
        "> 0xffffffff00000000-0xffffffff80000000           2G                   \n"
        ">  pud\n"
    )
    (found,) = dump_of(text).ranges
    assert found.flags == ("RW", "PCD", "PSE", "NX")
    assert found.located.span_of("level")
    assert found.located.span.end_line == 2


def test_a_row_in_three_pieces_is_reported() -> None:
    text = PAGE + "0xfffffffeffc00000-0xffffffff00000000 4M\nRW PCD\nPSE NX pmd\n"
    capture = capture_of(text)
    assert [line.located.span.line for line in capture.unreadable] == [2, 4]
    assert len(capture.page_tables[0].ranges) == 1


def test_pieces_alone_are_reported_too() -> None:
    capture = capture_of("0xfffffffeffc00000-0xffffffff00000000 4M RW\nPCD PSE\nNX pmd\n")
    assert {line.what for line in capture.unreadable} == {
        "a part of a row whose other part is missing"
    }
    assert capture.page_tables == ()


@pytest.mark.parametrize(
    ("row", "what"),
    [
        (
            "0x00000000001e4000-0x00000000001e8000 8K RW NX pte",
            "a size of 8K for 0x1e4000-0x1e8000",
        ),
        (
            "0x00000000001e8000-0x00000000001e4000 16K RW NX pte",
            "a size of 16K for 0x1e8000-0x1e4000",
        ),
        ("0x00000000001e4800-0x00000000001e8800 16K RW NX pte", "not a whole number of pages"),
    ],
)
def test_a_row_that_contradicts_itself_is_reported(row: str, what: str) -> None:
    (line,) = capture_of(PAGE + row).unreadable
    assert line.what.startswith(what)


def test_a_second_dump_starts_where_addresses_go_back() -> None:
    text = captured("qemu-q35-2g-x86")
    dumps = capture_of(text + text).page_tables
    assert [len(dump.ranges) for dump in dumps] == [27, 27]
    assert [one.section for one in dumps[1].ranges] == [one.section for one in dumps[0].ranges]
    assert dumps[1].located.span.line == 72 + 5


def test_a_console_that_prints_each_line_twice_changes_nothing() -> None:
    lines = captured("qemu-q35-2g-x86-log").splitlines()
    doubled = "\n".join(f"{line}\n<6>{line}" for line in lines)
    assert len(dump_of(doubled).ranges) == 23


def test_the_frames_of_an_oops_are_no_parts_of_a_dump() -> None:
    text = (
        "------------[ cut here ]------------\n"
        "---[ end trace 0000000000000000 ]---\n"
        + PAGE
        + "---[ end Kernel panic - not syncing ]---\n"
    )
    assert dump_of(text).ranges[0].section is None
    assert capture_of(text).skipped_lines == 3
