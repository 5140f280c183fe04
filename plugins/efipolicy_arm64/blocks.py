"""The naturally aligned pages above 4 KiB in which descriptors meet (UEFI 2.10, 2.3.6)."""

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
    """A naturally aligned page with 4 KiB pages of several descriptors, by address.

    Descriptors that overlap can share several such pages in a row, and then ``end`` is that of the
    last. Disjoint ones never do: the lower one has its last page in each page that both share, and
    there is one page only that holds it.
    """

    start: int
    end: int
    descriptors: tuple[MemoryDescriptor, ...]

    @property
    def range(self) -> AddressRange:
        """The addresses of the block."""
        return AddressRange(self.start, self.end)

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
        """A finding about a 64 KiB page: the first triggering descriptor, the others related."""
        subject = next(d for d in self.descriptors if d.type in _TRIGGERS)
        others = (d for d in self.descriptors if d is not subject)
        count = (self.end - self.start) // BLOCK_SIZE
        which = f"the 64 KiB page at {self.start:#x}"
        if count > 1:
            which = f"each of the {count} pages of 64 KiB from {self.start:#x} on"
        return Finding(
            subject,
            f"{which} {claim} among {len(self.descriptors)} descriptors: {self.offers}",
            self.range,
            field="attribute",
            related=tuple(Related(other, self.part_of(other)) for other in others),
        )

    @property
    def offers(self) -> str:
        """Which 4 KiB pages of the block offer what, in words."""
        return "; ".join(self._offers())

    def part_of(self, descriptor: MemoryDescriptor) -> str:
        """What a descriptor has in the block and offers there, in words."""
        part = descriptor.physical & self.range
        return f"{descriptor.type_name}, {part} ({_pages(part.size)}) {_offer(descriptor)}"

    def _offers(self) -> Iterator[str]:
        """Each set of cache types with the 4 KiB pages that offer it, by address."""
        alike: dict[int, list[MemoryDescriptor]] = {}
        for descriptor in self.descriptors:
            alike.setdefault((descriptor.attribute or 0) & CACHEABILITY, []).append(descriptor)
        for descriptors in alike.values():
            parts = _joined(descriptor.physical & self.range for descriptor in descriptors)
            ranges = " and ".join(map(str, parts))
            size = _pages(sum(part.size for part in parts))
            types = ", ".join(dict.fromkeys(d.type_name for d in descriptors))
            yield f"{ranges} ({size}, {types}) {_offer(descriptors[0])}"


def strongest(descriptor: MemoryDescriptor) -> int:
    """The strongest cache type a descriptor offers: WB, then WT, WC, UC."""
    return next((bit for bit in _STRONGEST_FIRST if descriptor.has(bit)), 0)


def shared_blocks(memory_map: MemoryMap) -> Iterator[Block]:
    """The 64 KiB pages that several descriptors share, one of a type that triggers the rule."""
    for block in meeting_places(memory_map, BLOCK_SIZE):
        if any(descriptor.type in _TRIGGERS for descriptor in block.descriptors):
            yield block


def meeting_places(memory_map: MemoryMap, size: int) -> Iterator[Block]:
    """The naturally aligned blocks of a size in bytes that several descriptors share, ascending.

    A descriptor that shares a block has its first or its last page in it, so only the blocks at
    both ends of each descriptor are looked at, however much it spans. A descriptor in the middle
    of another is a matter of overlapping descriptors, of which one is wrong. Descriptors that state
    no cacheability do not take part.
    """
    members: dict[int, list[MemoryDescriptor]] = {}
    for descriptor in memory_map.by_address:
        if descriptor.has(CACHEABILITY):
            first = round_down(descriptor.physical.start, size)
            last = round_down(descriptor.physical.last, size)
            members.setdefault(first, []).append(descriptor)
            if last != first:
                members.setdefault(last, []).append(descriptor)
    blocks: dict[tuple[int, ...], Block] = {}
    for start in sorted(members):
        sharing = members[start]
        if len(sharing) > 1:
            which = tuple(map(id, sharing))
            first = blocks[which].start if which in blocks else start
            blocks[which] = Block(first, start + size, tuple(sharing))
    yield from blocks.values()


def _offer(descriptor: MemoryDescriptor) -> str:
    names = attribute_names((descriptor.attribute or 0) & CACHEABILITY)
    best = f", best {attribute_names(strongest(descriptor))[0]}" if len(names) > 1 else ""
    return f"offers {'|'.join(names)}{best}"


def _pages(size: int) -> str:
    count = -(-size // EFI_PAGE_SIZE)
    return f"{count} page{'s' if count > 1 else ''} of 4 KiB"


def _joined(ranges: Iterator[AddressRange]) -> list[AddressRange]:
    """The same addresses, ranges that touch or overlap as one. They come by their start."""
    joined: list[AddressRange] = []
    for part in ranges:
        if joined and part.start <= joined[-1].end:
            joined[-1] = AddressRange(joined[-1].start, max(part.end, joined[-1].end))
        else:
            joined.append(part)
    return joined
