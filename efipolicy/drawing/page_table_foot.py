"""Below page tables: what they cost, what they permit, what the signs mean, what went wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, TypeVar

from efipolicy.drawing.document import WIDTH
from efipolicy.drawing.findings import PILL_HEIGHT, DrawnFinding, draw_pills, draw_severity
from efipolicy.drawing.notation import TypeStyle, counted
from efipolicy.drawing.page_table_boxes import TableBox
from efipolicy.drawing.page_table_texts import ACCESS_STYLES, TIMES
from efipolicy.drawing.page_table_tree import ACCESSES
from efipolicy.drawing.svg import SvgWriter, number
from efipolicy.drawing.text_width import text_width, wrapped
from efipolicy.drawing.textures import draw_filled
from efipolicy.model.address import size_text
from efipolicy.model.finding import Severity
from efipolicy.model.mapping import Access
from efipolicy.paging.tables import PageTables

NARROWEST: Final = 6
"""Units of the narrowest part of a bar."""

_Part = TypeVar("_Part")
_BAR: Final = 12
_PITCH: Final = 150
_TOLD_REFUSALS: Final = 3


def draw_foot(
    svg: SvgWriter,
    figure_id: str,
    *,
    tables: PageTables,
    boxes: Sequence[TableBox],
    findings: Sequence[DrawnFinding],
    y: float,
) -> float:
    """Everything below the boxes, and where that ends."""
    svg.path(f"M0 {number(y)}H{WIDTH}", "axis")
    cost = counted(tables.total, "table")
    memory = f"{size_text(tables.table_bytes)} of page-table memory"
    svg.text(0, y + 20, cost, "b")
    svg.text(text_width(cost, 12, bold=True) + 10, y + 20, memory, "s", "u")
    svg.text(WIDTH, y + 20, leaves_text(tables), "s", "e")
    mapped = {access: tables.bytes_with(access) for access in ACCESSES}
    styled = {ACCESS_STYLES[access]: size for access, size in mapped.items()}
    draw_bar(svg, figure_id, styled, y + 30)
    draw_accesses(svg, figure_id, mapped, findings, y + 48)
    return draw_notes(svg, _notes(tables, boxes), _problems(tables), y + 66)


def leaves_text(tables: PageTables) -> str:
    """``6 x 2 MiB, 1702 x 4 KiB leaves``, the largest first."""
    counts = [
        f"{count} {TIMES} {size_text(size)}"
        for size, count in sorted(tables.leaves.items(), reverse=True)
    ]
    joined = " \N{MIDDLE DOT} ".join(counts)
    return (
        f"{joined} {'leaf' if joined.startswith('1 ') and len(counts) == 1 else 'leaves'}"
        if counts
        else "no leaves"
    )


def draw_bar(svg: SvgWriter, figure_id: str, parts: Mapping[TypeStyle, int], y: float) -> None:
    """Bytes by what they are drawn as; an empty track when there are none."""
    used = {style: size for style, size in parts.items() if size}
    if not used:
        svg.rect(0, y, WIDTH, _BAR, "track")
    x = 0.5
    for style, width in bar_widths(used, WIDTH - len(used)).items():
        with svg.group(title=f"{style.label}: {size_text(used[style])}"):
            draw_filled(svg, figure_id, style, (x, y, width, _BAR))
        x += width + 1


def bar_widths(used: Mapping[_Part, int], room: float) -> dict[_Part, float]:
    """How wide each part of a bar is: as its bytes are, but never too narrow to be seen."""
    narrow: set[_Part] = set()
    while True:
        rest = room - NARROWEST * len(narrow)
        whole = sum(size for part, size in used.items() if part not in narrow)
        more = {
            part
            for part, size in used.items()
            if part not in narrow and size * rest < NARROWEST * whole
        }
        if not more:
            return {
                part: NARROWEST if part in narrow else rest * (size / whole)
                for part, size in used.items()
            }
        narrow |= more


def draw_accesses(
    svg: SvgWriter,
    figure_id: str,
    mapped: Mapping[Access, int],
    findings: Sequence[DrawnFinding],
    y: float,
) -> None:
    """The legend of accesses with the bytes of each; the findings are about the gravest."""
    x = 0.5
    for access, size in mapped.items():
        style = ACCESS_STYLES[access]
        grave = access == "RWX" and size > 0
        told = size_text(size) if size else "none"
        draw_filled(svg, figure_id, style, (x, y, 18, 13))
        bold = ("b",) if grave else ()
        svg.text_in_parts(x + 24.5, y + 10, [(f"{style.label} ", None), (told, "u")], "s", *bold)
        if grave and findings:
            left = x + 34.5 + text_width(f"{style.label} {told}", 11, bold=True)
            draw_pills(
                svg,
                sorted(findings, key=lambda finding: finding.rank),
                x=left,
                y=y + 6.5 - PILL_HEIGHT / 2,
                leftmost=left,
                subject="these page tables",
                more_href=None,
            )
        x += _PITCH


def _notes(tables: PageTables, boxes: Sequence[TableBox]) -> list[str]:
    kinds = {box.kind for box in boxes}
    notes = []
    if "alike" in kinds:
        notes.append("Doubled outline: several tables, alike in everything but their place.")
    if "summary" in kinds:
        notes.append(
            "Doubled outline, sizes without entries: several tables and all below them, summed up."
        )
    windows = tables.geometry.windows
    if windows:
        names = ", ".join(f"{window.virtual.start:#x} ({window.cache})" for window in windows)
        notes.append(f"Translated without tables, and not drawn: the windows from {names} on.")
    return notes


def _problems(tables: PageTables) -> list[str]:
    misaligned = sum(run.number_of_leaves for run in tables.runs if run.misaligned)
    problems = []
    if misaligned:
        leaves = counted(misaligned, "large leaf", "large leaves")
        problems.append(f"{leaves} with a frame that is no multiple of its size")
    for refusal in tables.refused[:_TOLD_REFUSALS]:
        region = tables.mappings[refusal.mapping].physical
        problems.append(f"{region} is not mapped: {refusal.reason}")
    more = len(tables.refused) - _TOLD_REFUSALS
    if more > 0:
        problems.append(f"{counted(more, 'more mapping')} that no table can hold")
    return problems


def draw_notes(svg: SvgWriter, notes: Sequence[str], problems: Sequence[str], y: float) -> float:
    """What is wrong, then what the signs mean; returns where that ends."""
    for problem in problems:
        draw_severity(svg, Severity.ERROR, 6, y + 7.5)
        for line in wrapped(problem, WIDTH - 22, 11):
            svg.text(18, y + 11, line, "s", "error")
            y += 16
    for note in notes:
        for line in wrapped(note, WIDTH - 4, 10):
            svg.text(0, y + 11, line, "xs", "u")
            y += 14
    return y + 2
