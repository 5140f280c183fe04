"""Draw the rows of one box of page tables: empty, leading, mapping, and summed-up entries."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from efipolicy.drawing.notation import address_text
from efipolicy.drawing.page_table_boxes import ROW, TableBox
from efipolicy.drawing.page_table_columns import Column
from efipolicy.drawing.page_table_leaves import (
    MARGIN,
    LeafLayout,
    chip_width,
    draw_bracket,
    draw_chip,
    draw_ground,
    draw_leaves,
    leaf_layout,
)
from efipolicy.drawing.page_table_texts import (
    ACCESS_STYLES,
    groups_text,
    index_text,
    kind_words,
    leading_texts,
    leading_title,
    leaf_title,
)
from efipolicy.drawing.page_table_tree import Entries
from efipolicy.drawing.svg import SvgWriter, number
from efipolicy.drawing.text_width import shortened, text_width
from efipolicy.model.address import AddressRange, size_text
from efipolicy.model.mapping import Access
from efipolicy.paging.tables import LeafRun, PageTables


@dataclass(slots=True)
class RowDrawing:
    """Draws the rows of one box, from ``top`` on, between the left of its column and ``end``.

    ``groups`` is the width of addresses in groups of digits; ``contiguous`` the architecture's word
    for leaves that are marked as one translation.
    """

    svg: SvgWriter
    figure_id: str
    tables: PageTables
    box: TableBox
    column: Column
    end: float
    top: float
    groups: int
    contiguous: str

    def draw(self) -> None:
        """All rows."""
        if self.box.kind == "summary":
            for place, access in enumerate(self.box.accesses):
                self._sum(access, self.top + ROW * place)
            return
        layout = leaf_layout(self.box, self.column.x, self.end)
        before: Entries | None = None
        for row, y, height in self._placed():
            if row.run:
                self._mapping(row, row.run, layout, (y, height))
            elif row.empty:
                self._empty(row, y)
            else:
                self._leading(row, y, hairline=before is None or not before.run)
            before = row
        if self.column.brackets:
            self._brackets()

    def _placed(self) -> Iterator[tuple[Entries, float, float]]:
        """Each row, where it begins, and its height."""
        y = self.top
        for row in self.box.rows:
            height = self.box.row_height(row)
            yield row, y, height
            y += height

    def _mapping(
        self, row: Entries, run: LeafRun, layout: LeafLayout, at: tuple[float, float]
    ) -> None:
        """A row of leaves; ``at`` is its top and its height."""
        y, height = at
        place = (self.column.x, y, self.end, height)
        groups = groups_text([run], self.box.level.contiguous) if run.contiguous else ""
        with self.svg.group(title=leaf_title(self.tables, run, self.groups, groups)):
            draw_leaves(self.svg, self.figure_id, row, run, layout=layout, place=place)
            if height > ROW:
                left_out = kind_words(run) if layout.wording else []
                told = ", ".join([*left_out, self.contiguous, groups])
                self.svg.text(self.end - MARGIN, y + 25.5, told, "xs", "u", "e")

    def _sum(self, access: Access, y: float) -> None:
        """A row of a summary: how much is mapped with one access."""
        size, style = self.box.mapped[access], ACCESS_STYLES[access]
        told = f"{style.label}: {size:#x} bytes in {self.box.name} and all below"
        x = self.column.x
        with self.svg.group(title=told):
            draw_ground(self.svg, style, (x, y, self.end, ROW))
            draw_chip(self.svg, self.figure_id, style, x + 12 + chip_width(style), y)
            bold = ("b",) if access == "RWX" else ()
            self.svg.text(self.end - MARGIN, y + 13.5, size_text(size), "s", "e", *bold)

    def _virtual(self, row: Entries) -> str:
        """The virtual addresses of a row's entries."""
        size = self.box.level.entry_size
        translated = self.tables.geometry.translated
        start = self.box.start + row.first * size
        end = self.box.start + (row.last + 1) * size
        if self.tables.geometry.address_space == "signed":
            low, high = translated
            gap = high.start - low.end
            start += gap if low.end <= start < high.start else 0
            end += gap if low.end < end < high.start else 0
        virtual = AddressRange(start, end)
        return f"{address_text(virtual.start, self.groups)} to {address_text(end, self.groups)}"

    def _empty(self, row: Entries, y: float) -> None:
        index = index_text(row)
        left = self.column.x + MARGIN + text_width(index, 10, mono=True)
        told = shortened(f"{row.number} empty", self.end - MARGIN - 3 - left, 10)
        right = self.end - MARGIN - text_width(told, 10)
        title = f"{index}, {self._virtual(row)}: empty"
        with self.svg.group(title=title):
            self.svg.text(self.column.x + MARGIN, y + 11, index, "m", "xs", "u")
            if right - left > 12:
                line = f"M{number(left + 4)} {number(y + 8)}H{number(right - 4)}"
                self.svg.path(line, "side")
            self.svg.text(self.end - MARGIN, y + 11, told, "xs", "u", "e")

    def _leading(self, row: Entries, y: float, *, hairline: bool) -> None:
        """A row that leads to tables, or one for what is folded; red when that is grave."""
        x, index = self.column.x, index_text(row)
        grave = bool(row.folded) and "RWX" in row.mapped
        right = self.end - MARGIN - 2
        size, told = 10, shortened(leading_texts(row)[-1], right - x - MARGIN, 10, bold=grave)
        for text in reversed(leading_texts(row)):
            for wanted in (10, 11):
                left = x + MARGIN + (5 if grave else 0) + text_width(index, wanted, mono=True)
                if left + 5 <= right - text_width(text, 10, bold=grave):
                    size, told = wanted, text
        with self.svg.group(title=leading_title(row, self._virtual(row))):
            if grave:
                draw_ground(self.svg, ACCESS_STYLES["RWX"], (x, y, self.end, ROW))
                x += 5
            elif hairline:
                self.svg.path(f"M{number(x + 1)} {number(y)}H{number(self.end - 1)}", "hair")
            font = "s" if size == 11 else "xs"
            self.svg.text(x + MARGIN, y + 13.5, index, "m", font)
            self.svg.text(right, y + 13.5, told, "xs", "e", *(("b",) if grave else ("u",)))

    def _brackets(self) -> None:
        """Beside contiguous leaves a bracket, and how many groups they are."""
        runs: list[LeafRun] = []
        top = bottom = self.top
        for row, y, height in [*self._placed(), (Entries(0, 0), 0.0, 0.0)]:
            if row.run and row.run.contiguous:
                top = top if runs else y
                bottom = y + height
                runs.append(row.run)
            elif runs:
                told = (self.contiguous, groups_text(runs, self.box.level.contiguous))
                draw_bracket(self.svg, self.column.end, top, bottom, told)
                runs = []
