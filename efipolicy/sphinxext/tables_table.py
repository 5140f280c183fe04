"""The table of page tables: where each of them begins, which no leaf tells."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from docutils import nodes

from efipolicy.drawing.notation import address_text, groups_for
from efipolicy.drawing.page_table_texts import ACCESS_STYLES
from efipolicy.drawing.page_table_tree import ACCESSES, Entries, Table, root_tables
from efipolicy.model.address import size_text
from efipolicy.named_tuple import NamedTuple
from efipolicy.paging.tables import PageTables
from efipolicy.sphinxext.parts import Cell, literal, table

_EACH: Final = 128
"""Up to how many tables of a plan each has a row of its own; above, those alike share one."""


class TableRow(NamedTuple):
    """One table, or ``number`` neighbouring ones of the same content, of which it is the first.

    ``first`` and ``last`` are the entries of the table above that lead to it, ``None`` for a root.
    """

    table: Table
    first: int | None
    last: int | None
    number: int

    @property
    def name(self) -> str:
        """``PTE [12]``, as the picture calls it."""
        if self.first is None:
            return f"{self.table.level.name} root"
        last = "" if self.first == self.last else f"\N{HORIZONTAL ELLIPSIS}[{self.last}]"
        alike = f", {self.number} alike" if self.number > 1 else ""
        return f"{self.table.level.name} [{self.first}]{last}{alike}"

    @property
    def used(self) -> int:
        """How many entries of each lead somewhere."""
        return sum(entries.number for entries in self.table.entries if not entries.empty)


def table_rows(tables: PageTables) -> Iterator[TableRow]:
    """Each table, those below it after it; more than are worth a row each share one where alike.

    The number of rows grows with the runs of leaves and the levels, not with the memory they map.
    """
    for root in root_tables(tables):
        yield TableRow(root, None, None, 1)
        yield from _below(root, 1, each=tables.total <= _EACH)


def _below(parent: Table, times: int, *, each: bool) -> Iterator[TableRow]:
    for entries in parent.entries:
        for one in _apart(entries) if each else [entries]:
            if one.table:
                number = one.number * times
                yield TableRow(one.table, one.first, one.last, number)
                yield from _below(one.table, number, each=each)


def _apart(entries: Entries) -> Iterator[Entries]:
    """Each of the entries alone, with its table in its own place."""
    if entries.table is None:
        return
    size = entries.table.level.entry_size << entries.table.level.bits
    for step in range(entries.number):
        at = entries.first + step
        yield Entries(at, at, table=entries.table.moved(step * size))


def tables_table(tables: PageTables, title: str) -> nodes.table:
    """The tables of a plan in the order of a walk. The plan maps one leaf at least."""
    groups = groups_for(tables.runs[-1].end - 1)
    rows: list[list[Cell]] = [
        [
            row.name,
            literal(address_text(row.table.start, groups)),
            f"{row.used} of {1 << row.table.level.bits}",
            _mapped(row.table),
        ]
        for row in table_rows(tables)
    ]
    heads = ("table", "first address", "entries", "maps")
    return table(heads, rows, title=f"Tables: {title}", classes=["ep-plan"])


def _mapped(table: Table) -> str:
    """The bytes that it maps by access, tables below it included."""
    mapped = table.mapped
    sizes = [
        f"{ACCESS_STYLES[access].label} {size_text(mapped[access])}"
        for access in ACCESSES
        if mapped.get(access)
    ]
    return ", ".join(sizes)
