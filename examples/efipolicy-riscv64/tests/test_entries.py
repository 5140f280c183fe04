"""Page-table entries against the specification's layout, and against what Linux printed."""

from pathlib import Path

import pytest
from efipolicy.plugin import Access, Level, RadixGeometry
from efipolicy.plugin.paging import Fault, decode, encode
from hypothesis import given
from hypothesis import strategies as st

from efipolicy_riscv64.architecture import SV39, SV48, SV57, entry_formats
from efipolicy_riscv64.entries import NO_TYPES, THEAD, describe, formats_with
from efipolicy_riscv64.svnapot import decode_napot, encode_napot

FORMATS = formats_with(SV57)
PAGE = SV57.levels[-1]
MODES = (SV39, SV48, SV57)


def level_of(geometry: RadixGeometry, name: str) -> Level:
    return next(level for level in geometry.levels if level.name == name)


@pytest.mark.parametrize(
    ("geometry", "bits", "leaves"),
    [
        (SV39, 39, (1 << 30, 2 << 20, 4 << 10)),
        (SV48, 48, (512 << 30, 1 << 30, 2 << 20, 4 << 10)),
        (SV57, 57, (256 << 40, 512 << 30, 1 << 30, 2 << 20, 4 << 10)),
    ],
    ids=lambda value: getattr(value, "name", None),
)
def test_a_mode_has_its_width_and_its_leaves(
    geometry: RadixGeometry, bits: int, leaves: tuple[int, ...]
) -> None:
    assert (geometry.virtual_address_bits, geometry.leaf_sizes) == (bits, leaves)
    assert geometry.levels[0].name == "PGD"


@pytest.mark.parametrize(
    ("level", "physical", "access", "cache", "entry"),
    [
        ("PTE", 0xBE721000, "RW", "PMA", 0x2F9C84C7),
        ("PTE", 0xBFF57000, "RWX", "PMA", 0x2FFD5CCF),
        ("PMD", 0x80000000, "RX", "NC", 0x20000000200000CB),
        ("PUD", 0x40000000, "R", "IO", 0x40000000100000C3),
        ("PGD", 1 << 48, "RW", "PMA", (1 << 46) | 0xC7),
        ("PTE", (1 << 56) - 0x1000, "R", "PMA", ((1 << 54) - (1 << 10)) | 0xC3),
    ],
)
def test_a_leaf_has_these_bits(
    level: str, physical: int, access: Access, cache: str, entry: int
) -> None:
    made = encode(FORMATS.leaves[level], physical, access, cache)
    assert f"{made:#x}" == f"{entry:#x}"
    found = decode(FORMATS, level_of(SV57, level), made)
    assert (found.physical, found.access, found.cache) == (physical, access, cache)
    assert (found.reserved, found.unknown) == (0, 0)


def test_flags_are_those_that_linux_prints(captures: Path) -> None:
    rows = 0
    text = (captures / "qemu-virt-1g.efi-page-tables.txt").read_text()
    for line in text.splitlines():
        if not line.startswith("0x"):
            continue
        _, physical, _, _, *printed = line.split()
        access: Access = "RWX" if "X" in printed else "RW"
        entry = encode(FORMATS.leaves["PTE"], int(physical, 16), access, "PMA")
        names = [f.field.name for f in decode(FORMATS, PAGE, entry).fields if f.value]
        assert names == [flag for flag in reversed(printed) if flag.strip(".")], line
        rows += 1
    assert rows == 3


def test_an_entry_without_r_w_and_x_leads_on() -> None:
    found = decode(FORMATS, level_of(SV57, "PMD"), 0x2F9C8401)
    assert (found.kind, found.physical, found.reserved) == ("table", 0xBE721000, 0)


@pytest.mark.parametrize(
    ("level", "entry", "reserved"),
    [
        ("PMD", 0x20000400 | 0xC7, 0x400),  # a page of 2 MiB at an odd multiple of 4 KiB
        ("PMD", 1 << 63 | 0xC7, 1 << 63),  # Svnapot is for the last level
        ("PTE", 1 << 60 | 0xC7, 1 << 60),
        ("PMD", 0x2F9C8441, 0x40),  # used, in an entry that leads on
        ("PMD", 1 << 62 | 0x2F9C8401, 1 << 62),  # a memory type, there too
    ],
)
def test_a_bit_that_has_to_be_clear_is_named(level: str, entry: int, reserved: int) -> None:
    assert decode(FORMATS, level_of(SV57, level), entry).reserved == reserved


@pytest.mark.parametrize("entry", [0b0101, 0b1001, 0b1101], ids=["W", "X", "WX"])
def test_what_cannot_be_read_is_no_leaf(entry: int) -> None:
    assert decode(FORMATS, PAGE, entry).kind == "invalid"


def test_an_entry_that_is_not_valid_is_empty() -> None:
    assert decode(FORMATS, PAGE, 0xFFFFFFFFFFFFFFFE).kind == "empty"


def test_the_reserved_memory_type_is_none() -> None:
    found = decode(FORMATS, PAGE, 3 << 61 | 0xC7)
    assert found.cache is None
    assert [f.meaning for f in found.fields if f.field.name == "PBMT"] == ["reserved"]


def test_without_svpbmt_and_svnapot_their_bits_are_reserved() -> None:
    plain = formats_with(SV39, memory_types=NO_TYPES, svnapot=False)
    found = decode(plain, SV39.levels[-1], 7 << 61 | 0xC7)
    assert (found.cache, found.reserved) == ("PMA", 7 << 61)
    with pytest.raises(ValueError, match="lacks Svnapot"):
        encode_napot(plain, SV39, 0, "R", "PMA")
    with pytest.raises(ValueError, match="it has PMA"):
        encode(plain.leaves["PTE"], 0, "R", "IO")


@pytest.mark.parametrize(("cache", "bits"), [("PMA", 0b01110), ("NC", 0), ("IO", 0b10000)])
def test_t_head_has_memory_types_of_its_own(cache: str, bits: int) -> None:
    formats = formats_with(SV39, memory_types=THEAD)
    entry = encode(formats.leaves["PTE"], 0xBE721000, "RW", cache)
    assert entry >> 59 == bits
    assert decode(formats, SV39.levels[-1], entry).cache == cache


@given(
    geometry=st.sampled_from(MODES),
    number=st.integers(0, (1 << 40) - 1),
    access=st.sampled_from(("R", "RW", "RX", "RWX")),
    cache=st.sampled_from(("PMA", "NC", "IO")),
)
def test_sixteen_alike_entries_are_64_kib(
    geometry: RadixGeometry, number: int, access: Access, cache: str
) -> None:
    formats = entry_formats(geometry)
    entry = encode_napot(formats, geometry, number << 16, access, cache)
    assert entry >> 10 & 0xF == 0b1000
    assert entry >> 63
    found = decode_napot(formats, geometry, entry)
    assert (found.physical, found.access, found.cache) == (number << 16, access, cache)
    assert (found.contiguous, found.reserved, found.unknown) == (True, 0, 0)


@pytest.mark.parametrize("pattern", [n for n in range(16) if n != 8])
def test_another_pattern_below_n_is_reserved(pattern: int) -> None:
    entry = 1 << 63 | 0x2F9C8000 | pattern << 10 | 0xC7
    found = decode_napot(FORMATS, SV57, entry)
    assert not found.contiguous
    assert found.reserved == (pattern << 10 or 1 << 63)


def test_what_64_kib_cannot_be_is_refused() -> None:
    with pytest.raises(ValueError, match="0x11000 is no multiple of 64 KiB"):
        encode_napot(FORMATS, SV57, 0x11000, "R", "PMA")
    assert decode_napot(FORMATS, SV57, 0x2F9C84C7).physical == 0xBE721000


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (Fault("not-mapped", "read", PAGE, 4), "load page fault (scause 13): the entry in the PTE"),
        (Fault("permission", "write", PAGE, 4), "store/AMO page fault (scause 15): the entry does"),
        (Fault("permission", "execute", PAGE, 4), "instruction page fault (scause 12)"),
        (Fault("not-canonical", "read"), "load page fault (scause 13): the upper bits"),
        (Fault("reserved-bits", "read", PAGE, 4, 1 << 60), "reserved bits 0x1000000000000000"),
        (Fault("address-size", "execute", PAGE, 4), "instruction access fault (scause 1)"),
        (Fault("unaligned", "read", PAGE, 4), "does not start where"),
    ],
)
def test_a_fault_is_told_by_its_exception(fault: Fault, words: str) -> None:
    assert words in describe(fault)
