"""What a picture of a mapping shows, as values, and its conclusion in words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from efipolicy.drawing.findings import DrawnFinding
from efipolicy.drawing.mapping_foot import STATUS_WORDS, use_text
from efipolicy.drawing.mapping_layout import MappingColumn, physical_column, virtual_column
from efipolicy.drawing.mapping_regions import MappedRegion, direction_of, offset_of, regions_of
from efipolicy.drawing.mapping_ribbons import Ribbon, ribbons_of
from efipolicy.drawing.notation import address_text, counted, groups_for
from efipolicy.model.mapping import MappingPlan, PlacementDirection, PlacementWindow
from efipolicy.model.memory_map import MemoryMap
from efipolicy.named_tuple import NamedTuple

TOP: Final = 54
"""Where the higher of the two columns begins."""

_MINUS: Final = "\N{MINUS SIGN}"


class MappingPicture(NamedTuple):
    """What a picture of a mapping shows.

    ``regions`` are all regions by physical address, each in exactly one of ``ribbons``. The cells
    of the columns are what stands there, hole by hole. ``offset`` is virtual less physical address
    where that is the same for all and no direction tells more. Groups count four digits each.
    """

    regions: tuple[MappedRegion, ...]
    ribbons: tuple[Ribbon, ...]
    windows: tuple[PlacementWindow, ...]
    direction: PlacementDirection
    offset: int | None
    physical: MappingColumn
    virtual: MappingColumn
    physical_groups: int
    virtual_groups: int

    def __str__(self) -> str:
        lines = [str(ribbon) for ribbon in self.ribbons]
        lines += [f"physical {cell}" for cell in self.physical.cells]
        lines += [f"virtual {cell}" for cell in self.virtual.cells]
        lines += [f"window {window.virtual} {window.low_name}" for window in self.windows]
        return "\n".join(lines)


def describe_mapping(
    plan: MappingPlan,
    memory_map: MemoryMap,
    *,
    findings: Sequence[DrawnFinding] = (),
) -> MappingPicture:
    """What the picture of a plan shows; ``str`` of it is a line for each thing.

    ``memory_map`` is the one the plan was made from: its runtime regions that the plan leaves out
    are shown as not mapped. Windows and direction are those of the plan's ``placement``.
    """
    regions = regions_of(plan, memory_map, findings)
    windows = tuple(sorted(plan.placement.windows, key=lambda window: window.start))
    ribbons = ribbons_of(regions, windows)
    direction = plan.placement.direction or direction_of(regions)
    offset = offset_of(regions) if direction == "none" else None
    left, right = physical_column(ribbons), virtual_column(ribbons, windows)
    height = max(left.height, right.height)
    physical = max((_last(region.physical.end) for region in regions), default=0)
    places = [_last(one.virtual.end) for one in regions if one.virtual is not None]
    virtual = max([*places, *(_last(window.end) for window in windows)], default=0)
    groups = groups_for(physical)
    return MappingPicture(
        regions=tuple(regions),
        ribbons=tuple(ribbons),
        windows=windows,
        direction=direction,
        offset=offset,
        physical=left.moved(TOP + (height - left.height) / 2),
        virtual=right.moved(TOP + (height - right.height) / 2),
        physical_groups=groups,
        virtual_groups=groups if offset == 0 else groups_for(virtual),
    )


def _last(end: int) -> int:
    return max(0, min(end, 1 << 64) - 1)


def offset_text(offset: int) -> str:
    """``VA - PA = 0x...`` in words of a picture, or that both are equal."""
    if offset == 0:
        return "VA = PA"
    sign = _MINUS if offset < 0 else ""
    return f"VA {_MINUS} PA = {sign}{address_text(abs(offset), 2)}"


def mapping_description(plans: Sequence[MappingPlan], picture: MappingPicture) -> str:
    """The conclusion for those who do not see the picture; all plans are shown by it."""
    plan, strategies = plans[0], " and ".join(one.strategy for one in plans)
    mapped = [region for region in picture.regions if region.virtual is not None]
    missing = len(picture.regions) - len(mapped)
    by = f"{counted(len(mapped), 'region')} mapped by {strategies}"
    told = [f"{by}, physical addresses on the left, virtual ones on the right"]
    if missing:
        told.append(f"without an address: {missing}")
    outside = sum(ribbon.outside > 0 for ribbon in picture.ribbons)
    if outside:
        told.append(f"outside the window: {outside}")
    if picture.offset is not None:
        told.append(offset_text(picture.offset))
    for window in picture.windows:
        span = f"{address_text(window.start, 4)} to {address_text(window.end, 4)} exclusive"
        told.append(f"window {span}: {use_text(picture.regions, window)}")
    told.append(STATUS_WORDS[plan.status].rstrip("."))
    findings = sum(one.accepted is None for ribbon in picture.ribbons for one in ribbon.findings)
    if findings:
        told.append(f"findings: {findings}")
    return f"{'. '.join(told)}. Every region is listed in the table that follows."
