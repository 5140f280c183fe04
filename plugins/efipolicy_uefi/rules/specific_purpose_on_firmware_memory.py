"""UEFI-ATTR-010."""

from collections.abc import Iterator

from efipolicy.plugin import (
    EFI_MEMORY_SP,
    Bad,
    EfiMemoryType,
    Finding,
    Good,
    MemoryMap,
    Revision,
    Severity,
    rule,
)
from efipolicy_uefi.descriptors import MMIO_TYPES, assumption, cleared, has_meaning

_NEVER_FREE = MMIO_TYPES | {
    EfiMemoryType.EfiReservedMemoryType,
    EfiMemoryType.EfiRuntimeServicesCode,
    EfiMemoryType.EfiRuntimeServicesData,
    EfiMemoryType.EfiUnusableMemory,
    EfiMemoryType.EfiACPIReclaimMemory,
    EfiMemoryType.EfiACPIMemoryNVS,
    EfiMemoryType.EfiPalCode,
}


@rule(
    "uefi/specific-purpose-on-firmware-memory",
    severity=Severity.INFO,
    requirements=("UEFI-ATTR-010",),
    sources=("UEFI 2.10 §7.2.3", "Linux 6.6 arch/x86/platform/efi/efi.c"),
    help="clear EFI_MEMORY_SP: it says which of the free memory to keep out of the general pool",
    needs=("attributes",),
    fix="safe",
    examples=(
        Bad("EfiRuntimeServicesData  0x7f000000  16  RUNTIME WB SP"),
        Bad("EfiACPIReclaimMemory    0x7f000000  16  WB SP", uefi="2.8"),
        Good("EfiConventionalMemory  0x100000000  0x40000  WB SP"),
        Good("EfiLoaderData          0x100000000  16       WB SP"),
        # Before UEFI 2.8 it is uefi/attribute-newer-than-revision.
        Good("EfiRuntimeServicesData  0x7f000000  16  RUNTIME WB SP", uefi="2.7"),
    ),
)
def specific_purpose_on_firmware_memory(
    memory_map: MemoryMap, revision: Revision | None = None
) -> Iterator[Finding]:
    """Memory that never becomes free is marked for a specific purpose.

    EFI_MEMORY_SP (UEFI 2.8 and later) asks an operating system to keep memory, such as that of an
    accelerator, out of its general pool. Runtime services, ACPI and reserved memory never gets
    there, so the bit has no effect on them. Linux looks at it on conventional, loader and boot
    services memory only, where it makes the range soft-reserved, and it refuses to map such memory
    for firmware. A bit without effect hints that the firmware put its own data into memory meant
    for somebody else, which may be slow or far away.
    """
    if not has_meaning(EFI_MEMORY_SP, revision):
        return
    for descriptor in memory_map.descriptors:
        if descriptor.type in _NEVER_FREE and descriptor.has(EFI_MEMORY_SP):
            yield Finding(
                descriptor,
                f"{descriptor} is never free, and EFI_MEMORY_SP has no effect on it"
                f"{assumption(EFI_MEMORY_SP, revision)}",
                field="attribute",
                fix=cleared(descriptor, EFI_MEMORY_SP, "EFI_MEMORY_SP"),
            )
