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
from efipolicy_uefi.extents import holders
from efipolicy_uefi.virtual_maps import is_declared, passed_list


@rule(
    "uefi/virtual-map-entry-without-runtime",
    severity=Severity.INFO,
    requirements=("UEFI-SVAM-005",),
    sources=("UEFI 2.10 §8.4.1", "EDK II MdeModulePkg/Core/RuntimeDxe/Runtime.c"),
    help="pass the runtime regions only",
    responsible=Responsible.KERNEL,
    since="0.2.0",
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
    sends the whole map; Xen sends the rest with a virtual start of all ones. Other firmware may
    take such an entry for what it says, so this is worth knowing when a call fails on one board
    only.

    One finding stands for all such entries of a list.
    """
    skipped = [
        entry
        for entry in passed_list(virtual_map, mapping, platform)
        if entry.attribute is not None and not entry.runtime and _described(entry, platform)
    ]
    if not skipped:
        return
    first = skipped[0]
    others = f" and {len(skipped) - 1} more are" if len(skipped) > 1 else " is"
    yield Finding(
        first,
        f"{first}{others} given to SetVirtualAddressMap without EFI_MEMORY_RUNTIME",
        field="attribute",
        related=tuple(Related(entry, "another one") for entry in skipped[1:])
        if is_declared(mapping)
        else (),
    )


def _described(entry: MemoryDescriptor, platform: Platform) -> bool:
    """Whether the memory map has it, as no runtime region; else another rule reports it."""
    found = holders(platform.memory_map, entry.physical)
    return bool(found) and not any(holder.runtime for holder in found)
