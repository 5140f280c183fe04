"""Runtime memory at physical address 0: a note."""

from collections.abc import Iterator

from efipolicy.plugin import (
    EFI_PAGE_SIZE,
    AddressRange,
    Bad,
    Finding,
    Good,
    MemoryMap,
    Severity,
    rule,
)


@rule(
    "linux/runtime-memory-at-page-zero",
    severity=Severity.INFO,
    requirements=(),
    sources=("Linux commit 37926f96302d", "UEFI 2.10 §7.2.3"),
    help="keep runtime memory off the first page",
    needs=("attributes",),
    examples=(
        Bad("EfiRuntimeServicesData  0x0  1  RUNTIME WB"),
        Good("EfiRuntimeServicesData  0x1000  1  RUNTIME WB"),
        Good("EfiBootServicesCode     0x0     1  WB"),
    ),
)
def runtime_memory_at_page_zero(memory_map: MemoryMap) -> Iterator[Finding]:
    """Memory that firmware uses at run time lies at physical address 0.

    Called at physical addresses, such firmware needs address 0 mapped, where operating systems
    like to leave a hole that catches null pointers. In a layout for SetVirtualAddressMap a virtual
    start of 0 is then ambiguous: Linux on arm64 up to 5.15 read it as a mapping that had failed
    and kept runtime services off.

    Seen on one machine, which works. A note, and no sentence of UEFI is broken.
    """
    for descriptor in memory_map.runtime:
        if descriptor.physical_start == 0:
            yield Finding(
                descriptor,
                f"{descriptor} has EFI_MEMORY_RUNTIME and holds physical page 0",
                AddressRange(0, EFI_PAGE_SIZE),
                field="physical_start",
            )
