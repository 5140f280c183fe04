"""What the rows of a page-table dump prove of the tables: page size, width, size of a leaf.

A dump names levels, not sizes. But an entry of a level spans a number of bytes that follows from
page size and width of the tables, and a row starts and ends where an entry does. So each row rules
out geometries; what is the same in all that are left is proven.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from efipolicy.formats.page_table_rows import TableRow
from efipolicy.named_tuple import NamedTuple


class TableGeometry(NamedTuple):
    """Tables of one page size (bytes) and one width of addresses (bits).

    ``entries`` is the bytes that an entry spans, by the name of its level in a dump; ``leaves``
    those of the levels that may map memory. Addresses are below ``low_end`` or from ``high_start``
    on. ``contiguous`` is the bytes of a run of leaves with the contiguous bit.
    """

    page_size: int
    virtual_address_bits: int
    low_end: int
    high_start: int
    entries: dict[str, int]
    leaves: dict[str, int]
    contiguous: dict[str, int]

    def holds(self, row: TableRow) -> bool:
        """Whether these tables can have what a row prints."""
        entry = self.entries.get(row.level)
        if entry is None or (row.cells and row.level not in self.leaves):
            return False
        if row.cells and "CON" in row.cells.flags:
            entry = self.contiguous.get(row.level, entry)
        start, end = row.virtual
        return (
            start % entry == 0
            and end % entry == 0
            and (start < self.low_end or start >= self.high_start)
            and (end <= self.low_end or end >= self.high_start)
        )


def geometry(
    page_shift: int,
    bits: int,
    virtual_address_bits: int,
    levels: Sequence[str],
    *,
    leaves: Iterable[str],
    low_bits: int,
    space: int = 64,
    contiguous: dict[str, int] | None = None,
) -> TableGeometry:
    """Tables with ``bits`` of an address a level; ``levels`` are their names, the leaf's first.

    Of a level with two names the names are separated by a blank. ``low_bits`` is the width of the
    addresses below the gap in the middle of the space.
    """
    entries = {
        name: 1 << page_shift + place * bits
        for place, names in enumerate(levels)
        for name in names.split()
    }
    return TableGeometry(
        page_size=1 << page_shift,
        virtual_address_bits=virtual_address_bits,
        low_end=1 << low_bits,
        high_start=(1 << space) - (1 << low_bits),
        entries=entries,
        leaves={name: entries[name] for name in leaves},
        contiguous=contiguous or {},
    )


class Proven(NamedTuple):
    """The geometries that every row of a dump fits; ``None`` where they disagree."""

    left: Sequence[TableGeometry]

    @property
    def page_size(self) -> int | None:
        """Bytes of a page."""
        return _same(one.page_size for one in self.left)

    @property
    def virtual_address_bits(self) -> int | None:
        """Bits of a virtual address."""
        return _same(one.virtual_address_bits for one in self.left)

    def leaf_size(self, level: str) -> int | None:
        """Bytes of a leaf of a level."""
        return _same(one.leaves.get(level) for one in self.left)


def proven(geometries: Iterable[TableGeometry], rows: Sequence[TableRow]) -> Proven:
    """What the rows of a dump prove, holes included."""
    return Proven([one for one in geometries if all(one.holds(row) for row in rows)])


def _same(values: Iterable[int | None]) -> int | None:
    found = set(values)
    return found.pop() if len(found) == 1 else None
