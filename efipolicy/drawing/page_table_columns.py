"""The columns of a picture of page tables, one a level, and their heads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from efipolicy.drawing.document import WIDTH
from efipolicy.drawing.svg import SvgWriter, number
from efipolicy.drawing.text_width import text_width
from efipolicy.model.address import size_text
from efipolicy.named_tuple import NamedTuple
from efipolicy.paging.geometry import Level, RadixGeometry

_LAID_OUT: Final = {
    1: (216,),
    2: (172, 216),
    3: (172, 196, 216),
    4: (128, 146, 190, 198),
    5: (102, 104, 116, 156, 168),
}
"""How wide the columns are, by their number; with 16 digits an address takes 140."""

_BESIDE_BRACKETS: Final = {4: (110, 141, 175, 178)}
"""The same with room at the right for what stands beside contiguous leaves."""


_BRACKET: Final = 72
"""The room that a bracket and its text take."""


class Column(NamedTuple):
    """Where a column begins, how wide its boxes are, and whether brackets stand beside them."""

    x: float
    width: float
    brackets: bool = False

    @property
    def end(self) -> float:
        """The right edge."""
        return self.x + self.width


def columns_of(geometry: RadixGeometry) -> tuple[Column, ...]:
    """A column for each level, whatever stands in the tables."""
    levels = geometry.levels
    contiguous = levels[-1].contiguous is not None
    widths: Sequence[int] = _LAID_OUT.get(len(levels), ())
    if contiguous:
        widths = _BESIDE_BRACKETS.get(len(levels), widths)
    if not widths:
        widths = [(WIDTH - 28 * (len(levels) - 1)) // len(levels)] * len(levels)
    gap = {1: 0, 2: 44, 3: 43}.get(len(levels), 28)
    if len(levels) == 4 and not contiguous:
        gap = 32
    spare = WIDTH - sum(widths) - gap * (len(widths) - 1)
    columns: list[Column] = []
    x = 0.0
    for place, width in enumerate(widths):
        last = place == len(widths) - 1
        columns.append(Column(x, width, brackets=last and spare >= _BRACKET))
        x += width + gap
    if len(levels) == 4 and not contiguous:
        columns[-1] = columns[-1]._replace(x=WIDTH - columns[-1].width)
    return tuple(columns)


def draw_column_heads(svg: SvgWriter, levels: Sequence[Level], columns: Sequence[Column]) -> None:
    """Above each column: its level, the address bits that choose an entry, and what that spans."""
    texts = [_head(level) for level in levels]
    room = [
        column.width - text_width(bits, 10, mono=True) - text_width(spans, 10) - 10
        for (bits, spans), column in zip(texts, columns, strict=True)
    ]
    y = 53 if min(room) >= 0 else 40
    for level, (bits, spans), column in zip(levels, texts, columns, strict=True):
        taken = text_width(level.name, 12, bold=True) + text_width(spans, 10)
        told = spans if taken + 6 <= column.width else size_text(level.entry_size)
        svg.text(column.x, 40, level.name, "b")
        svg.text(column.x, 53, bits, "m", "xs", "u")
        svg.text(column.end, y, told, "xs", "u", "e")
        svg.path(f"M{number(column.x)} 59H{number(column.end)}", "axis")


def _head(level: Level) -> tuple[str, str]:
    highest = level.shift + level.bits - 1
    bits = f"VA bits {highest}\N{EN DASH}{level.shift}"
    return bits, f"{1 << level.bits} \N{MULTIPLICATION SIGN} {size_text(level.entry_size)}"
