"""Geometries: which bits of an address index which table, and where leaves may stand."""

from __future__ import annotations

from typing import Literal

from efipolicy.model.address import AddressRange
from efipolicy.named_tuple import NamedTuple

_ALL = 1 << 64

AddressSpace = Literal["signed", "split", "unsigned"]
"""Which 64-bit addresses a tree translates: those whose upper bits repeat the highest one it
translates (x86-64, RISC-V), those whose upper bits are all clear or all set, each half by a root of
its own (AArch64), or those whose upper bits are clear (i386)."""


class Level(NamedTuple):
    """One level of a radix tree.

    ``shift`` is the lowest address bit that indexes a table of this level, so an entry spans
    ``1 << shift`` bytes. ``leaf`` says whether an entry may map memory itself; ``contiguous`` is
    how many neighbouring leaves may be marked as one larger translation.
    """

    name: str
    shift: int
    bits: int
    leaf: bool = False
    contiguous: int | None = None

    @property
    def entry_size(self) -> int:
        """Bytes of address space under one entry."""
        return 1 << self.shift

    def index_of(self, address: int) -> int:
        """The number of the entry that an address selects in a table of this level."""
        return address >> self.shift & ((1 << self.bits) - 1)


class Window(NamedTuple):
    """Virtual addresses that a processor translates without any table (LoongArch).

    ``physical_start`` is what its first address means; everything in it is readable, writable and
    executable, with one cache type.
    """

    virtual: AddressRange
    physical_start: int
    cache: str


class RadixGeometry(NamedTuple):
    """A tree of tables, levels from the root down. Widths are derived, never stated twice."""

    name: str
    levels: tuple[Level, ...]
    entry_bytes: int = 8
    address_space: AddressSpace = "signed"
    windows: tuple[Window, ...] = ()

    @property
    def page_size(self) -> int:
        """Bytes of the smallest page."""
        return self.levels[-1].entry_size

    @property
    def virtual_address_bits(self) -> int:
        """How many address bits the tree translates."""
        return self.levels[0].shift + self.levels[0].bits

    @property
    def leaf_sizes(self) -> tuple[int, ...]:
        """Bytes of each leaf, the largest first."""
        return tuple(level.entry_size for level in self.levels if level.leaf)

    @property
    def translated(self) -> tuple[AddressRange, ...]:
        """The virtual addresses that tables translate, ascending, windows not taken out."""
        span = 1 << self.virtual_address_bits
        if self.address_space == "unsigned":
            return (AddressRange(0, span),)
        half = span if self.address_space == "split" else span >> 1
        return AddressRange(0, half), AddressRange(_ALL - half, _ALL)

    def table_bytes(self, level: Level) -> int:
        """Bytes of one table of a level, as its entries fill it."""
        return self.entry_bytes << level.bits

    def level_below(self, level: Level) -> Level:
        """The level that a table entry of this one leads to. Raises `IndexError` at the last."""
        return self.levels[self.levels.index(level) + 1]


class RegionGeometry(NamedTuple):
    """Itanium: the top three address bits choose a region, and granules are pinned or refilled.

    ``granule_sizes`` are bytes. Identity regions translate without any table.
    """

    name: str
    page_size: int
    granule_sizes: tuple[int, ...]
    cached_region: int
    uncached_region: int
    virtual_address_bits: int = 64


Geometry = RadixGeometry | RegionGeometry
