"""Geometries, regions and small words that tests of page tables share."""

from __future__ import annotations

from collections.abc import Iterable

from efipolicy.model.address import AddressRange
from efipolicy.model.mapping import Access, Mapping
from efipolicy.paging import Level, RadixGeometry, Window
from efipolicy.paging.entries import AddressPart, EntryFormat, EntryFormats, Fault
from efipolicy.paging.tables import PageTables
from efipolicy_arm64.architecture import GEOMETRIES as ARM64_GEOMETRIES
from efipolicy_i386 import CLASSIC, PAE
from efipolicy_x86_64 import FIVE_LEVEL, FOUR_LEVEL

KIB, MIB, GIB, TIB = 1 << 10, 1 << 20, 1 << 30, 1 << 40
TOP = 1 << 64


def arm64(granule: int, bits: int) -> RadixGeometry:
    """A granule in bytes and a width of AArch64."""
    return next(g for g in ARM64_GEOMETRIES[granule] if g.virtual_address_bits == bits)


def riscv(bits: int) -> RadixGeometry:
    """Sv32, Sv39, Sv48 or Sv57: every level may hold leaves."""
    per_level = 10 if bits == 32 else 9
    shifts = range(12, bits, per_level)
    levels = (Level(f"L{n}", shift, per_level, leaf=True) for n, shift in enumerate(shifts))
    return RadixGeometry(
        name=f"riscv-sv{bits}",
        levels=tuple(levels)[::-1],
        entry_bytes=4 if bits == 32 else 8,
        address_space="unsigned" if bits == 32 else "signed",
    )


LOONGARCH = RadixGeometry(
    name="loongarch-16k-47",
    levels=(
        Level("PGD", shift=36, bits=11),
        Level("PMD", shift=25, bits=11, leaf=True),
        Level("PTE", shift=14, bits=11, leaf=True),
    ),
    windows=tuple(
        Window(AddressRange(segment << 60, (segment << 60) + (1 << 48)), 0, cache)
        for segment, cache in ((8, "SUC"), (9, "CC"))
    ),
)
"""Pages of 16 KiB, and two windows that show all physical memory (LoongArch, CSR 0x180)."""

EVERY_GEOMETRY = (
    FOUR_LEVEL,
    FIVE_LEVEL,
    *(geometry for offered in ARM64_GEOMETRIES.values() for geometry in offered),
    *map(riscv, (32, 39, 48, 57)),
    CLASSIC,
    PAE,
    LOONGARCH,
)


def mapped(
    physical: int,
    size: int,
    virtual: int | None,
    access: Access = "RW",
    *,
    cache: str = "WB",
    pages_only: bool = False,
) -> Mapping:
    """So many bytes of physical memory at a virtual address."""
    return Mapping(
        AddressRange(physical, physical + size),
        virtual,
        6,
        access,
        cache,
        runtime=True,
        pages_only=pages_only,
    )


Rows = Iterable[tuple[int, int, int]]
"""Physical address, bytes, virtual address."""


def mappings_of(rows: Rows, *, pages_only: bool = False) -> tuple[Mapping, ...]:
    """One mapping for each row."""
    return tuple(
        mapped(physical, size, virtual, pages_only=pages_only) for physical, size, virtual in rows
    )


def identity(rows: Rows) -> list[tuple[int, int, int]]:
    """The same physical memory at the addresses it has."""
    return [(physical, size, physical) for physical, size, _ in rows]


def counts(tables: PageTables) -> tuple[int, ...]:
    """The tables of each level, the root first."""
    return tuple(tables.tables[level.name] for level in tables.geometry.levels)


def by_formula(tables: PageTables) -> int:
    """How many tables the leaves need: for each level the tables that lead to smaller leaves.

    One range at a time, distinct ones by a set: small trees only.
    """
    total = tables.tables[tables.geometry.levels[0].name]
    for level in tables.geometry.levels[:-1]:
        found: set[int] = set()
        for run in tables.runs:
            if run.leaf_size < level.entry_size:
                found.update(range(run.start >> level.shift, (run.end - 1 >> level.shift) + 1))
        total += len(found)
    return total


def plain_formats(geometry: RadixGeometry) -> EntryFormats:
    """Entries of no real processor for a geometry: one bit for everything, a 60-bit address.

    Bit 0 is present, 1 a leaf, 2 write, 3 execute, 4 uncached, 5 contiguous; what a large leaf's
    address must not have is reserved.
    """
    width = 60
    page = geometry.levels[-1].shift
    cache = {"WB": 0, "UC": 1 << 4}
    access: dict[Access, int] = {"R": 0, "RW": 4, "RX": 8, "RWX": 12}
    address = (AddressPart(page, width - page, page),)
    leaves = {
        level.name: EntryFormat(
            mask=3,
            value=3,
            address=address,
            fields=(),
            access=access,
            access_mask=12,
            cache=cache,
            cache_mask=1 << 4,
            contiguous=1 << 5,
            reserved=level.entry_size - (1 << page),
        )
        for level in geometry.levels
        if level.leaf
    }
    tables = {
        level.name: EntryFormat(mask=3, value=1, address=(), fields=())
        for level in geometry.levels[:-1]
    }

    def describe(fault: Fault) -> str:
        return f"{fault.cause} at level {fault.number}"

    return EntryFormats(tables, leaves, describe, width)
