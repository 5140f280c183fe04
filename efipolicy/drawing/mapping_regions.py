"""The regions in a picture of a mapping: each once, with its place or why it has none."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

from efipolicy.drawing.findings import DrawnFinding
from efipolicy.model.address import AddressRange
from efipolicy.model.mapping import Mapping, MappingPlan, PlacementDirection
from efipolicy.model.memory_map import MemoryDescriptor, MemoryMap
from efipolicy.named_tuple import NamedTuple


class MappedRegion(NamedTuple):
    """A region of the plan, or a runtime descriptor that the plan leaves out.

    ``order`` counts placements from 1 and is ``None`` for what was not placed; ``reason`` says why
    it was not, ``mapped_somewhere`` that it is all the same, at an address that nobody can tell.
    """

    physical: AddressRange
    virtual_start: int | None
    type: int
    order: int | None
    runtime: bool
    descriptors: tuple[int, ...] = ()
    access: str | None = None
    cache: str | None = None
    reason: str | None = None
    mapped_somewhere: bool = False
    findings: tuple[DrawnFinding, ...] = ()

    @property
    def missing(self) -> str | None:
        """What it lacks and why, where it has no address: being mapped, or a known place."""
        if self.reason is None:
            return None
        lacks = "address not known" if self.mapped_somewhere else "not mapped"
        return f"{lacks}: {self.reason}"

    @property
    def virtual(self) -> AddressRange | None:
        """The virtual addresses, ``None`` when it has none."""
        start = self.virtual_start
        return None if start is None else AddressRange(start, start + self.physical.size)


def regions_of(
    plan: MappingPlan, memory_map: MemoryMap, findings: Sequence[DrawnFinding] = ()
) -> list[MappedRegion]:
    """Each region of the plan once, by physical address, then what the plan leaves out.

    A range that the plan names more than once appears at the first of its addresses.
    """
    primary: dict[AddressRange, Mapping] = {}
    for mapping in plan.mappings:
        known = primary.setdefault(mapping.physical, mapping)
        if known.virtual_start is None and mapping.virtual_start is not None:
            primary[mapping.physical] = mapping
    by_index: dict[int, list[DrawnFinding]] = {}
    for finding in findings:
        if finding.index is not None:
            by_index.setdefault(finding.index, []).append(finding)
    regions = list(_planned(primary.values(), plan))
    regions += _left_out(plan, memory_map)
    regions.sort(key=lambda region: (region.physical, region.type))
    return [
        region._replace(
            findings=tuple(
                finding for index in region.descriptors for finding in by_index.get(index, ())
            )
        )
        for region in regions
    ]


def _planned(mappings: Iterable[Mapping], plan: MappingPlan) -> Iterator[MappedRegion]:
    order = 0
    for mapping in mappings:
        placed = mapping.virtual_start is not None
        order += placed
        yield MappedRegion(
            physical=mapping.physical,
            virtual_start=mapping.virtual_start,
            type=mapping.type,
            order=order if placed else None,
            runtime=mapping.runtime,
            descriptors=mapping.descriptors,
            access=mapping.access,
            cache=mapping.cache,
            reason=None if placed else _reason(mapping.physical, plan),
            mapped_somewhere=not placed and plan.status == "incomplete",
        )


def _reason(physical: AddressRange, plan: MappingPlan) -> str:
    for problem in plan.problems:
        if problem.region is not None and problem.region.overlaps(physical):
            return problem.message
    return "the strategy gives it no address"


def _left_out(plan: MappingPlan, memory_map: MemoryMap) -> Iterator[MappedRegion]:
    """Runtime descriptors from which the plan makes nothing."""
    planned = {index for mapping in plan.mappings for index in mapping.descriptors}
    ranges = [mapping.physical for mapping in (*plan.mappings, *plan.extra)]
    for descriptor in memory_map.runtime:
        whole = descriptor.physical
        covered = bool(whole.size) and any(one.covers(whole) for one in ranges)
        if descriptor.index not in planned and not covered:
            yield MappedRegion(
                physical=whole,
                virtual_start=None,
                type=int(descriptor.type),
                order=None,
                runtime=True,
                descriptors=(descriptor.index,),
                reason=_left_out_because(descriptor, plan),
            )


def _left_out_because(descriptor: MemoryDescriptor, plan: MappingPlan) -> str:
    if not descriptor.number_of_pages:
        return "it has no pages"
    if not descriptor.addressable:
        return "it ends beyond the 64-bit addresses"
    for problem in plan.problems:
        if problem.region is not None and problem.region.overlaps(descriptor.physical):
            return problem.message
    return "the strategy leaves it out"


def direction_of(regions: Sequence[MappedRegion]) -> PlacementDirection:
    """Which way addresses went from one placement to the next; none where that changed."""
    placed = sorted(
        (region.order, region.virtual_start)
        for region in regions
        if region.order is not None and region.virtual_start is not None
    )
    steps = {after > before for (_, before), (_, after) in pairwise(placed)}
    if len(steps) != 1 or offset_of(regions) is not None:
        return "none"
    return "up" if steps.pop() else "down"


def offset_of(regions: Sequence[MappedRegion]) -> int | None:
    """Virtual less physical address where that is the same for all; ``None`` where it is not."""
    offsets = {
        region.virtual_start - region.physical.start
        for region in regions
        if region.virtual_start is not None
    }
    return offsets.pop() if len(offsets) == 1 else None
