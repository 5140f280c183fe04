"""UEFI-RT-006 and the codes of the architectures that have a unit of their own."""

from collections.abc import Iterator

from efipolicy.plugin import (
    Architecture,
    Bad,
    EfiMemoryType,
    Finding,
    Good,
    MemoryMap,
    Severity,
    rule,
)
from efipolicy_uefi.granularity import breach

_ACPI = frozenset({EfiMemoryType.EfiACPIReclaimMemory, EfiMemoryType.EfiACPIMemoryNVS})


@rule(
    "uefi/acpi-memory-breaks-granularity",
    severity=Severity.ERROR,
    requirements=("UEFI-RT-006",),
    sources=("UEFI 2.10 §2.3.2 to §2.3.8", "EFI 1.10 §2.3.3"),
    help="widen the region until its start and size are multiples of the unit",
    examples=(
        Bad("EfiACPIReclaimMemory  0x3e001000  3  WB", architecture="ia64"),
        Bad("EfiACPIMemoryNVS      0x3e000000  1  WB", architecture="ia64"),
        Good("EfiACPIReclaimMemory  0x3e000000  4  WB", architecture="ia64"),
        Good("EfiACPIReclaimMemory  0x3e001000  3  WB", architecture="arm64"),
    ),
)
def acpi_memory_breaks_granularity(
    memory_map: MemoryMap, architecture: Architecture
) -> Iterator[Finding]:
    """ACPI memory has a start or a size the architecture does not allow.

    With pages larger than 4 KiB one page of the operating system would be ACPI memory and RAM at
    once: it could neither be freed nor kept. Each architecture names the unit, 4 KiB on most, 8 KiB
    on Itanium, 64 KiB on LoongArch.
    """
    for descriptor in memory_map.descriptors:
        if descriptor.type in _ACPI:
            finding = breach(descriptor, architecture.acpi_granularity, "UEFI-RT-006")
            if finding:
                yield finding
