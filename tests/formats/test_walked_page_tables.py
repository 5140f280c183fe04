"""Page tables that were walked through the memory of a stopped machine."""

from __future__ import annotations

import pytest

from tests.formats.page_table_texts import capture_of, captured, dump_of, platform_of

X86 = "# levels=4 pgd_pa=0x1a00000 CR4=0x750ef0; user half\n"
ROW = "0x00000000ffc00000-0x0000000100000000 0x0000ffc00000     4096K 2M RW NX     PCD       A\n"
ARM64 = (
    "0x0000000020010000-0x0000000020020000 0x00007c450000       64K 4K "
    "ro x  UXN NG AF SH3         ATTR0\n"
)


@pytest.mark.parametrize(
    ("name", "rows", "architecture", "page_size", "bits"),
    [
        ("qemu-q35-1g-walked-x86_64-5-levels", 30, "x86_64", 4096, 57),
        ("qemu-q35-1g-walked-mixed-mode", 39, "x86_64", 4096, 48),
        ("qemu-virt-1g-walked-arm64", 20, "arm64", 4096, 48),
        ("qemu-virt-1g-walked-arm64-16k", 3, "arm64", 16384, 47),
    ],
)
def test_a_walk_is_read_row_by_row(
    name: str, rows: int, architecture: str, page_size: int, bits: int
) -> None:
    text = captured(name)
    dump = dump_of(text)
    lines = [line for line in text.splitlines() if line.startswith("0x")]
    assert [one.located.span.text for one in dump.ranges] == lines
    assert (len(lines), dump.page_size, dump.virtual_address_bits) == (rows, page_size, bits)
    platform = platform_of(text)
    assert platform
    assert (platform.architecture, platform.architecture_reason.kind) == (architecture, "stated")
    assert capture_of(text).skipped_lines == 4  # the remarks above the walk's own


def test_a_row_of_x86_says_how_its_leaves_are_mapped() -> None:
    (found,) = dump_of(X86 + ROW).ranges
    assert (found.virtual, found.physical_start) == ((0xFFC00000, 1 << 32), 0xFFC00000)
    assert (found.level, found.leaf_size, found.access, found.cache) == ("2M", 1 << 21, "RW", "UC-")
    assert found.flags == ("RW", "NX", "PCD", "A")


def test_a_row_of_arm64_says_how_its_leaves_are_mapped() -> None:
    (found,) = dump_of(ARM64).ranges
    assert (found.leaf_size, found.access, found.cache) == (4096, "RX", "normal")
    assert found.flags == ("ro", "x", "UXN", "NG", "AF", "SH3", "ATTR0")


@pytest.mark.parametrize(
    ("index", "cache"),
    [
        (0, "normal"),
        (1, "normal"),
        (2, "normal-nc"),
        (3, "device-nGnRnE"),
        (4, "device-nGnRE"),
        (5, None),
    ],
)
def test_an_index_names_a_memory_type_as_linux_programs_it(index: int, cache: str | None) -> None:
    assert dump_of(ARM64.replace("ATTR0", f"ATTR{index}")).ranges[0].cache == cache


def test_without_its_header_a_row_of_x86_is_reported() -> None:
    assert [line.located.span.line for line in capture_of(ROW).unreadable] == [1]


def test_a_row_that_is_no_whole_number_of_leaves_is_reported() -> None:
    row = "0x00000000ffb00000-0x0000000100000000 0x0000ffb00000     5120K 2M RW NX A\n"
    (line,) = capture_of(X86 + ROW + row).unreadable
    assert line.what == "not a whole number of leaves of 2M"


def test_each_header_starts_a_walk() -> None:
    text = captured("qemu-virt-1g-walked-arm64")
    other = captured("qemu-virt-1g-walked-arm64-16k")
    dumps = capture_of(text + other).page_tables
    assert [(len(dump.ranges), dump.page_size) for dump in dumps] == [(20, 4096), (3, 16384)]


def test_walks_of_two_machines_are_not_mixed_up() -> None:
    capture = capture_of(captured("qemu-virt-1g-walked-arm64") + X86 + ROW)
    assert [len(dump.ranges) for dump in capture.page_tables] == [20]
    assert [line.located.span.text for line in capture.unreadable] == [ROW.rstrip()]
