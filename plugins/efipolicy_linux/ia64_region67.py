"""``ia64-region67``: what Linux on Itanium installs, from 2.6 to its last release, 6.6.

Two regions of the address space map all memory one to one, one cached and one not. So nothing is
allocated and no table is built: a runtime region gets the address it has there already, by what it
can be cached with (Linux 2.6.28 to 4.15, arch/ia64/kernel/efi.c and arch/ia64/mm/ioremap.c).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, Literal, NamedTuple

from efipolicy.plugin import (
    EFI_MEMORY_WB,
    KexecRole,
    Mapping,
    MappingPlan,
    MemoryDescriptor,
    MemoryMap,
    Option,
    Placement,
    PlacementWindow,
    PlanProblem,
    PlanRequest,
    RuntimeCall,
    Strategy,
    VirtualMapEntry,
)
from efipolicy_linux.ia64_granules import GRANULES, NOT_CACHED, around, clashes, is_write_back
from efipolicy_linux.ia64_pal import CACHED, REGION_SIZE, pal_problems, pinned
from efipolicy_linux.page import page_of

UNCACHED: Final = 6 << 61
"""Where region 6 begins: all memory one to one, never cached, whatever else is asked for."""

KERNEL: Final = Option(
    name="kernel",
    kind="version",
    default=(6, 12),
    minimum=(2, 6),
    doc="the Linux version; no address depends on it, and 6.6 was the last one for Itanium",
)
_GRANULE: Final = Option(
    name="granule",
    kind="choice",
    choices=tuple(GRANULES),
    default="16M",
    doc="what one translation of the regions 6 and 7 spans, as the kernel was built",
)
_KERNEL_TR: Final = Option(
    name="kernel_tr",
    kind="address",
    default=None,
    doc="an address in the page of 64 MiB by which the kernel itself is mapped, physical or of "
    "region 7; PAL code in that page needs no translation register of its own",
)
_DETOURS: Final = Option(
    name="detours",
    kind="boolean",
    default=False,
    doc="whether memory to be mapped uncached gets its address in region 7 after all where the "
    "whole granule around it is described as write-back, as ioremap does it; descriptors have to "
    "overlap for that",
)

_PLACEMENT: Final = Placement(
    (
        PlacementWindow(UNCACHED, CACHED, "region 6, uncached"),
        PlacementWindow(
            CACHED, CACHED + REGION_SIZE, "region 7, cached", "end of the address space"
        ),
    ),
    "none",
    ("Region number and physical address make the virtual one; no table chooses it.",),
)

_ALLOCATED: Final = "uefi/overlapping-descriptors"
"""The rule about what makes ioremap use its allocator, whose addresses are not known."""

_CALL: Final = RuntimeCall(
    register="none: the regions 6 and 7 are the kernel's own, always mapped",
    stays_mapped="everything",
    interrupts="off during SetVirtualAddressMap, which is called in physical mode",
    fp_state="scratch registers saved",
)


class _Placed(NamedTuple):
    """A runtime region, its address (``None``: it gets none) and what it is cached with."""

    descriptor: MemoryDescriptor
    virtual_start: int | None
    cache: str
    problem: PlanProblem | None = None


def plan_region67(request: PlanRequest) -> MappingPlan:
    """Give each runtime region its address in region 7 or 6, and pin PAL code.

    Write-back memory goes to region 7, what is uncached, write-combining or write-through to
    region 6. What offers none of these is left as it is. SetVirtualAddressMap is told the complete
    map of firmware, and no address depends on anything but the region's own: every kernel comes to
    the same.
    """
    options, memory_map = request.options, request.platform.memory_map
    granule = GRANULES[options["granule"]]
    placed = [_placed(each, request, granule) for each in memory_map.runtime]
    unpinned = tuple(pal_problems(memory_map, granule))
    unplaced = tuple(one.problem for one in placed if one.problem)
    cached = [
        one.descriptor
        for one in placed
        if one.virtual_start is not None and one.descriptor.has(EFI_MEMORY_WB)
    ]
    return MappingPlan(
        strategy="ia64-region67",
        options=dict(options),
        status=_status(unplaced, unpinned),
        mappings=tuple([_mapping(one) for one in placed]),
        extra=tuple(pinned(memory_map, granule, options["kernel_tr"])),
        svam=tuple(_virtual_map(memory_map, placed)),
        call=_CALL,
        problems=(*unplaced, *unpinned, *clashes(cached, memory_map, granule)),
        largest_leaf=granule,
        placement=_PLACEMENT,
    )


def _placed(descriptor: MemoryDescriptor, request: PlanRequest, granule: int) -> _Placed:
    """Where a region goes: the first of its attributes that Linux looks for decides."""
    start, memory_map = descriptor.physical_start, request.platform.memory_map
    if problem := _unmappable(descriptor):
        return _Placed(descriptor, None, "UC", problem)
    if descriptor.has(EFI_MEMORY_WB):
        return _Placed(descriptor, CACHED + start, "WB")
    if request.options["detours"]:
        if is_write_back(memory_map, around(descriptor.physical, granule)):
            return _Placed(descriptor, CACHED + start, "WB")
        if is_write_back(memory_map, around(descriptor.physical, request.geometry.page_size)):
            return _Placed(descriptor, None, "WB", _in_region_5(descriptor))
    return _Placed(descriptor, UNCACHED + start, "UC")


def _unmappable(descriptor: MemoryDescriptor) -> PlanProblem | None:
    """Why a region is in neither of the two, if it is not."""
    if not descriptor.has(EFI_MEMORY_WB | NOT_CACHED):
        rule = "uefi/runtime-region-without-cacheability"
        message = f"{descriptor} offers none of WB, UC, WC and WT, and is not mapped"
    elif descriptor.physical.end > REGION_SIZE:
        rule = "plan/mapping-out-of-reach"
        message = f"{descriptor} reaches beyond 2^61, where a region ends"
    else:
        return None
    return PlanProblem(rule, message, descriptor.physical)


def _in_region_5(descriptor: MemoryDescriptor) -> PlanProblem:
    return PlanProblem(
        rule=_ALLOCATED,
        message=f"{descriptor} is described as write-back too, but not its whole granule: it gets "
        "pages in region 5, at an address that the allocator chooses",
        region=descriptor.physical,
    )


def _status(
    unplaced: Sequence[PlanProblem], unpinned: Sequence[PlanProblem]
) -> Literal["ok", "incomplete", "impossible"]:
    """A region in region 5 has an address, which only a boot tells; any other has none."""
    unknown = [one for one in unplaced if one.rule == _ALLOCATED]
    if unpinned or len(unknown) < len(unplaced):
        return "impossible"
    return "incomplete" if unknown else "ok"


def _mapping(placed: _Placed) -> Mapping:
    descriptor = placed.descriptor
    return Mapping(
        physical=descriptor.physical,
        virtual_start=placed.virtual_start,
        type=descriptor.type,
        access="RWX",  # no translation of the regions protects anything
        cache=placed.cache,
        runtime=True,
        descriptors=(descriptor.index,),
    )


def _virtual_map(memory_map: MemoryMap, placed: Sequence[_Placed]) -> Iterator[VirtualMapEntry]:
    """The complete map; what Linux does not place keeps the virtual start firmware left there."""
    chosen = {one.descriptor.index: one.virtual_start for one in placed}
    for descriptor in memory_map.descriptors:
        virtual_start = chosen.get(descriptor.index)
        yield VirtualMapEntry(
            physical_start=descriptor.physical_start,
            virtual_start=descriptor.virtual_start if virtual_start is None else virtual_start,
            number_of_pages=descriptor.number_of_pages,
            type=descriptor.type,
            attribute=descriptor.attribute or 0,
        )


IA64_REGION67: Final = Strategy(
    name="ia64-region67",
    title="Linux on Itanium: region 7 cached, region 6 uncached, both one to one",
    page=page_of("ia64-region67"),
    architectures=frozenset({"ia64"}),
    options=(KERNEL, _GRANULE, _KERNEL_TR, _DETOURS),
    plan=plan_region67,
    kexec=KexecRole("own", reads=("purgatory",), offers=("purgatory",)),
)
