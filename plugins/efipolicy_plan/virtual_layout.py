"""Where a list given to SetVirtualAddressMap puts the regions of the memory map."""

from efipolicy.plugin import (
    MappingDeclaration,
    MemoryDescriptor,
    MemoryMap,
    Platform,
    kernels_before,
)

_NO_ADDRESS = 0xFFFF_FFFF_FFFF_FFFF


def passes_list(mapping: MappingDeclaration, platform: Platform) -> bool:
    """Whether a kernel gives a list to SetVirtualAddressMap, and does not take a layout over.

    A kernel started by kexec is taken to call the service only where it says so, or where every
    kernel before it says it never did.
    """
    svam = mapping.set_virtual_address_map
    if svam and svam.calls:
        return svam.calls != "never"
    before = [kernel.set_virtual_address_map for kernel in kernels_before(mapping, platform)]
    return all(earlier is not None and earlier.calls == "never" for earlier in before)


class VirtualLayout:
    """The virtual addresses that the entries of a list give to physical ones."""

    def __init__(self, entries: tuple[MemoryDescriptor, ...]) -> None:
        self._entries = MemoryMap(descriptors=entries)

    def virtual_start(self, descriptor: MemoryDescriptor) -> int | None:
        """Where a descriptor begins, if an entry says so; 0 says so at physical address 0 only."""
        entry = self._entries.at(descriptor.physical_start)
        if entry is None or entry.virtual_start in (None, _NO_ADDRESS):
            return None
        if not entry.virtual_start and entry.physical_start:
            return None
        return descriptor.physical_start - entry.physical_start + (entry.virtual_start or 0)
