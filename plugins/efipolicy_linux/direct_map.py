"""The memory that Linux maps for itself, in tables that stay while firmware runs."""

from __future__ import annotations

from collections.abc import Container, Iterable
from typing import Final

from efipolicy.plugin import (
    EFI_MEMORY_SP,
    EFI_MEMORY_WB,
    AddressRange,
    EfiMemoryType,
    MemoryDescriptor,
    MemoryMap,
    round_down,
    round_up,
)

FREE_AFTER_BOOT: Final = frozenset(
    {
        EfiMemoryType.EfiLoaderCode,
        EfiMemoryType.EfiLoaderData,
        EfiMemoryType.EfiBootServicesCode,
        EfiMemoryType.EfiBootServicesData,
        EfiMemoryType.EfiConventionalMemory,
    }
)
"""What becomes memory of the kernel's own on every architecture (UEFI 2.10, 7.2.3)."""


def direct_map_of(
    memory_map: MemoryMap, page_size: int, types: Container[int] = FREE_AFTER_BOOT
) -> tuple[AddressRange, ...]:
    """The write-back memory of some types, by address, rounded inwards to pages of the system.

    Memory set aside for a specific purpose is left to its driver.
    """
    pages: list[AddressRange] = []
    for start, end in _runs(memory_map.by_address, types):
        first, last = round_up(start, page_size), round_down(end, page_size)
        if first < last:
            pages.append(AddressRange(first, last))
    return tuple(pages)


def _runs(
    descriptors: Iterable[MemoryDescriptor], types: Container[int]
) -> Iterable[tuple[int, int]]:
    start = end = 0
    for descriptor in descriptors:
        attribute = descriptor.attribute
        if (
            attribute is None
            or not attribute & EFI_MEMORY_WB
            or attribute & EFI_MEMORY_SP
            or descriptor.type not in types
        ):
            continue
        first, last = descriptor.physical
        if first > end:
            yield start, end
            start = first
        end = max(end, last)
    yield start, end
