"""Textures: the second sign beside colour. Diagonal is code; the others tell families apart."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from efipolicy.drawing.notation import TypeStyle
from efipolicy.drawing.svg import Box, SvgWriter, outline
from efipolicy.drawing.tokens import STRONG

_SHAPES: Final = {
    "diagonal": (6, "rotate(45)", "M0 0V6", 1.6),
    "cross": (7, "rotate(45)", "M0 0V7M0 0H7", 1.0),
    "horizontal": (5, None, "M0 2H6", 1.2),
    "dots": (6, None, "M2 1.9v.2", 2.2),
}


def pattern_id(figure_id: str, style: TypeStyle) -> str:
    """The id of a family's texture in one picture."""
    return f"{figure_id}-{style.texture}-{style.family}"


def draw_patterns(svg: SvgWriter, figure_id: str, styles: Iterable[TypeStyle]) -> None:
    """Define the textures that the given styles use, each once."""
    textured = {pattern_id(figure_id, style): style for style in styles if style.texture}
    if not textured:
        return
    with svg.group("defs"):
        for name, style in textured.items():
            _draw_pattern(svg, name, style)


def _draw_pattern(svg: SvgWriter, name: str, style: TypeStyle) -> None:
    side, transform, data, width = _SHAPES[style.texture or "diagonal"]
    stroke = "on-strong" if style.family in STRONG else f"{style.family}-s"
    with svg.group(
        "pattern",
        id=name,
        width=side,
        height=side,
        patternUnits="userSpaceOnUse",
        patternTransform=transform,
    ):
        svg.element(
            "path",
            d=data,
            class_=f"ep-p-{stroke}",
            stroke_width=width,
            stroke_opacity=".55",
            stroke_linecap="round" if style.texture == "dots" else None,
        )


def draw_filled(svg: SvgWriter, figure_id: str, style: TypeStyle, *boxes: Box) -> None:
    """Rectangles in the colours of a type, its texture over them."""
    svg.boxes(boxes, style.family)
    if not style.texture:
        return
    pattern = pattern_id(figure_id, style)
    if len(boxes) == 1:
        svg.textured(*boxes[0], pattern)
    else:
        svg.element("path", d=outline(boxes), fill=f"url(#{pattern})")
