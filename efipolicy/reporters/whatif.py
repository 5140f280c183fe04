"""What strategies come to, as a table and as version 1 of the JSON of ``efipolicy whatif``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from efipolicy.engine.whatif import WhatIf
from efipolicy.errors import EfipolicyError
from efipolicy.model.address import size_text
from efipolicy.plugin import RenderOptions
from efipolicy.reporters.lint_json import JsonObject, dump, error_json
from efipolicy.reporters.pagetable_ranges import leaves_text, size_name
from efipolicy.reporters.snippet import Style

_COLUMNS: Final = (
    "strategy",
    "page",
    "bits",
    "status",
    "tables",
    "leaves",
    "W+X",
    "shared",
    "kexec",
    "",
)
_NUMBERS: Final = ("bits", "tables", "shared")
_STATUS: Final = _COLUMNS.index("status")
_COLORS: Final = {"ok": "32", "impossible": "31", "incomplete": "33", "assumption": "33"}


def whatif_text(rows: Sequence[WhatIf], options: RenderOptions) -> str:
    """One table; what is wrong with a combination stands at the end of its row.

    What is wrong with every one is said once, below. Quiet output lacks the lines that explain it.
    """
    style = Style(options.color)
    common = _common_problem(rows)
    shown = [row._replace(problem=None) for row in rows] if common else rows
    lines = list(_table([_cells(row) for row in shown], style)) if rows else ["no strategy fits"]
    if common:
        lines += ["", f"every row: {common}"]
    if rows and not options.quiet:
        lines += ["", *_notes(rows)]
    return "\n".join(lines) + "\n"


def _common_problem(rows: Sequence[WhatIf]) -> str | None:
    """What is wrong with every one of several rows, as with a map that is known in part."""
    problems = {row.problem for row in rows}
    return problems.pop() if len(rows) > 1 and len(problems) == 1 else None


def _cells(row: WhatIf) -> tuple[str, ...]:
    return (
        row.strategy,
        size_name(row.page_size),
        str(row.virtual_address_bits),
        row.status,
        str(sum(row.tables.values())),
        leaves_text(row.leaves) or "-",
        size_text(row.write_execute_bytes) if row.write_execute_bytes else "-",
        str(row.shared_pages) if row.shared_pages else "-",
        row.kexec_to_itself or "not judged",
        row.problem or "",
    )


def _table(rows: list[tuple[str, ...]], style: Style) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(_COLUMNS, *rows, strict=True)]
    for cells in (_COLUMNS, *rows):
        padded = [
            cell.rjust(width) if name in _NUMBERS else cell.ljust(width)
            for name, cell, width in zip(_COLUMNS, cells, widths, strict=True)
        ]
        color = _COLORS.get(cells[_STATUS])
        if color:
            padded[_STATUS] = style.paint(padded[_STATUS], color)
        yield "  ".join(padded).rstrip()


def _notes(rows: Sequence[WhatIf]) -> Iterator[str]:
    yield "tables, leaves: as they stay after the boot; W+X: memory both writable and executable"
    if any(row.shared_pages for row in rows):
        yield "shared: pages in which regions of different type, access or cache type meet"
    yield "kexec: what becomes of firmware when the same kernel is started again by kexec"


def whatif_json(rows: Iterable[WhatIf], errors: Iterable[EfipolicyError] = ()) -> str:
    """One JSON object, indented, with a final line end."""
    data: JsonObject = {"version": 1, "rows": [_row_json(row) for row in rows]}
    told = [error_json(error) for error in errors]
    return dump({**data, "errors": told} if told else data)


def _row_json(row: WhatIf) -> JsonObject:
    return {
        "strategy": row.strategy,
        "page_size": size_name(row.page_size),
        "virtual_address_bits": row.virtual_address_bits,
        "status": row.status,
        "tables": {**row.tables, "total": sum(row.tables.values())},
        "leaves": {size_name(size): count for size, count in row.leaves.items()},
        "write_execute_bytes": row.write_execute_bytes,
        "shared_pages": row.shared_pages,
        "kexec_to_itself": row.kexec_to_itself,
        "problem": row.problem,
    }
