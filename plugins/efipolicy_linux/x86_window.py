"""What the two proposals of 2013 for a window below -4 GiB have in common."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from efipolicy.plugin import (
    EFI_PAGE_SIZE,
    AddressRange,
    Mapping,
    MappingPlan,
    Placement,
    PlacementWindow,
    PlanProblem,
    PlanRequest,
    RuntimeCall,
    size_text,
)
from efipolicy_linux.direct_map import direct_map_of
from efipolicy_linux.x86_parts import largest_leaf, map_time_of, packed_list
from efipolicy_linux.x86_topdown import WINDOW, Region

OVERFLOW: Final = "plan/window-overflow"

EXCLUSIVE: Final = PlacementWindow(*WINDOW, "lowest allowed", "exclusive")
"""The same 64 GiB by the words of the proposals, which had no names for their limits."""


def within(window: AddressRange, regions: Iterable[tuple[Region, int]]) -> Iterator[Region]:
    """The regions at the addresses computed for them, those outside a window at none."""
    for region, start in regions:
        inside = window.start <= start and start + region.physical.size <= window.end
        yield region._replace(virtual_start=start if inside else None)


def window_plan(
    request: PlanRequest,
    placed: Sequence[Region],
    *,
    strategy: str,
    placement: Placement,
    stays_mapped: str,
) -> MappingPlan:
    """The plan of placed regions, in a page table in which nobody looks at physical alignment.

    ``placement`` has one window; what is not in it has no address.
    """
    options = request.options
    map_time = map_time_of(options["kernel"])
    mappings = tuple([map_time.mapping(region) for region in placed])
    problems = tuple(_unplaced(mappings, placement.windows[0].virtual))
    return MappingPlan(
        strategy=strategy,
        options=dict(options),
        status="impossible" if problems else "ok",
        mappings=mappings,
        extra=(),
        svam=packed_list(placed),
        call=RuntimeCall(register="CR3", stays_mapped=stays_mapped),
        problems=problems,
        leaf_policy="va-only",
        largest_leaf=largest_leaf(request),
        direct_map=direct_map_of(request.platform.memory_map, EFI_PAGE_SIZE),
        placement=placement,
    )


def _unplaced(mappings: Iterable[Mapping], window: AddressRange) -> Iterator[PlanProblem]:
    for mapping in mappings:
        if mapping.virtual_start is None:
            size, room = size_text(mapping.physical.size), size_text(window.size)
            yield PlanProblem(
                rule=OVERFLOW,
                message=f"the window {window} ({room}) has no place for {size}",
                region=mapping.physical,
            )
