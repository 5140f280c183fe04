"""Which boxes a picture of page tables has, and where each of them stands."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from efipolicy.drawing.notation import counted
from efipolicy.drawing.page_table_budget import LIMITS, MOST, Limits, leads_to_box, within_budget
from efipolicy.drawing.page_table_columns import columns_of
from efipolicy.drawing.page_table_tree import ACCESSES, Entries, root_tables, total
from efipolicy.model.address import size_text
from efipolicy.model.mapping import Access
from efipolicy.paging.geometry import Level
from efipolicy.paging.tables import PageTables

BoxKind = Literal["root", "table", "alike", "summary"]

HEAD: Final = 36
ROW: Final = 19
EMPTY_ROW: Final = 15
CONTIGUOUS_ROW: Final = 31
BOX_GAP: Final = 16


@dataclass(slots=True)
class TableBox:
    """A box: one table, several alike, or the sum of several that differ.

    ``number`` is how many tables it stands for, those of stacked parents included. A summary has no
    rows but the bytes ``mapped`` below it. ``children`` are the boxes its rows lead to, in order;
    ``brackets`` says that contiguous leaves are told beside it, not in it.
    """

    kind: BoxKind
    column: int
    level: Level
    first: int | None
    last: int | None
    number: int
    start: int
    rows: list[Entries] = field(default_factory=list)
    mapped: dict[Access, int] = field(default_factory=dict)
    identity: bool = False
    children: list[TableBox] = field(default_factory=list)
    brackets: bool = False
    y: float = 0.0

    @property
    def name(self) -> str:
        """``PTE [12]-[48]``, without the index for a root."""
        if self.first is None:
            return f"{self.level.name} root"
        return f"{self.level.name} {self.index_text}"

    @property
    def index_text(self) -> str:
        """The entries that lead to it, in brackets."""
        if self.first == self.last:
            return f"[{self.first}]"
        return f"[{self.first}]\N{HORIZONTAL ELLIPSIS}[{self.last}]"

    @property
    def accesses(self) -> list[Access]:
        """What a summary has a row for, in the order of a legend."""
        return [access for access in ACCESSES if self.mapped.get(access)]

    @property
    def number_of_rows(self) -> int:
        """Rows below its head."""
        return len(self.accesses) if self.kind == "summary" else len(self.rows)

    @property
    def height(self) -> float:
        """Units from its upper to its lower edge."""
        if self.kind == "summary":
            return HEAD + ROW * len(self.accesses)
        return HEAD + sum(self.row_height(row) for row in self.rows)

    def row_height(self, row: Entries) -> float:
        """Units of one of its rows."""
        if row.empty:
            return EMPTY_ROW
        if row.run and row.run.contiguous and not self.brackets:
            return CONTIGUOUS_ROW
        return ROW

    def row_tops(self) -> Iterator[tuple[Entries, float]]:
        """Its rows and where each begins."""
        y = self.y + HEAD
        for row in self.rows:
            yield row, y
            y += self.row_height(row)

    def __str__(self) -> str:
        lines = [f"{self.name} at {self.start:#x}: {counted(self.number, 'table')}"]
        lines += [f"  {row_text(row)}" for row in self.rows]
        if self.kind == "summary":
            lines += [f"  {access} {size_text(self.mapped[access])}" for access in self.accesses]
        return "\n".join(lines)


def row_text(row: Entries) -> str:
    """A row as a line of text."""
    where = f"{row.first}-{row.last}"
    if row.run:
        marked = ", contiguous" if row.run.contiguous else ""
        count, size = row.run.number_of_leaves, size_text(row.run.leaf_size)
        return f"{where} {row.run.access} {count} x {size}{marked}"
    if row.table:
        return f"{where} {counted(row.tables, 'table')}"
    if row.folded:
        mapped = row.mapped
        words = " ".join(access for access in ACCESSES if access in mapped)
        return f"{where} {row.runs} runs, {row.tables} tables, {words}"
    return f"{where} empty"


def describe_page_tables(tables: PageTables) -> tuple[TableBox, ...]:
    """The boxes that a picture of these tables has, each parent before what it leads to.

    ``str`` of a box is its text. The tables and leaves of all boxes, each as often as its number
    says, together with what summaries stand for, are those of ``tables``.
    """
    for limits in LIMITS:
        roots = _boxes_of(tables, limits)
        boxes = tuple(_in_order(roots))
        if sum(1.5 + box.number_of_rows for box in boxes) <= MOST:
            break
    _place(roots, [0.0] * len(tables.geometry.levels))
    return boxes


def _boxes_of(tables: PageTables, limits: Limits) -> list[TableBox]:
    """The boxes of the first column; each has its children."""
    roots = [
        TableBox("root", 0, table.level, None, None, 1, table.start, list(table.entries))
        for table in root_tables(tables)
    ]
    levels = tables.geometry.levels
    column = roots
    brackets = [column.brackets for column in columns_of(tables.geometry)]
    for place in range(len(levels)):
        parents = [box for box in column if box.kind != "summary"]
        rows = within_budget([box.rows for box in parents], limits)
        for box, few in zip(parents, rows, strict=True):
            box.rows = few
            box.brackets = brackets[place]
            if place + 1 < len(levels):
                box.children = [
                    _child(box, row, levels[place + 1]) for row in few if leads_to_box(row)
                ]
        column = [child for box in column for child in box.children]
    return roots


def _child(parent: TableBox, row: Entries, level: Level) -> TableBox:
    number = parent.number * row.tables
    column = parent.column + 1
    if row.table:
        kind: BoxKind = "table" if row.number == 1 else "alike"
        return TableBox(
            kind,
            column,
            level,
            row.first,
            row.last,
            number,
            row.table.start,
            list(row.table.entries),
        )
    below = [entries for entries in row.folded if entries.table]
    mapped = total(entries.mapped for entries in below)
    start = next(entries.table.start for entries in below if entries.table)
    return TableBox(
        "summary",
        column,
        level,
        below[0].first,
        below[-1].last,
        number,
        start,
        mapped={access: size * parent.number for access, size in mapped.items()},
        identity=all(entries.identity for entries in below),
    )


def _place(boxes: Sequence[TableBox], free: list[float]) -> None:
    """Put boxes and what they lead to below what stands in their columns, and beside each other."""
    for box in boxes:
        box.y = free[box.column]
        free[box.column] = box.y + box.height + BOX_GAP
        if box.children:
            below = box.column + 1
            free[below] = max(free[below], box.y)
            _place(box.children, free)


def _in_order(boxes: Sequence[TableBox]) -> Iterator[TableBox]:
    for box in boxes:
        yield box
        yield from _in_order(box.children)
