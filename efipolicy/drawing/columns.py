"""The columns of a ladder: where each stands, and their heads."""

from __future__ import annotations

from typing import Final

from efipolicy.drawing.svg import SvgWriter, number
from efipolicy.named_tuple import NamedTuple

_WIDE_SHIFT: Final = 34


class Columns(NamedTuple):
    """Where each column is: the anchors of texts, and the two edges of bands."""

    mem: float
    address: float
    band: float
    band_end: float
    type: float
    size: float
    rt: float
    xp: float
    ro: float
    cache: float
    findings: float

    @property
    def wide(self) -> bool:
        """Whether the columns made room for 16 digits."""
        return self.address > 144

    @classmethod
    def for_groups(cls, groups: int) -> Columns:
        """The columns for addresses of so many groups of four digits."""
        shift = _WIDE_SHIFT if groups == 4 else 0
        x: list[float] = [144, 158, 268, 288, 446, 472, 493, 514, 534, 640]
        return cls(28.0, *[place + shift for place in x])


def draw_heads(svg: SvgWriter, at: Columns, y: float, *, protection_from: str) -> None:
    """The heads of the columns at a baseline; XP and RO stand under where they come from."""
    svg.text(at.mem, y, "mem", "xs", "u", "e")
    svg.text(at.address - 10, y, "start address", "xs", "u", "e")
    arrow = f"M{number(at.address - 4)} {number(y - 7.5)}v7m-2.5 -2.5l2.5 2.5l2.5 -2.5"
    svg.path(arrow, "arrow")
    svg.text(at.type, y, "type", "xs", "u")
    svg.text(at.size, y, "size", "xs", "u", "e")
    for x, head in ((at.rt, "RT"), (at.xp, "XP"), (at.ro, "RO")):
        svg.text(x, y, head, "xs", "u", "c")
    svg.text((at.xp + at.ro) / 2, y - 13, protection_from, "xs", "u", "c")
    svg.path(f"M{number(at.xp - 9)} {number(y - 7)}v-3h39v3", "axis")
    svg.text(at.cache, y, "cache", "xs", "u")
    svg.text(at.findings, y, "findings", "xs", "u")
    svg.path(f"M0 {number(y + 6)}H760", "axis")
