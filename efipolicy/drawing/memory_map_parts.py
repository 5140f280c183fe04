"""Cut a memory map that is too tall for a page: at 4 GiB, and further if that is not enough.

A page holds a picture about 1100 units tall at a readable size. What is taller is cut where the
addresses that 32 bits reach end, and a part that is still too tall between two of its rows. Every
row is in one part, with its neighbours in the order of addresses.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from efipolicy.drawing.findings import DrawnFinding
from efipolicy.drawing.ladder import LadderRow
from efipolicy.drawing.memory_map import describe_memory_map, memory_map_svg
from efipolicy.model.memory_map import MemoryAttributesTable, MemoryMap

TALLEST_ON_PAPER: Final = 1100
"""Units of a picture that fits a page at a readable size."""

_AROUND: Final = 260
"""Units of a picture that are not rows: title, overview, heads, legend."""

_FOUR_GIB: Final = 1 << 32


def memory_map_parts(rows: Sequence[LadderRow]) -> list[list[LadderRow]]:
    """The rows of each figure: one figure unless all of them together are too tall."""
    if _height(rows) <= TALLEST_ON_PAPER - _AROUND:
        return [list(rows)]
    low = [row for row in rows if row.drawn.start < _FOUR_GIB]
    high = [row for row in rows if row.drawn.start >= _FOUR_GIB]
    if all(row.kind == "end" for row in high):
        low, high = [*low, *high], []  # an address alone is no figure
    return [part for half in (low, high) if half for part in _cut(half)]


def _height(rows: Sequence[LadderRow]) -> float:
    return sum(row.height for row in rows)


def _cut(rows: Sequence[LadderRow]) -> list[list[LadderRow]]:
    """Rows in parts about as tall as each other; what belongs to a row stays with it."""
    count = -(-_height(rows) // (TALLEST_ON_PAPER - _AROUND))
    each = _height(rows) / max(count, 1)
    parts: list[list[LadderRow]] = [[]]
    for row in rows:
        full = _height(parts[-1]) + row.height / 2 > each
        if full and len(parts) < count and row.kind not in {"mat", "end", "overlap"}:
            parts.append([])
        parts[-1].append(row)
    return parts


def memory_map_print_svgs(
    memory_map: MemoryMap,
    *,
    figure_id: str,
    title: str,
    findings: Sequence[DrawnFinding] = (),
    memory_attributes_table: MemoryAttributesTable | None = None,
) -> list[str]:
    """Draw a memory map for paper: one picture, or several, each with the whole overview."""
    rows = describe_memory_map(
        memory_map, findings=findings, memory_attributes_table=memory_attributes_table
    )
    parts = memory_map_parts(rows)
    return [
        memory_map_svg(
            memory_map,
            figure_id=figure_id,
            title=title if len(parts) == 1 else f"{title} \N{MIDDLE DOT} {number} of {len(parts)}",
            findings=findings,
            memory_attributes_table=memory_attributes_table,
            form="print",
            part=part or None,
        )
        for number, part in enumerate(parts, 1)
    ]
