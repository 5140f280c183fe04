"""UEFI-RT-003."""

from collections.abc import Iterator

from efipolicy.plugin import (
    EFI_MEMORY_RUNTIME,
    Bad,
    Edit,
    EfiMemoryType,
    Finding,
    Fix,
    Good,
    MemoryMap,
    Severity,
    rule,
)

_ACPI = frozenset({EfiMemoryType.EfiACPIReclaimMemory, EfiMemoryType.EfiACPIMemoryNVS})


@rule(
    "uefi/runtime-bit-on-acpi-memory",
    severity=Severity.ERROR,
    requirements=("UEFI-RT-003",),
    sources=("UEFI 2.10 §2.3.2 to §2.3.8", "EFI 1.10 §2.3.3"),
    help="clear EFI_MEMORY_RUNTIME, or keep what the services need in EfiRuntimeServicesData",
    needs=("attributes",),
    fix="safe",
    examples=(
        Bad("EfiACPIMemoryNVS      0x7e000000  16  RUNTIME WB"),
        Bad("EfiACPIReclaimMemory  0x7e000000  16  RUNTIME WB"),
        Good("EfiACPIMemoryNVS      0x7e000000  16  WB"),
        Good("EfiRuntimeServicesData  0x7e000000  16  RUNTIME WB"),
    ),
)
def runtime_bit_on_acpi_memory(memory_map: MemoryMap) -> Iterator[Finding]:
    """Runtime services ask for a mapping of memory that belongs to ACPI.

    ACPI memory is the operating system's to manage: it interprets the tables, saves NVS over
    sleep and frees reclaim memory once ACPI is up. With a mapping request firmware and operating
    system share writable pages under different rules: Linux maps whatever carries the bit into the
    page tables that firmware runs under. The clause forbids it on every architecture, and EDK II
    asserts it at ExitBootServices.
    """
    for descriptor in memory_map.runtime:
        if descriptor.type in _ACPI:
            without = (descriptor.attribute or 0) & ~EFI_MEMORY_RUNTIME
            yield Finding(
                descriptor,
                f"{descriptor} has EFI_MEMORY_RUNTIME",
                field="attribute",
                fix=Fix(
                    "safe",
                    "clear EFI_MEMORY_RUNTIME",
                    (Edit(descriptor, "attribute", without),),
                ),
            )
