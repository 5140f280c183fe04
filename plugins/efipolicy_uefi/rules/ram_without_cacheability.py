"""UEFI-ATTR-003, for the types that are RAM on every architecture."""

from collections.abc import Iterator

from efipolicy.plugin import (
    CACHEABILITY,
    EFI_MEMORY_ISA_VALID,
    EFI_MEMORY_RUNTIME,
    Bad,
    Finding,
    Good,
    MemoryMap,
    Revision,
    Severity,
    rule,
)
from efipolicy_uefi.descriptors import RAM_TYPES, other_meaning


@rule(
    "uefi/ram-without-cacheability",
    severity=Severity.WARNING,
    requirements=("UEFI-ATTR-003",),
    sources=("UEFI 2.10 §7.2.3", "UEFI 2.10 §2.3.2 to §2.3.8"),
    help="set the cache types the memory can have, EFI_MEMORY_WB at least for DRAM",
    needs=("attributes",),
    examples=(
        Bad("EfiConventionalMemory  0x100000    16"),
        Bad("EfiACPIMemoryNVS       0x7e000000  16  XP"),
        Good("EfiConventionalMemory  0x100000   16  WB"),
        Good("EfiLoaderData          0x100000   16  0x40ff000000000000"),
        Good("EfiReservedMemoryType  0xa0000    0x60"),
        # In EFI 1.02 the number 14 was a type of reserved memory.
        Good("14  0x100000  16", uefi="1.02"),
        # With RUNTIME it is uefi/runtime-region-without-cacheability.
        Good("EfiRuntimeServicesData  0x7f000000  16  RUNTIME"),
    ),
)
def ram_without_cacheability(
    memory_map: MemoryMap, revision: Revision | None = None
) -> Iterator[Finding]:
    """Memory does not say in which ways it can be cached.

    Without any of UC, WC, WT and WB an operating system has no legal way to map the range. Linux
    takes RAM without WB out of its direct map, and an ACPI operation region there falls back to
    uncached accesses.
    """
    for descriptor in memory_map.descriptors:
        told = descriptor.has(CACHEABILITY | EFI_MEMORY_ISA_VALID | EFI_MEMORY_RUNTIME)
        ram = descriptor.type in RAM_TYPES and not other_meaning(descriptor, revision)
        if ram and not told:
            yield Finding(
                descriptor,
                f"{descriptor} has none of UC, WC, WT and WB",
                field="attribute",
            )
