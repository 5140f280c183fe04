"""The naturally aligned 64 KiB pages in which descriptors meet (UEFI 2.10, 2.3.6)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from efipolicy.plugin import (
    CACHEABILITY,
    EFI_MEMORY_UC,
    EFI_MEMORY_WB,
    EFI_MEMORY_WC,
    EFI_MEMORY_WT,
    EFI_PAGE_SIZE,
    AddressRange,
    EfiMemoryType,
    Finding,
    MemoryDescriptor,
    MemoryMap,
    Related,
    attribute_names,
    round_down,
)

BLOCK_SIZE = 0x10000
"""Bytes of the largest page of an operating system that one set of attributes must fit."""

_TRIGGERS = frozenset(
    {
        EfiMemoryType.EfiReservedMemoryType,
        EfiMemoryType.EfiRuntimeServicesCode,
        EfiMemoryType.EfiRuntimeServicesData,
        EfiMemoryType.EfiACPIMemoryNVS,
    }
)
_STRONGEST_FIRST = (EFI_MEMORY_WB, EFI_MEMORY_WT, EFI_MEMORY_WC, EFI_MEMORY_UC)


class Block(NamedTuple):
    """A 64 KiB page with 4 KiB pages of several descriptors, by address; one is a trigger."""

    start: int
    descriptors: tuple[MemoryDescriptor, ...]

    @property
    def range(self) -> AddressRange:
        """The addresses of the block."""
        return AddressRange(self.start, self.start + BLOCK_SIZE)

    @property
    def common_offers(self) -> int:
        """The cache types that every described page of the block offers."""
        common = CACHEABILITY
        for descriptor in self.descriptors:
            common &= descriptor.attribute or 0
        return common

    @property
    def best_offers(self) -> set[int]:
        """For each descriptor the strongest cache type it offers."""
        return {strongest(descriptor) for descriptor in self.descriptors}

    def finding(self, claim: str) -> Finding:
        """A finding about the block: the first triggering descriptor, the others related."""
        subject = next(d for d in self.descriptors if d.type in _TRIGGERS)
        others = (d for d in self.descriptors if d is not subject)
        pages = ", ".join(self._pages(descriptor) for descriptor in self.descriptors)
        return Finding(
            subject,
            f"the 64 KiB page at {self.start:#x} {claim}: {pages}",
            self.range,
            field="attribute",
            related=tuple(Related(other, self._pages(other)) for other in others),
        )

    def _pages(self, descriptor: MemoryDescriptor) -> str:
        part = descriptor.physical & self.range
        count = -(-part.size // EFI_PAGE_SIZE)
        offers = "|".join(attribute_names((descriptor.attribute or 0) & CACHEABILITY))
        return (
            f"{part} ({count} page{'s' if count > 1 else ''} of 4 KiB) "
            f"{descriptor.type_name} offers {offers}"
        )


def strongest(descriptor: MemoryDescriptor) -> int:
    """The strongest cache type a descriptor offers: WB, then WT, WC, UC."""
    return next((bit for bit in _STRONGEST_FIRST if descriptor.has(bit)), 0)


def shared_blocks(memory_map: MemoryMap) -> Iterator[Block]:
    """The blocks that several descriptors share, one of them of a type that triggers the rule.

    A descriptor that shares a block has its first or its last page in it, unless the two overlap,
    so only the blocks at both ends of each descriptor are looked at, however much it spans.
    Descriptors that state no cacheability do not take part.
    """
    members: dict[int, list[MemoryDescriptor]] = {}
    for descriptor in memory_map.by_address:
        if descriptor.has(CACHEABILITY):
            first = round_down(descriptor.physical.start, BLOCK_SIZE)
            last = round_down(descriptor.physical.last, BLOCK_SIZE)
            members.setdefault(first, []).append(descriptor)
            if last != first:
                members.setdefault(last, []).append(descriptor)
    for start in sorted(members):
        sharing = members[start]
        if len(sharing) > 1 and any(d.type in _TRIGGERS for d in sharing):
            yield Block(start, tuple(sharing))
