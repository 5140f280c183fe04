"""UEFI-SVAM-005."""

from collections.abc import Iterator

from efipolicy.plugin import (
    Bad,
    Finding,
    Good,
    MappingDeclaration,
    MemoryDescriptor,
    NotJudged,
    Platform,
    Related,
    Responsible,
    Severity,
    rule,
)
from efipolicy_uefi.extents import holders, runtime_holder
from efipolicy_uefi.virtual_maps import marked_by_kernel, passed_list


@rule(
    "uefi/foreign-entry-in-virtual-map",
    severity=Severity.ERROR,
    requirements=("UEFI-SVAM-005",),
    sources=("UEFI 2.10 §8.4.1", "Linux commit 1acba98f810a"),
    help="pass the descriptors of the memory map that have EFI_MEMORY_RUNTIME",
    responsible=Responsible.KERNEL,
    examples=(
        Bad(
            "EfiBootServicesData  0x7a000000  16  WB",
            sections="""
mapping:
  - os: a
    virtual_map:
      - type: EfiBootServicesData
        physical_start: 0x7a000000
        virtual_start: 0x20000000
        pages: 16
        attribute: [RUNTIME, WB]
""",
            at=0,
        ),
        Bad(
            "EfiRuntimeServicesData  0x7f000000  16  RUNTIME WB",
            sections="""
mapping:
  - os: a
    virtual_map:
      - {type: 4, physical_start: 0x7a000000, virtual_start: 0x20000000, pages: 16}
""",
            at=0,
        ),
        Bad(
            "EfiConventionalMemory   0x7a000000  0x1000  WB",
            "EfiRuntimeServicesData  0x7f000000  16      RUNTIME WB",
            sections="""
mapping:
  - os: a
    virtual_map:
      - {type: 4, physical_start: 0x7a000000, virtual_start: 0x20000000, pages: 16}
""",
            at=0,
        ),
        Good(
            "EfiRuntimeServicesData  0x7f000000  16  RUNTIME WB",
            sections="""
mapping:
  - os: a
    virtual_map:
      - {type: 6, physical_start: 0x7f000000, virtual_start: 0x20000000, pages: 16}
""",
        ),
        Good(
            "EfiBootServicesData     0x7a000000  16  WB",
            "EfiRuntimeServicesData  0x7f000000  16  RUNTIME WB",
            architecture="x86_64",
            sections="mapping: [{strategy: x86-topdown}]",
        ),
    ),
)
def foreign_entry_in_virtual_map(
    virtual_map: tuple[MemoryDescriptor, ...],
    mapping: MappingDeclaration,
    platform: Platform,
) -> Iterator[Finding | NotJudged]:
    """The list given to SetVirtualAddressMap has an entry that is no runtime region of firmware's.

    The list is the runtime part of the memory map with virtual addresses filled in. An address for
    a range the map does not have is answered with EFI_NOT_FOUND, if firmware looks. One marked
    EFI_MEMORY_RUNTIME that firmware never marked so has firmware convert pointers into memory the
    operating system is about to reuse.

    Linux once passed all its boot-services regions that way and had to stop (commit
    1acba98f810a). Today x86-64 passes them without the bit, which firmware skips, but for those few
    that it marked in order to keep them: see ``uefi/virtual-map-entry-without-runtime``. That is
    also what an entry is taken for that does not state its attribute and is of the type the memory
    map has there.
    """
    # The map as it was read: garbage in it is another rule's business.
    memory_map = platform.memory_map
    for entry in passed_list(virtual_map, mapping, platform):
        if runtime_holder(memory_map, entry.physical):
            continue
        found = holders(memory_map, entry.physical)
        if not found and memory_map.extent != "whole":
            yield NotJudged("memory_map.extent: whole")
        elif not found:
            yield Finding(
                entry,
                f"{entry} is given to SetVirtualAddressMap and not in the memory map",
                field="physical_start",
            )
        else:
            yield from _without_runtime(entry, found, mapping, platform)


def _of_other_type(entry: MemoryDescriptor, found: list[MemoryDescriptor]) -> Finding:
    return Finding(
        entry,
        f"{entry} is given to SetVirtualAddressMap, and the memory map has "
        f"{found[0].type_name} there",
        field="type",
        related=tuple(Related(d, f"{d.type_name} in the memory map") for d in found),
    )


def _without_runtime(
    entry: MemoryDescriptor,
    found: list[MemoryDescriptor],
    mapping: MappingDeclaration,
    platform: Platform,
) -> Iterator[Finding | NotJudged]:
    """What is to be said of an entry none of whose descriptors says it is a runtime region."""
    if any(holder.attribute is None for holder in found):
        yield NotJudged("memory_map.descriptors[].attribute")
    elif entry.attribute is None and all(holder.type != entry.type for holder in found):
        yield _of_other_type(entry, found)
    elif entry.runtime and not marked_by_kernel(entry, found, mapping, platform):
        yield Finding(
            entry,
            f"{entry} is given to SetVirtualAddressMap with EFI_MEMORY_RUNTIME, "
            "which the memory map does not have there",
            field="attribute",
            related=tuple(Related(d, "has no EFI_MEMORY_RUNTIME") for d in found),
        )
