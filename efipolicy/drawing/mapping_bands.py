"""Draw the ribbons of a mapping, the bands at their ends, the holes, and the frames of windows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from efipolicy.drawing.mapping_layout import ZIGZAG_FROM, Cell, Frame
from efipolicy.drawing.mapping_regions import MappedRegion
from efipolicy.drawing.mapping_ribbons import Ribbon
from efipolicy.drawing.mapping_texts import BAND, STUB, RibbonTexts
from efipolicy.drawing.notation import address_text, counted, type_style
from efipolicy.drawing.svg import SvgWriter, number
from efipolicy.drawing.textures import draw_filled
from efipolicy.model.address import AddressRange, size_text

RIGHT: Final = 500
"""Where the bands of virtual addresses begin."""

_FLAT_BEFORE_BANDS: Final = 34
_LISTED: Final = 3


@dataclass(slots=True)
class BandDrawing:
    """Draws ribbons and what is at their ends.

    ``left`` is where physical bands begin; ``how`` is what is permitted in a region, by its place.
    """

    svg: SvgWriter
    figure_id: str
    left: float
    physical_groups: int
    virtual_groups: int
    texts: RibbonTexts
    how: Mapping[AddressRange, str]

    def frame(self, frame: Frame) -> None:
        """The window: from its lowest to its highest address."""
        self.svg.element(
            "rect",
            x=RIGHT - 7,
            y=frame.y,
            width=BAND + 14,
            height=frame.height,
            rx=3,
            class_="ep-win",
            title=f"window: {self._span(frame.window.virtual, self.virtual_groups)}",
        )

    def ribbon(self, place: int, ribbon: Ribbon, physical: Cell, virtual: Cell | None) -> None:
        """A ribbon from band to band, or one that ends in a cross."""
        href = f"#{self.texts.table_id}-{place}" if self.texts.table_id else None
        name = f"{self.figure_id}-{place}"
        title = self.title(ribbon)
        with self.svg.group("a", title=title, id=name, href=href, tabindex="-1"):
            self._curve(ribbon, physical, virtual)
            style = type_style(ribbon.types[0])
            bands = [(self.left, physical.y, BAND, physical.height)]
            if virtual is not None:
                bands.append((RIGHT, virtual.y, BAND, virtual.height))
            draw_filled(self.svg, self.figure_id, style, *bands)
            self._gap(ribbon, physical, self.left)
            if virtual is not None:
                self._gap(ribbon, virtual, RIGHT)
                if ribbon.outside:
                    self.svg.rect(*bands[1], "error-l")

    def _gap(self, ribbon: Ribbon, cell: Cell, x: float) -> None:
        """A broken line through a band that leaves out a large hole between its regions."""
        if cell.span.size - ribbon.size >= ZIGZAG_FROM:
            self.svg.path(_zigzag(x, cell.y + cell.height / 2 - 1.5), "break")

    def _curve(self, ribbon: Ribbon, physical: Cell, virtual: Cell | None) -> None:
        family = type_style(ribbon.types[0]).family
        start, top, bottom = self.left + BAND, physical.y, physical.bottom
        if virtual is None:
            end = number(start + STUB)
            self.svg.path(
                f"M{number(start)} {number(top)}H{end}V{number(bottom)}H{number(start)}Z",
                family,
                "rib",
            )
            return
        bend, arrive = self.texts.bend_of(ribbon), RIGHT - _FLAT_BEFORE_BANDS
        middle = number((bend + arrive) / 2)
        # Between bands at the same height a curve would be a straight line.
        there = here = ""
        if number(top) != number(virtual.y) or number(bottom) != number(virtual.bottom):
            there = (
                f"H{number(bend)}C{middle} {number(top)} {middle} {number(virtual.y)} "
                f"{arrive} {number(virtual.y)}"
            )
            here = (
                f"H{arrive}C{middle} {number(virtual.bottom)} {middle} {number(bottom)} "
                f"{number(bend)} {number(bottom)}"
            )
        self.svg.path(
            f"M{number(start)} {number(top)}{there}H{RIGHT}V{number(virtual.bottom)}{here}"
            f"H{number(start)}Z",
            family,
            "rib",
        )

    def hole(self, cell: Cell, x: float, groups: int) -> None:
        """Dashed sides, the size, and broken edges around a large one."""
        large = cell.span.size >= ZIGZAG_FROM
        edges = (x + 0.5, x + BAND - 0.5)
        with self.svg.group(title=f"nothing mapped: {self._span(cell.span, groups)}"):
            data = "".join(
                f"M{number(edge)} {number(cell.y)}v{number(cell.height)}" for edge in edges
            )
            self.svg.rect(x, cell.y, BAND, cell.height, "hit")
            self.svg.path(data, "side")
            if large:
                edges_of = (cell.y + 2, cell.bottom - 2)
                self.svg.path("".join(_zigzag(x, y) for y in edges_of), "break")
            middle = cell.y + cell.height / 2 + 3.8
            self.svg.text(x + BAND / 2, middle, size_text(cell.span.size), "xs", "u", "c")

    def title(self, ribbon: Ribbon) -> str:
        """The complete fact of a ribbon; of many regions the first."""
        told = [self._fact(region) for region in ribbon.regions[:_LISTED]]
        more = len(ribbon.regions) - len(told)
        if more > 0:
            told.append(f"and {counted(more, 'more region')}")
        if ribbon.outside:
            told.append(f"outside the window by {size_text(ribbon.outside)}")
        if len(ribbon.regions) > 1:
            told.insert(0, f"{ribbon.label}, {size_text(ribbon.size)}")
        return "; ".join(told)

    def _fact(self, region: MappedRegion) -> str:
        label = type_style(region.type).label
        from_ = f"{label}: physical {self._span(region.physical, self.physical_groups)}"
        if region.virtual is None:
            return f"{from_}, {region.missing}"
        start, end = self._ends(region.virtual, self.virtual_groups)
        permitted = self.how.get(region.physical)
        how = f", {permitted}" if permitted else ""
        order = f", placed {region.order}." if self.texts.numbered and region.order else ""
        return f"{from_} maps to virtual {start} to {end}{how}{order.rstrip('.')}"

    def _span(self, span: AddressRange, groups: int) -> str:
        start, end = self._ends(span, groups)
        return f"{start} to {end} ({size_text(span.size)})"

    def _ends(self, span: AddressRange, groups: int) -> tuple[str, str]:
        return address_text(span.start, groups), address_text(span.end, groups)


def _zigzag(x: float, y: float) -> str:
    """Ten teeth across a band, a little wider than it."""
    teeth = "l8.4-6" + "l8.4 6l8.4-6" * 4
    return f"M{number(x - 3)} {number(y)}l4.2 3{teeth}l4.2 3"


def draw_direction(svg: SvgWriter, direction: str, top: float, bottom: float) -> None:
    """The arrow at the right: which way placements went."""
    n = number
    if direction == "down":
        svg.path(f"M742 {n(bottom - 4)}V{n(top + 10)}m-4 7l4 -8l4 8", "arrow")
    else:
        svg.path(f"M742 {n(top + 4)}V{n(bottom - 10)}m-4 -7l4 8l4 -8", "arrow")
    middle = n((top + bottom) / 2)
    start = svg.attributes(
        class_="ep-xs ep-u ep-c",
        transform=f"translate(756 {middle}) rotate(-90)",
    )
    svg.lines.append(f"<text{start}>allocation</text>")


def bands_of(cells: Sequence[Cell]) -> dict[int, Cell]:
    """The band of each ribbon in a column."""
    return {cell.ribbon: cell for cell in cells if cell.ribbon is not None}
