"""Which rows of a text are one dump of page tables, and in which part of the space each stands.

A kernel walks its tables upwards and names the parts of the address space as it comes to them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

from efipolicy.formats.page_table_rows import TableRow
from efipolicy.named_tuple import NamedTuple

_FIRST: Final = ("User Space", "UEFI runtime start")
LAST: Final = "UEFI runtime end"
"""The name behind the window of runtime services, at the end of what a dump of them walks."""


class Section(NamedTuple):
    """The name of a part of the address space, from one offset up to another.

    ``opens`` is the header of a dump, where a dialect has one.
    """

    start: int
    end: int
    name: str
    opens: re.Match[str] | None = None


class Dump:
    """The rows of one dump, holes included, each with the part it stands in.

    ``lines`` are the places of all its lines, ``opens`` is its header, ``named`` the parts.
    """

    __slots__ = ("lines", "named", "opens", "rows", "sections")

    def __init__(self) -> None:
        self.rows: list[TableRow] = []
        self.sections: list[str | None] = []
        self.lines: list[tuple[int, int]] = []
        self.named: set[str] = set()
        self.opens: re.Match[str] | None = None

    @property
    def present(self) -> list[TableRow]:
        """The rows that are no holes."""
        return [row for row in self.rows if row.cells]


def grouped(rows: Sequence[TableRow], sections: Iterable[Section]) -> list[Dump]:
    """The dumps of a text: a new one starts where addresses go back or a first part is named."""
    gathering = _Gathering()
    events: list[TableRow | Section] = [*rows, *sections]
    for event in sorted(events, key=lambda one: one.start):
        if isinstance(event, Section):
            gathering.name(event)
        else:
            gathering.add(event)
    return gathering.whole()


class _Gathering:
    """Puts rows into dumps. ``above`` are the parts named since the last row."""

    def __init__(self) -> None:
        self.dumps: list[Dump] = []
        self.above: list[Section] = []
        self.part: str | None = None

    def add(self, row: TableRow) -> None:
        """A row, which goes on with the dump or is below the end of it and starts another."""
        last = self.dumps[-1].rows[-1] if self.dumps else None
        if last and row.repeats(last):
            self.dumps[-1].lines.append((row.start, row.end))
            return
        if last is None or row.virtual.start < last.virtual.end or self._is_opened():
            self._open()
        dump = self.dumps[-1]
        self._use()
        dump.rows.append(row)
        dump.sections.append(self.part)
        dump.lines.append((row.start, row.end))

    def name(self, section: Section) -> None:
        """The name of a part, a header of a dump, or a remark about rows left out."""
        self.above.append(section)

    def _is_opened(self) -> bool:
        """Whether a part named since the last row is the first one of another dump."""
        before: str | None = None
        for name in (one.name for one in self.above if one.name):
            if name == before:
                continue  # a console printed it twice
            if name in self.dumps[-1].named or name in _FIRST or LAST in (self.part, before):
                return True
            before = name
        return any(one.opens for one in self.above)

    def _open(self) -> None:
        """Start a dump: what closes a dump stays with the one before."""
        closing = [at for at, one in enumerate(self.above, 1) if one.name == LAST]
        below = closing[-1] if closing and self.dumps else 0
        opening = self.above[below:]
        if self.dumps:
            self.above = self.above[:below]
            self._use()
        self.dumps.append(Dump())
        self.above, self.part = opening, None
        self.dumps[-1].opens = next((one.opens for one in reversed(opening) if one.opens), None)

    def _use(self) -> None:
        """Give the lines since the last row to the dump that is being read."""
        for one in self.above:
            self.dumps[-1].lines.append((one.start, one.end))
            if one.name:
                self.part = one.name
                self.dumps[-1].named.add(one.name)
        self.above = []

    def whole(self) -> list[Dump]:
        """All dumps, the last one with the lines behind its rows."""
        if self.dumps:
            self._use()
        return self.dumps
