"""Geometries: which bits of an address index which table, and where leaves may stand."""

from __future__ import annotations

from typing import NamedTuple


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


class RadixGeometry(NamedTuple):
    """A tree of tables, levels from the root down. Widths are derived, never stated twice."""

    name: str
    levels: tuple[Level, ...]
    entry_bytes: int = 8

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
