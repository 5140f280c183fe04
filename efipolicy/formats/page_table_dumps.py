"""Page-table dumps of a text: rows put together, with the parts of the address space they name."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from typing import Final

from efipolicy.formats.capture_reading import Unreadable
from efipolicy.formats.logical_lines import CaptureText
from efipolicy.formats.page_table_geometry import Proven
from efipolicy.formats.page_table_grouping import Dump, Section, grouped
from efipolicy.formats.page_table_rows import Form, TableRow, rows_of
from efipolicy.formats.printed_maps import NOTHING_SAYS, About, reading
from efipolicy.model.evidence import PageTableDump, PageTableRange
from efipolicy.model.platform import ArchitectureReason
from efipolicy.named_tuple import NamedTuple
from efipolicy.plugin.types import CaptureReading

_SECTION: Final = re.compile(
    r"(?<![-\w])---\[[ \t]*+(?!end trace|end Kernel|cut here)"
    r"(?P<name>[^\[\]\r\n]{1,60}?)[ \t]*\]---(?!-)"
)
"""The line above a part of the address space. Kernels frame the end of an oops the same way."""
_SKIPPED: Final = re.compile(r"\.\.\. \d{1,20} entr(?:y|ies) skipped \.\.\.")
"""x86 prints no more than some rows of a part (Linux 4.15 to 6.16)."""
_NEAR: Final = 4096
_DIRECTLY: Final = 200
"""Characters between the last row of a dump and the name of the part behind it, stamps included."""
_CONTINUED: Final = "flags on the line below, which may be those of another row"


class Reading(NamedTuple):
    """What a dialect makes of a dump: what its rows prove, and of which architecture it is."""

    proven: Proven
    architecture: tuple[str, ArchitectureReason] = NOTHING_SAYS


def dumps_reading(
    text: CaptureText,
    form: Form,
    kind: str,
    judge: Callable[[Dump], Reading],
    headers: Iterable[re.Match[str]] = (),
) -> CaptureReading | None:
    """The dumps of a text as evidence, with an empty memory map; ``None`` when it holds no row."""
    rows, refused = rows_of(text, form)
    if not rows and not refused:
        return None
    rows, doubts = _without_doubtful(rows)
    dumps = grouped(rows, [*_sections(text, rows), *_opened(headers)])
    read = [(dump, judge(dump)) for dump in dumps]
    about = About(
        architecture=_architecture([one.architecture for _, one in read]),
        page_tables=tuple(_page_tables(text, kind, dump, one.proven) for dump, one in read),
        lines=tuple(span for dump in dumps for span in dump.lines),
    )
    return reading(text, (), refused + doubts, kind, about)


def _without_doubtful(rows: Sequence[TableRow]) -> tuple[list[TableRow], list[Unreadable]]:
    """The rows without those that may be holes above the second line of a row that was lost.

    Dumps with holes have no gaps: where the next row goes on, nothing was lost in between.
    """
    sure = {
        row.start for row, following in pairwise(rows) if row.virtual.end == following.virtual.start
    }
    kept = [row for row in rows if not row.doubtful or row.start in sure]
    doubts = [row for row in rows if row.doubtful and row.start not in sure]
    return kept, [row.refused(_CONTINUED) for row in doubts]


def _sections(text: CaptureText, rows: Sequence[TableRow]) -> list[Section]:
    """The names of parts and the remarks about rows left out that stand near rows."""
    low = max(0, rows[0].start - _NEAR) if rows else 0
    high = rows[-1].end + _DIRECTLY if rows else 0
    names = [
        Section(*match.span(), match["name"])
        for match in _SECTION.finditer(text.text, low, high)
        if not text.is_remark(match.start())
    ]
    skipped = _SKIPPED.finditer(text.text, low, high)
    return names + [Section(*match.span(), "") for match in skipped]


def _opened(headers: Iterable[re.Match[str]]) -> list[Section]:
    return [Section(*match.span(), "", match) for match in headers]


def _page_tables(text: CaptureText, kind: str, dump: Dump, known: Proven) -> PageTableDump:
    ranges = tuple(
        PageTableRange(
            virtual=row.virtual,
            physical_start=row.cells.physical_start,
            level=row.level,
            leaf_size=row.cells.leaf_size or known.leaf_size(row.level),
            access=row.cells.access,
            cache=row.cells.cache,
            flags=row.cells.flags,
            section=section,
            located=text.record(row.start, row.end, row.fields),
        )
        for row, section in zip(dump.rows, dump.sections, strict=True)
        if row.cells
    )
    start = min(span[0] for span in dump.lines)
    end = max(span[1] for span in dump.lines)
    return PageTableDump(
        kind=kind,
        ranges=ranges,
        located=text.record(start, end),
        page_size=known.page_size,
        virtual_address_bits=known.virtual_address_bits,
    )


def _architecture(
    found: Sequence[tuple[str, ArchitectureReason]],
) -> tuple[str, ArchitectureReason]:
    """The architecture of all dumps; two of them in one text prove none."""
    known = [one for one in found if one != NOTHING_SAYS]
    return known[0] if len({name for name, _ in known}) == 1 else NOTHING_SAYS
