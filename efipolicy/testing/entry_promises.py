"""What the entries of every architecture promise, each promise a function that says what breaks it.

They are about the data of `efipolicy.plugin.paging.EntryFormats`: which bits there are, what they
mean, and that what is written is read back.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import get_args

from efipolicy.model.mapping import Access
from efipolicy.paging import Level, RadixGeometry
from efipolicy.paging.entries import (
    AccessKind,
    DecodedEntry,
    EntryFormat,
    EntryFormats,
    Fault,
    FaultCause,
    decode,
    encode,
    wider,
)

ACCESS: tuple[Access, ...] = get_args(Access)


def leaves_of(
    geometry: RadixGeometry, formats: EntryFormats
) -> Iterator[tuple[Level, EntryFormat]]:
    """The levels that may hold leaves, each with the format of one."""
    for level in geometry.levels:
        if level.leaf and level.name in formats.leaves:
            yield level, formats.leaves[level.name]


def complete(geometry: RadixGeometry, formats: EntryFormats) -> Iterator[str]:
    """Each level has a format for what may stand there, and there is none for anything else."""
    leaves = {level.name for level in geometry.levels if level.leaf}
    tables = {level.name for level in geometry.levels[:-1]}
    for what, wanted, found in (
        ("leaf", leaves, formats.leaves.keys()),
        ("table", tables, formats.tables.keys()),
    ):
        yield from (f"no format for a {what} at {name}" for name in sorted(wanted - found))
        yield from (f"a format for a {what} at {name}, where none can stand"
                    for name in sorted(found - wanted))  # fmt: skip
    for level, leaf in leaves_of(geometry, formats):
        if not {"RW", "RWX"} & leaf.access.keys():
            yield f"a leaf at {level.name} cannot be written"
        if not leaf.cache:
            yield f"a leaf at {level.name} has no cache type"
        held, widest = width_of(leaf), formats.physical_address_bits
        if held < widest and level is not geometry.levels[-1]:
            yield f"a leaf at {level.name} holds {held} bits of an address, fewer than {widest}"


def width_of(format: EntryFormat) -> int:
    """How many bits of a physical address an entry can hold, from bit 0 on."""
    return max((part.physical_low + part.bits for part in format.address), default=0)


def distinct(geometry: RadixGeometry, formats: EntryFormats) -> Iterator[str]:
    """Each bit of an entry has one meaning, and what a leaf means is in its fields."""
    everything = (1 << 8 * geometry.entry_bytes) - 1
    for kind, of_kind in (("table", formats.tables), ("leaf", formats.leaves)):
        for name, format in of_kind.items():
            address, twice = _union(part.mask for part in format.address)
            fields, again = _union(field.mask for field in format.fields)
            if twice | again:
                yield f"a {kind} at {name} has bits {twice | again:#x} in two parts"
            if left := everything & ~(address | fields | format.reserved):
                yield f"nobody says what bits {left:#x} of a {kind} at {name} mean"
            if outside := (address | fields | format.reserved) & ~everything:
                yield f"bits {outside:#x} of a {kind} at {name} are beyond the entry"
            meant = format.mask | format.always | format.access_mask | format.cache_mask
            if unnamed := (meant | format.contiguous) & ~fields:
                yield f"bits {unnamed:#x} of a {kind} at {name} are used, and no field has them"
            if both := (fields & format.reserved):
                yield f"bits {both:#x} of a {kind} at {name} are a field and reserved"


def _union(masks: Iterator[int]) -> tuple[int, int]:
    """All the bits of some masks, and those that are in two of them."""
    seen = twice = 0
    for mask in masks:
        twice |= seen & mask
        seen |= mask
    return seen, twice


def read_back(geometry: RadixGeometry, formats: EntryFormats, random: Random) -> Iterator[str]:
    """What an operating system writes is read back: address, access, cache type, run."""
    for level, format in leaves_of(geometry, formats):
        highest = (1 << width_of(format)) // level.entry_size - 1
        for access in format.access:
            for cache in format.cache:
                for physical in (0, 1, highest, random.randint(0, highest)):
                    for contiguous in {False, bool(format.contiguous)}:
                        yield from _read_back(
                            (geometry, formats, level),
                            physical * level.entry_size,
                            access,
                            cache,
                            contiguous=contiguous,
                        )


def _read_back(
    where: tuple[RadixGeometry, EntryFormats, Level],
    physical: int,
    access: Access,
    cache: str,
    *,
    contiguous: bool,
) -> Iterator[str]:
    geometry, formats, level = where
    entry = encode(formats.leaves[level.name], physical, access, cache, contiguous=contiguous)
    if entry >> 8 * geometry.entry_bytes:
        yield f"{entry:#x} at {level.name} has more than {geometry.entry_bytes} bytes"
    found = decode(formats, level, entry)
    meant = DecodedEntry(entry, "leaf", physical, access, cache, contiguous, found.fields)
    for name in ("kind", "physical", "access", "cache", "contiguous", "reserved", "unknown"):
        if getattr(found, name) != getattr(meant, name):
            told, expected = _text(getattr(found, name)), _text(getattr(meant, name))
            yield f"{entry:#x} at {level.name}: {name} is read as {told}, written as {expected}"


def _text(value: object) -> str:
    plain = isinstance(value, bool) or not isinstance(value, int)
    return str(value) if plain else f"{value:#x}"


def tables_read_back(geometry: RadixGeometry, formats: EntryFormats) -> Iterator[str]:
    """What leads to a table is read as that, and nothing of it is reserved."""
    for level in geometry.levels[:-1]:
        if level.name in formats.tables:
            format = formats.tables[level.name]
            entry = format.value | format.always
            found = decode(formats, level, entry)
            if found.kind != "table":
                why = "" if entry & formats.present else f": none of {formats.present:#x} is set"
                yield f"{entry:#x}, to a table at {level.name}, is read as {found.kind}{why}"
            elif wrong := found.reserved | found.unknown:
                yield f"{entry:#x}, to a table at {level.name}, has bits {wrong:#x} of nobody"


def no_bit_lost(geometry: RadixGeometry, formats: EntryFormats, random: Random) -> Iterator[str]:
    """Of any bits whatever, decoding tells every one: as a field, an address, or as unknown."""
    for level in geometry.levels:
        for _ in range(40):
            raw = random.getrandbits(8 * geometry.entry_bytes) | random.choice((0, formats.present))
            found = decode(formats, level, raw & ((1 << 8 * geometry.entry_bytes) - 1))
            if lost := found.entry ^ _told(formats, level, found):
                yield f"decoding {found.entry:#x} at {level.name} says nothing of bits {lost:#x}"


def _told(formats: EntryFormats, level: Level, decoded: DecodedEntry) -> int:
    """The bits that a decoded entry accounts for; an empty one is empty whatever else is set."""
    if decoded.kind in ("empty", "invalid"):
        return decoded.entry
    bits = decoded.reserved | decoded.unknown
    for value in decoded.fields:
        bits |= value.value << value.field.low
    of_kind = formats.leaves if decoded.kind == "leaf" else formats.tables
    for part in of_kind[level.name].address:
        piece = (decoded.physical or 0) >> part.physical_low & ((1 << part.bits) - 1)
        bits |= piece << part.entry_low
    return bits


def access_granted(geometry: RadixGeometry, formats: EntryFormats) -> Iterator[str]:
    """A leaf grants all that is asked for, and more only where it cannot do with less."""
    for level, format in leaves_of(geometry, formats):
        for access in ACCESS:
            try:
                granted = wider(access, format)
            except ValueError:
                yield f"no leaf at {level.name} grants {access}"
                continue
            if not set(access) <= set(granted):
                yield f"a leaf at {level.name} grants {granted} where {access} is asked for"


def faults_described(geometry: RadixGeometry, formats: EntryFormats) -> Iterator[str]:
    """Every fault has words of the architecture."""
    for cause in get_args(FaultCause):
        for kind in get_args(AccessKind):
            for number, level in enumerate(geometry.levels):
                words = formats.describe(Fault(cause, kind, level, number, 1 << 12))
                if not words or not words.strip():
                    yield f"no words for {cause} on {kind} at {level.name}"
        words = formats.describe(Fault(cause, "read"))
        if not words or not words.strip():
            yield f"no words for {cause} before any entry is read"
