"""Where the texts of a picture are, computed with the widths of DejaVu."""

from __future__ import annotations

import re
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
    return [_box(element) for element in root.iter(f"{SVG}text")], width, height


def _box(element: ET.Element) -> Box:
    text = "".join(element.itertext())
    names = [name.removeprefix("ep-") for name in element.attrib["class"].split()]
    look: dict[str, str] = {}
    for name, properties in CLASSES.items():
        if name in names:
            look |= properties
    size = float(look["font-size"].removesuffix("px"))
    mono = look["font-family"] == "@mono"
    width = text_width(text, size, mono=mono, bold="font-weight" in look)
    anchor = look.get("text-anchor")
    x, y = float(element.attrib["x"]), float(element.attrib["y"])
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
