"""UEFI-ATTR-003 for reserved memory."""

from collections.abc import Iterator

from efipolicy.plugin import (
    CACHEABILITY,
    EFI_MEMORY_ISA_VALID,
    EFI_MEMORY_RUNTIME,
    Bad,
    EfiMemoryType,
    Finding,
    Good,
    MemoryMap,
    Severity,
    rule,
)


@rule(
    "linux/reserved-memory-without-cacheability",
    severity=Severity.WARNING,
    requirements=("UEFI-ATTR-003",),
    sources=("UEFI 2.10 §7.2.3", "Linux 6.6 drivers/firmware/efi/efi-init.c"),
    help="set the cache types the memory can have, EFI_MEMORY_WB at least for DRAM",
    needs=("attributes",),
    architectures=("arm64", "arm32", "riscv64"),
    examples=(
        Bad("EfiReservedMemoryType  0x3fc00000  0x100", architecture="arm64"),
        Good("EfiReservedMemoryType  0x3fc00000  0x100  WB", architecture="arm64"),
        # On x86 the legacy video window and the like are described this way and harm nobody.
        Good("EfiReservedMemoryType  0xa0000  0x60", architecture="x86_64"),
        # With RUNTIME it is uefi/runtime-region-without-cacheability.
        Good("EfiReservedMemoryType  0x3fc00000  0x100  RUNTIME", architecture="arm64"),
    ),
)
def reserved_memory_without_cacheability(memory_map: MemoryMap) -> Iterator[Finding]:
    """Reserved memory does not say in which ways it can be cached.

    Where Linux builds its list of RAM from cacheability, it takes such a range for something that
    is not memory. On an arm64 server the range lay in the middle of RAM, and the kernel stopped
    at a consistency check of its page allocator.
    """
    for descriptor in memory_map.descriptors:
        told = descriptor.has(CACHEABILITY | EFI_MEMORY_ISA_VALID | EFI_MEMORY_RUNTIME)
        if descriptor.type == EfiMemoryType.EfiReservedMemoryType and not told:
            yield Finding(
                descriptor,
                f"{descriptor} has none of UC, WC, WT and WB",
                field="attribute",
            )
