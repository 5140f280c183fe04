"""Page tables as a tree of what stands in them, made of runs of leaves by interval arithmetic.

Entries that lead to tables of the same content are one item, however many they are, so that
terabytes in the smallest pages cost no more than a page.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Final

from efipolicy.model.address import round_down, round_up
from efipolicy.model.mapping import Access
from efipolicy.named_tuple import NamedTuple
from efipolicy.paging.geometry import Level
from efipolicy.paging.tables import LeafRun, PageTables

ACCESSES: Final[tuple[Access, ...]] = ("RX", "R", "RW", "RWX")
"""Every access, in the order of a legend."""


class Entries(NamedTuple):
    """Neighbouring entries of a table: leaves, tables alike, folded ones, or nothing.

    ``table`` is what the first of them leads to; the others lead to tables of the same content, in
    their own place.
    """

    first: int
    last: int
    run: LeafRun | None = None
    table: Table | None = None
    folded: tuple[Entries, ...] = ()

    @property
    def number(self) -> int:
        """How many entries."""
        return self.last - self.first + 1

    @property
    def empty(self) -> bool:
        """Whether they translate nothing."""
        return self.run is None and self.table is None and not self.folded

    @property
    def mapped(self) -> dict[Access, int]:
        """Bytes that they map, tables below included, by access."""
        if self.run:
            return {self.run.access: self.run.end - self.run.start}
        if self.table:
            return {access: size * self.number for access, size in self.table.mapped.items()}
        return total(entries.mapped for entries in self.folded)

    @property
    def tables(self) -> int:
        """How many tables they lead to, those further down not counted."""
        if self.table:
            return self.number
        return sum(entries.tables for entries in self.folded)

    @property
    def runs(self) -> int:
        """How many runs of leaves they are."""
        return 1 if self.run else sum(entries.runs for entries in self.folded)

    @property
    def identity(self) -> bool:
        """Whether every address they map is its own physical address."""
        if self.run:
            return self.run.start == self.run.physical
        if self.table:
            return self.table.identity
        return all(entries.identity for entries in self.folded)

    @property
    def grave(self) -> bool:
        """Whether anything that may be written may be executed, or a leaf points beside a frame."""
        if self.run:
            return self.run.access == "RWX" or self.run.misaligned
        if self.table:
            return self.table.grave
        return any(entries.grave for entries in self.folded)


class Table(NamedTuple):
    """One table: the virtual address of its first entry, and its entries, empty ones included."""

    level: Level
    start: int
    entries: tuple[Entries, ...]
    mapped: dict[Access, int]
    identity: bool
    grave: bool

    def moved(self, by: int) -> Table:
        """A table of the same content so many bytes higher, its frames as much higher too."""
        return self._replace(
            start=self.start + by,
            entries=tuple(
                entries._replace(
                    run=entries.run and _moved(entries.run, by),
                    table=entries.table and entries.table.moved(by),
                )
                for entries in self.entries
            ),
        )


def root_tables(tables: PageTables) -> tuple[Table, ...]:
    """The root, or one for each half of a split address space that holds something."""
    geometry = tables.geometry
    runs = tuple(merged(tables.runs))
    low, high = geometry.translated[0], geometry.translated[-1]
    if geometry.address_space != "split" or not runs:
        return (_table(geometry.levels, 0, runs),)
    halves = [
        (half.start, [run for run in runs if run.start in half and run.end <= half.end])
        for half in (low, high)
    ]
    return tuple(_table(geometry.levels, start, inside) for start, inside in halves if inside)


def merged(runs: Iterable[LeafRun]) -> Iterator[LeafRun]:
    """The runs, joined where leaves and frames go on without any difference in the entries."""
    current: LeafRun | None = None
    for run in runs:
        if current and _goes_on(current, run):
            current = current._replace(end=run.end)
        else:
            if current:
                yield current
            current = run
    if current:
        yield current


def pattern(table: Table) -> object:
    """What two tables have in common when a picture of one is a picture of the other."""
    return tuple(_entries_pattern(entries) for entries in table.entries)


def total(parts: Iterable[dict[Access, int]]) -> dict[Access, int]:
    """The sum by access."""
    sums: Counter[Access] = Counter()
    for part in parts:
        sums.update(part)
    return dict(sums)


def _goes_on(run: LeafRun, following: LeafRun) -> bool:
    gone = run.end - run.start
    expected = run._replace(
        start=run.end,
        end=following.end,
        physical=run.physical + gone,
        mapping=following.mapping,
    )
    return following == expected


def _moved(run: LeafRun, by: int) -> LeafRun:
    return run._replace(start=run.start + by, end=run.end + by, physical=run.physical + by)


def _entries_pattern(entries: Entries) -> object:
    run, table = entries.run, entries.table
    if run:
        look: object = (run.access, run.cache, run.contiguous, run.encrypted, run.misaligned)
    else:
        look = table and pattern(table)
    return entries.first, entries.last, look


def _table(levels: Sequence[Level], start: int, runs: Sequence[LeafRun]) -> Table:
    """A table of the first of the levels; the runs ascend and lie in what it translates."""
    level = levels[0]
    found: list[Entries] = []
    for parts in _by_entries(runs, level.entry_size):
        first, last = level.index_of(parts[0].start), level.index_of(parts[-1].end - 1)
        if parts[0].leaf_size == level.entry_size:
            found.append(Entries(first, last, run=parts[0]))
            continue
        below = round_down(parts[0].start, level.entry_size)
        one = [_part(part, part.start, min(part.end, below + level.entry_size)) for part in parts]
        found.append(Entries(first, last, table=_table(levels[1:], below, one)))
    entries = tuple(_with_empty(found, 1 << level.bits))
    mapped = total(one.mapped for one in found)
    identity = all(one.identity for one in found)
    return Table(level, start, entries, mapped, identity, any(one.grave for one in found))


def _with_empty(found: Sequence[Entries], number: int) -> Iterator[Entries]:
    """The entries with those between them that are empty."""
    free = 0
    for entries in found:
        if entries.first > free:
            yield Entries(free, entries.first - 1)
        yield entries
        free = entries.last + 1
    if free < number:
        yield Entries(free, number - 1)


def _by_entries(runs: Iterable[LeafRun], size: int) -> Iterator[list[LeafRun]]:
    """The runs cut so that each list is leaves of this size, whole entries alike, or one entry."""
    partial: list[LeafRun] = []
    for run in runs:
        for part in [run] if run.leaf_size >= size else _cut(run, size):
            if partial and partial[0].start // size != part.start // size:
                yield partial
                partial = []
            if partial or part.start % size or part.end % size:
                partial.append(part)
            else:
                yield [part]
    if partial:
        yield partial


def _cut(run: LeafRun, size: int) -> list[LeafRun]:
    """A run cut where its first whole entry begins and where its last one ends."""
    inner = (round_up(run.start, size), round_down(run.end, size))
    places = sorted({run.start, run.end, *(at for at in inner if run.start < at < run.end)})
    return [_part(run, start, end) for start, end in pairwise(places)]


def _part(run: LeafRun, start: int, end: int) -> LeafRun:
    return run._replace(start=start, end=end, physical=run.physical + start - run.start)
