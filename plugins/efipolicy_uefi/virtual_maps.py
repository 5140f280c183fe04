"""What several rules ask of the list an operating system gives to SetVirtualAddressMap."""

from collections.abc import Iterator

from efipolicy.plugin import (
    EFI_MEMORY_RUNTIME,
    NO_VIRTUAL_START,
    EfiMemoryType,
    MappingDeclaration,
    MemoryDescriptor,
    MemoryMap,
    NotJudged,
    Platform,
    kernels_before,
)

_RUNTIME = (EfiMemoryType.EfiRuntimeServicesCode, EfiMemoryType.EfiRuntimeServicesData)
_BOOT_SERVICES = (EfiMemoryType.EfiBootServicesCode, EfiMemoryType.EfiBootServicesData)


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

    A list that is planned is there for the kernel that gives it, and no other. Declared, that of a
    kernel started by kexec is taken to be given only where it says that it calls the service, or
    where every kernel before it says it never did.
    """
    calls = calls_of(mapping)
    if calls is None:
        return not is_declared(mapping) or may_be_first_to_call(mapping, platform)
    return calls != "never"


def may_be_first_to_call(mapping: MappingDeclaration, platform: Platform) -> bool:
    """Whether every kernel before one says that it never calls SetVirtualAddressMap."""
    return all(calls_of(kernel) == "never" for kernel in kernels_before(mapping, platform))


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
        if virtual_start is None or virtual_start == NO_VIRTUAL_START:
            continue
        attribute = entry.attribute
        if attribute is None:
            holder = memory_map.at(entry.physical_start)
            attribute = holder.attribute if holder else None
        if attribute is None or attribute & EFI_MEMORY_RUNTIME:
            yield entry, virtual_start


def marked_by_kernel(
    entry: MemoryDescriptor,
    found: list[MemoryDescriptor],
    mapping: MappingDeclaration,
    platform: Platform,
) -> bool:
    """Whether a kernel itself set EFI_MEMORY_RUNTIME, on memory that it means to keep.

    Xen does so where firmware forgot the bit on runtime code and data. Linux on x86 does so with
    boot-services memory, for the tables it still needs and for what it cannot reserve otherwise,
    before it makes the list of what its copy of the map holds (Linux 6.12,
    arch/x86/platform/efi/quirks.c). ``found`` are the descriptors firmware has there.
    """
    if any(descriptor.type != entry.type for descriptor in found):
        return False
    if entry.type in _RUNTIME:
        return True
    on_linux = "linux" in (mapping.os or "linux").casefold()
    return on_linux and platform.architecture == "x86_64" and entry.type in _BOOT_SERVICES


def unplaced(
    entries: tuple[MemoryDescriptor, ...], mapping: MappingDeclaration
) -> Iterator[NotJudged]:
    """What cannot be judged of a list that is declared without saying where some entry goes."""
    if is_declared(mapping) and any(entry.virtual_start is None for entry in entries):
        yield NotJudged("mapping[].virtual_map[].virtual_start")


def is_declared(mapping: MappingDeclaration) -> bool:
    """Whether the list is written in the file, entry by entry, and not planned by a strategy."""
    return mapping.virtual_map is not None
