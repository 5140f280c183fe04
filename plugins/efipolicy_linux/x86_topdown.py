"""The 64 GiB window below -4 GiB that x86-64 Linux fills downwards since 3.14: who goes where."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from efipolicy.plugin import (
    EFI_MEMORY_SP,
    AddressRange,
    EfiMemoryType,
    MemoryDescriptor,
    PlacementWindow,
)

GIB: Final = 1 << 30
WINDOW: Final = AddressRange(2**64 - 68 * GIB, 2**64 - 4 * GIB)
"""EFI_VA_END to EFI_VA_START (Linux 6.12, Documentation/arch/x86/x86_64/mm.rst)."""

NAMED_WINDOW: Final = PlacementWindow(*WINDOW, "EFI_VA_END", "EFI_VA_START")

PHASE: Final = 2 << 20
"""A region keeps its offset within 2 MiB, so that 2 MiB pages fit on both sides."""

SOFT_RESERVE_SINCE: Final = (5, 5)
"""Since then EfiConventionalMemory with EFI_MEMORY_SP is left to its driver."""

_BOOT_SERVICES = (EfiMemoryType.EfiBootServicesCode, EfiMemoryType.EfiBootServicesData)


class Region(NamedTuple):
    """A run of descriptors that are placed together, and where: ``None`` if the window is full."""

    physical: AddressRange
    type: int
    attribute: int
    descriptors: tuple[MemoryDescriptor, ...]
    virtual_start: int | None = None


def place(regions: Iterable[Region]) -> Iterator[Region]:
    """Give each region the highest free virtual address with its physical offset within 2 MiB.

    A region that would start below the window gets none. The cursor is not taken back, so neither
    does any region after it.
    """
    cursor = WINDOW.end
    for region in regions:
        cursor = place_below(cursor, region.physical)
        virtual_start = cursor if cursor >= WINDOW.start else None
        yield Region(
            region.physical, region.type, region.attribute, region.descriptors, virtual_start
        )


def place_below(ceiling: int, physical: AddressRange) -> int:
    """The highest start with room under ``ceiling``, congruent to the physical one within 2 MiB."""
    top = ceiling - physical.size
    return top - (top - physical.start) % PHASE


def regions_of(
    descriptors: Iterable[MemoryDescriptor],
    *,
    merge: bool = True,
    boot_services: bool = True,
    soft_reserve: bool = True,
) -> list[Region]:
    """What is mapped, in map order; touching regions of equal type and attribute are one.

    Descriptors without a known attribute are left out.
    """
    regions: list[Region] = []
    previous: Region | None = None  # the last entry of any kind: only that one can be extended
    for descriptor in descriptors:
        if descriptor.attribute is None or not descriptor.addressable:
            continue
        region = Region(
            descriptor.physical, int(descriptor.type), descriptor.attribute, (descriptor,)
        )
        if merge and previous and _continues(previous, region):
            region = region._replace(
                physical=AddressRange(previous.physical.start, region.physical.end),
                descriptors=(*previous.descriptors, descriptor),
            )
            if regions and regions[-1] is previous:
                regions.pop()
        previous = region
        if _is_mapped(descriptor, boot_services=boot_services, soft_reserve=soft_reserve):
            regions.append(region)
    return regions


def _continues(previous: Region, region: Region) -> bool:
    return (
        previous.physical.end == region.physical.start
        and previous.type == region.type
        and previous.attribute == region.attribute
    )


def _is_mapped(descriptor: MemoryDescriptor, *, boot_services: bool, soft_reserve: bool) -> bool:
    specific_purpose = descriptor.has(EFI_MEMORY_SP)
    conventional = descriptor.type == EfiMemoryType.EfiConventionalMemory
    if soft_reserve and specific_purpose and conventional:
        return False
    return descriptor.runtime or (boot_services and descriptor.type in _BOOT_SERVICES)
