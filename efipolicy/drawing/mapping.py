"""Draw a mapping: where a strategy puts each region, in which order, and what of a window is left.

Physical addresses stand on the left, virtual ones on the right, both growing downwards; a ribbon
leads from each region to its place.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from efipolicy.drawing.document import WIDTH, document
from efipolicy.drawing.findings import DrawnFinding
from efipolicy.drawing.mapping_alike import access_in_each
from efipolicy.drawing.mapping_bands import RIGHT, BandDrawing, bands_of, draw_direction
from efipolicy.drawing.mapping_foot import draw_mapping_foot, notes_of, problems_of
from efipolicy.drawing.mapping_labels import draw_labels, physical_labels, virtual_labels
from efipolicy.drawing.mapping_layout import Cell
from efipolicy.drawing.mapping_picture import (
    TOP,
    MappingPicture,
    describe_mapping,
    mapping_description,
    offset_text,
)
from efipolicy.drawing.mapping_regions import regions_of
from efipolicy.drawing.mapping_texts import BAND, RibbonTexts
from efipolicy.drawing.notation import type_style
from efipolicy.drawing.svg import Form, SvgWriter
from efipolicy.drawing.text_width import shortened, text_width
from efipolicy.drawing.textures import draw_patterns
from efipolicy.model.address import AddressRange
from efipolicy.model.mapping import MappingPlan
from efipolicy.model.memory_map import MemoryMap

__all__ = ["MappingPicture", "describe_mapping", "mapping_svg"]

_LEFT: Final = 122
_WIDE_SHIFT: Final = 34


def mapping_svg(
    plan: MappingPlan,
    memory_map: MemoryMap,
    *,
    figure_id: str,
    title: str,
    facts: str | None = None,
    findings: Sequence[DrawnFinding] = (),
    notes: Sequence[str] | None = None,
    table_id: str | None = None,
    alike: Sequence[MappingPlan] = (),
    form: Form = "inline",
) -> str:
    """Draw the mapping of a plan as SVG.

    ``figure_id`` starts every id of the picture, that of a ribbon ends in its number.
    Windows, direction and the first notes are those of the plan's ``placement``. ``findings`` are
    those about descriptors of the map. ``notes`` replace what is told below about the strategy and
    about what is mapped besides.
    ``alike`` are plans of other strategies with the same places as ``plan`` (see ``places_of`` of
    `efipolicy.drawing.mapping_alike`), which the picture then shows too: a pointer on a region
    tells what each permits.
    ``table_id`` starts the ids of the rows of a data table that has a row for each ribbon. Inline
    pictures need the page stylesheet, standalone ones carry their own, printed ones have literal
    colours and no links. Whatever a region spans, the cost grows with the number of regions only.
    """
    svg = SvgWriter(form)
    picture = describe_mapping(plan, memory_map, findings=findings)
    _draw_title(svg, title, plan.strategy if facts is None else facts)
    others = [(one.strategy, regions_of(one, memory_map)) for one in alike]
    how = access_in_each([(plan.strategy, picture.regions), *others])
    bottom = _draw_columns(svg, picture, figure_id, table_id, how)
    told = [*plan.placement.notes, *notes_of(plan)] if notes is None else list(notes)
    height = draw_mapping_foot(
        svg,
        regions=picture.regions,
        windows=picture.windows,
        problems=problems_of(plan, picture.regions),
        notes=told,
        y=bottom,
    )
    words = mapping_description([plan, *alike], picture)
    return document(svg, figure_id=figure_id, title=title, description=words, height=height)


def _draw_title(svg: SvgWriter, title: str, facts: str) -> None:
    """The title at the left, the strategy at the right."""
    facts = shortened(facts, WIDTH / 2, 11, mono=True)
    room = WIDTH - text_width(facts, 11, mono=True) - 16
    svg.text(0, 15, shortened(title, room, 14, bold=True), "h")
    svg.text(WIDTH, 15, facts, "m", "s", "e")


def _draw_columns(
    svg: SvgWriter,
    picture: MappingPicture,
    figure_id: str,
    table_id: str | None,
    how: Mapping[AddressRange, str],
) -> float:
    """Heads, ribbons, bands, holes, frames and labels; returns where the foot begins."""
    if not picture.regions and not picture.windows:
        svg.text(0, 42, "The plan maps nothing.")
        return 58.0
    left = _LEFT + (_WIDE_SHIFT if _is_wide(picture) else 0)
    texts = RibbonTexts(svg, left, picture.direction != "none", table_id)
    texts.bend_together(picture.ribbons)
    drawing = BandDrawing(
        svg=svg,
        figure_id=figure_id,
        left=left,
        physical_groups=picture.physical_groups,
        virtual_groups=picture.virtual_groups,
        texts=texts,
        how=how,
    )
    styles = [type_style(ribbon.types[0]) for ribbon in picture.ribbons]
    draw_patterns(svg, figure_id, styles)
    _draw_heads(svg, picture, left)
    for frame in picture.virtual.frames:
        drawing.frame(frame)
    here, there = bands_of(picture.physical.cells), bands_of(picture.virtual.cells)
    for place, ribbon in enumerate(picture.ribbons):
        drawing.ribbon(place, ribbon, here[place], there.get(place))
    for place, ribbon in enumerate(picture.ribbons):
        texts.draw(ribbon, here[place], there.get(place))
    texts.draw_orders(
        [
            (ribbon.order, there[place])
            for place, ribbon in enumerate(picture.ribbons)
            if ribbon.order and place in there
        ]
    )
    for column, x, groups in (
        (picture.physical, left, picture.physical_groups),
        (picture.virtual, RIGHT, picture.virtual_groups),
    ):
        for cell in column.cells:
            if cell.kind == "hole":
                drawing.hole(cell, x, groups)
    return _draw_addresses(svg, picture, left)


def _is_wide(picture: MappingPicture) -> bool:
    return picture.physical_groups == 4


def _draw_heads(svg: SvgWriter, picture: MappingPicture, left: float) -> None:
    svg.text(left + BAND / 2, 38, "physical", "b", "c")
    svg.text(RIGHT + BAND / 2, 38, "virtual", "b", "c")
    svg.text(left - 20, 38, "addresses", "xs", "u", "e")
    svg.path(f"M{left - 13} 30.5v7m-2.5 -2.5l2.5 2.5l2.5 -2.5", "arrow")
    if picture.offset is None:
        return
    begin = left + BAND / 2 + text_width("physical", 12, bold=True) / 2
    end = RIGHT + BAND / 2 - text_width("virtual", 12, bold=True) / 2
    short = offset_text(picture.offset)
    all_of_several = len(picture.regions) > 1 and not any(one.reason for one in picture.regions)
    for text in (f"every region: {short}", short) if all_of_several else (short,):
        if text_width(text, 11, mono=True) <= end - begin - 8:
            svg.text((left + BAND + RIGHT) / 2, 38, text, "m", "s", "c")
            return


def _draw_addresses(svg: SvgWriter, picture: MappingPicture, left: float) -> float:
    labels = physical_labels(picture.physical)
    draw_labels(svg, labels, left - 10, picture.physical_groups, "e")
    beside = virtual_labels(picture.virtual, picture.ribbons)
    draw_labels(svg, beside, RIGHT + BAND + 12, picture.virtual_groups)
    top = min([column[0].y for column in _columns(picture) if column], default=TOP)
    bottom = max([column[-1].bottom for column in _columns(picture) if column], default=TOP)
    frames = picture.virtual.frames
    if picture.direction != "none" and any(one.kind == "band" for one in picture.virtual.cells):
        low = frames[0].y if frames else picture.virtual.cells[0].y
        high = frames[-1].y + frames[-1].height if frames else picture.virtual.cells[-1].bottom
        draw_direction(svg, picture.direction, low, high)
    bottom = max([bottom, *(frame.y + frame.height for frame in frames), top])
    if not any(one.kind == "band" for one in picture.virtual.cells) and not frames:
        svg.text(RIGHT, (top + bottom) / 2 + 4, "nothing has an address", "s", "u")
    lowest = max([label.y for label in (*labels, *beside)], default=bottom)
    return max(bottom + 20, lowest + 8)


def _columns(picture: MappingPicture) -> tuple[tuple[Cell, ...], ...]:
    return picture.physical.cells, picture.virtual.cells
