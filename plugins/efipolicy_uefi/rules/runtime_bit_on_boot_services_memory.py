"""UEFI-RT-004, for the types that Linux marks itself and so needs a map of the firmware's own."""

from collections.abc import Iterator

from efipolicy.plugin import Bad, EfiMemoryType, Finding, Good, MemoryMap, Severity, rule

_BOOT_SERVICES = frozenset({EfiMemoryType.EfiBootServicesCode, EfiMemoryType.EfiBootServicesData})


@rule(
    "uefi/runtime-bit-on-boot-services-memory",
    severity=Severity.ERROR,
    requirements=("UEFI-RT-004",),
    sources=("UEFI 2.10 §7.2, Table 7.6", "UEFI 2.10 §7.2.3"),
    help="allocate what runtime services use as EfiRuntimeServicesData",
    needs=("attributes", "firmware_map"),
    examples=(
        Bad("EfiBootServicesData  0x4000000  64  RUNTIME WB"),
        Bad("EfiBootServicesCode  0x4000000  64  RUNTIME WB"),
        Good("EfiRuntimeServicesData  0x4000000  64  RUNTIME WB"),
        Good("EfiBootServicesData     0x4000000  64  WB"),
    ),
)
def runtime_bit_on_boot_services_memory(memory_map: MemoryMap) -> Iterator[Finding]:
    """Runtime services ask for a mapping of memory that is freed when boot services end.

    The operating system takes boot services memory back after ExitBootServices, mapped or not,
    and firmware that goes on using it meets somebody else's data. Linux on x86 sets the bit in
    its own copy of the map to keep such memory, so only a map known to be the firmware's can
    blame the firmware.
    """
    for descriptor in memory_map.runtime:
        if descriptor.type in _BOOT_SERVICES:
            yield Finding(
                descriptor,
                f"{descriptor} ends with boot services and has EFI_MEMORY_RUNTIME",
                field="attribute",
            )
