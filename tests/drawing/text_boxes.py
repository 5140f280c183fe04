"""Where the texts of a picture are, computed with the widths of DejaVu."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple
from xml.etree import ElementTree as ET

from efipolicy.drawing.stylesheet import CLASSES
from efipolicy.drawing.text_width import text_width

SVG = "{http://www.w3.org/2000/svg}"
ASCENT, DESCENT = 0.928, 0.236
TOLERANCE = 2.0


class Box(NamedTuple):
    text: str
    left: float
    top: float
    right: float
    bottom: float

    def overlaps(self, other: Box) -> bool:
        across = min(self.right, other.right) - max(self.left, other.left)
        down = min(self.bottom, other.bottom) - max(self.top, other.top)
        return across > TOLERANCE and down > TOLERANCE


def text_boxes(svg: str) -> tuple[list[Box], float, float]:
    """The boxes of all texts, and width and height of the picture."""
    root = ET.fromstring(svg)
    _, _, width, height = map(float, root.attrib["viewBox"].split())
    parents = {child: parent for parent in root.iter() for child in parent}
    hidden = {text for defs in root.iter(f"{SVG}defs") for text in defs.iter(f"{SVG}text")}
    boxes = [_box(text, parents) for text in root.iter(f"{SVG}text") if text not in hidden]
    return [*boxes, *_used(root, parents)], width, height


def _used(root: ET.Element, parents: dict[ET.Element, ET.Element]) -> Iterator[Box]:
    """The texts of what is drawn once and used in many places."""
    named = {element.get("id"): element for element in root.iter() if element.get("id")}
    for use in root.iter(f"{SVG}use"):
        x, y = float(use.get("x", 0)), float(use.get("y", 0))
        for element in named[use.attrib["href"].removeprefix("#")].iter(f"{SVG}text"):
            text, left, top, right, bottom = _box(element, parents)
            yield Box(text, left + x, top + y, right + x, bottom + y)


def _look(element: ET.Element, parents: dict[ET.Element, ET.Element]) -> dict[str, str]:
    """The properties of an element, those of what it stands in included."""
    look = _look(parents[element], parents) if element in parents else {}
    names = [name.removeprefix("ep-") for name in element.get("class", "").split()]
    for name, properties in CLASSES.items():
        if name in names:
            look |= properties
    return look


def _box(element: ET.Element, parents: dict[ET.Element, ET.Element]) -> Box:
    text = "".join(element.itertext())
    look = _look(element, parents)
    size = float(look["font-size"].removesuffix("px"))
    mono = look["font-family"] == "@mono"
    width = text_width(text, size, mono=mono, bold="font-weight" in look)
    anchor = look.get("text-anchor")
    x, y = float(element.get("x", 0)), float(element.get("y", 0))
    left = x - width if anchor == "end" else x - width / 2 if anchor == "middle" else x
    turned = re.fullmatch(
        r"translate\((\S+) (\S+)\) rotate\(-90\)", element.attrib.get("transform", "")
    )
    if turned:  # about the origin, so that what was right is up
        across, down = map(float, turned.groups())
        up = down - left
        return Box(text, across - ASCENT * size, up - width, across + DESCENT * size, up)
    return Box(text, left, y - ASCENT * size, left + width, y + DESCENT * size)


def misplaced(svg: str) -> list[str]:
    """What is outside the picture, and which texts overlap."""
    boxes, width, height = text_boxes(svg)
    wrong = [
        f"outside: {box}"
        for box in boxes
        if box.left < -1 or box.top < -1 or box.right > width + 1 or box.bottom > height + 1
    ]
    boxes.sort(key=lambda box: box.top)
    for place, box in enumerate(boxes):
        for other in boxes[place + 1 :]:
            if other.top > box.bottom:
                break
            if box.overlaps(other):
                wrong.append(f"overlap: {box.text!r} and {other.text!r}")
    return wrong
