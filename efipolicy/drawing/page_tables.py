"""Draw page tables: a column a level, a box a table, and what they cost and permit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from efipolicy.drawing.document import document, draw_title
from efipolicy.drawing.findings import DrawnFinding
from efipolicy.drawing.notation import counted, groups_for
from efipolicy.drawing.page_table_boxes import describe_page_tables
from efipolicy.drawing.page_table_columns import columns_of, draw_column_heads
from efipolicy.drawing.page_table_foot import draw_foot, leaves_text
from efipolicy.drawing.page_table_frames import BoxDrawing
from efipolicy.drawing.page_table_texts import ACCESS_STYLES
from efipolicy.drawing.page_table_tree import ACCESSES
from efipolicy.drawing.svg import Form, SvgWriter
from efipolicy.drawing.textures import draw_patterns
from efipolicy.model.address import size_text
from efipolicy.paging.tables import PageTables

__all__ = ["describe_page_tables", "page_tables_facts", "page_tables_svg"]

_TOP: Final = 74
_BELOW_BOXES: Final = 22


def page_tables_svg(
    tables: PageTables,
    *,
    figure_id: str,
    title: str,
    facts: str | None = None,
    findings: Sequence[DrawnFinding] = (),
    contiguous: str = "contiguous",
    form: Form = "inline",
) -> str:
    """Draw page tables as SVG.

    ``figure_id`` starts every id of the picture; that of a table ends in its level and the virtual
    address of its first entry, as in ``pt-PTE-fffffffeff400000``. ``findings`` are those about
    memory that may be written and executed, and stand beside its size. ``contiguous`` is the word
    for neighbouring leaves that are marked as one translation. Inline pictures need the page
    stylesheet, standalone ones carry their own, printed ones have literal colours and no links.

    Whatever the tables span, the cost grows with the runs of leaves only.
    """
    svg = SvgWriter(form)
    draw_title(svg, title, page_tables_facts(tables) if facts is None else facts)
    draw_patterns(svg, figure_id, ACCESS_STYLES.values())
    columns = columns_of(tables.geometry)
    draw_column_heads(svg, tables.geometry.levels, columns)
    boxes = describe_page_tables(tables)
    drawing = BoxDrawing(
        svg=svg,
        figure_id=figure_id,
        tables=tables,
        columns=columns,
        top=_TOP,
        groups=groups_for(tables.runs[-1].end - 1 if tables.runs else 0),
        contiguous=contiguous,
        roots=sum(box.kind == "root" for box in boxes),
    )
    drawing.draw_edges(boxes)
    for box in boxes:
        drawing.draw(box)
    for box in boxes:
        drawing.draw_dots(box)
    y = _TOP + max(box.y + box.height for box in boxes) + _BELOW_BOXES
    height = draw_foot(svg, figure_id, tables=tables, boxes=boxes, findings=findings, y=y)
    told = _description(tables, findings)
    return document(svg, figure_id=figure_id, title=title, description=told, height=height)


def page_tables_facts(tables: PageTables) -> str:
    """``4-level, 4 KiB granule, 48-bit VA``."""
    geometry = tables.geometry
    return (
        f"{len(geometry.levels)}-level, {size_text(geometry.page_size)} granule, "
        f"{geometry.virtual_address_bits}-bit VA"
    )


def _description(tables: PageTables, findings: Sequence[DrawnFinding]) -> str:
    """The conclusion for those who do not see the picture."""
    mapped = [
        f"{ACCESS_STYLES[access].label} {size_text(size)}"
        for access in ACCESSES
        if (size := tables.bytes_with(access))
    ]
    executable = tables.bytes_with("RWX")
    told = [
        f"{counted(tables.total, 'table')}, {size_text(tables.table_bytes)}",
        leaves_text(tables),
        f"mapped: {', '.join(mapped) or 'nothing'}",
        f"writable and executable: {size_text(executable) if executable else 'nothing'}",
    ]
    misaligned = sum(run.number_of_leaves for run in tables.runs if run.misaligned)
    if misaligned:
        told.append(f"misaligned: {counted(misaligned, 'large leaf', 'large leaves')}")
    if tables.refused:
        told.append(f"not mapped: {counted(len(tables.refused), 'region')}")
    open_findings = sum(finding.accepted is None for finding in findings)
    if open_findings:
        told.append(f"findings: {open_findings}")
    return "; ".join(told) + "."
