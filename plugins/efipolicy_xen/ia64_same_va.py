"""``xen-ia64-same-va``: the addresses Xen on Itanium gave to firmware.

Until July 2008 it had an identity region of its own, which no kernel of Linux could take over by
kexec. Then it took up the addresses of Linux. As these belong to guests, the two regions are given
other identifiers around each call, and PAL code is pinned for its duration only.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from efipolicy.plugin import (
    EFI_MEMORY_UC,
    EFI_MEMORY_WB,
    EFI_MEMORY_WC,
    EFI_MEMORY_WT,
    AddressRange,
    EfiMemoryType,
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
    round_down,
)
from efipolicy_xen.page import page_of

GRANULES: Final = {"16M": 16 << 20, "64M": 64 << 20}

_NOT_CACHED: Final = EFI_MEMORY_UC | EFI_MEMORY_WC | EFI_MEMORY_WT


class _Base(NamedTuple):
    """Where all memory is seen one to one, cached and not, and up to which physical address."""

    cached: int
    uncached: int
    reach: int


BASES: Final = {
    "linux": _Base(0xE000_0000_0000_0000, 0xC000_0000_0000_0000, 1 << 61),
    "xen": _Base(0xF000_0000_0000_0000, 0xF200_0000_0000_0000, 1 << 57),
}

_CALLS: Final = {
    "linux": RuntimeCall(
        register="rr6 and rr7, to identifiers of Xen's own",
        stays_mapped="Xen's regions; those of the guest with these numbers are not",
    ),
    "xen": RuntimeCall(
        register="none: the addresses are Xen's own, always mapped",
        stays_mapped="everything",
    ),
}

_PLACEMENTS: Final = {
    "linux": Placement(
        (
            PlacementWindow(6 << 61, 7 << 61, "region 6, uncached"),
            PlacementWindow(7 << 61, 8 << 61, "region 7, cached", "end of the address space"),
        ),
        "none",
        ("Region number and physical address make the virtual one; no table chooses it.",),
    ),
    "xen": Placement(direction="none"),
}


def plan_same_va(request: PlanRequest) -> MappingPlan:
    """Give each runtime region the address of its physical one in the region it can be cached in.

    The complete map of firmware is told to SetVirtualAddressMap.
    """
    options, memory_map = dict(request.options), request.platform.memory_map
    base, granule = BASES[options["base"]], GRANULES[options["granule"]]
    mappings = tuple([_mapping(each, base) for each in memory_map.runtime])
    problems = tuple(_problems(mappings, memory_map))
    return MappingPlan(
        strategy="xen-ia64-same-va",
        options=options,
        status="impossible" if problems else "ok",
        mappings=mappings,
        extra=tuple(_pinned(memory_map, base, granule)),
        svam=tuple(_virtual_map(memory_map, mappings)),
        call=_CALLS[options["base"]],
        problems=problems,
        largest_leaf=granule,
        placement=_PLACEMENTS[options["base"]],
    )


def _mapping(descriptor: MemoryDescriptor, base: _Base) -> Mapping:
    cached = descriptor.has(EFI_MEMORY_WB)
    start = (base.cached if cached else base.uncached) | descriptor.physical_start
    reached = descriptor.physical.end <= base.reach
    offered = descriptor.has(EFI_MEMORY_WB | _NOT_CACHED)
    return Mapping(
        physical=descriptor.physical,
        virtual_start=start if reached and offered else None,
        type=descriptor.type,
        access="RWX",  # no translation of the regions protects anything
        cache="WB" if cached else "UC",
        runtime=True,
        descriptors=(descriptor.index,),
    )


def _problems(mappings: tuple[Mapping, ...], memory_map: MemoryMap) -> Iterator[PlanProblem]:
    for descriptor, mapping in zip(memory_map.runtime, mappings, strict=True):
        if mapping.virtual_start is not None:
            continue
        if descriptor.has(EFI_MEMORY_WB | _NOT_CACHED):
            rule = "plan/mapping-out-of-reach"
            message = f"{descriptor} reaches beyond what Xen sees one to one"
        else:
            rule = "uefi/runtime-region-without-cacheability"
            message = f"{descriptor} offers none of WB, UC, WC and WT, and is not mapped"
        yield PlanProblem(rule, message, mapping.physical)


def _pinned(memory_map: MemoryMap, base: _Base, granule: int) -> Iterator[Mapping]:
    """The granule of PAL code."""
    found = (each for each in memory_map.descriptors if each.type == EfiMemoryType.EfiPalCode)
    for code in list(found)[:1]:
        start = round_down(code.physical_start, granule)
        if code.physical.end <= min(start + granule, base.reach):
            yield Mapping(
                physical=AddressRange(start, start + granule),
                virtual_start=base.cached | start,
                # The register is modelled from the mapping of the code where there is one.
                type=int(EfiMemoryType.EfiConventionalMemory) if code.runtime else code.type,
                access="RWX",
                cache="WB",
                runtime=False,
                descriptors=(code.index,),
                why="PAL code, pinned by a translation register during calls",
            )


def _virtual_map(memory_map: MemoryMap, mappings: tuple[Mapping, ...]) -> Iterator[VirtualMapEntry]:
    """The complete map; what Xen does not place keeps the virtual start firmware left there."""
    chosen = {mapping.descriptors[0]: mapping.virtual_start for mapping in mappings}
    for descriptor in memory_map.descriptors:
        virtual_start = chosen.get(descriptor.index)
        yield VirtualMapEntry(
            physical_start=descriptor.physical_start,
            virtual_start=descriptor.virtual_start if virtual_start is None else virtual_start,
            number_of_pages=descriptor.number_of_pages,
            type=descriptor.type,
            attribute=descriptor.attribute or 0,
        )


XEN_IA64_SAME_VA: Final = Strategy(
    name="xen-ia64-same-va",
    title="Xen on Itanium: the addresses of Linux since July 2008, its own before",
    page=page_of("xen-ia64-same-va"),
    architectures=frozenset({"ia64"}),
    options=(
        Option(
            name="base",
            kind="choice",
            choices=tuple(BASES),
            default="linux",
            doc="whose identity regions are used; Xen's own until July 2008",
        ),
        Option(
            name="granule",
            kind="choice",
            choices=tuple(GRANULES),
            default="16M",
            doc="what one translation of these regions spans",
        ),
    ),
    plan=plan_same_va,
    kexec=KexecRole(
        "own",
        reads=("purgatory",),
        offers=("purgatory",),
        varies_with="Xen's release: before July 2008 its base was another",
    ),
)
