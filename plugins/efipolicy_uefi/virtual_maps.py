"""What several rules ask of the list an operating system gives to SetVirtualAddressMap."""

from collections.abc import Iterator

from efipolicy.plugin import (
    EFI_MEMORY_RUNTIME,
    MappingDeclaration,
    MemoryDescriptor,
    MemoryMap,
    Platform,
    kernels_before,
)

NO_ADDRESS = 0xFFFF_FFFF_FFFF_FFFF
"""The virtual start that says there is none: Linux's stub after a failed call, Xen for the rest."""


def kernels_after(mapping: MappingDeclaration, platform: Platform) -> list[MappingDeclaration]:
    """The kernels that follow one by kexec, the next one first."""
    for first in platform.mapping or ():
        chain = (first, *first.kexec)
        for place, kernel in enumerate(chain):
            if kernel is mapping:
                return [*chain[place + 1 :]]
    return []


def calls_of(mapping: MappingDeclaration) -> str | None:
    """How often a kernel says it calls SetVirtualAddressMap."""
    svam = mapping.set_virtual_address_map
    return svam.calls if svam else None


def passes_list(mapping: MappingDeclaration, platform: Platform) -> bool:
    """Whether a kernel gives a list to SetVirtualAddressMap, and does not take a layout over.

    A kernel started by kexec is taken to call the service only where it says so, or where every
    kernel before it says it never did.
    """
    calls = calls_of(mapping)
    if calls is None:
        return all(calls_of(kernel) == "never" for kernel in kernels_before(mapping, platform))
    return calls != "never"


def passed_list(
    virtual_map: tuple[MemoryDescriptor, ...], mapping: MappingDeclaration, platform: Platform
) -> tuple[MemoryDescriptor, ...]:
    """The list a kernel gives to SetVirtualAddressMap; empty for one that gives none."""
    return virtual_map if passes_list(mapping, platform) else ()


def placed(
    entries: tuple[MemoryDescriptor, ...], memory_map: MemoryMap
) -> Iterator[tuple[MemoryDescriptor, int]]:
    """The entries firmware converts pointers by, each with its virtual start.

    Firmware passes over an entry without EFI_MEMORY_RUNTIME, whatever stands in it. An entry that
    does not state its attribute has that of the descriptor it starts in.
    """
    for entry in entries:
        virtual_start = entry.virtual_start
        if virtual_start is None or virtual_start == NO_ADDRESS:
            continue
        attribute = entry.attribute
        if attribute is None:
            holder = memory_map.at(entry.physical_start)
            attribute = holder.attribute if holder else None
        if attribute is None or attribute & EFI_MEMORY_RUNTIME:
            yield entry, virtual_start


def is_declared(mapping: MappingDeclaration) -> bool:
    """Whether the list is written in the file, entry by entry, and not planned by a strategy."""
    return mapping.virtual_map is not None
