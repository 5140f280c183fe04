"""Whether the page tables that a plan is made for can hold what it maps."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from efipolicy.model.address import AddressRange
from efipolicy.model.mapping import Mapping, MappingPlan, PlanProblem
from efipolicy.paging import Geometry, RadixGeometry

OUT_OF_REACH = "plan/mapping-out-of-reach"


def with_unreachable(made: MappingPlan, geometry: Geometry) -> MappingPlan:
    """The plan with what no table can hold among its problems, where it does not say so itself.

    Such a plan is impossible. One that is an assumption as a whole stays one.
    """
    problems = tuple(_unreachable(made, geometry))
    if not problems:
        return made
    status = made.status if made.status == "assumption" else "impossible"
    return made._replace(status=status, problems=(*made.problems, *problems))


def _unreachable(made: MappingPlan, geometry: Geometry) -> Iterator[PlanProblem]:
    """One problem for each physical range of which a mapping cannot be in the tables."""
    told = {problem.region for problem in made.problems}
    reaches = geometry.translated if isinstance(geometry, RadixGeometry) else ()
    if any(one.rule == OUT_OF_REACH and one.region is None for one in made.problems):
        return  # the strategy says it of all its addresses
    for mapping in (*made.mappings, *made.extra):
        if mapping.physical in told:
            continue
        if mapping.virtual is None and made.status == "incomplete":
            continue  # it has an address, which is not known
        if reason := _reason(mapping, geometry, reaches):
            told.add(mapping.physical)
            yield PlanProblem(OUT_OF_REACH, reason, mapping.physical)


def _reason(mapping: Mapping, geometry: Geometry, reaches: Iterable[AddressRange]) -> str | None:
    """Why no table can hold a mapping, if that is so. Regions of Itanium need none.

    ``reaches`` are the virtual addresses that the geometry translates.
    """
    virtual, page = mapping.virtual, geometry.page_size
    if virtual is None:
        return "it gets no virtual address"
    if not isinstance(geometry, RadixGeometry) or not virtual.size:
        return None
    for window in geometry.windows:
        if window.virtual.covers(virtual):
            there = window.physical_start + virtual.start - window.virtual.start
            if there == mapping.physical.start:
                return None
            return f"{virtual} lies in a window of {geometry.name} and means {there:#x}"
    if (virtual.start - mapping.physical.start) % page:
        return (
            f"{virtual.start:#x} and its physical address differ within a page of {page:#x} bytes"
        )
    if any(reach.covers(virtual) for reach in reaches):
        return None
    return f"{virtual} is no address that {geometry.name} translates"
