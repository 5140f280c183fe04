"""Draw leaves: the tint, edge and chip of what they permit, how many they are, and their groups."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from efipolicy.drawing.findings import draw_severity
from efipolicy.drawing.notation import TypeStyle
from efipolicy.drawing.page_table_boxes import TableBox
from efipolicy.drawing.page_table_texts import ACCESS_STYLES, count_texts, index_text
from efipolicy.drawing.page_table_tree import Entries
from efipolicy.drawing.svg import Box, SvgWriter, number
from efipolicy.drawing.text_width import text_width
from efipolicy.drawing.textures import pattern_id
from efipolicy.drawing.tokens import STRONG
from efipolicy.model.finding import Severity
from efipolicy.named_tuple import NamedTuple
from efipolicy.paging.tables import LeafRun

MARGIN: Final = 7
"""Between the edge of a box and its texts."""

_CHIP_FROM_END: Final = 92
_EDGE: Final = 5
_INDEX: Final = 12
_MARKER: Final = 14
_LAYOUTS: Final = ((0, 11), (0, 10), (1, 11), (1, 10), (2, 11), (2, 10))
_BEFORE_CHIP: Final = 4
_AFTER_CHIP: Final = 5


class LeafLayout(NamedTuple):
    """How the leaves of a box are written: size of text, which count text, where chips end."""

    size: int
    wording: int
    chip_end: float

    @property
    def font(self) -> str:
        """The class of the size."""
        return "s" if self.size == 11 else "xs"


def leaf_layout(box: TableBox, x: float, end: float) -> LeafLayout:
    """The largest text and the longest counts that all leaves of a box have room for."""
    leaves = [(row, row.run) for row in box.rows if row.run]
    if not leaves:
        return LeafLayout(11, 0, end)
    for wording, size in _LAYOUTS:
        widest = max(text_width(count_texts(run)[wording], size) for _, run in leaves)
        nearest = end - MARGIN - widest - _AFTER_CHIP
        taken = x + max(_taken(row, run, size) for row, run in leaves)
        if taken <= nearest:
            break
    return LeafLayout(size, wording, min(nearest, max(taken, end - _CHIP_FROM_END)))


def _taken(row: Entries, run: LeafRun, size: int) -> float:
    """Units from the left edge that index and chip take."""
    marker = _MARKER if run.misaligned else 0
    index = text_width(index_text(row), size, mono=True)
    return _INDEX + marker + index + _BEFORE_CHIP + chip_width(ACCESS_STYLES[run.access])


def draw_leaves(
    svg: SvgWriter,
    figure_id: str,
    row: Entries,
    run: LeafRun,
    *,
    layout: LeafLayout,
    place: Box,
) -> None:
    """A run of leaves; ``place`` is left, top, right and height of its row."""
    x, y, end, height = place
    style = ACCESS_STYLES[run.access]
    chip_end = layout.chip_end - x
    name = "-".join(
        [figure_id, style.label, *(number(part) for part in (end - x, height, chip_end))]
    )
    with svg.shared(name, x, y) as new:
        if new:
            draw_ground(svg, style, (0, 0, end - x, height))
            draw_chip(svg, figure_id, style, chip_end, 0)
    x += _INDEX
    if run.misaligned:
        draw_severity(svg, Severity.ERROR, x + 5.5, y + 9.5)
        x += _MARKER
    svg.text(x, y + 13.5, index_text(row), "m", layout.font)
    svg.text(end - MARGIN, y + 13.5, count_texts(run)[layout.wording], layout.font, "e")


def draw_ground(svg: SvgWriter, style: TypeStyle, box: tuple[float, float, float, float]) -> None:
    """The tint of a row (left, top, right, height) and the edge in full colour."""
    x, y, end, height = box
    svg.rect(x + 1, y, end - x - 2, height, style.family, "leaf")
    svg.rect(x + 1, y, _EDGE, height, style.family, "plain")


def draw_chip(svg: SvgWriter, figure_id: str, style: TypeStyle, end: float, y: float) -> None:
    """What leaves permit, as a word on its colour and texture."""
    width = chip_width(style)
    box = (end - width, y + 2.5, width, 14)
    draw_rounded(svg, box, 2, class_=f"ep-{style.family}")
    if style.texture:
        draw_rounded(svg, box, 2, fill=f"url(#{pattern_id(figure_id, style)})")
    on = ("on",) if style.family in STRONG else ()
    svg.text(end - width / 2, y + 13, style.label, "xs", "b", "c", *on)


def draw_rounded(
    svg: SvgWriter,
    box: tuple[float, float, float, float],
    radius: float,
    *,
    class_: str | None = None,
    fill: str | None = None,
    title: str | None = None,
) -> None:
    """A rectangle (left, top, width, height) with round corners."""
    x, y, width, height = box
    svg.element(
        "rect",
        x=x,
        y=y,
        width=width,
        height=height,
        rx=radius,
        class_=class_,
        fill=fill,
        title=title,
    )


def chip_width(style: TypeStyle) -> float:
    """Units of a chip."""
    return text_width(style.label, 10, bold=True) + 11


def draw_bracket(svg: SvgWriter, x: float, top: float, bottom: float, told: Sequence[str]) -> None:
    """A bracket beside contiguous leaves, and what it says in two lines."""
    svg.path(f"M{number(x + 4)} {number(top + 2)}h4V{number(bottom - 2)}h-4", "break")
    for line, text in enumerate(told):
        svg.text(x + 13, (top + bottom) / 2 - 1.5 + 11 * line, text, "xs", "u")
