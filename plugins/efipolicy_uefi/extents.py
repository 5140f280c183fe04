"""A range of physical addresses, cut where the memory map's descriptors begin and end."""

from bisect import bisect_right
from collections.abc import Iterator

from efipolicy.plugin import AddressRange, MemoryDescriptor, MemoryMap


def parts(
    memory_map: MemoryMap, extent: AddressRange
) -> Iterator[tuple[AddressRange, MemoryDescriptor | None]]:
    """Each part of a range in its order, with the descriptor that holds it, if one does.

    Costs a bisection for each part. Where descriptors overlap, the one that starts nearest below
    holds the part.
    """
    by_address = memory_map.by_address
    start = extent.start
    while start < extent.end:
        holder = memory_map.at(start)
        end = extent.end
        if holder:
            end = min(end, holder.physical.end)
        else:
            place = bisect_right(by_address, start, key=lambda d: d.physical_start)
            if place < len(by_address):
                end = min(end, by_address[place].physical_start)
        yield AddressRange(start, end), holder
        start = end


def runtime_holder(memory_map: MemoryMap, extent: AddressRange) -> MemoryDescriptor | None:
    """The first descriptor with EFI_MEMORY_RUNTIME that holds a part of a range."""
    return next((d for _, d in parts(memory_map, extent) if d and d.runtime), None)


def holders(memory_map: MemoryMap, extent: AddressRange) -> list[MemoryDescriptor]:
    """The descriptors that hold parts of a range, by address."""
    return [holder for _, holder in parts(memory_map, extent) if holder]
