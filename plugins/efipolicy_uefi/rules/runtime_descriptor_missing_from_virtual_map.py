"""UEFI-SVAM-004."""

from collections.abc import Iterator

from efipolicy.plugin import (
    NO_VIRTUAL_START,
    Bad,
    Finding,
    Good,
    MappingDeclaration,
    MemoryDescriptor,
    MemoryMap,
    NotJudged,
    Platform,
    Related,
    Responsible,
    Severity,
    rule,
)
from efipolicy_uefi.extents import parts
from efipolicy_uefi.virtual_maps import is_declared, passes_list


@rule(
    "uefi/runtime-descriptor-missing-from-virtual-map",
    severity=Severity.ERROR,
    requirements=("UEFI-SVAM-004",),
    sources=("UEFI 2.10 §8.4.1", "UEFI 2.11 §8.4.1"),
    help="give every descriptor with EFI_MEMORY_RUNTIME a virtual start, and pass it",
    needs=("attributes",),
    responsible=Responsible.KERNEL,
    # No cacheability, or no room in the window: firmware's fault, and the reason for this one.
    unless=("uefi/runtime-region-without-cacheability", "linux/runtime-window-overflow"),
    examples=(
        Bad(
            "EfiRuntimeServicesCode  0x7f000000  16  RUNTIME WB",
            "EfiRuntimeServicesData  0x7f010000  16  RUNTIME WB",
            "EfiMemoryMappedIO       0xffc00000  16  RUNTIME UC",
            sections="""
mapping:
  - os: a
    virtual_map:
      - {type: 5, physical_start: 0x7f000000, virtual_start: 0x20000000, pages: 16}
      - {type: 6, physical_start: 0x7f010000, virtual_start: 0x20010000, pages: 16}
""",
            at=3,
        ),
        Good(
            "EfiRuntimeServicesCode  0x7f000000  16  RUNTIME WB",
            "EfiRuntimeServicesData  0x7f010000  16  RUNTIME WB",
            "EfiConventionalMemory   0x7f020000  16  WB",
            sections="""
mapping:
  - os: a
    virtual_map:
      - {type: 5, physical_start: 0x7f000000, virtual_start: 0x20000000, pages: 16}
      - {type: 6, physical_start: 0x7f010000, virtual_start: 0x20010000, pages: 16}
""",
        ),
        Good(
            "EfiRuntimeServicesCode  0x7f000000  16  RUNTIME WB",
            "EfiMemoryMappedIO       0xffc00000  16  RUNTIME UC",
            architecture="x86_64",
            sections="mapping: [{strategy: x86-topdown}]",
        ),
    ),
)
def runtime_descriptor_missing_from_virtual_map(
    virtual_map: tuple[MemoryDescriptor, ...],
    memory_map: MemoryMap,
    mapping: MappingDeclaration,
    platform: Platform,
) -> Iterator[Finding | NotJudged]:
    """A region firmware uses at runtime is not in the list given to SetVirtualAddressMap.

    Every descriptor with EFI_MEMORY_RUNTIME needs an entry with a virtual start. By the
    specification the call answers EFI_NO_MAPPING otherwise. EDK II does not look: it converts
    what it can, and the first pointer into the forgotten region is either refused by
    ConvertPointer or stays physical, and faults at the first service that follows it.

    An entry passed without EFI_MEMORY_RUNTIME does not count, because firmware skips it. One that
    covers only a part of the descriptor is reported as such and not here.
    """
    if not passes_list(mapping, platform):
        return
    listed = MemoryMap(descriptors=virtual_map)
    for descriptor in memory_map.runtime:
        covering = _covering(listed, descriptor) if descriptor.addressable else None
        if covering is None or _joined_to_another(descriptor, covering, mapping):
            continue
        if is_declared(mapping) and any(entry.virtual_start is None for entry in covering):
            yield NotJudged("mapping[].virtual_map[].virtual_start")
        elif fault := _fault(covering):
            yield Finding(descriptor, f"{descriptor} {fault}", related=_list_of(mapping))


def _covering(listed: MemoryMap, descriptor: MemoryDescriptor) -> list[MemoryDescriptor] | None:
    """The entries over a descriptor; ``None`` when firmware converts pointers by one of them."""
    covering: list[MemoryDescriptor] = []
    for _, entry in parts(listed, descriptor.physical):
        if entry and _has_address(entry) and (entry.attribute is None or entry.runtime):
            return None
        if entry:
            covering.append(entry)
    return covering


def _joined_to_another(
    descriptor: MemoryDescriptor, covering: list[MemoryDescriptor], mapping: MappingDeclaration
) -> bool:
    """Whether a strategy joined a descriptor to one before it, at which a fault is told."""
    first = next(iter(covering), None)
    return (
        first is not None
        and not is_declared(mapping)
        and first.physical_start < descriptor.physical_start
    )


def _has_address(entry: MemoryDescriptor) -> bool:
    return entry.virtual_start not in (None, NO_VIRTUAL_START)


def _list_of(mapping: MappingDeclaration) -> tuple[Related, ...]:
    """The kernel whose list it is, where the file has a place for it."""
    return (Related(mapping, f"the list of {mapping.os or mapping.strategy or 'this kernel'}"),)


def _fault(covering: list[MemoryDescriptor]) -> str | None:
    if not covering:
        return "has EFI_MEMORY_RUNTIME and is not in the list given to SetVirtualAddressMap"
    if not any(map(_has_address, covering)):
        return "is given to SetVirtualAddressMap without a virtual start"
    if not any(entry.attribute is None or entry.runtime for entry in covering):
        return "is given to SetVirtualAddressMap without EFI_MEMORY_RUNTIME, so firmware skips it"
    return None
