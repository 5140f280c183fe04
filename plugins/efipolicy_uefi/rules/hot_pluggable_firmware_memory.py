"""UEFI-ATTR-011."""

from collections.abc import Iterator

from efipolicy.plugin import (
    EFI_MEMORY_HOT_PLUGGABLE,
    Bad,
    EfiMemoryType,
    Finding,
    Good,
    MemoryMap,
    Revision,
    Severity,
    rule,
)
from efipolicy_uefi.descriptors import assumption, cleared, has_meaning

_FIRMWARE = frozenset(
    {
        EfiMemoryType.EfiReservedMemoryType,
        EfiMemoryType.EfiRuntimeServicesCode,
        EfiMemoryType.EfiRuntimeServicesData,
        EfiMemoryType.EfiACPIReclaimMemory,
        EfiMemoryType.EfiACPIMemoryNVS,
    }
)


@rule(
    "uefi/hot-pluggable-firmware-memory",
    severity=Severity.WARNING,
    requirements=("UEFI-ATTR-011",),
    sources=("UEFI 2.11 §7.2.3", "EDK II commit 12ceee664a"),
    help="clear EFI_MEMORY_HOT_PLUGGABLE, and allocate what firmware needs in memory that stays",
    needs=("attributes",),
    fix="safe",
    examples=(
        Bad("EfiRuntimeServicesData  0x7f000000  16  RUNTIME WB HOT_PLUGGABLE", uefi="2.11"),
        Bad("EfiACPIMemoryNVS        0x7f000000  16  WB HOT_PLUGGABLE", uefi="2.11"),
        Bad("EfiMemoryMappedIO       0xfed00000  1   RUNTIME UC HOT_PLUGGABLE"),
        Good("EfiConventionalMemory  0x100000000  0x40000  WB HOT_PLUGGABLE", uefi="2.11"),
        # The bit had no meaning yet: it is uefi/attribute-newer-than-revision.
        Good("EfiRuntimeServicesData  0x7f000000  16  RUNTIME WB HOT_PLUGGABLE", uefi="2.10"),
    ),
)
def hot_pluggable_firmware_memory(
    memory_map: MemoryMap, revision: Revision | None = None
) -> Iterator[Finding]:
    """Memory that firmware needs is promised to be removable.

    EFI_MEMORY_HOT_PLUGGABLE (UEFI 2.11 and later) tells an operating system that the range can go
    away while it runs, so it keeps from there what it cannot move. Runtime services, ACPI tables
    and reserved memory cannot be moved by anybody: once the memory is pulled, the next service
    call or the next sleep meets nothing. The specification gives the meaning of the bit and does
    not spell out which types it excludes.
    """
    if not has_meaning(EFI_MEMORY_HOT_PLUGGABLE, revision):
        return
    for descriptor in memory_map.descriptors:
        needed = descriptor.type in _FIRMWARE or descriptor.runtime
        if needed and descriptor.has(EFI_MEMORY_HOT_PLUGGABLE):
            yield Finding(
                descriptor,
                f"{descriptor} is the firmware's and has EFI_MEMORY_HOT_PLUGGABLE"
                f"{assumption(EFI_MEMORY_HOT_PLUGGABLE, revision)}",
                field="attribute",
                fix=cleared(descriptor, EFI_MEMORY_HOT_PLUGGABLE, "EFI_MEMORY_HOT_PLUGGABLE"),
            )
