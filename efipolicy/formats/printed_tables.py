"""Tables of descriptors without an index: their rows, and the maps these belong to."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Final

from efipolicy.formats.capture_reading import Printed, Refused, Unreadable
from efipolicy.formats.logical_lines import CaptureText
from efipolicy.formats.printed_maps import PrintedMap, table_map
from efipolicy.formats.printed_rows import grouped, left_over, starts_of
from efipolicy.named_tuple import NamedTuple

_SHORTEST_HEADER: Final = 16
"""Characters; less than that between two rows holds no header and is not searched for one."""


class Table(NamedTuple):
    """How a dialect prints its table.

    ``begins`` is how a row begins, ``row`` reads the one that starts at an offset, ``looks_like``
    is what parts of a row look like, and ``header`` stands above a table.
    """

    dialect: str
    begins: re.Pattern[str]
    row: Callable[[CaptureText, int], list[Printed | Unreadable]]
    looks_like: re.Pattern[str]
    header: re.Pattern[str]


def rows_of(text: CaptureText, table: Table) -> tuple[list[Printed], list[Unreadable]]:
    """The rows of every table in a text, and the lines that look like rows and cannot be read."""
    found = [one for start in starts_of(text, table.begins) for one in table.row(text, start)]
    rows = [one for one in found if isinstance(one, Printed)]
    refused = [one for one in found if isinstance(one, Unreadable)]
    return rows, refused + left_over(text, found, table.looks_like)


def maps_of(
    text: CaptureText, table: Table, rows: Sequence[Printed], refused: Sequence[Unreadable]
) -> list[PrintedMap]:
    """The map of each table; one starts below a header, or where its first row comes again."""

    def is_headed(last: Printed, row: Printed) -> bool:
        return row.start - last.end > _SHORTEST_HEADER and bool(
            table.header.search(text.text, last.end, row.start)
        )

    lines = Refused(refused)
    return [
        table_map(text, group, lines, table.header, table.dialect)
        for group in grouped(rows, is_headed)
    ]
