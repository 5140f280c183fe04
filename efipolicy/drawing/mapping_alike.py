"""Plans of several strategies that one picture shows: every region has the same address in each."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping

from efipolicy.drawing.mapping_foot import problems_of
from efipolicy.drawing.mapping_regions import MappedRegion, direction_of, regions_of
from efipolicy.model.address import AddressRange
from efipolicy.model.mapping import MappingPlan
from efipolicy.model.memory_map import MemoryMap


def places_of(plan: MappingPlan, memory_map: MemoryMap) -> Hashable:
    """What a picture of a plan shows but for access, cache types and notes, as a key to compare.

    Plans with equal keys may be drawn as one: see ``alike`` of
    `efipolicy.drawing.mapping.mapping_svg`.
    """
    regions = regions_of(plan, memory_map)
    direction = plan.placement.direction or direction_of(regions)
    places = tuple(
        region._replace(
            access=None, cache=None, order=None if direction == "none" else region.order
        )
        for region in regions
    )
    windows = tuple(sorted(plan.placement.windows, key=lambda window: window.start))
    return places, windows, direction, plan.status, tuple(problems_of(plan, regions))


def access_in_each(
    planned: Iterable[tuple[str, Iterable[MappedRegion]]],
) -> Mapping[AddressRange, str]:
    """What each strategy permits in a region: ``RW WB by identity, RWX WB by freebsd-1to1``.

    ``planned`` are strategies with their regions. One strategy, or several that permit the same,
    are not named: ``RW WB``.
    """
    permitted: dict[AddressRange, dict[str, list[str]]] = {}
    for strategy, regions in planned:
        for region in regions:
            if region.access:
                told = f"{region.access} {region.cache}"
                permitted.setdefault(region.physical, {}).setdefault(told, []).append(strategy)
    return {
        physical: next(iter(ways))
        if len(ways) == 1
        else ", ".join(f"{told} by {' and '.join(names)}" for told, names in ways.items())
        for physical, ways in permitted.items()
    }
