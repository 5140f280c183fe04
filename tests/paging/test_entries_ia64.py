"""The translations that Itanium inserts for granules."""

import pytest

from efipolicy.model.mapping import Access
from efipolicy.paging.entries import Fault, decode, encode
from efipolicy_ia64.entries import (
    describe,
    granule_level,
    itir,
    itir_page_size,
    translation,
    translation_formats,
)

GRANULE = 16 << 20
PINNED = 0x0010_0000_3F00_0661
"""PAL code at 0x3ffc0000: present, accessed, dirty, write-back, RWX at level 0, deferring."""


def test_the_granule_of_pal_code_is_cached_and_grants_everything() -> None:
    assert encode(translation(GRANULE), 0x3F000000, "RWX", "WB") == PINNED


@pytest.mark.parametrize(
    ("cache", "bits"), [("WB", 0), ("UC", 4 << 2), ("UCE", 5 << 2), ("WC", 6 << 2)]
)
def test_a_memory_attribute_has_these_bits(cache: str, bits: int) -> None:
    assert encode(translation(GRANULE), 0x3F000000, "RWX", cache) == PINNED | bits


@pytest.mark.parametrize(("access", "rights"), [("R", 0), ("RX", 1), ("RW", 2), ("RWX", 3)])
def test_access_rights_have_these_bits(access: Access, rights: int) -> None:
    entry = encode(translation(GRANULE), 0, access, "WB")
    assert entry >> 9 & 7 == rights


@pytest.mark.parametrize("bit", [1, 50, 51])
def test_a_reserved_bit_is_named(bit: int) -> None:
    found = decode(translation_formats(GRANULE), granule_level(GRANULE), PINNED | 1 << bit)
    assert found.reserved == 1 << bit


def test_bits_of_the_address_below_the_granule_are_ignored() -> None:
    formats, level = translation_formats(64 << 20), granule_level(64 << 20)
    found = decode(formats, level, PINNED)
    assert (found.physical, found.reserved, found.unknown) == (0x3C000000, 0, 0)


@pytest.mark.parametrize(("size", "value"), [(16 << 20, 24 << 2), (64 << 20, 26 << 2)])
def test_a_size_goes_into_the_register_as_a_power_of_two(size: int, value: int) -> None:
    assert itir(size) == value
    assert itir_page_size(itir(size, key=5)) == size


def test_a_size_no_translation_has_is_refused() -> None:
    with pytest.raises(ValueError, match="no translation spans 0x2000000 bytes"):
        itir(32 << 20)


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (Fault("not-canonical", "read"), "Unimplemented Data Address fault"),
        (Fault("not-canonical", "execute"), "Unimplemented Instruction Address trap"),
        (Fault("permission", "write"), "Data Access Rights fault"),
        (Fault("permission", "execute"), "Instruction Access Rights fault"),
        (Fault("not-mapped", "read"), "Page Not Present fault"),
        (
            Fault("reserved-bits", "read", reserved=2),
            "Reserved Register/Field fault, when the translation is inserted",
        ),
    ],
)
def test_a_fault_is_told_by_its_name(fault: Fault, words: str) -> None:
    assert describe(fault) == words
