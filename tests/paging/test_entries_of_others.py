"""Geometries without a plugin here: built, walked and read like the built-in ones."""

from pathlib import Path

import pytest

from efipolicy.model.mapping import Access
from efipolicy.paging import Level
from efipolicy.paging.builder import build
from efipolicy.paging.entries import decode, encode, wider
from efipolicy.paging.walker import walk
from tests.paging.geometries import LAID, Laid
from tests.paging.trees import mapped

CAPTURE = Path(__file__).parent.parent / "captures/page-tables/qemu-virt-1g-riscv64.txt"
BY_NAME = {laid.name: laid for laid in LAID}


def level_of(laid: Laid, name: str) -> Level:
    return next(level for level in laid.geometry.levels if level.name == name)


@pytest.mark.parametrize(
    ("name", "level", "physical", "access", "cache", "entry"),
    [
        ("riscv-sv39", "L0", 0xBE721000, "RW", "PMA", 0x2F9C84C7),
        ("riscv-sv39", "L0", 0xBFF57000, "RWX", "PMA", 0x2FFD5CCF),
        ("riscv-sv48", "L1", 0x80000000, "RX", "NC", 0x20000000200000CB),
        ("riscv-sv57", "L2", 0x40000000, "R", "IO", 0x40000000100000C3),
        ("riscv-sv32", "L0", 0x3FFFFF000, "RW", "PMA", 0xFFFFFCC7),
        ("i386-classic", "PGD", 0x7DC00000, "RWX", "WB", 0x7DC000E3),
        ("i386-classic", "PGD", 0xAB7DC00000, "RWX", "UC-", 0x7DD560F3),
        ("i386-classic", "PTE", 0x7DC5B000, "RX", "WB", 0x7DC5B061),
        ("i386-pae", "PMD", 0x17DC00000, "RW", "WB", 0x800000017DC000E3),
        ("i386-pae", "PTE", 0x17DC5B000, "RX", "UC-", 0x17DC5B071),
        ("loongarch", "PTE", 0x9000_4000, "RW", "CC", 0x4000000090004193),
        ("loongarch", "PMD", 0x9000_0000, "RX", "SUC", 0x900000C1),
    ],
)
def test_a_leaf_has_these_bits(
    name: str, level: str, physical: int, access: Access, cache: str, entry: int
) -> None:
    laid = BY_NAME[name]
    made = encode(laid.formats.leaves[level], physical, access, cache)
    assert f"{made:#x}" == f"{entry:#x}"
    assert decode(laid.formats, level_of(laid, level), made).physical == physical


@pytest.mark.parametrize("laid", LAID, ids=lambda laid: laid.name)
@pytest.mark.parametrize("access", ["R", "RW", "RX", "RWX"])
def test_what_is_built_can_be_walked(laid: Laid, access: Access) -> None:
    page = laid.geometry.page_size
    largest = laid.geometry.leaf_sizes[-2]
    format = laid.formats.leaves[laid.geometry.levels[-1].name]
    cache = next(iter(format.cache))
    mapping = mapped(largest - page, 2 * largest, 3 * largest - page, access, cache=cache)
    tables = build(laid.geometry, [mapping])
    assert tables.leaves.keys() == {page, largest}
    for offset in (0, page, largest, 2 * largest - 1):
        found = walk(tables, laid.formats, 3 * largest - page + offset)
        assert found.physical == largest - page + offset
        assert (found.access, found.cache) == (wider(access, format), cache)
    beyond = walk(tables, laid.formats, 3 * largest - page + 2 * largest)
    assert beyond.explanation == "page fault: not-mapped"


def test_a_window_of_loongarch_needs_no_table() -> None:
    laid = BY_NAME["loongarch"]
    tables = build(laid.geometry, [mapped(0x90000000, 0x4000, 0x9000_0000_9000_0000)])
    assert tables.runs == ()
    found = walk(tables, laid.formats, 0x9000_0000_9000_0123, "execute")
    assert (found.physical, found.cache, found.steps) == (0x90000123, "CC", ())


@pytest.mark.parametrize(
    ("name", "level", "entry", "reserved"),
    [
        ("riscv-sv39", "L1", 0x20000400 | 0xC7, 0x400),
        ("riscv-sv39", "L0", 1 << 63 | 0xC7, 1 << 63),
        ("riscv-sv39-no-svpbmt", "L0", 1 << 61 | 0xC7, 1 << 61),
        ("i386-classic", "PGD", 1 << 21 | 0xE3, 1 << 21),
        ("i386-pae", "PGD", 0x7DC5B063, 0x62),
        ("i386-pae", "PMD", 0x17DD660E3, 0x166000),
    ],
)
def test_a_bit_that_has_to_be_clear_is_named(
    name: str, level: str, entry: int, reserved: int
) -> None:
    laid = BY_NAME[name]
    assert decode(laid.formats, level_of(laid, level), entry).reserved == reserved


def test_entries_have_the_flags_that_linux_on_riscv_prints() -> None:
    laid = BY_NAME["riscv-sv57"]
    level = laid.geometry.levels[-1]
    rows = 0
    for line in CAPTURE.read_text().splitlines():
        if not line.startswith("0x"):
            continue
        _, physical, _, _, *printed = line.split()
        access: Access = "RWX" if "X" in printed else "RW"
        entry = encode(laid.formats.leaves[level.name], int(physical, 16), access, "PMA")
        names = [f.field.name for f in decode(laid.formats, level, entry).fields if f.value]
        assert names == [flag for flag in reversed(printed) if flag.strip(".")], line
        rows += 1
    assert rows == 3


def test_an_empty_entry_of_loongarch_is_zero_and_a_table_has_no_bit_of_its_own() -> None:
    laid = BY_NAME["loongarch"]
    level = level_of(laid, "PGD")
    assert decode(laid.formats, level, 0).kind == "empty"
    found = decode(laid.formats, level, 0x9000_0000_9000_4000)
    assert (found.kind, found.physical) == ("table", 0x90004000)
