"""UEFI-RT-001."""

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


@rule(
    "linux/runtime-code-without-runtime-bit",
    severity=Severity.ERROR,
    requirements=("UEFI-RT-001",),
    sources=("UEFI 2.10 §7.2.3", "UEFI 2.10 §8.4.1", "Xen commit e3abdc626a"),
    help="set EFI_MEMORY_RUNTIME on the region",
    needs=("attributes",),
    fix="unsafe",
    examples=(
        Bad("EfiRuntimeServicesCode  0x7f000000  16  WB"),
        Good("EfiRuntimeServicesCode  0x7f000000  16  RUNTIME WB"),
        Good("EfiRuntimeServicesData  0x7f000000  16  WB"),
    ),
)
def runtime_code_without_runtime_bit(memory_map: MemoryMap) -> Iterator[Finding]:
    """Runtime services code does not ask to be mapped.

    Linux maps what carries EFI_MEMORY_RUNTIME, so the next service call jumps into nothing and
    faults. EDK II sets the bit by type. Xen maps by type too, because firmware without the bit
    exists.
    """
    for descriptor in memory_map.descriptors:
        if descriptor.type == EfiMemoryType.EfiRuntimeServicesCode and not descriptor.runtime:
            requested = (descriptor.attribute or 0) | EFI_MEMORY_RUNTIME
            yield Finding(
                descriptor,
                f"{descriptor} has no EFI_MEMORY_RUNTIME",
                field="attribute",
                # Only who builds the firmware knows whether it will ask for the mapping.
                fix=Fix(
                    "unsafe",
                    "set EFI_MEMORY_RUNTIME",
                    (Edit(descriptor, "attribute", requested),),
                ),
            )
