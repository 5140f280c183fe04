"""Draw a memory map: an overview strip, a ladder of bands in address order, and a legend."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from efipolicy.drawing.columns import Columns, draw_heads
from efipolicy.drawing.document import document, draw_title
from efipolicy.drawing.findings import DrawnFinding
from efipolicy.drawing.ladder import (
    ADDRESS_SPACE_END,
    LadderRow,
    drawn_range,
    ladder_rows,
    types_drawn,
)
from efipolicy.drawing.ladder_rows import RowDrawing
from efipolicy.drawing.legend import draw_legend, legend_styles
from efipolicy.drawing.notation import (
    PERMISSION_STYLES,
    TypeStyle,
    address_text,
    counted,
    groups_for,
    permission_style,
    type_style,
)
from efipolicy.drawing.overview import draw_overview
from efipolicy.drawing.svg import Form, SvgWriter
from efipolicy.drawing.textures import draw_patterns
from efipolicy.model.address import size_text
from efipolicy.model.extents import united
from efipolicy.model.memory_map import MemoryAttributesTable, MemoryMap

_LADDER_TOP = 122
_NEIGHBOURS = 2
_OVERLAP = TypeStyle("overlap", "rwx", "cross")


def describe_memory_map(
    memory_map: MemoryMap,
    *,
    findings: Sequence[DrawnFinding] = (),
    memory_attributes_table: MemoryAttributesTable | None = None,
) -> tuple[LadderRow, ...]:
    """What the picture shows, row by row; ``str`` of a row is a line of text.

    The sizes of regions, runs and holes, plus the gaps that runs swallowed, less those of
    overlaps, are the extent of the map.
    """
    return ladder_rows(
        memory_map,
        marked={finding.index for finding in findings if finding.index is not None},
        memory_attributes_table=memory_attributes_table,
    )


def memory_map_facts(memory_map: MemoryMap, findings: Sequence[DrawnFinding] = ()) -> str:
    """``60 descriptors · 12 runtime, 277 MiB · 5 findings``; accepted findings are not counted."""
    facts = [counted(len(memory_map.descriptors), "descriptor")]
    if memory_map.runtime:
        facts.append(f"{len(memory_map.runtime)} runtime, {size_text(runtime_bytes(memory_map))}")
    open_findings = sum(finding.accepted is None for finding in findings)
    facts.append(counted(open_findings, "finding") if open_findings else "no finding")
    return " \N{MIDDLE DOT} ".join(facts)


def runtime_bytes(memory_map: MemoryMap) -> int:
    """Bytes below 2^64 with EFI_MEMORY_RUNTIME; those of several descriptors count once."""
    return sum(one.size for one in united(drawn_range(each) for each in memory_map.runtime))


def highest_address(memory_map: MemoryMap) -> str:
    """Up to where the map reaches, as its picture tells it of a descriptor."""
    end = memory_map.end
    return "past 2^64" if end > ADDRESS_SPACE_END else size_text(end)


def row_anchors(rows: Sequence[LadderRow], figure_id: str) -> dict[int, str]:
    """The id of the drawn row by the index of each descriptor, be it drawn alone or in a run."""
    return {
        descriptor.index: f"{figure_id}-{row.descriptors[0].index}"
        for row in rows
        for descriptor in row.descriptors
    }


def memory_map_svg(
    memory_map: MemoryMap,
    *,
    figure_id: str,
    title: str,
    facts: str | None = None,
    findings: Sequence[DrawnFinding] = (),
    memory_attributes_table: MemoryAttributesTable | None = None,
    table_id: str | None = None,
    form: Form = "inline",
    part: Sequence[LadderRow] | None = None,
) -> str:
    """Draw a memory map as SVG, or the rows of a ``part`` of it.

    ``figure_id`` starts every id of the picture. ``table_id`` starts the ids of the rows of the
    data table (``d`` for ``d-41``); without it the rows are no links. Inline pictures need the
    page stylesheet, standalone ones carry their own, printed ones have literal colours and no
    links. A map without descriptors gives the sentence that it is empty.
    """
    svg = SvgWriter(form)
    rows = part or describe_memory_map(
        memory_map, findings=findings, memory_attributes_table=memory_attributes_table
    )
    facts = memory_map_facts(memory_map, findings) if facts is None else facts
    draw_title(svg, title, facts)
    if not rows:
        svg.text(0, 42, "The map is empty.")
        height = 54.0
    else:
        height = _draw_map(
            svg,
            memory_map,
            rows=rows,
            figure_id=figure_id,
            findings=findings,
            table=memory_attributes_table,
            table_id=table_id,
        )
    told = _description(memory_map, findings)
    return document(svg, figure_id=figure_id, title=title, description=told, height=height)


def _draw_map(
    svg: SvgWriter,
    memory_map: MemoryMap,
    *,
    rows: Sequence[LadderRow],
    figure_id: str,
    findings: Sequence[DrawnFinding],
    table: MemoryAttributesTable | None,
    table_id: str | None,
) -> float:
    types = _types_of(rows)
    permissions = _permissions(rows)
    draw_patterns(svg, figure_id, [*map(type_style, types), *permissions, *_overlap(rows)])
    draw_overview(svg, memory_map, findings)
    drawing = _row_drawing(svg, rows, figure_id, findings, table)
    drawing.table_id = table_id
    draw_heads(svg, drawing.columns, _LADDER_TOP - 10, protection_from=_source(table))
    y = drawing.draw_rows(rows, _LADDER_TOP)
    return draw_legend(
        svg,
        figure_id,
        y=y + 3,
        styles=[*legend_styles(types), *permissions],
        marks=drawing.marks_used(),
        notes=_notes(rows, table),
    )


def _types_of(rows: Sequence[LadderRow]) -> list[int]:
    """The types that rows show."""
    drawn = (descriptor for row in rows for descriptor in row.descriptors)
    return types_drawn(MemoryMap(descriptors=tuple(drawn)))


def _source(table: MemoryAttributesTable | None) -> str:
    """What stands above XP and RO: where they come from, as the two are never mixed."""
    return "capability" if table is None else "MAT"


def _permissions(rows: Sequence[LadderRow]) -> list[TypeStyle]:
    """What the entries of the table permit, for those that are drawn one by one."""
    drawn = {
        permission_style(row.entries[0].attribute)
        for row in rows
        if row.kind == "mat" and len(row.entries) == 1
    }
    return [style for style in PERMISSION_STYLES.values() if style in drawn]


def _overlap(rows: Sequence[LadderRow]) -> list[TypeStyle]:
    return [_OVERLAP] if any(row.kind == "overlap" for row in rows) else []


def _row_drawing(
    svg: SvgWriter,
    rows: Sequence[LadderRow],
    figure_id: str,
    findings: Sequence[DrawnFinding],
    table: MemoryAttributesTable | None,
) -> RowDrawing:
    groups = groups_for(max(row.drawn.end for row in rows))
    by_index: dict[int, list[DrawnFinding]] = {}
    for finding in sorted(findings, key=lambda finding: finding.rank):
        if finding.index is not None:
            by_index.setdefault(finding.index, []).append(finding)
    return RowDrawing(
        svg=svg,
        columns=Columns.for_groups(groups),
        groups=groups,
        figure_id=figure_id,
        findings=by_index,
        has_table=table is not None,
    )


def memory_map_excerpt_svg(
    memory_map: MemoryMap,
    *,
    figure_id: str,
    title: str,
    findings: Sequence[DrawnFinding],
    memory_attributes_table: MemoryAttributesTable | None = None,
    form: Form = "inline",
) -> str:
    """Draw the rows that have findings, tinted, with two neighbours on each side.

    Raises `ValueError` when no finding is about a descriptor of the map.
    """
    rows = describe_memory_map(
        memory_map, findings=findings, memory_attributes_table=memory_attributes_table
    )
    wanted = {finding.index for finding in findings}
    found = [
        place
        for place, row in enumerate(rows)
        if any(descriptor.index in wanted for descriptor in row.descriptors)
    ]
    if not found:
        raise ValueError("no finding is about a descriptor of this map")
    near = [
        row
        for place, row in enumerate(rows)
        if row.kind != "end" and any(abs(place - at) <= _NEIGHBOURS for at in found)
    ]
    svg = SvgWriter(form)
    types = {descriptor.type for row in near for descriptor in row.descriptors}
    styles = [*map(type_style, sorted(types)), *_permissions(near), *_overlap(near)]
    draw_patterns(svg, figure_id, styles)
    drawing = _row_drawing(svg, near, figure_id, findings, memory_attributes_table)
    drawing.tinted = True
    draw_heads(svg, drawing.columns, 24, protection_from=_source(memory_attributes_table))
    height = drawing.draw_rows(near, 34) + 2
    told = _description(memory_map, findings)
    return document(svg, figure_id=figure_id, title=title, description=told, height=height)


def _notes(rows: Sequence[LadderRow], table: MemoryAttributesTable | None) -> list[str]:
    tallest = max((row.height for row in rows if row.kind == "region"), default=19)
    scale = "then log2 of size" if tallest > 30 else "then log2 of size, at most 30 px"
    holes = "Zigzag: addresses without a descriptor (double: 1 GiB or more)."
    if table is None:
        source = (
            "No Memory Attributes Table: XP and RO are what the memory is capable of, "
            "not how it is mapped."
        )
    else:
        source = "XP and RO as the Memory Attributes Table (MAT) says."
    return [
        f"Band height is not linear: 19 px up to 16 MiB, {scale}. {holes}",
        f"Wider band and bold label: EFI_MEMORY_RUNTIME is set. Diagonal hatching: code. {source}",
    ]


def _description(memory_map: MemoryMap, findings: Sequence[DrawnFinding]) -> str:
    """The conclusion for those who do not see the picture; the table has the rows."""
    if not memory_map.descriptors:
        return "The map is empty."
    end = memory_map.end
    groups = groups_for(end)
    start = memory_map.by_address[0].physical_start
    counts = Counter(finding.severity for finding in findings if finding.accepted is None)
    told = [
        counted(counts[severity], severity.value)
        for severity in sorted(counts, key=lambda severity: severity.rank)
    ]
    return (
        f"{counted(len(memory_map.descriptors), 'descriptor')} from {address_text(start, groups)} "
        f"to {address_text(end, groups)}; {len(memory_map.runtime)} with EFI_MEMORY_RUNTIME; "
        f"findings: {', '.join(told) or 'none'}. Every region is listed in the table that follows."
    )
