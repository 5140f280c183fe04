"""The strip above a memory map: where in the whole address space things are, on a log2 scale."""

from __future__ import annotations

from collections.abc import Sequence
from math import log2
from typing import Final

from efipolicy.drawing.findings import DrawnFinding, draw_severity
from efipolicy.drawing.ladder import ADDRESS_SPACE_END, drawn_range
from efipolicy.drawing.notation import type_style
from efipolicy.drawing.svg import SvgWriter, number
from efipolicy.drawing.text_width import text_width
from efipolicy.drawing.tokens import FAMILIES
from efipolicy.model.address import size_text
from efipolicy.model.memory_map import MemoryDescriptor, MemoryMap

TOP: Final = 40
HEIGHT: Final = 22
_FIRST_OCTAVE = 20
_FIRST_X = 18
_LAST_X = 758
_THINNEST = 1.6
_ON_TOP = ("oem", *(family for family in FAMILIES if family[:2] != "rt"), "rtd", "rtc")
_AXIS_LABEL = "address, log2"


class OverviewScale:
    """Where an address lies on the strip: linear up to 1 MiB, then equal steps an octave."""

    def __init__(self, end: int) -> None:
        self.last_octave = max(33, (min(end, ADDRESS_SPACE_END) - 1).bit_length())
        self.step = (_LAST_X - _FIRST_X) / (self.last_octave - _FIRST_OCTAVE)

    def x(self, address: int) -> float:
        """The distance from the left end."""
        if address < 1 << _FIRST_OCTAVE:
            return _FIRST_X * address / (1 << _FIRST_OCTAVE)
        return _FIRST_X + (log2(address) - _FIRST_OCTAVE) * self.step


def draw_overview(svg: SvgWriter, memory_map: MemoryMap, findings: Sequence[DrawnFinding]) -> None:
    """Draw the strip, its ticks, and a marker where findings are."""
    scale = OverviewScale(memory_map.end)
    with svg.group(class_="ep-ov", title="Where the regions are in the whole address space"):
        svg.rect(0, TOP, 760, HEIGHT, "track")
        _draw_regions(svg, scale, memory_map.by_address)
        _draw_ticks(svg, scale)
        starts = {
            descriptor.index: scale.x(descriptor.physical_start)
            for descriptor in memory_map.descriptors
        }
        _draw_markers(svg, _markers(starts, findings))


def _draw_regions(
    svg: SvgWriter, scale: OverviewScale, descriptors: Sequence[MemoryDescriptor]
) -> None:
    """One path a family; runtime regions come last and stand out above and below."""
    quiet: dict[str, list[str]] = {}
    loud: dict[str, list[str]] = {}
    for descriptor in descriptors:
        drawn = drawn_range(descriptor)
        left = min(scale.x(drawn.start), 760 - _THINNEST)
        width = max(_THINNEST, scale.x(drawn.end) - left)
        paths, reach = (loud, 5) if descriptor.runtime else (quiet, 0)
        height = HEIGHT + 2 * reach
        paths.setdefault(type_style(descriptor.type).family, []).append(
            f"M{number(left)} {TOP - reach}h{number(width)}v{height}h{number(-width)}z"
        )
    for paths in (quiet, loud):
        for family in sorted(paths, key=_ON_TOP.index):
            svg.path("".join(paths[family]), family, "strip")


def _draw_ticks(svg: SvgWriter, scale: OverviewScale) -> None:
    room = 760 - text_width(_AXIS_LABEL, 10) - 8
    svg.text(760, TOP + 42, _AXIS_LABEL, "xs", "u", "e")
    major, minor = "", ""
    for octave in range(_FIRST_OCTAVE, scale.last_octave + 1):
        x = scale.x(1 << octave)
        if (octave - _FIRST_OCTAVE) % 4:
            minor += f"M{number(x)} {TOP + 27}v4"
            continue
        major += f"M{number(x)} {TOP + 24}v7"
        label = size_text(1 << octave)
        if x + text_width(label, 10) / 2 < room:
            svg.text(x, TOP + 42, label, "xs", "u", "c")
    svg.path(major + minor, "axis")


def _markers(
    starts: dict[int, float], findings: Sequence[DrawnFinding]
) -> list[tuple[float, DrawnFinding]]:
    """Open findings with the place of their descriptor, from left to right."""
    placed = [
        (starts[finding.index], finding)
        for finding in findings
        if finding.index is not None and finding.index in starts and finding.accepted is None
    ]
    return sorted(placed, key=lambda item: (item[0], item[1].rank))


def _draw_markers(svg: SvgWriter, placed: list[tuple[float, DrawnFinding]]) -> None:
    """Markers closer than 12 units, or than their counts, are one: the gravest, with a count."""
    groups: list[list[tuple[float, DrawnFinding]]] = []
    for x, finding in placed:
        group = groups[-1] if groups else []
        if group and (x - group[-1][0] < 12 or (len(group) > 1 and x - group[0][0] < 34)):
            group.append((x, finding))
        else:
            groups.append([(x, finding)])
    # Only the last one can have its count on its left, where the one before may be.
    while len(groups) > 1 and _edges(groups[-1])[0] < _edges(groups[-2])[1]:
        last = groups.pop()
        groups[-1] += last
    for group in groups:
        x = _centre(group)
        gravest = min((finding for _, finding in group), key=lambda finding: finding.rank)
        draw_severity(svg, gravest.severity, x, TOP - 12)
        if len(group) > 1:
            if _edges(group)[0] == x - 6:
                svg.text(x + 8, TOP - 8.5, _count(group), "xs", "u")
            else:
                svg.text(x - 8, TOP - 8.5, _count(group), "xs", "u", "e")


def _centre(group: list[tuple[float, DrawnFinding]]) -> float:
    return min(754.0, max(6.0, group[0][0]))


def _count(group: list[tuple[float, DrawnFinding]]) -> str:
    return f"\N{MULTIPLICATION SIGN}{len(group)}"


def _edges(group: list[tuple[float, DrawnFinding]]) -> tuple[float, float]:
    """Where a marker with its count starts and ends; the count is on its left where it must be."""
    x = _centre(group)
    if len(group) == 1:
        return x - 6, x + 6
    width = 8 + text_width(_count(group), 10)
    return (x - 6, x + width) if x + width <= 760 else (x - width, x + 6)
