"""What of many tables is drawn one by one, what is stacked, and what is summed up.

A column has at most 12 boxes and a box at most 14 rows, and fewer where the picture would have too
many of both. Memory that is writable and executable is neither stacked nor folded as long as that
leaves a picture somebody can read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from efipolicy.drawing.page_table_tree import Entries, pattern
from efipolicy.named_tuple import NamedTuple

MOST: Final = 76
"""Rows in a picture, a box with its head counting as one and a half besides."""

GRAVE_BOXES: Final = 24
"""Boxes in a column of tables that would each have to be seen, whatever that costs."""


class Limits(NamedTuple):
    """What is too many: boxes in a column, and rows in a box."""

    boxes: int
    rows: int


LIMITS: Final = (
    Limits(12, 14),
    Limits(10, 14),
    Limits(8, 14),
    Limits(8, 10),
    Limits(8, 8),
    Limits(8, 6),
    Limits(6, 8),
    Limits(6, 6),
    Limits(5, 5),
)
"""The first with which a picture has no more than `MOST` rows counts, else the last.

Leaves that are writable and executable only know the first.
"""

Rows = list[Entries]
_Condition = Callable[[Entries], bool]


def within_budget(parents: Sequence[Sequence[Entries]], limits: Limits) -> list[Rows]:
    """The rows of the boxes of one column, so that neither they nor the next column are too many.

    Tables alike become one row, and what still is too much one folded row: maps of addresses to
    themselves first, then others from the middle of the longest row of them.
    """
    rows = _stacked(parents, limits)
    rows = _fold(rows, _boring_identity, limits.boxes, whole=True)
    rows = _fold(rows, _identity, limits.boxes, whole=True)
    rows = _fold(rows, _boring, limits.boxes)
    rows = _fold(rows, _anything, GRAVE_BOXES)
    return [_few_rows(one, limits.rows) for one in rows]


def leads_to_box(entries: Entries) -> bool:
    """Whether a row has a box in the next column."""
    return entries.tables > 0


def _boring(entries: Entries) -> bool:
    return not entries.grave


def _boring_identity(entries: Entries) -> bool:
    return entries.identity and not entries.grave


def _identity(entries: Entries) -> bool:
    return entries.identity


def _anything(_entries: Entries) -> bool:
    return True


def _boxes(rows: Sequence[Rows]) -> int:
    return sum(leads_to_box(entries) for one in rows for entries in one)


def _stacked(parents: Sequence[Sequence[Entries]], limits: Limits) -> list[Rows]:
    """Every table on its own if there is room, else those alike stacked that may be."""
    if sum(entries.tables for rows in parents for entries in rows) <= limits.boxes:
        return [_apart(rows, _anything) for rows in parents]
    stacked = [_alike_joined(rows) for rows in parents]
    grave = sum(entries.tables for rows in stacked for entries in rows if entries.grave)
    boring = sum(
        leads_to_box(entries) and not entries.grave for rows in stacked for entries in rows
    )
    if grave + boring <= GRAVE_BOXES:
        return [_apart(rows, lambda entries: entries.grave) for rows in stacked]
    return stacked


def _apart(rows: Sequence[Entries], condition: _Condition) -> Rows:
    """The rows with tables alike in a row each."""
    apart: Rows = []
    for entries in rows:
        table = entries.table
        if table is None or entries.number == 1 or not condition(entries):
            apart.append(entries)
            continue
        size = table.level.entry_size << table.level.bits
        apart += [
            Entries(entries.first + step, entries.first + step, table=table.moved(step * size))
            for step in range(entries.number)
        ]
    return apart


def _alike_joined(rows: Sequence[Entries]) -> Rows:
    """The rows with neighbouring tables of one pattern in one row; grave ones stay as they are."""
    joined: Rows = []
    for entries in rows:
        before = joined[-1] if joined else None
        if (
            before
            and before.table
            and entries.table
            and not entries.grave
            and pattern(before.table) == pattern(entries.table)
        ):
            joined[-1] = before._replace(last=entries.last)
        else:
            joined.append(entries)
    return joined


def _fold(
    rows: list[Rows], condition: _Condition, limit: int, *, whole: bool = False
) -> list[Rows]:
    """Fold the tables of a kind until the next column has few enough boxes."""
    excess = _boxes(rows) - limit
    if excess <= 0:
        return rows
    segments = [
        (place, segment) for place, one in enumerate(rows) for segment in _segments(one, condition)
    ]
    segments.sort(key=lambda found: -len(found[1]))
    chosen: list[tuple[int, int, int]] = []
    for place, tables in segments:
        if excess <= 0:
            break
        number = len(tables) if whole else min(len(tables), excess + 1)
        first = (len(tables) - number) // 2
        chosen.append((place, tables[first], tables[first + number - 1]))
        excess -= number - 1
    folded = [list(one) for one in rows]
    for place, first, last in sorted(chosen, reverse=True):
        folded[place][first : last + 1] = [_folded(folded[place][first : last + 1])]
    return folded


def _segments(rows: Sequence[Entries], condition: _Condition) -> Iterator[list[int]]:
    """The places of rows with tables, where two or more follow each other with nothing else."""
    tables: list[int] = []
    for place, entries in enumerate(rows):
        if entries.empty or condition(entries):
            if leads_to_box(entries):
                tables.append(place)
            continue
        if len(tables) > 1:
            yield tables
        tables = []
    if len(tables) > 1:
        yield tables


def _folded(rows: Sequence[Entries]) -> Entries:
    """One row for several; what was folded before is unfolded into it."""
    flat: list[Entries] = []
    for entries in rows:
        flat += entries.folded or (entries,)
    return Entries(flat[0].first, flat[-1].last, folded=tuple(flat))


def _few_rows(rows: Rows, limit: int) -> Rows:
    """The rows with so many from the middle folded that they fit a box."""
    for condition, most in ((_plain_leaves, limit), (_boring, limit), (_leaves, LIMITS[0].rows)):
        while len(rows) > most:
            shorter = _one_fold(rows, condition, most)
            if shorter is None:
                break
            rows = shorter
    return rows


def _plain_leaves(entries: Entries) -> bool:
    return _leaves(entries) and not entries.grave


def _leaves(entries: Entries) -> bool:
    return not leads_to_box(entries)


def _one_fold(rows: Rows, condition: _Condition, limit: int) -> Rows | None:
    """The rows with a part of their longest boring stretch folded, if that makes them fewer."""
    longest = max(_stretches(rows, condition), key=len, default=range(0))
    if len(longest) < 2:
        return None
    number = min(len(longest), len(rows) - limit + 1)
    number = max(number, 2)
    first = longest.start + (len(longest) - number) // 2
    part = rows[first : first + number]
    if sum(map(leads_to_box, part)) < 2 and sum(entries.runs for entries in part) < 2:
        return None  # the sum of one would take as much room
    return [*rows[:first], _folded(part), *rows[first + number :]]


def _stretches(rows: Sequence[Entries], condition: _Condition) -> Iterator[range]:
    """Rows that follow each other and may be folded, the ends of the table left out."""
    start = 1
    for place in range(1, len(rows)):
        if place == len(rows) - 1 or not condition(rows[place]):
            yield range(start, place)
            start = place + 1
