"""UEFI-RT-007, second half."""

from collections.abc import Iterator

from efipolicy.plugin import (
    CACHEABILITY,
    EFI_MEMORY_ISA_VALID,
    EFI_MEMORY_WB,
    Bad,
    Edit,
    EfiMemoryType,
    Finding,
    Fix,
    Good,
    MemoryDescriptor,
    MemoryMap,
    Severity,
    rule,
)


@rule(
    "uefi/runtime-bit-on-reserved-memory",
    severity=Severity.WARNING,
    requirements=("UEFI-RT-007",),
    sources=("UEFI 2.10 §7.2, Table 7.5", "UEFI 2.10 §7.2.3"),
    help="use EfiMemoryMappedIO for a device, EfiRuntimeServicesData for memory, and "
    "EfiACPIReclaimMemory without the bit for ACPI tables",
    needs=("attributes",),
    fix="unsafe",
    examples=(
        Bad("EfiReservedMemoryType  0xe0000000       0x10000  RUNTIME UC"),
        Bad("EfiReservedMemoryType  0x723ffbb0000  0x48     RUNTIME WB"),
        Good("EfiMemoryMappedIO      0xe0000000  0x10000  RUNTIME UC"),
        Good("EfiReservedMemoryType  0xe0000000  0x10000  UC"),
        # Without a cache type it is uefi/runtime-region-without-cacheability.
        Good("EfiReservedMemoryType  0xe0000000  0x10000  RUNTIME"),
    ),
)
def runtime_bit_on_reserved_memory(memory_map: MemoryMap) -> Iterator[Finding]:
    """Runtime services ask for a mapping of memory that is reserved.

    Reserved says: nobody may touch this, and nothing of what it is. A region that firmware wants
    mapped has a purpose, and a type for it. A range that cannot be cached for writing is a
    device's and belongs into EfiMemoryMappedIO; one that can is memory, EfiRuntimeServicesData if
    services use it, and EfiACPIReclaimMemory without a mapping if it holds ACPI tables.

    A server listed its PCI configuration space this way, and an Itanium its ACPI tables. Both
    work: Linux maps whatever carries the bit, and UEFI makes no statement on the bit with this
    type. But Linux on arm64 decides by the type and not by the attribute whether it maps a device
    or memory, so registers described as reserved are mapped as memory there. PCI configuration
    space that is only to be kept free needs no such bit: reserved memory without it will do.
    """
    for descriptor in memory_map.runtime:
        stated = descriptor.has(CACHEABILITY | EFI_MEMORY_ISA_VALID)
        if descriptor.type == EfiMemoryType.EfiReservedMemoryType and stated:
            yield _finding(descriptor)


def _finding(descriptor: MemoryDescriptor) -> Finding:
    if descriptor.has(EFI_MEMORY_WB | EFI_MEMORY_ISA_VALID):
        what, fix = "looks like memory: EfiRuntimeServicesData, or ACPI tables", None
    else:
        edit = Edit(descriptor, "type", int(EfiMemoryType.EfiMemoryMappedIO))
        what = "looks like a device: EfiMemoryMappedIO"
        fix = Fix("unsafe", "describe it as EfiMemoryMappedIO", (edit,))
    return Finding(
        descriptor,
        f"{descriptor} has EFI_MEMORY_RUNTIME; with {descriptor.attribute_text} it {what}",
        field="type",
        fix=fix,
    )
