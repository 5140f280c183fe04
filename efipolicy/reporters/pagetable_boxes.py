"""Each table of page tables: the entry that leads to it, and how many of its own are used."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from efipolicy.model.address import AddressRange, size_text
from efipolicy.named_tuple import NamedTuple
from efipolicy.paging.geometry import Level
from efipolicy.paging.tables import PageTables


class Box(NamedTuple):
    """A table, or neighbouring ones of a level that are full.

    ``first`` and ``last`` number the tables of the level from address 0 on; ``used`` is how many
    entries of each lead somewhere.
    """

    first: int
    last: int
    used: int


def boxes(tables: PageTables) -> Iterator[str]:
    """A line for each table below the one that leads to it; neighbours that are full share one.

    The number of lines grows with the ranges and the levels, not with the memory they map.
    """
    levels = tables.geometry.levels
    root = levels[0]
    used = sum(last - first + 1 for first, last in _entries(tables, root, 1 << 65))
    yield f"{root.name}: {used} of {1 << root.bits} entries"
    found = [
        (box.first << above.shift, depth, box)
        for depth, (above, level) in enumerate(pairwise(levels))
        for box in _boxes(tables, above, level)
    ]
    for start, depth, box in sorted(found):
        above, level = levels[depth], levels[depth + 1]
        yield "  " * (depth + 1) + _line(above, level, start, box)


def _boxes(tables: PageTables, above: Level, level: Level) -> list[Box]:
    """The tables of a level, ascending."""
    room = 1 << level.bits
    found: list[Box] = []

    def add(first: int, last: int, used: int) -> None:
        if found and found[-1].last == first:
            used += found.pop().used
        found.append(Box(first, last, used))

    for first, last in _entries(tables, level, above.entry_size):
        start, end = first >> level.bits, last >> level.bits
        if start == end:
            add(start, end, last - first + 1)
            continue
        add(start, start, room - first % room)
        if start + 1 < end:
            found.append(Box(start + 1, end - 1, room))
        add(end, end, last % room + 1)
    return found


def _entries(tables: PageTables, level: Level, under: int) -> Iterator[tuple[int, int]]:
    """Runs of used entries of a level, by number from address 0 on, first and last.

    Only what leads to leaves smaller than ``under`` bytes has entries there.
    """
    first = last = -1
    for run in tables.runs:
        if run.leaf_size >= under:
            continue
        start, end = run.start >> level.shift, (run.end - 1) >> level.shift
        if last >= 0 and start <= last + 1:
            last = max(last, end)
        else:
            if last >= 0:
                yield first, last
            first, last = start, end
    if last >= 0:
        yield first, last


def _line(above: Level, level: Level, start: int, box: Box) -> str:
    """The entry of the level above that leads to a table, and what the table is."""
    room = 1 << level.bits
    count = box.last - box.first + 1
    extent = AddressRange(start, start + (count << above.shift))
    entry = f"{above.name}[{above.index_of(start)}]"
    if count > 1:
        entry, used = f"{entry} and {count - 1} more", f"all {room} entries each"
    else:
        used = f"{box.used} of {room} entries"
    return f"{entry} -> {level.name}: {used}, {extent} ({size_text(extent.size)})"
