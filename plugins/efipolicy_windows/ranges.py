"""Ranges of physical memory held against the memory map."""

from __future__ import annotations

from collections.abc import Iterator

from efipolicy.plugin import AddressRange, MemoryDescriptor, MemoryMap

Piece = tuple[AddressRange, MemoryDescriptor | None]


def pieces(wanted: AddressRange, memory_map: MemoryMap) -> Iterator[Piece]:
    """A range cut where descriptors begin and end, each part with its descriptor if any.

    Of descriptors that overlap, each is given with all it holds of the range.
    """
    position = wanted.start
    for descriptor in memory_map.sharing(wanted):
        shared = descriptor.physical & wanted
        if position < shared.start:
            yield AddressRange(position, shared.start), None
        yield shared, descriptor
        position = max(position, shared.end)
    if position < wanted.end:
        yield AddressRange(position, wanted.end), None
