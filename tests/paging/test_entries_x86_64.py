"""The entries of x86-64 against the manuals, the captures, and the faults of October 2013."""

from pathlib import Path

import pytest

from efipolicy.model.mapping import Access
from efipolicy.paging import Level, RadixGeometry
from efipolicy.paging.builder import build
from efipolicy.paging.entries import DecodedEntry, Fault, decode, encode
from efipolicy.paging.walker import Walk, walk
from efipolicy.plugin.registry import Registry
from efipolicy_x86_64 import FIVE_LEVEL, FOUR_LEVEL
from efipolicy_x86_64.entries import (
    LINUX_ERRATA_PAT,
    LINUX_PAT,
    POWER_ON_PAT,
    describe,
    entry_formats,
    formats_with,
    pat_index,
    without_gigabyte_pages,
)
from tests.paging.trees import mapped

PGD, PUD, PMD, PTE = FOUR_LEVEL.levels
FORMATS = entry_formats(FOUR_LEVEL)
CAPTURES = Path(__file__).parent.parent / "captures" / "page-tables"


def leaf(level: Level, physical: int, access: Access = "RWX", cache: str = "WB") -> int:
    return encode(FORMATS.leaves[level.name], physical, access, cache)


def decoded(level: Level, entry: int) -> DecodedEntry:
    return decode(FORMATS, level, entry)


@pytest.mark.parametrize(
    ("level", "physical", "access", "cache", "entry"),
    [
        (PTE, 0x7E26F000, "RWX", "WB", 0x7E26F023),
        (PTE, 0x900000, "RW", "WB", 0x8000000000900023),
        (PTE, 0x7E9C3000, "R", "WB", 0x80000000_7E9C3021),
        (PMD, 0xA00000, "RW", "WB", 0x8000000000A000A3),
        (PMD, 0xFFC00000, "RW", "UC-", 0x80000000FFC000B3),
        (PMD, 0xA00000, "RX", "WT", 0xA010B9),
        (PTE, 0xA00000, "RX", "WT", 0xA000B9),
        (PUD, 0x40000000, "RWX", "WP", 0x400010AB),
        (PTE, 0xFFFFFFFFFF000, "RX", "UC", 0xFFFFFFFFFF039),
    ],
)
def test_a_leaf_has_these_bits(
    level: Level, physical: int, access: Access, cache: str, entry: int
) -> None:
    assert leaf(level, physical, access, cache) == entry
    assert decoded(level, entry).physical == physical


@pytest.mark.parametrize("level", [PGD, PUD, PMD])
def test_linux_forbids_nothing_in_an_entry_that_leads_to_a_table(level: Level) -> None:
    table = FORMATS.tables[level.name]
    assert table.value | table.always == 0x63


@pytest.mark.parametrize(
    ("physical", "reserved", "pat"),
    [(0x7DD66000, 0x166000, 0), (0x7FAEB000, 0xEA000, 1), (0x7FA01000, 0, 1)],
)
def test_a_frame_that_is_not_aligned_sets_reserved_bits_or_the_pat(
    physical: int, reserved: int, pat: int
) -> None:
    entry = leaf(PMD, physical)
    assert entry == physical | 0xA3
    found = decoded(PMD, entry)
    assert found.reserved == reserved
    assert found.physical == physical - physical % 0x200000
    (field,) = [value for value in found.fields if value.field.name == "PAT"]
    assert field.value == pat


def access_to(physical: int, cache: str = "WB") -> Walk:
    """A read through a page of 2 MiB at -4 GiB whose frame starts at an address."""
    mapping = mapped(physical, 0x200000, 0xFFFFFFFEFFE00000, "RWX", cache=cache)
    tables = build(FOUR_LEVEL, [mapping], leaf_policy="va-only")
    return walk(tables, FORMATS, 0xFFFFFFFEFFE00123)


@pytest.mark.parametrize(("physical", "reserved"), [(0x7DD66000, 0x166000), (0x7FAEB000, 0xEA000)])
def test_the_page_faults_of_october_2013_have_their_error_code(
    physical: int, reserved: int
) -> None:
    found = access_to(physical)
    assert found.fault
    assert found.fault.reserved == reserved
    assert found.explanation == "#PF, error code 0x9 (P, RSVD)"


def test_bit_12_alone_is_no_fault_but_the_frame_is_another_one() -> None:
    found = access_to(0x7FA01000)
    assert found.fault is None
    assert (found.physical, found.cache) == (0x7FA00123, "WB")


@pytest.mark.parametrize(("cache", "meant", "selected"), [("WB", 0, 4), ("UC-", 2, 6)])
def test_under_linux_bit_12_leaves_the_cache_type_as_it_was(
    cache: str, meant: int, selected: int
) -> None:
    assert pat_index(PMD, leaf(PMD, 0x7FA00000, cache=cache)) == meant
    assert pat_index(PMD, leaf(PMD, 0x7FA01000, cache=cache)) == selected
    assert LINUX_PAT[meant] == LINUX_PAT[selected]
    assert decoded(PMD, leaf(PMD, 0x7FA01000, cache=cache)).cache == cache


def test_under_the_power_on_table_bit_12_changes_nothing_but_the_frame() -> None:
    formats = formats_with(FOUR_LEVEL, POWER_ON_PAT)
    for cache, bits in formats.leaves["PMD"].cache.items():
        assert decode(formats, PMD, 0x7FA01083 | bits).cache == cache


@pytest.mark.parametrize(
    ("pat", "bits"),
    [
        (LINUX_PAT, {"WB": 0, "WC": 8, "UC-": 0x10, "UC": 0x18, "WP": 0x88, "WT": 0x98}),
        (LINUX_ERRATA_PAT, {"WB": 0, "WC": 8, "UC-": 0x10, "UC": 0x18}),
        (POWER_ON_PAT, {"WB": 0, "WT": 8, "UC-": 0x10, "UC": 0x18}),
    ],
)
def test_the_page_attribute_table_decides_which_bits_make_a_cache_type(
    pat: tuple[str, str, str, str, str, str, str, str], bits: dict[str, int]
) -> None:
    assert formats_with(FOUR_LEVEL, pat).leaves["PTE"].cache == bits


def test_a_cache_type_that_the_table_lacks_is_refused() -> None:
    format = formats_with(FOUR_LEVEL, POWER_ON_PAT).leaves["PTE"]
    with pytest.raises(ValueError, match="it has WB, WT, UC-, UC"):
        encode(format, 0, "RW", "WC")


@pytest.mark.parametrize("geometry", [FOUR_LEVEL, FIVE_LEVEL, without_gigabyte_pages(FOUR_LEVEL)])
def test_bit_7_is_reserved_where_no_leaf_can_stand(geometry: RadixGeometry) -> None:
    formats = entry_formats(geometry)
    for level in geometry.levels:
        found = decode(formats, level, 0x40000000 | 0xE3)
        assert (found.kind, found.reserved) == (("leaf", 0) if level.leaf else ("table", 0x80)), (
            level.name
        )


def test_without_gigabyte_pages_the_next_smaller_leaf_is_taken() -> None:
    mapping = mapped(0x40000000, 0x40000000, 0x40000000)
    tables = build(without_gigabyte_pages(FOUR_LEVEL), [mapping])
    assert tables.leaves == {0x200000: 512}


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (Fault("not-canonical", "read"), "#GP: not canonical"),
        (Fault("not-mapped", "read", PTE, 3), "#PF, error code 0x0 (not present)"),
        (Fault("not-mapped", "write", PTE, 3), "#PF, error code 0x2 (W)"),
        (Fault("not-mapped", "execute", PGD, 0), "#PF, error code 0x10 (I)"),
        (Fault("permission", "write", PTE, 3), "#PF, error code 0x3 (P, W)"),
        (Fault("permission", "execute", PTE, 3), "#PF, error code 0x11 (P, I)"),
        (Fault("reserved-bits", "read", PMD, 2, 0x2000), "#PF, error code 0x9 (P, RSVD)"),
        (Fault("address-size", "write", PTE, 3, 1 << 51), "#PF, error code 0xb (P, W, RSVD)"),
    ],
)
def test_a_fault_is_told_with_its_error_code(fault: Fault, words: str) -> None:
    assert describe(fault) == words


def flags(found: DecodedEntry) -> str:
    """The flags of a leaf as the dumps print them, D left out: firmware may have written."""
    value = {each.field.name: each.value for each in found.fields}
    words = ["RW" if value["RW"] else "ro", "NX" if value["NX"] else "x"]
    return " ".join([*words, *(name for name in ("PWT", "PCD", "G", "A") if value[name])])


@pytest.mark.parametrize(
    ("name", "geometry"),
    [
        ("qemu-q35-1g-walked-x86_64-5-levels.txt", FIVE_LEVEL),
        ("qemu-q35-1g-walked-mixed-mode.txt", FOUR_LEVEL),
    ],
)
def test_entries_have_the_flags_that_linux_gave_them(name: str, geometry: RadixGeometry) -> None:
    formats = entry_formats(geometry)
    levels = {"4K": geometry.levels[-1], "2M": geometry.levels[-2]}
    rows = 0
    for line in (CAPTURES / name).read_text().splitlines():
        if not line.startswith("0x"):
            continue
        _, physical, _, size, *printed = line.split()
        access: Access = "RW" if "RW" in printed else "R"
        if "x" in printed:
            access = "RWX" if access == "RW" else "RX"
        cache = "UC-" if "PCD" in printed else "WB"
        level = levels[size]
        entry = encode(formats.leaves[level.name], int(physical, 16), access, cache)
        expected = " ".join(flag for flag in printed if flag != "D")
        assert flags(decode(formats, level, entry)) == expected, line
        rows += 1
    assert rows > 15


def test_the_architecture_offers_its_entries_and_the_width_it_assumes() -> None:
    architecture = Registry().architectures["x86_64"]
    assert architecture.entry_formats
    assert architecture.assumed_physical_address_bits == 52
    assert architecture.entry_formats(FIVE_LEVEL).leaves == entry_formats(FIVE_LEVEL).leaves
