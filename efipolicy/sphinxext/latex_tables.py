"""Tables on paper: columns that hold their longest word, a size that fits, heads turned.

HTML finds the widths of columns itself, LaTeX has to be told them. They are worked out in
characters of the fixed font, of which a line of the page holds a known number in each size. A
table for which no size is small enough lies across the page.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from math import ceil
from typing import Final

from docutils import nodes
from sphinx import addnodes

from efipolicy.named_tuple import NamedTuple
from efipolicy.sphinxext.latex_line_breaks import (
    break_literal,
    break_text,
    latex,
    may_be_broken,
    parents_of,
)

_LINE: Final = 86
"""Characters of the fixed font, 10 points high, that an upright line of 6.5 inches holds."""

_LYING: Final = 1.32
"""How much longer the line is of a page that lies."""

_SIZES: Final = (("small", 0.9, 1.0), ("footnotesize", 0.8, 1.2), ("scriptsize", 0.7, 1.5))
"""The sizes of LaTeX that tables come in, how high they are beside the text's, and how much effort
it takes to read them."""

_PAGE: Final = 45
"""Lines that are lost where a page lies, whose neighbours end early."""

_PADDING: Final = 1.8
"""Characters that a column needs besides its text."""

_PROSE: Final = 0.94
"""The width of a character of prose beside one of the fixed font."""

_TURNED: Final = 2.0
"""Characters that a turned head needs."""

_ROWS_OF_A_PAGE: Final = 8
"""Rows from which on a table may be broken over pages."""

_STEPS: Final = 60
"""In how many portions the room is given away that no column needs."""


class Layout(NamedTuple):
    """How a table is set: a size of LaTeX, widths of columns that sum up to one, or it lies."""

    size: str
    shares: tuple[float, ...]
    lying: bool


class Column(NamedTuple):
    """What a column needs: its longest word, and the length of each of its cells."""

    word: float
    cells: tuple[float, ...]


def lay_out(document: nodes.document) -> None:
    """Set every table of ours, and let long words in the fixed font be broken everywhere."""
    for literal in list(document.findall(nodes.literal)):
        if may_be_broken(literal):
            break_literal(literal)
    for table in list(document.findall(nodes.table)):
        if "ep-table" in table["classes"] and _is_plain(table):
            _set(table)


def _is_plain(table: nodes.table) -> bool:
    """Whether no table is in another and no cell in two rows, and nobody gave widths."""
    given = isinstance(_before(table), addnodes.tabular_col_spec)
    spans = any(entry.get("morerows") for entry in table.findall(nodes.entry))
    inside = any(isinstance(parent, nodes.table) for parent in parents_of(table))
    around = any(inner is not table for inner in table.findall(nodes.table))
    return not (given or spans or inside or around or "colwidths-given" in table["classes"])


def _before(node: nodes.Node) -> nodes.Node | None:
    place = node.parent.index(node)
    return node.parent[place - 1] if place else None


def _set(table: nodes.table) -> None:
    """Put what LaTeX has to be told around a table."""
    for turned in table.findall(nodes.inline):
        if not _has_class(turned, "ep-turned"):
            continue
        turned.insert(0, latex(r"\rotatebox{90}{"))
        turned.append(latex("}"))
    for short in list(table.findall(nodes.abbreviation)):
        words = f" ({short['explanation']})" if short.get("explanation") else ""
        short.replace_self([*short.children, nodes.Text(words)])  # nothing can point at it
    for text in list(table.findall(nodes.Text)):
        break_text(text)
    columns = _columns(table)
    layout = laid_out(columns)
    rows = len(list(table.findall(nodes.row)))
    if rows > _ROWS_OF_A_PAGE or layout.lying:
        table["classes"].append("longtable")
    widths = "".join(
        rf">{{\raggedright\arraybackslash}}\X{{{round(share * 1000)}}}{{1000}}"
        for share in layout.shares
    )
    start = rf"\begingroup\{layout.size}\setlength{{\tabcolsep}}{{3.5pt}}"
    start += r"\setlength{\LTcapwidth}{\linewidth}"
    start, end = f"\\par{start}", r"\par\endgroup"
    if layout.lying:
        start, end = rf"\begin{{landscape}}{start}", rf"{end}\end{{landscape}}"
    specification = addnodes.tabular_col_spec(spec=widths)
    table.replace_self([latex(start), specification, table.deepcopy(), latex(end)])


def _has_class(node: nodes.Node, name: str) -> bool:
    return isinstance(node, nodes.Element) and name in node.get("classes", ())


def _columns(table: nodes.table) -> list[Column]:
    """The columns of all rows that have a cell in each."""
    rows = [list(row.findall(nodes.entry)) for row in table.findall(nodes.row)]
    rows = [row for row in rows if len(row) == max(map(len, rows))]
    return [
        Column(max(_longest_word(cell) for cell in column), tuple(_length(cell) for cell in column))
        for column in zip(*rows, strict=True)
    ]


def _runs(cell: nodes.Element) -> Iterator[tuple[str, float]]:
    """The texts of a cell, each with the width of its characters."""
    for text in cell.findall(nodes.Text):
        if isinstance(text.parent, nodes.raw):
            yield "\0", 1.0  # where a line may be broken
        else:
            yield str(text), 1.0 if isinstance(text.parent, nodes.literal) else _PROSE


def _turned(cell: nodes.Element) -> bool:
    return any(_has_class(node, "ep-turned") for node in cell.findall(nodes.Element))


def _length(cell: nodes.Element) -> float:
    if _turned(cell):
        return _TURNED
    return sum(len(text) * width for text, width in _runs(cell) if text != "\0") or 1.0


def _longest_word(cell: nodes.Element) -> float:
    """The width of the longest part of a cell within which no line may end."""
    if _turned(cell):
        return _TURNED
    longest = width = 0.0
    for text, each in _runs(cell):
        for part in re.split(r"(\s|\0)", text):
            width = 0.0 if part == "\0" or part.isspace() else width + len(part) * each
            longest = max(longest, width)
    return max(longest, 1.0) + 0.5


def laid_out(columns: Sequence[Column]) -> Layout:
    """Of the ways in which a table fits, the one that takes least room and is easy to read."""
    found: list[tuple[float, Layout]] = []
    for lying in (False, True):
        for size, height, effort in _SIZES:
            room = _LINE * (_LYING if lying else 1.0) / height
            widths = _widths(columns, room)
            if widths is not None:
                cost = _lines(columns, widths) * height * effort
                cost = cost * _LYING + _PAGE if lying else cost
                shares = tuple(width / room for width in widths)
                found.append((cost, Layout(size, shares, lying)))
    if found:
        return min(found, key=lambda pair: pair[0])[1]
    needed = [column.word + _PADDING for column in columns]
    return Layout("scriptsize", tuple(width / sum(needed) for width in needed), lying=True)


def _wanted(columns: Sequence[Column]) -> list[float]:
    """The widths in which every cell is one line."""
    return [max(column.word, max(column.cells) + 0.5) + _PADDING for column in columns]


def _widths(columns: Sequence[Column], room: float) -> list[float] | None:
    """The widths of columns in a line of that many characters, unless their words do not fit."""
    least = [column.word + _PADDING for column in columns]
    wanted = _wanted(columns)
    if sum(wanted) <= room:
        return wanted
    spare = room - sum(least)
    if spare < 0:
        return None
    widths = least
    rows = list(zip(*(column.cells for column in columns), strict=True))
    for _ in range(_STEPS):
        place = _tightest(rows, widths, wanted)
        widths[place] += spare / _STEPS
    return widths


def _tightest(
    rows: Sequence[Sequence[float]], widths: Sequence[float], wanted: Sequence[float]
) -> int:
    """The column that makes most of the rows as tall as they are."""
    score = [0.0] * len(widths)
    for row in rows:
        lines, place = max(
            (length / (width - _PADDING), place)
            for place, (length, width) in enumerate(zip(row, widths, strict=True))
        )
        score[place] += lines if widths[place] < wanted[place] else 0.0
    return max(range(len(score)), key=score.__getitem__)


def _lines(columns: Sequence[Column], widths: Sequence[float]) -> int:
    """The lines that all rows take, if each is filled."""
    rooms = [width - _PADDING + 0.01 for width in widths]
    lines = 0
    for row in zip(*(column.cells for column in columns), strict=True):
        lines += max(ceil(length / room) for length, room in zip(row, rooms, strict=True))
    return lines
