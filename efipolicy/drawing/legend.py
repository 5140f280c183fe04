"""The legend of a memory map: the types that occur, the marks, and that the scale is not linear."""

from __future__ import annotations

from collections.abc import Sequence

from efipolicy.drawing.notation import TYPE_STYLES, TypeStyle, type_style
from efipolicy.drawing.svg import SvgWriter, number
from efipolicy.drawing.text_width import text_width, wrapped
from efipolicy.drawing.textures import draw_filled

_PITCH = 21
_NOTE_PITCH = 14


def draw_legend(
    svg: SvgWriter,
    figure_id: str,
    *,
    y: float,
    styles: Sequence[TypeStyle],
    marks: Sequence[tuple[str, str]],
    notes: Sequence[str],
) -> float:
    """Draw the legend below ``y`` and return where it ends.

    ``marks`` are pairs of a mark (``set``, ``clear`` or a character) and its meaning.
    """
    svg.path(f"M0 {number(y)}H760", "axis")
    y += 6
    x = 0.5
    for style in styles:
        width = 23.5 + text_width(style.label, 11)
        if x > 1 and x + width > 760:
            x, y = 0.5, y + _PITCH
        draw_filled(svg, figure_id, style, (x, y, 18, 13))
        svg.text(x + 23.5, y + 10, style.label, "s")
        x += width + 16
    y += _PITCH
    x = 0.5
    for mark, meaning in marks:
        draw_mark(svg, mark, x + 5, y + 6.5)
        svg.text(x + 14, y + 10, meaning, "s")
        x += 14 + text_width(meaning, 11) + 16
    if marks:
        y += _PITCH
    for note in notes:
        for line in wrapped(note, 756, 10):
            svg.text(0, y + 11, line, "xs", "u")
            y += _NOTE_PITCH
    return y + 8


def draw_mark(svg: SvgWriter, mark: str, x: float, y: float, *, muted: bool = False) -> None:
    """A filled dot for a bit that is set, a ring for a clear one, or a character in their place."""
    if mark == "set":
        svg.element("circle", cx=x, cy=y, r=3.4, class_="ep-set-u" if muted else "ep-set")
    elif mark == "clear":
        svg.element("circle", cx=x, cy=y, r=2.9, class_="ep-clear")
    else:
        svg.text(x, y + 4, mark, "m", "s", "u", "c")


def legend_styles(types: Sequence[int]) -> list[TypeStyle]:
    """A style for each type; the many types of one vendor share one."""
    styles = [type_style(memory_type) for memory_type in types]
    known = [style for style in styles if style in TYPE_STYLES.values()]
    others = [style for style in styles if style not in known]
    if len(others) <= 6:
        return [*known, *others]
    return [*known, TypeStyle(f"{len(others)} types of OEMs or loaders, or unknown", "oem")]
