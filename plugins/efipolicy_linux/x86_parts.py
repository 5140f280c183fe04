"""What the strategies of x86 Linux beside ``x86-topdown`` have in common."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from efipolicy.plugin import (
    EFI_MEMORY_WB,
    EFI_PAGE_SIZE,
    AddressRange,
    EfiMemoryType,
    Mapping,
    MemoryMap,
    Option,
    PlanRequest,
    RadixGeometry,
    VirtualMapEntry,
)
from efipolicy_linux.x86_flags import BOOT_SERVICES_UNMAPPED_SINCE, NX_DATA_SINCE, MapTime
from efipolicy_linux.x86_topdown import GIB, PHASE, SOFT_RESERVE_SINCE, Region, regions_of

RAM: Final = frozenset({*range(1, 8), 9, 10, 14})
"""The memory types that are RAM where they are write-back."""

GBPAGES: Final = Option(
    name="gbpages",
    kind="boolean",
    default=True,
    doc="whether the processor has pages of 1 GiB; without them 2 MiB is the largest leaf",
)
BOOT_SERVICES: Final = Option(
    name="boot_services",
    kind="boolean",
    default=True,
    doc="whether EfiBootServicesCode and EfiBootServicesData are mapped too",
)
ONE_TO_ONE: Final = "1:1, for firmware that uses a physical address"


def kernel_option(default: tuple[int, ...], minimum: tuple[int, ...] | None = None) -> Option:
    """The option that selects an era."""
    return Option(
        name="kernel",
        kind="version",
        default=default,
        minimum=minimum,
        doc="the Linux version; selects what is mapped, and how, in its era",
    )


def merge_option(*, default: bool) -> Option:
    """The option that says whether neighbours become one."""
    return Option(
        name="merge",
        kind="boolean",
        default=default,
        doc="whether touching entries of equal type and attribute become one first",
    )


def end_of_ram(memory_map: MemoryMap, limit: int = 1 << 64) -> int:
    """The end of the highest RAM, or the limit where RAM reaches beyond it."""
    ends = [
        min(descriptor.physical.end, limit)
        for descriptor in memory_map.descriptors
        if descriptor.type in RAM
        and descriptor.has(EFI_MEMORY_WB)
        and descriptor.physical_start < limit
    ]
    return max(ends, default=0)


def chosen_regions(request: PlanRequest) -> list[Region]:
    """What is mapped, in map order, as the options ``boot_services`` and ``merge`` say."""
    options = request.options
    return regions_of(
        request.platform.memory_map.descriptors,
        merge=options["merge"],
        boot_services=options["boot_services"],
        soft_reserve=options["kernel"] >= SOFT_RESERVE_SINCE,
    )


def map_time_of(kernel: Any, *, keeps_boot_services: bool = False) -> MapTime:
    """What a release decides about mappings in a page table that is firmware's alone."""
    return MapTime(
        nx=kernel >= NX_DATA_SINCE,
        encrypts=False,
        encrypts_mmio=False,
        unmaps=kernel >= BOOT_SERVICES_UNMAPPED_SINCE and not keeps_boot_services,
    )


def one_to_one(mappings: Iterable[Mapping]) -> tuple[Mapping, ...]:
    """The second mapping of each, at its physical address."""
    return tuple(
        mapping._replace(virtual_start=mapping.physical.start, why=ONE_TO_ONE)
        for mapping in mappings
    )


def page_0(map_time: MapTime, why: str) -> Mapping:
    """Page 0 at address 0."""
    return Mapping(
        physical=AddressRange(0, EFI_PAGE_SIZE),
        virtual_start=0,
        type=int(EfiMemoryType.EfiConventionalMemory),
        access=map_time.page_0,
        cache="WB",
        runtime=False,
        why=why,
    )


def packed_list(regions: Sequence[Region]) -> tuple[VirtualMapEntry, ...]:
    """The list for SetVirtualAddressMap: what is mapped, in the order it was placed."""
    return tuple(
        VirtualMapEntry(
            physical_start=region.physical.start,
            virtual_start=region.virtual_start,
            number_of_pages=region.physical.size // EFI_PAGE_SIZE,
            type=region.type,
            attribute=region.attribute,
        )
        for region in regions
    )


def largest_leaf(request: PlanRequest) -> int | None:
    """The largest leaf, bytes, where the processor has not all that the geometry has."""
    geometry = request.geometry
    has = isinstance(geometry, RadixGeometry) and GIB in geometry.leaf_sizes
    return PHASE if has and not request.options["gbpages"] else None
