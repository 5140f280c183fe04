"""UEFI-RT-007, first half."""

from collections.abc import Iterator

from efipolicy.plugin import (
    Bad,
    Edit,
    EfiMemoryType,
    Finding,
    Fix,
    Good,
    MemoryMap,
    Severity,
    rule,
    size_text,
)


@rule(
    "uefi/mmio-without-runtime-bit",
    severity=Severity.WARNING,
    requirements=("UEFI-RT-007",),
    sources=("UEFI 2.10 §7.2, Table 7.5", "revision history of UEFI 2.7B, #1890"),
    help="drop the entry, or set EFI_MEMORY_RUNTIME if runtime services use the device",
    needs=("attributes",),
    fix="unsafe",
    examples=(
        Bad("EfiMemoryMappedIO  0xc0000000  0x10000  UC"),
        Good("EfiMemoryMappedIO  0xfed1f000  1  RUNTIME UC"),
        # The window of an Itanium's I/O ports is no request.
        Good("EfiMemoryMappedIOPortSpace  0xffffc000000  0x4000  UC"),
        Good("EfiMemoryMappedIO  0xc0000000  0x10000  ?", "EfiLoaderData  0x0  1  WB"),
    ),
)
def mmio_without_runtime_bit(memory_map: MemoryMap) -> Iterator[Finding]:
    """A device window is listed that runtime services do not ask for.

    EfiMemoryMappedIO exists so that firmware can have the registers it uses at run time mapped.
    Which devices there are an operating system learns from ACPI or the device tree, so an entry
    without EFI_MEMORY_RUNTIME tells it nothing.

    It can do harm. Linux on x86 once reserved large entries of the type, and laptops had no room
    left for their PCI windows; the change that removed such entries (commit 07eab0901ede) then hid
    the PCI configuration space of machines that announced it nowhere else. Space that is only to
    be kept free belongs into ACPI as a motherboard resource.
    """
    for descriptor in memory_map.descriptors:
        if descriptor.type == EfiMemoryType.EfiMemoryMappedIO and not descriptor.runtime:
            yield Finding(
                descriptor,
                f"{descriptor}, {size_text(descriptor.physical.size)}, has no EFI_MEMORY_RUNTIME",
                field="attribute",
                fix=Fix("unsafe", "drop the entry", (Edit(descriptor),)),
            )
