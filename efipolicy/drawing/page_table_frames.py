"""Draw the frame and the head of each box of page tables, and the curves that lead to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from efipolicy.drawing.notation import address_text, counted
from efipolicy.drawing.page_table_boxes import HEAD, TableBox
from efipolicy.drawing.page_table_columns import Column
from efipolicy.drawing.page_table_leaves import MARGIN, draw_rounded
from efipolicy.drawing.page_table_rows import RowDrawing
from efipolicy.drawing.page_table_texts import short_address
from efipolicy.drawing.svg import SvgWriter, number
from efipolicy.drawing.text_width import shortened, text_width
from efipolicy.paging.tables import PageTables

_STACK: Final = 4
"""How far the second outline stands out."""

_LANE: Final = 1.8
"""Between the bends of neighbouring curves."""


@dataclass(slots=True)
class BoxDrawing:
    """Draws boxes below ``top``; for the rest see `RowDrawing`."""

    svg: SvgWriter
    figure_id: str
    tables: PageTables
    columns: Sequence[Column]
    top: float
    groups: int
    contiguous: str = "contiguous"
    roots: int = 1

    def draw(self, box: TableBox) -> None:
        """One box with its rows."""
        column = self.columns[box.column]
        x, y = column.x, self.top + box.y
        end = column.end - (_STACK if box.kind in ("alike", "summary") else 0)
        with self.svg.group(id=f"{self.figure_id}-{box.level.name}-{box.start:x}"):
            self._outline(box, x, y, end)
            self._head(box, x, y, end - x - 2 * MARGIN)
            RowDrawing(
                svg=self.svg,
                figure_id=self.figure_id,
                tables=self.tables,
                box=box,
                column=column,
                end=end,
                top=y + HEAD,
                groups=self.groups,
                contiguous=self.contiguous,
            ).draw()

    def _outline(self, box: TableBox, x: float, y: float, end: float) -> None:
        """The frame; a second one behind it says that it stands for more than one table."""
        width, height = end - x - 1, box.height - 1
        if end < self.columns[box.column].end:
            behind = (x + 0.5 + _STACK, y + 0.5 + _STACK, width, height)
            draw_rounded(self.svg, behind, 3, class_="ep-break ep-pill")
        frame = (x + 0.5, y + 0.5, width, height)
        draw_rounded(self.svg, frame, 3, class_="ep-axis ep-pill", title=self._title(box))

    def _title(self, box: TableBox) -> str:
        where = f"{box.name} at virtual {address_text(box.start, self.groups)}"
        if box.kind == "alike":
            return f"{where}: the first of {counted(box.number, 'table')} alike"
        if box.kind == "summary":
            kind = ", each address mapped to itself" if box.identity else ""
            return f"{where}: {counted(box.number, 'table')} summed up{kind}"
        return where

    def _head(self, box: TableBox, x: float, y: float, room: float) -> None:
        name = f"{box.level.name} "
        if box.first is None:
            self.svg.text_in_parts(x + MARGIN, y + 14, [(name, None), ("root", "u")], "b")
        else:
            taken = text_width(name, 12, bold=True)
            index = shortened(box.index_text, room - taken, 11, mono=True)
            self.svg.text(x + MARGIN, y + 14, box.level.name, "b")
            self.svg.text(x + MARGIN + taken, y + 14, index, "m", "s", "b")
        text, font = self._second_line(box, room)
        self.svg.text(x + MARGIN, y + 28, text, *font, "xs", "u")

    def _second_line(self, box: TableBox, room: float) -> tuple[str, tuple[str, ...]]:
        """What stands below the name, and the classes of its font."""
        tables = counted(box.number, "table")
        if box.kind == "root" and self.roots == 1 and not box.start:
            return "top-level table", ()
        if box.kind == "alike":
            return shortened(f"{tables} alike", room, 10), ()
        if box.kind == "summary":
            return shortened(f"{tables}, {'1:1' if box.identity else 'summed up'}", room, 10), ()
        return short_address(box.start, self.groups, room), ("m",)

    def draw_edges(self, boxes: Sequence[TableBox]) -> None:
        """A curve with an arrow from each leading row to the head of its box, column by column.

        Curves of one direction bend one after the other, so that they neither cross nor merge.
        """
        for place, (left, right) in enumerate(pairwise(self.columns)):
            edges = [edge for box in boxes if box.column == place for edge in self._edges(box)]
            for part in (
                [edge for edge in edges if edge[0] > edge[1]],
                [edge for edge in edges if edge[0] <= edge[1]][::-1],
            ):
                draw_curves(self.svg, part, left.end, right.x)

    def _edges(self, box: TableBox) -> list[tuple[float, float]]:
        """Where each curve begins and where it arrives."""
        leading = self._leading(box)
        targets = [self.top + child.y + HEAD / 2 for child in box.children]
        return list(zip(leading, targets, strict=True))

    def _leading(self, box: TableBox) -> list[float]:
        """The middle of each row that leads to a box."""
        if not box.children:
            return []
        return [self.top + y + 9.5 for row, y in box.row_tops() if row.tables]

    def draw_dots(self, box: TableBox) -> None:
        """The dots at which curves begin; after all boxes, whose frames they sit on."""
        for y in self._leading(box):
            self.svg.element(
                "circle", cx=self.columns[box.column].end, cy=y, r=2.6, class_="ep-set-u"
            )


def draw_curves(
    svg: SvgWriter, edges: Sequence[tuple[float, float]], left: float, right: float
) -> None:
    """Curves with arrows between two columns, each from where it begins to where it arrives."""
    if not edges:
        return
    middle = (left + right - 5) / 2
    step = min(_LANE, (right - left - 16) / len(edges))
    curves, arrows = [], []
    for lane, (y, to) in enumerate(edges):
        x = middle + (lane - (len(edges) - 1) / 2) * step
        curves.append(
            f"M{number(left)} {number(y)}C{number(x)} {number(y)} "
            f"{number(x)} {number(to)} {number(right - 5)} {number(to)}"
        )
        arrows.append(f"M{number(right - 6)} {number(to - 3.5)}l6 3.5l-6 3.5z")
    svg.path("".join(curves), "arrow")
    svg.path("".join(arrows), "set-u")
