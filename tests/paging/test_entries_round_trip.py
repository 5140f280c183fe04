"""Entries of every layout: what is written is read back, and no bit is left without a meaning."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from efipolicy.paging import Level, RadixGeometry
from efipolicy.paging.entries import (
    DecodedEntry,
    EntryFormat,
    EntryFormats,
    decode,
    encode,
    wider,
    with_encryption_bit,
)
from efipolicy_arm64 import entries as arm64_entries
from efipolicy_arm64.architecture import GEOMETRIES as ARM64_GEOMETRIES
from efipolicy_ia64 import entries as ia64_entries
from efipolicy_x86_64 import FIVE_LEVEL, FOUR_LEVEL
from efipolicy_x86_64 import entries as x86_entries
from tests.paging.geometries import LAID, Laid

ARM64 = [geometry for offered in ARM64_GEOMETRIES.values() for geometry in offered]
PATS = {
    "linux": x86_entries.LINUX_PAT,
    "errata": x86_entries.LINUX_ERRATA_PAT,
    "power-on": x86_entries.POWER_ON_PAT,
}


def of_plugins() -> Iterator[Laid]:
    """The layouts of the built-in plugins, with every choice they offer."""
    small = x86_entries.without_gigabyte_pages(FOUR_LEVEL)
    for x86 in (FOUR_LEVEL, FIVE_LEVEL, small):
        for pat_name, pat in PATS.items():
            formats = x86_entries.formats_with(x86, pat)
            yield Laid(f"{x86.name}-{pat_name}", x86, formats)
    encrypted = with_encryption_bit(x86_entries.entry_formats(FOUR_LEVEL), 51)
    yield Laid("x86_64-sev", FOUR_LEVEL, encrypted)
    for geometry in ARM64:
        yield Laid(geometry.name, geometry, arm64_entries.entry_formats(geometry))
        yield Laid(f"{geometry.name}-wide-el2", geometry, wide_el2(geometry))
    regions = RadixGeometry("ia64", (ia64_entries.granule_level(16 << 20),))
    yield Laid("ia64-granules", regions, ia64_entries.translation_formats(16 << 20))


def wide_el2(geometry: RadixGeometry) -> EntryFormats:
    return arm64_entries.formats_with(
        geometry,
        physical_address_bits=52,
        memory_types=arm64_entries.EDK2_MEMORY_TYPES,
        regime="EL2",
    )


EVERY = (*of_plugins(), *LAID)


def leaf_formats(laid: Laid) -> list[tuple[Level, EntryFormat]]:
    levels = {level.name: level for level in laid.geometry.levels}
    return [(levels[name], format) for name, format in laid.formats.leaves.items()]


def highest(format: EntryFormat) -> int:
    """The highest physical address that an entry can name."""
    return max((1 << part.physical_low + part.bits) - 1 for part in format.address)


def address_mask(format: EntryFormat) -> int:
    """The bits of an entry that hold parts of an address; they do not overlap."""
    mask = 0
    for part in format.address:
        assert not mask & part.mask
        mask |= part.mask
    return mask


def field_mask(format: EntryFormat) -> int:
    """The bits of an entry that fields describe; they do not overlap."""
    mask = 0
    for field in format.fields:
        assert not mask & field.mask, field.name
        mask |= field.mask
    return mask


@pytest.mark.parametrize("laid", EVERY, ids=lambda laid: laid.name)
@given(data=st.data())
def test_what_an_operating_system_writes_is_read_back(laid: Laid, data: st.DataObject) -> None:
    level, format = data.draw(st.sampled_from(leaf_formats(laid)))
    physical = data.draw(st.integers(0, highest(format) // level.entry_size)) * level.entry_size
    access = data.draw(st.sampled_from(list(format.access)))
    cache = data.draw(st.sampled_from(list(format.cache)))
    contiguous = bool(format.contiguous) and data.draw(st.booleans())

    entry = encode(format, physical, access, cache, contiguous=contiguous)
    decoded = decode(laid.formats, level, entry)

    assert entry < 1 << 8 * laid.geometry.entry_bytes
    assert (decoded.kind, decoded.reserved, decoded.unknown) == ("leaf", 0, 0)
    assert decoded.physical == physical
    assert (decoded.access, decoded.cache) == (access, cache)
    assert decoded.contiguous is contiguous


@pytest.mark.parametrize("laid", EVERY, ids=lambda laid: laid.name)
@given(data=st.data())
def test_decoding_loses_no_bit(laid: Laid, data: st.DataObject) -> None:
    level = data.draw(st.sampled_from(laid.geometry.levels))
    raw = data.draw(st.integers(0, (1 << 8 * laid.geometry.entry_bytes) - 1))
    decoded = decode(laid.formats, level, raw)
    assert explained(laid.formats, level, decoded) == raw


def explained(formats: EntryFormats, level: Level, decoded: DecodedEntry) -> int:
    """The bits that a decoded entry accounts for; an empty one is empty whatever else is set."""
    if decoded.kind == "empty":
        return decoded.entry
    bits = decoded.reserved | decoded.unknown
    for value in decoded.fields:
        bits |= value.value << value.field.low
    if decoded.kind != "invalid":
        of_kind = formats.leaves if decoded.kind == "leaf" else formats.tables
        for part in of_kind[level.name].address:
            piece = (decoded.physical or 0) >> part.physical_low & ((1 << part.bits) - 1)
            bits |= piece << part.entry_low
    return bits


@pytest.mark.parametrize("laid", EVERY, ids=lambda laid: laid.name)
def test_every_bit_of_an_entry_has_one_meaning(laid: Laid) -> None:
    everything = (1 << 8 * laid.geometry.entry_bytes) - 1
    if laid.name == "x86_64-sev":
        everything &= (1 << 51) - 1 | -1 << 52 | 1 << 51
    for format in (*laid.formats.tables.values(), *laid.formats.leaves.values()):
        fields, address = field_mask(format), address_mask(format)
        assert fields | address | format.reserved == everything
        assert not fields & format.reserved
        meant = format.mask | format.always | format.access_mask | format.cache_mask
        assert not (meant | format.contiguous) & ~fields


@pytest.mark.parametrize("laid", EVERY, ids=lambda laid: laid.name)
def test_only_a_frame_that_is_not_aligned_touches_other_bits(laid: Laid) -> None:
    for level, format in leaf_formats(laid):
        shared = address_mask(format) & (field_mask(format) | format.reserved)
        aligned = encode_address(format, -level.entry_size)
        assert not shared & aligned, level.name


def encode_address(format: EntryFormat, physical: int) -> int:
    """The bits that an address sets."""
    entry = 0
    for part in format.address:
        entry |= (physical >> part.physical_low & ((1 << part.bits) - 1)) << part.entry_low
    return entry


@pytest.mark.parametrize("laid", EVERY, ids=lambda laid: laid.name)
def test_each_table_entry_is_read_as_one(laid: Laid) -> None:
    for level in laid.geometry.levels[:-1]:
        format = laid.formats.tables[level.name]
        decoded = decode(laid.formats, level, format.value | format.always)
        assert (decoded.kind, decoded.reserved, decoded.unknown) == ("table", 0, 0)


@pytest.mark.parametrize("laid", EVERY, ids=lambda laid: laid.name)
def test_access_is_never_narrower_than_asked_for(laid: Laid) -> None:
    for _, format in leaf_formats(laid):
        for access in ("R", "RW", "RX", "RWX"):
            assert set(access) <= set(wider(access, format))


@pytest.mark.parametrize("laid", EVERY, ids=lambda laid: laid.name)
def test_a_frame_that_is_not_aligned_shows_in_the_entry(laid: Laid) -> None:
    for level, format in leaf_formats(laid):
        smallest = laid.geometry.page_size
        if level.entry_size == smallest or laid.name in ("i386-classic", "ia64-granules"):
            continue
        access, cache = next(iter(format.access)), next(iter(format.cache))
        entry = encode(format, level.entry_size + smallest * 7, access, cache)
        assert decode(laid.formats, level, entry).reserved
