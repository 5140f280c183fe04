"""Page-table entries of IA-32, bit by bit."""

from __future__ import annotations

import pytest

from efipolicy.model.mapping import Access
from efipolicy.paging.builder import build
from efipolicy.paging.entries import AccessKind, EntryFormats, Fault, decode, encode
from efipolicy.paging.geometry import Level, RadixGeometry
from efipolicy.paging.walker import walk
from efipolicy_i386 import CLASSIC, I386, PAE
from efipolicy_i386.entries import entry_formats
from tests.paging.trees import mapped

KINDS = pytest.mark.parametrize("geometry", [CLASSIC, PAE], ids=lambda kind: str(kind.name))


def formats_of(geometry: RadixGeometry) -> EntryFormats:
    assert I386.entry_formats is not None
    return I386.entry_formats(geometry)


def level_of(geometry: RadixGeometry, name: str) -> Level:
    return next(level for level in geometry.levels if level.name == name)


@pytest.mark.parametrize(
    ("geometry", "level", "physical", "access", "cache", "entry"),
    [
        (CLASSIC, "PGD", 0x7DC00000, "RWX", "WB", 0x7DC000E3),
        (CLASSIC, "PGD", 0xAB7DC00000, "RWX", "UC-", 0x7DD560F3),
        (CLASSIC, "PGD", 0x400000, "RX", "WT", 0x4010F9),
        (CLASSIC, "PTE", 0x7DC5B000, "RX", "WB", 0x7DC5B061),
        (CLASSIC, "PTE", 0x7DC5B000, "RWX", "WP", 0x7DC5B0EB),
        (PAE, "PMD", 0x17DC00000, "RW", "WB", 0x800000017DC000E3),
        (PAE, "PMD", 0xFFFFFFFE00000, "R", "UC", 0x800FFFFFFFE000F9),
        (PAE, "PTE", 0x17DC5B000, "RX", "UC-", 0x17DC5B071),
        (PAE, "PTE", 0x17DC5B000, "RWX", "WC", 0x17DC5B06B),
    ],
)
def test_a_leaf_has_these_bits(
    geometry: RadixGeometry,
    level: str,
    physical: int,
    access: Access,
    cache: str,
    entry: int,
) -> None:
    formats = formats_of(geometry)
    made = encode(formats.leaves[level], physical, access, cache)
    assert f"{made:#x}" == f"{entry:#x}"
    read = decode(formats, level_of(geometry, level), made)
    assert (read.physical, read.access, read.cache) == (physical, access, cache)
    assert (read.reserved, read.unknown) == (0, 0)


@pytest.mark.parametrize(("asked", "given"), [("R", "RX"), ("RW", "RWX")])
def test_classic_entries_cannot_forbid_execution(asked: Access, given: Access) -> None:
    formats = formats_of(CLASSIC)
    made = encode(formats.leaves["PTE"], 0x1000, asked, "WB")
    assert decode(formats, level_of(CLASSIC, "PTE"), made).access == given


def test_a_classic_leaf_of_4_mib_reaches_40_bits_and_a_page_32() -> None:
    formats = formats_of(CLASSIC)
    assert formats.physical_address_bits == 40
    large = encode(formats.leaves["PGD"], 0xFF_FFC0_0000, "RWX", "WB")
    assert decode(formats, level_of(CLASSIC, "PGD"), large).physical == 0xFF_FFC0_0000
    small = encode(formats.leaves["PTE"], 0x1_0000_1000, "RWX", "WB")
    assert decode(formats, level_of(CLASSIC, "PTE"), small).physical == 0x1000


@pytest.mark.parametrize(
    ("geometry", "level", "entry", "reserved"),
    [
        (CLASSIC, "PGD", 1 << 21 | 0xE3, 1 << 21),
        (PAE, "PGD", 0x7DC5B063, 0x62),
        (PAE, "PGD", 1 << 63 | 0x7DC5B001, 1 << 63),
        (PAE, "PMD", 0x17DD660E3, 0x166000),
        (PAE, "PTE", 1 << 52 | 0x1061, 1 << 52),
    ],
)
def test_a_reserved_bit_is_found(
    geometry: RadixGeometry, level: str, entry: int, reserved: int
) -> None:
    assert decode(formats_of(geometry), level_of(geometry, level), entry).reserved == reserved


@pytest.mark.parametrize(
    ("geometry", "cause", "kind", "level", "words"),
    [
        (CLASSIC, "not-mapped", "read", "PTE", "#PF, error code 0x0 (not present)"),
        (CLASSIC, "not-mapped", "write", "PGD", "#PF, error code 0x2 (W)"),
        (CLASSIC, "reserved-bits", "read", "PGD", "#PF, error code 0x9 (P, RSVD)"),
        (PAE, "permission", "write", "PTE", "#PF, error code 0x3 (P, W)"),
        (PAE, "permission", "execute", "PTE", "#PF, error code 0x11 (P, I)"),
        (PAE, "reserved-bits", "read", "PMD", "#PF, error code 0x9 (P, RSVD)"),
        (PAE, "reserved-bits", "read", "PGD", "#GP as soon as CR3 is loaded"),
    ],
)
def test_a_fault_is_told_in_the_words_of_the_processor(
    geometry: RadixGeometry, cause: str, kind: AccessKind, level: str, words: str
) -> None:
    fault = Fault(cause, kind, level_of(geometry, level))  # type: ignore[arg-type]
    assert formats_of(geometry).describe(fault) == words


@KINDS
def test_an_address_of_the_upper_half_is_walked_to_its_page(geometry: RadixGeometry) -> None:
    built = build(geometry, [mapped(0x33C80000, 0x1000, 0xF3C80000)])
    assert built.refused == ()
    found = walk(built, entry_formats(geometry), 0xF3C80123)
    assert (found.physical, found.leaf_size) == (0x33C80123, 0x1000)


@KINDS
def test_what_lies_beyond_32_bits_is_in_no_table(geometry: RadixGeometry) -> None:
    built = build(geometry, [mapped(0x1000, 0x1000, 0x1_0000_1000)])
    assert len(built.refused) == 1
