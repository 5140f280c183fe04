"""What the plans of several arm64 strategies are made of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from efipolicy.plugin import (
    EFI_MEMORY_WB,
    Access,
    AddressRange,
    EfiMemoryType,
    Mapping,
    MemoryDescriptor,
    MemoryMap,
    Option,
    PlanProblem,
    PlanRequest,
    RadixGeometry,
    VirtualMapEntry,
)
from efipolicy_linux.direct_map import FREE_AFTER_BOOT

MAPPED_BY_KERNEL: Final = FREE_AFTER_BOOT | {
    EfiMemoryType.EfiACPIReclaimMemory,
    EfiMemoryType.EfiPersistentMemory,
}
"""Memory that arm64 Linux has in its own map while firmware runs."""

_RAM: Final = frozenset({1, 2, 3, 4, 5, 6, 7, 9, 10, 14})
"""Every type of ordinary memory, whether the system may have it or not (UEFI 2.10, 7.2.1)."""

DEVICE: Final = "device-nGnRE"
NORMAL: Final = "normal"

Placed = tuple[MemoryDescriptor, int | None]
"""A region and its virtual address, ``None`` where it has none."""


def kernel_option(default: tuple[int, ...], doc: str) -> Option:
    """The option ``kernel``. Linux has run on UEFI on arm64 since 3.16."""
    return Option(name="kernel", kind="version", default=default, minimum=(3, 16), doc=doc)


def ram_of(memory_map: MemoryMap) -> list[AddressRange]:
    """The write-back memory of a map by address, what touches or overlaps as one range."""
    ranges: list[AddressRange] = []
    for descriptor in memory_map.by_address:
        if descriptor.type not in _RAM or not descriptor.has(EFI_MEMORY_WB):
            continue
        start, end = descriptor.physical
        if ranges and start <= ranges[-1].end:
            ranges[-1] = AddressRange(ranges[-1].start, max(ranges[-1].end, end))
        else:
            ranges.append(AddressRange(start, end))
    return ranges


def identity_of(descriptor: MemoryDescriptor) -> Mapping:
    """A runtime region at its own address, in a table that tells memory and devices apart only.

    Memory is executable whatever lies in it.
    """
    memory = descriptor.has(EFI_MEMORY_WB)
    access: Access = "RWX" if memory else "RW"
    return Mapping(
        physical=descriptor.physical,
        virtual_start=descriptor.physical_start,
        type=descriptor.type,
        access=access,
        cache=NORMAL if memory else DEVICE,
        runtime=True,
        descriptors=(descriptor.index,),
    )


def identity_ram(memory_map: MemoryMap, why: str) -> Iterator[Mapping]:
    """All memory at its own addresses, executable."""
    for physical in ram_of(memory_map):
        yield Mapping(
            physical=physical,
            virtual_start=physical.start,
            type=int(EfiMemoryType.EfiConventionalMemory),
            access="RWX",
            cache=NORMAL,
            runtime=False,
            why=why,
        )


def virtual_map(placed: Iterable[Placed]) -> tuple[VirtualMapEntry, ...]:
    """The list for SetVirtualAddressMap, in the order of placement."""
    return tuple(
        [
            VirtualMapEntry(
                physical_start=descriptor.physical_start,
                virtual_start=virtual_start,
                number_of_pages=descriptor.number_of_pages,
                type=descriptor.type,
                attribute=descriptor.attribute or 0,
            )
            for descriptor, virtual_start in placed
        ]
    )


def halves(request: PlanRequest) -> tuple[AddressRange, AddressRange]:
    """What TTBR0 and TTBR1 translate: the lower and the upper addresses."""
    geometry = request.geometry
    if not isinstance(geometry, RadixGeometry) or len(geometry.translated) != 2:
        raise ValueError(f"{geometry.name} has no two halves")
    lower, upper = geometry.translated
    return lower, upper


def out_of_reach(
    mappings: Iterable[Mapping], reach: AddressRange, rule: str, where: str
) -> Iterator[PlanProblem]:
    """The mappings that do not lie in what is translated, ``where`` says by what."""
    for mapping in mappings:
        if mapping.virtual and not reach.covers(mapping.virtual):
            what = f"{mapping.virtual} lies outside {reach}, which {where} translates"
            yield PlanProblem(rule, what, mapping.physical)
