"""Shapes of bands: what is not there, what is broken off, and runs of many stripes."""

from __future__ import annotations

from efipolicy.drawing.columns import Columns
from efipolicy.drawing.ladder import LadderRow
from efipolicy.drawing.notation import type_style
from efipolicy.drawing.svg import Box, SvgWriter, number, outline


def draw_stripes(svg: SvgWriter, at: Columns, row: LadderRow, y: float) -> None:
    """A stripe for each descriptor, as tall as the logarithm of its pages; a path a family."""
    shares = [(descriptor.number_of_pages).bit_length() + 1 for descriptor in row.descriptors]
    total, passed = sum(shares), 0
    paths: dict[str, list[Box]] = {}
    width = at.band_end - at.band
    for descriptor, share in zip(row.descriptors, shares, strict=True):
        top = y + row.height * passed / total
        height = row.height * share / total
        family = type_style(descriptor.type).family
        paths.setdefault(family, []).append((at.band, top, width, height))
        passed += share
    for family, boxes in paths.items():
        svg.path(outline(boxes), family, "stripe")


def brace(x: float, y: float, height: float) -> str:
    """A brace to the right of a run."""
    middle, top, bottom = y + height / 2, y + 2, y + height - 2
    return (
        f"M{number(x)} {number(top)}q5 0 5 5V{number(middle - 4)}q0 4 4 4q-4 0 -4 4"
        f"V{number(bottom - 5)}q0 5 -5 5"
    )


def sides(at: Columns, y: float, height: float, *, broken: bool = False) -> str:
    """The dashed edges of a band that is not there, interrupted for a zigzag."""
    edges = (at.band + 0.5, at.band_end - 0.5)
    if not broken:
        return "".join(f"M{number(x)} {number(y)}v{number(height)}" for x in edges)
    part = height / 2 - 7
    return "".join(f"M{number(x)} {number(y)}v{number(part)}m0 14v{number(part)}" for x in edges)


def zigzag(x: float, y: float) -> str:
    """Fifteen teeth across a band."""
    return f"M{number(x)} {number(y)}l4 3" + "l8-6l8 6" * 7 + "l4-3"
