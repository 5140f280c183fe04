"""The whole of a picture: what was drawn, its name, and what a file of its own needs besides."""

from __future__ import annotations

from typing import Final

from efipolicy.drawing.stylesheet import standalone_stylesheet
from efipolicy.drawing.svg import SvgWriter, escape, number
from efipolicy.drawing.text_width import shortened, text_width

WIDTH: Final = 760
"""Units from edge to edge of every picture."""


def draw_title(svg: SvgWriter, title: str, facts: str) -> None:
    """The first line: a title at the left, cut where it must be, and facts at the right."""
    room = WIDTH - text_width(facts, 11) - 16
    svg.text(0, 15, shortened(title, room, 14, bold=True), "h")
    svg.text(WIDTH, 15, facts, "s", "u", "e")


def document(svg: SvgWriter, *, figure_id: str, title: str, description: str, height: float) -> str:
    """The SVG of everything drawn so far; ``description`` is the conclusion in words."""
    links = any(line.startswith("<a ") for line in svg.lines)
    attributes = svg.attributes(
        xmlns="http://www.w3.org/2000/svg",
        class_="ep-fig",
        id=figure_id,
        viewBox=f"0 0 {WIDTH} {number(height)}",
        width=WIDTH,
        height=height,
        role="group" if links else "img",
        aria_labelledby=f"{figure_id}-t {figure_id}-d",
    )
    lines = [
        f"<svg{attributes}>",
        f'<title id="{figure_id}-t">{escape(title)}</title>',
        f'<desc id="{figure_id}-d">{escape(description)}</desc>',
    ]
    drawn = "\n".join([*_ground(svg, height), *svg.lines])
    if svg.form == "standalone":
        lines.append(f"<style>{standalone_stylesheet(drawn)}</style>")
    return "\n".join([*lines, drawn, "</svg>", ""])


def _ground(svg: SvgWriter, height: float) -> list[str]:
    """What a picture stands on that no page is behind."""
    if svg.form == "inline":
        return []
    return [f"<rect{svg.attributes(width=WIDTH, height=height, class_='ep-page')}/>"]
