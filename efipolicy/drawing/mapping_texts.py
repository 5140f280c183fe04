"""Draw what stands on the ribbons of a mapping: labels, pills, reasons, and places in the order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from efipolicy.drawing.findings import PILL_HEIGHT, DrawnFinding, draw_pills, pill_width
from efipolicy.drawing.mapping_layout import Cell
from efipolicy.drawing.mapping_ribbons import Ribbon
from efipolicy.drawing.svg import SvgWriter, number
from efipolicy.drawing.text_width import shortened, text_width
from efipolicy.model.address import size_text

BAND: Final = 78
"""The width of a band."""

STUB: Final = 60
"""How far the ribbon of a region without an address reaches."""

_FLAT: Final = 136
_FLAT_WITH_PILL: Final = 205
_LAST_BEND: Final = 440
_ORDER_END: Final = 489
_REASON: Final = 150
_LABEL: Final = 56
_CODE: Final = 27
_SCRAP: Final = 8
_GENTLE: Final = 14
"""Units for which a bending ribbon is still as good as flat."""


@dataclass(slots=True)
class RibbonTexts:
    """Draws the texts on ribbons that leave bands at ``left``, and says where ribbons may bend.

    ``numbered`` is whether the order of placements is told.
    """

    svg: SvgWriter
    left: float
    numbered: bool
    table_id: str | None
    bend: float = 0.0

    def _label(self, ribbon: Ribbon) -> tuple[str, str]:
        """The label as far as it fits before the last possible bend, and the size."""
        size = self._size(ribbon)
        room = _LAST_BEND - self._text_x(ribbon) - 12 - text_width(size, 12) - self._pills(ribbon)
        return shortened(ribbon.short_label, room, 12, bold=True), size

    def _size(self, ribbon: Ribbon) -> str:
        """The size, unless a cross and a pill leave it no room."""
        return "" if ribbon.virtual is None and ribbon.findings else size_text(ribbon.size)

    def _text_x(self, ribbon: Ribbon) -> float:
        """Where the label begins: in the ribbon, or after the cross that ends it."""
        return self.left + BAND + (12 if ribbon.virtual is not None else STUB + 18)

    def _pills(self, ribbon: Ribbon) -> float:
        """The room that the pill of a ribbon takes, and that for how many more there are."""
        if not ribbon.findings:
            return 0
        return 8 + pill_width(self._findings(ribbon)[0].code) + _more_width(ribbon)

    def _findings(self, ribbon: Ribbon) -> list[DrawnFinding]:
        """The findings, the text of the pill cut so that the label keeps its place."""
        taken = text_width(self._size(ribbon), 12) + _LABEL + 8 + _more_width(ribbon)
        room = _LAST_BEND + 16 - self._text_x(ribbon) - taken - pill_width("")
        gravest = ribbon.findings[0]
        code = shortened(gravest.code, max(room, _CODE), 11, mono=True)
        return [replace(gravest, code=code), *ribbon.findings[1:]]

    def _text_end(self, ribbon: Ribbon) -> float:
        """Where the label ends, its pill included."""
        label, size = self._label(ribbon)
        text = text_width(label, 12, bold=True) + 4 + text_width(size, 12)
        if ribbon.virtual is None:
            reason = text_width(ribbon.missing or "", 11)
            text = max(text, min(reason, _REASON))
        return self._text_x(ribbon) + text + self._pills(ribbon)

    def bend_together(self, ribbons: Sequence[Ribbon]) -> None:
        """Let ribbons bend where the longest label ends, so that none crosses another's text."""
        ends = [
            self._text_end(one) - _GENTLE
            for one in ribbons
            if not one.findings or one.virtual is None
        ]
        shortest = self.left + BAND + _FLAT
        self.bend = min(float(_LAST_BEND), max([shortest, *ends]))

    def bend_of(self, ribbon: Ribbon) -> float:
        """Where the flat part ends; later for a ribbon that carries a pill."""
        if not ribbon.findings:
            return self.bend
        flat = self.left + BAND + _FLAT_WITH_PILL
        return max(self.bend, min(float(_LAST_BEND), max(flat, self._text_end(ribbon) + 6)))

    def draw(self, ribbon: Ribbon, physical: Cell, virtual: Cell | None) -> None:
        """The label, the pill, and why there is no address."""
        x, y = self._text_x(ribbon), physical.y + physical.height / 2
        if virtual is None:
            colour = "warning" if ribbon.regions[0].mapped_somewhere else "error"
            cross = x - 10
            self.svg.path(f"M{number(cross - 4)} {number(y - 4)}l8 8m0 -8l-8 8", f"{colour}-l")
            room = max(self.bend + _GENTLE, min(float(_LAST_BEND), self._text_end(ribbon))) - x
            reason = _reason(ribbon, room)
            self.svg.text(x, y + 11, reason, "s", colour, "o")
            y -= 7
        label, size = self._label(ribbon)
        self.svg.text_in_parts(x, y + 4, [(f"{label} " if size else label, "b"), (size, "u")], "o")
        if ribbon.findings:
            left = x + text_width(label, 12, bold=True) + 12 + text_width(size, 12)
            draw_pills(
                self.svg,
                self._findings(ribbon),
                x=left,
                y=y - PILL_HEIGHT / 2,
                leftmost=left,
                subject=ribbon.label,
                more_href=f"#{self.table_id}" if self.table_id else None,
            )

    def draw_orders(self, placed: Sequence[tuple[str, Cell]]) -> None:
        """The place of ribbons in the order of placement, beside their bands."""
        if not self.numbered or not placed:
            return
        with self.svg.group(class_="ep-xs ep-b ep-c"):
            for order, virtual in placed:
                self._order(order, virtual.y + virtual.height / 2)

    def _order(self, order: str, y: float) -> None:
        """A ring with the number, longer where a ribbon has more than one."""
        width = max(16.0, text_width(order, 10, bold=True) + 9)
        x = _ORDER_END - width
        self.svg.element("rect", x=x, y=y - 8, width=width, class_="ep-num")
        self.svg.text(x + width / 2, y + 3.7, order)


def _reason(ribbon: Ribbon, room: float) -> str:
    """What a region lacks and why; without the why where only a scrap of that would fit."""
    told = shortened(ribbon.missing or "", room, 11)
    lacks, colon, why = told.partition(": ")
    return told if not colon or told == ribbon.missing or len(why) > _SCRAP else lacks


def _more_width(ribbon: Ribbon) -> float:
    """The room that the number of further findings takes."""
    more = len(ribbon.findings) - 1
    return 19 + text_width(f"+{more}", 11, mono=True) if more else 0
