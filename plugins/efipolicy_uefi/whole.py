"""Entries of a virtual map that are no whole descriptors."""

from collections.abc import Iterator

from efipolicy.plugin import AddressRange, MemoryDescriptor, MemoryMap
from efipolicy_uefi.extents import runtime_holder


def pieces(
    virtual_map: tuple[MemoryDescriptor, ...], memory_map: MemoryMap
) -> Iterator[tuple[MemoryDescriptor, MemoryDescriptor]]:
    """Each entry that cuts runtime regions apart, or reaches beyond, with the first of them.

    Touching descriptors of equal type and attribute that are joined stay whole.
    """
    extents = {descriptor.physical for descriptor in memory_map.descriptors}
    for entry in virtual_map:
        if entry.physical not in extents and not _joins(entry.physical, memory_map):
            runtime = runtime_holder(memory_map, entry.physical)
            if runtime:
                yield entry, runtime


def _joins(extent: AddressRange, memory_map: MemoryMap) -> bool:
    """Whether a range is made of whole touching descriptors of equal type and attribute."""
    last = memory_map.at(extent.start)
    if last is None or last.physical.start != extent.start:
        return False
    while last.physical.end < extent.end:
        following = memory_map.at(last.physical.end)
        if following is None or following.physical.start != last.physical.end:
            return False
        if (following.type, following.attribute) != (last.type, last.attribute):
            return False
        last = following
    return last.physical.end == extent.end
