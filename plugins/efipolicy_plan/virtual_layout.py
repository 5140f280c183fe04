"""Where a list given to SetVirtualAddressMap puts the regions of the memory map."""

from efipolicy.plugin import (
    NO_VIRTUAL_START,
    MappingDeclaration,
    MemoryDescriptor,
    MemoryMap,
    Platform,
    kernels_before,
)


def passes_list(mapping: MappingDeclaration, platform: Platform) -> bool:
    """Whether a kernel gives a list to SetVirtualAddressMap, and does not take a layout over.

    A list that is planned is there for the kernel that gives it, and no other. Declared, that of a
    kernel started by kexec is taken to be given only where it says that it calls the service, or
    where every kernel before it says it never did.
    """
    svam = mapping.set_virtual_address_map
    if svam and svam.calls:
        return svam.calls != "never"
    if mapping.virtual_map is None:
        return True
    before = [kernel.set_virtual_address_map for kernel in kernels_before(mapping, platform)]
    return all(earlier is not None and earlier.calls == "never" for earlier in before)


class VirtualLayout:
    """The virtual addresses that the entries of a list give to physical ones."""

    def __init__(self, entries: tuple[MemoryDescriptor, ...]) -> None:
        self._entries = MemoryMap(descriptors=entries)

    def virtual_start(self, descriptor: MemoryDescriptor) -> int | None:
        """Where a descriptor begins, if an entry says so; 0 says so at physical address 0 only."""
        entry = self._entries.at(descriptor.physical_start)
        if entry is None or entry.virtual_start in (None, NO_VIRTUAL_START):
            return None
        if not entry.virtual_start and entry.physical_start:
            return None
        return descriptor.physical_start - entry.physical_start + (entry.virtual_start or 0)
