"""Page tables that 64-bit RISC-V kernels dump."""

from __future__ import annotations

import pytest

from tests.formats.page_table_texts import capture_of, captured, dump_of, platform_of

OLD = "0x0000000020018000-0x0000000020019000 0x00000000be738000 4K PTE D A . . . W R V\n"


def test_the_tables_of_runtime_services_are_read_row_by_row() -> None:
    text = captured("qemu-virt-1g-riscv64")
    dump = dump_of(text)
    assert [(one.virtual, one.physical_start, one.access) for one in dump.ranges] == [
        ((0x20001000, 0x20003000), 0xBE721000, "RW"),
        ((0x20014000, 0x2001A000), 0xBE724000, "RW"),
        ((0x20027000, 0x20028000), 0xBFF57000, "RWX"),
    ]
    assert (dump.page_size, dump.virtual_address_bits) == (4096, None)
    assert {(one.section, one.cache) for one in dump.ranges} == {("UEFI runtime start", None)}
    assert capture_of(text).skipped_lines == 4  # the remarks above it


def test_a_row_of_an_older_kernel_in_a_mail_is_read() -> None:
    (found,) = dump_of(OLD).ranges
    assert found.flags == ("D", "A", "W", "R", "V")
    assert (found.level, found.leaf_size, found.access) == ("PTE", 4096, "RW")
    assert found.located.span_of("physical_start")


@pytest.mark.parametrize(
    ("cells", "flags", "cache"),
    [
        ("N MT(NC) RSW(2) D A G U X W R V", ("N", "MT(NC)", "RSW(2)", *"DAGUXWRV"), "NC"),
        (".   ..     ..   . A . . . . R V", ("A", "R", "V"), None),
        (". MT(IO)   ..   D A . . . W R V", ("MT(IO)", *"DAWRV"), "IO"),
        (". MT(??)   ..   D A . . . W R V", ("MT(??)", *"DAWRV"), None),
        ("RSW D A . . . W R V", ("RSW", *"DAWRV"), None),
    ],
)
def test_every_cell_is_read(cells: str, flags: tuple[str, ...], cache: str | None) -> None:
    row = f"0x0000000020018000-0x0000000020019000    0x00000000be738000         4K PTE {cells}\n"
    (found,) = dump_of(row).ranges
    assert (found.flags, found.cache) == (flags, cache)


@pytest.mark.parametrize(
    ("letters", "access"),
    [("X W R", "RWX"), ("X . R", "RX"), (". W R", "RW"), (". . R", "R"), ("X . .", None)],
)
def test_letters_give_access(letters: str, access: str | None) -> None:
    assert dump_of(OLD.replace(". W R", letters)).ranges[0].access == access


def test_an_entry_that_is_not_valid_maps_nothing() -> None:
    assert dump_of(OLD.replace("R V", "R .")).ranges == ()


@pytest.mark.parametrize(
    ("level", "size", "leaf_size"),
    [("PMD", "2M", 1 << 21), ("PUD", "1G", 1 << 30), ("P4D", "512G", 1 << 39)],
)
def test_a_level_gives_the_size_of_a_leaf(level: str, size: str, leaf_size: int) -> None:
    start = 1 << 40
    row = f"0x{start:016x}-0x{start + leaf_size:016x} 0x{0:016x} {size} {level} D A . . . W R V\n"
    assert dump_of(OLD + row).ranges[-1].leaf_size == leaf_size


def test_letters_and_digits_say_that_it_is_riscv64() -> None:
    platform = platform_of(OLD)
    assert platform
    assert (platform.architecture, platform.architecture_reason.kind) == ("riscv64", "stated")


def test_a_row_wrapped_before_its_physical_address_is_joined() -> None:
    text = OLD.replace(" 0x00000000be", "\n> 0x00000000be")
    assert dump_of(text).ranges[0].physical_start == 0xBE738000


def test_a_row_without_its_last_letter_is_reported() -> None:
    capture = capture_of(OLD + OLD.replace("20018", "20019").replace("19000", "1a000")[:-3])
    assert [line.located.span.line for line in capture.unreadable] == [2]
