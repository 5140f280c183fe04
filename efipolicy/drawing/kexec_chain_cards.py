"""The cards of a kexec chain: kernels, and firmware, which is the one with state."""

from __future__ import annotations

from collections.abc import Sequence

from efipolicy.drawing.kexec_chain_layout import LINE, ChainLayout, card_lines, name_lines
from efipolicy.drawing.kexec_chain_words import ChainCard
from efipolicy.drawing.svg import SvgWriter, number


def draw_cards(svg: SvgWriter, cards: Sequence[ChainCard], layout: ChainLayout, top: float) -> None:
    """All cards from ``top`` on, with an arrow from each to the next one."""
    for column, card in enumerate(cards):
        with svg.group(title=card.title):
            _draw_card(svg, card, layout, column, top)
    middle = top + layout.card_height / 2
    for column in range(1, len(cards)):
        length = 13 if layout.columns == 3 else 9
        right = layout.card_x(column) - (layout.gap - length) / 2
        left = number(right - length)
        svg.path(f"M{left} {number(middle)}h{length}m-5 -4.5l5 4.5l-5 4.5", "arrow")


def _draw_card(
    svg: SvgWriter, card: ChainCard, layout: ChainLayout, column: int, top: float
) -> None:
    x, width = layout.card_x(column), layout.card_width
    height = layout.card_height
    for look in ("ep-track", "ep-win") if card.firmware else ("ep-axis",):
        svg.element("rect", x=x, y=top, width=width, height=height, rx=6, class_=look)
    x = layout.text_x(column)
    y = top + 18.5
    svg.text(x, y, card.heading, "b")
    y += 4
    for line in name_lines(layout, card):
        y += LINE
        svg.text(x, y, line, "m", "s")
    y += 4
    for line in card_lines(layout, card.lines):
        y += LINE
        svg.text(x, y, line, "s", "u")
