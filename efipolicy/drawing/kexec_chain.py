"""Draw a kexec chain: kernels, firmware between the first two, and each region's addresses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from efipolicy.drawing.document import WIDTH, document, draw_title
from efipolicy.drawing.findings import DrawnFinding, draw_severity
from efipolicy.drawing.kexec_chain_cards import draw_cards
from efipolicy.drawing.kexec_chain_figure import (
    MOST_KERNELS,
    ChainFigure,
    describe_kexec_chain,
    verdict_title,
)
from efipolicy.drawing.kexec_chain_layout import layout_of
from efipolicy.drawing.kexec_chain_lines import ChainRowDrawing
from efipolicy.drawing.kexec_chain_verdict import draw_verdict
from efipolicy.drawing.notation import counted, type_style
from efipolicy.drawing.svg import Form, SvgWriter, number
from efipolicy.drawing.text_width import shortened, wrapped
from efipolicy.drawing.textures import draw_patterns
from efipolicy.model.finding import Severity

__all__ = [
    "MOST_KERNELS",
    "ChainFigure",
    "describe_kexec_chain",
    "kexec_chain_svg",
    "kexec_row_anchors",
]

_CARDS: Final = 34.5
_BETWEEN_FIGURES: Final = 28


def kexec_chain_svg(
    figures: Sequence[ChainFigure],
    *,
    figure_id: str,
    findings: Sequence[DrawnFinding] = (),
    table_id: str | None = None,
    form: Form = "inline",
) -> str:
    """Draw what `describe_kexec_chain` tells as SVG, several pictures one below the other.

    ``figure_id`` starts every id of the picture. ``table_id`` starts the ids of the rows of the
    data table (``k`` for ``k-3``); without it rows are no links. ``findings`` stand beside the
    last verdict that is not good, or the last of all. Inline pictures need the page stylesheet,
    standalone ones carry their own, printed ones have literal colours and no links. Raises
    `ValueError` without a picture.
    """
    if not figures:
        raise ValueError("a chain without a hop has no picture")
    svg = SvgWriter(form)
    types = {row.type for figure in figures for row in figure.drawn if row.regions == 1}
    draw_patterns(svg, figure_id, map(type_style, sorted(types)))
    y = 0.0
    holder = _with_findings(figures)
    for place, figure in enumerate(figures):
        if place:
            y += _BETWEEN_FIGURES
        mine = findings if place == holder else ()
        names = figure_id if len(figures) == 1 else f"{figure_id}-{figure.first}"
        y = _draw_figure(svg, figure, y, ids=(figure_id, names), findings=mine, table=table_id)
    title = figures[0].title if len(figures) == 1 else "kexec chain, hop by hop"
    told = " ".join(verdict_title(figure) for figure in figures)
    rows = figures[0].rows
    told += " Every region is listed in the table that follows." if table_id and rows else ""
    return document(svg, figure_id=figure_id, title=title, description=told, height=y + 4)


def _with_findings(figures: Sequence[ChainFigure]) -> int:
    failed = [place for place, figure in enumerate(figures) if figure.failed]
    return failed[0] if failed else len(figures) - 1


def _draw_figure(
    svg: SvgWriter,
    figure: ChainFigure,
    top: float,
    *,
    ids: tuple[str, str],
    findings: Sequence[DrawnFinding],
    table: str | None,
) -> float:
    """One picture from ``top`` on, and where its frame ends.

    ``ids`` are that of the textures and that of the rows.
    """
    patterns, rows_id = ids
    layout = layout_of(figure)
    _draw_heading(svg, figure, top)
    draw_cards(svg, figure.cards, layout, top + _CARDS)
    y = top + _CARDS + layout.card_height + 20.5
    drawing = ChainRowDrawing(svg, layout, patterns, rows_id, figure.first, table)
    drawing.draw_heads(figure.heads, y)
    y += 10
    if not figure.rows:
        svg.text(0, y + 20, "No region has EFI_MEMORY_RUNTIME.", "u")
        y += 30
    for row in figure.drawn:
        y = drawing.draw(row, y)
    y = draw_verdict(svg, figure.verdicts, findings, y + 16.5)
    return _draw_cases(svg, figure, y)


def _draw_heading(svg: SvgWriter, figure: ChainFigure, top: float) -> None:
    regions = counted(len(figure.rows), "runtime region")
    if top:
        svg.path(f"M0 {number(top - _BETWEEN_FIGURES / 2 + 2)}H{WIDTH}", "axis")
        svg.text(0, top + 15, shortened(figure.title, WIDTH - 130, 14, bold=True), "h")
        svg.text(WIDTH, top + 15, regions, "s", "u", "e")
    else:
        draw_title(svg, figure.title, regions)


def _draw_cases(svg: SvgWriter, figure: ChainFigure, y: float) -> float:
    """What else may become of the chain, where nobody said how it goes on."""
    if not figure.cases:
        return y
    y += 8
    for case in figure.cases:
        grave = Severity.WARNING if case.verdict == "runtime-disabled" else Severity.ERROR
        told = f"{case.verdict}, if: {case.when}"
        if case.verdict == "ok":
            told = f"passes, if: {case.when}"
        else:
            draw_severity(svg, grave, 6, y + 8)
        for line in wrapped(told, WIDTH - 22, 11):
            svg.text(18, y + 12, line, "s", "u")
            y += 16
        y += 2
    return y


def kexec_row_anchors(figure: ChainFigure, figure_id: str) -> dict[int, str]:
    """The id of the drawn row by the number of each region, be it drawn alone or in a run."""
    anchors: dict[int, str] = {}
    for row in figure.drawn:
        anchors |= dict.fromkeys(
            range(row.number, row.number + row.regions), f"{figure_id}-{row.number}"
        )
    return anchors
