"""Rows of page-table dumps: found, unwrapped, and held against the size that each row prints.

Linux' dumpers print one row for neighbouring entries with equal flags: a half-open range of virtual
addresses, its size, the level of the entries and a cell for each flag (the generic dumper and those
of x86, arm64, arm and riscv were read in Linux 4.15 to 6.16). Cells have a fixed width, which mails
do not keep, so rows are read without their blanks.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Final

from efipolicy.formats.capture_reading import Unreadable
from efipolicy.formats.logical_lines import CaptureText, joined
from efipolicy.formats.printed_rows import NOT_PAGES, PART, Row, left_over, starts_of
from efipolicy.model.address import EFI_PAGE_SIZE, AddressRange
from efipolicy.model.mapping import Access
from efipolicy.named_tuple import NamedTuple

_DIGIT: Final = "[0-9a-f]"
WIDE: Final = rf"0x(?P<start>{_DIGIT}{{16}})-0x(?P<end>{_DIGIT}{{16}})"
"""A range as 64-bit kernels print it."""
NARROW: Final = rf"0x(?P<start>{_DIGIT}{{8}})-0x(?P<end>{_DIGIT}{{8}})"
"""A range as 32-bit kernels print it."""
WIDE_OR_NARROW: Final = (
    rf"0x(?P<start>{_DIGIT}{{8}}(?P<wide>{_DIGIT}{{8}})?)"
    rf"-0x(?P<end>{_DIGIT}{{8}}(?(wide){_DIGIT}{{8}}))"
)
"""A range as either prints it: both addresses have the same number of digits."""
SIZE: Final = r"(?P<size>\d{1,20})(?P<unit>[BKMGTPE])"
CLOSED: Final = r"(?![\w/-])"
"""No letter or digit behind the last cell: a row that was cut there is not read."""

_UNITS: Final = "BKMGTPE"
_CUT: Final = r"[ \t=]*+\r?$"
"""The end of a line, at which a row may go on below."""
_BEGINS: Final = re.compile(
    rf"(?<![\w-])0x(?:{_DIGIT}{{8}}(?:{_DIGIT}{{8}})?-(?=(?:0x?{_DIGIT}{{0,16}}+)?(?:[\s=]|\Z))"
    rf"|{_DIGIT}{{1,16}}+(?={_CUT}))",
    re.MULTILINE,
)
_MOST_LINES: Final = 2
"""Lines of a wrapped row. Of three, the one in the middle could be missing unnoticed: most cells of
a row are optional."""


_ELSEWHERE: Final = ("0x", "---")
"""What begins the next row, or names the next part of a dump."""


class Cells(NamedTuple):
    """What the cells of a present entry say; access and cache are ``None`` where they do not."""

    flags: tuple[str, ...]
    access: Access | None
    cache: str | None = None
    physical_start: int | None = None
    leaf_size: int | None = None


class Form(NamedTuple):
    """How a dialect prints a row.

    ``fields`` reads a row without its blanks, from ``start``, ``end``, ``size`` and ``unit`` to the
    last cell. ``surely`` is the beginning that no other text has, ``looks_like`` a part of a row.
    ``read`` is what the cells say, ``None`` for a hole.
    """

    fields: re.Pattern[str]
    surely: re.Pattern[str]
    looks_like: re.Pattern[str]
    read: Callable[[re.Match[str]], Cells | None]


class TableRow(NamedTuple):
    """A row: where it stands, its range, what its cells say (``None``: a hole in the tables).

    ``doubtful`` is set where the row could end before the line it was continued on.
    """

    start: int
    end: int
    virtual: AddressRange
    level: str
    cells: Cells | None
    fields: dict[str, tuple[int, int]]
    doubtful: bool

    def refused(self, what: str) -> Unreadable:
        """The row as one that cannot be read, and why."""
        return Unreadable(self.start, self.end, what)

    def repeats(self, other: TableRow) -> bool:
        """Whether a console printed the other row a second time."""
        return (self.virtual, self.level, self.cells) == (other.virtual, other.level, other.cells)


def cells(*words: str) -> str:
    """A pattern of cells in their order; those that end with ``?`` may be clear."""
    return "".join(
        f"(?P<cell{number}>{word.removesuffix('?')}){'?' * word.endswith('?')}"
        for number, word in enumerate(words)
    )


def flags(match: re.Match[str]) -> tuple[str, ...]:
    """The words of the cells that are set, as printed."""
    names = (name for name in match.re.groupindex if name.startswith("cell"))
    return tuple(match[name] for name in names if match[name] is not None)


def access(*, write: bool, execute: bool) -> Access:
    """The access of an entry that can be read."""
    if write:
        return "RWX" if execute else "RW"
    return "RX" if execute else "R"


def part_of_a_row(tail: str, *, behind_size: str = "") -> re.Pattern[str]:
    """What a part of a row looks like: a range that stops, one with a size, or its last cells.

    ``behind_size`` is a lookahead for what may follow the size.
    """
    address = rf"{_DIGIT}{{8}}(?:{_DIGIT}{{8}})?"
    return re.compile(
        rf"(?<![\w-])0x{address}-(?:0x?{_DIGIT}{{0,16}}+)?{_CUT}"
        rf"|-0x{address}[ \t]++\d{{1,20}}[BKMGTPE](?!\w){behind_size}"
        rf"|-0x{address}[ \t]++\d{{1,20}}{_CUT}|{tail}",
        re.MULTILINE,
    )


def rows_of(text: CaptureText, form: Form) -> tuple[list[TableRow], list[Unreadable]]:
    """Every row of a dialect in a text, and the lines that look like one and cannot be read."""
    found = list(_found(text, form))
    rows = [row for row in found if isinstance(row, TableRow)]
    refused = [row for row in found if isinstance(row, Unreadable)]
    known = [Unreadable(row.start, row.end, "") for row in found]
    return rows, refused + left_over(text, known, form.looks_like)


def _found(text: CaptureText, form: Form) -> Iterator[TableRow | Unreadable]:
    after = 0
    for start in starts_of(text, _BEGINS):
        if start < after:
            continue
        row, doubtful = _row_at(text, start, form)
        if row:
            after = row.end
            yield _read(row, form, doubtful=doubtful)
        elif form.surely.match(text.text, start):
            yield Unreadable(start, text.line_end(start), PART)


def _row_at(text: CaptureText, start: int, form: Form) -> tuple[Row | None, bool]:
    """The row that starts at an offset, and whether it may be another one.

    It may where it also reads without its second line, or is a hole with it and something else than
    a row stands below: cells, perhaps. ``None`` for one that goes on in a third line, be it only
    with the end of a word.
    """
    found: list[Row] = []
    wrapped, below = False, ""
    for count, lines in enumerate(islice(joined(text.text, start), _MOST_LINES + 1)):
        match = form.fields.match(lines.text)
        if wrapped:
            below = lines.text[found[-1].match.end() :]
        if match and not (found and match.end() <= found[-1].match.end()):
            if count == _MOST_LINES:
                return None, False
            found.append(Row(match, lines))
            wrapped = count > 0
    if not found:
        return None, False
    more = bool(below) and not below.startswith(_ELSEWHERE)
    return found[-1], len(found) > 1 or (more and form.read(found[-1].match) is None)


def _read(row: Row, form: Form, *, doubtful: bool) -> TableRow | Unreadable:
    start, end, size = int(row["start"], 16), int(row["end"], 16), row["size"]
    space = 1 << 4 * len(row["start"])
    virtual = AddressRange(start, end or space)
    printed = int(size) << 10 * _UNITS.index(row["unit"])
    if virtual.end <= start or virtual.size % space != printed:
        return row.refused(f"a size of {size}{row['unit']} for {virtual}")
    if start % EFI_PAGE_SIZE or printed % EFI_PAGE_SIZE:
        return row.refused(NOT_PAGES)
    said = form.read(row.match)
    if said and said.leaf_size and (start % said.leaf_size or printed % said.leaf_size):
        return row.refused(f"not a whole number of leaves of {row['level']}")
    fields = {"virtual_start": row.span("start"), "virtual_end": row.span("end")}
    fields |= {name: row.span(name) for name in ("size", "level")}
    if "physical_start" in row.match.re.groupindex:
        fields["physical_start"] = row.span("physical_start")
    return TableRow(row.start, row.end, virtual, row["level"], said, fields, doubtful)
