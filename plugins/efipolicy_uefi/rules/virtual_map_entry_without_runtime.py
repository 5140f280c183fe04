"""UEFI-SVAM-005, entries that firmware skips."""

from collections.abc import Iterator

from efipolicy.plugin import (
    Bad,
    Finding,
    Good,
    MappingDeclaration,
    MemoryDescriptor,
    Platform,
    Related,
    Responsible,
    Severity,
    rule,
)
from efipolicy_uefi.extents import holders, runtime_holder
from efipolicy_uefi.virtual_maps import is_declared, marked_by_kernel, passed_list


@rule(
    "uefi/virtual-map-entry-without-runtime",
    severity=Severity.INFO,
    requirements=("UEFI-SVAM-005",),
    sources=("UEFI 2.10 §8.4.1", "EDK II MdeModulePkg/Core/RuntimeDxe/Runtime.c"),
    help="pass the runtime regions only",
    responsible=Responsible.KERNEL,
    examples=(
        Bad(
            "EfiBootServicesData  0x7a000000  16  WB",
            sections="""
mapping:
  - os: a
    virtual_map:
      - {type: 4, physical_start: 0x7a000000, virtual_start: 0x20000000, pages: 16, attribute: [WB]}
""",
            at=0,
        ),
        Bad(
            "EfiBootServicesData     0x7a000000  16  WB",
            "EfiRuntimeServicesData  0x7f000000  16  RUNTIME WB",
            architecture="x86_64",
            sections="mapping: [{strategy: x86-topdown}]",
            at=0,
        ),
        Good(
            "EfiBootServicesData     0x7a000000  16  WB",
            "EfiRuntimeServicesData  0x7f000000  16  RUNTIME WB",
            architecture="x86_64",
            sections="mapping: [{strategy: x86-topdown, options: {boot_services: false}}]",
        ),
    ),
)
def virtual_map_entry_without_runtime(
    virtual_map: tuple[MemoryDescriptor, ...],
    mapping: MappingDeclaration,
    platform: Platform,
) -> Iterator[Finding]:
    """The list given to SetVirtualAddressMap has entries firmware did not ask for, and skips.

    By the letter only regions with EFI_MEMORY_RUNTIME are sent. Entries of the memory map without
    the bit do no harm where firmware ignores them, as EDK II does. Linux on x86-64 sends its boot
    services regions so, because firmware was seen to touch them during the call; on Itanium it
    sends the whole map; Xen sends the rest with a virtual start of all ones.

    Some kernels set the bit in their own copy of the map, on memory that they mean to keep, and
    send it so: Linux on x86-64 on the boot-services memory of tables such as the Memory Attributes
    Table, Xen where firmware forgot it on runtime code and data. Pointers into that memory are
    converted then, which does no harm either.

    Other firmware may take such an entry for what it says, so this is worth knowing when a call
    fails on one board only. One finding stands for all such entries of a list.
    """
    skipped = [
        entry
        for entry in passed_list(virtual_map, mapping, platform)
        if _described(entry, mapping, platform)
    ]
    if not skipped:
        return
    first = skipped[0]
    others = f" and {len(skipped) - 1} more are" if len(skipped) > 1 else " is"
    yield Finding(
        first,
        f"{first}{others} given to SetVirtualAddressMap; the memory map has no "
        "EFI_MEMORY_RUNTIME there",
        field="attribute",
        related=tuple(Related(entry, "another one") for entry in skipped[1:])
        if is_declared(mapping)
        else (),
    )


def _described(entry: MemoryDescriptor, mapping: MappingDeclaration, platform: Platform) -> bool:
    """Whether the memory map has it, as no runtime region; else another rule reports it.

    An entry that does not state its attribute has the descriptor's, when it is of its type.
    """
    if runtime_holder(platform.memory_map, entry.physical):
        return False
    found = holders(platform.memory_map, entry.physical)
    if not found:
        return False
    if entry.attribute is not None:
        return not entry.runtime or marked_by_kernel(entry, found, mapping, platform)
    return all(d.attribute is not None for d in found) and entry.type in {d.type for d in found}
