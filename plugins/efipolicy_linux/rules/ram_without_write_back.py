"""UEFI-ATTR-004."""

from collections.abc import Iterator

from efipolicy.plugin import (
    EFI_MEMORY_WB,
    Bad,
    EfiMemoryType,
    Finding,
    Good,
    MemoryMap,
    Revision,
    Severity,
    rule,
)

_RAM = frozenset(
    {
        EfiMemoryType.EfiLoaderCode,
        EfiMemoryType.EfiLoaderData,
        EfiMemoryType.EfiBootServicesCode,
        EfiMemoryType.EfiBootServicesData,
        EfiMemoryType.EfiConventionalMemory,
        EfiMemoryType.EfiACPIReclaimMemory,
        EfiMemoryType.EfiPersistentMemory,
    }
)
_EFI_1_10 = Revision(1, 10)


@rule(
    "linux/ram-without-write-back",
    severity=Severity.WARNING,
    requirements=("UEFI-ATTR-004",),
    sources=(
        "Linux 6.6 drivers/firmware/efi/efi-init.c",
        "Linux 6.6 arch/x86/platform/efi/efi.c",
        "EBBR chapter 2",
        "RISC-V BRS UEFI_030",
    ),
    help="set EFI_MEMORY_WB on all DRAM; no other cache type is needed beside it",
    needs=("attributes",),
    unless=("uefi/ram-without-cacheability", "uefi/runtime-region-without-cacheability"),
    examples=(
        Bad("EfiConventionalMemory  0x80000000  0x40000  UC"),
        Bad("EfiACPIReclaimMemory   0x7e000000  16       UC WC WT"),
        Good("EfiConventionalMemory  0x80000000  0x40000  UC WC WT WB"),
        Good("EfiConventionalMemory  0x80000000  0x40000  WB"),
        Good("EfiACPIMemoryNVS       0x7e000000  16       UC"),
        Good("EfiReservedMemoryType  0x7e000000  16       UC"),
        # In EFI 1.02 the number 14 was a type of reserved memory.
        Good("14                     0x7e000000  16       UC", uefi="1.02"),
    ),
)
def ram_without_write_back(
    memory_map: MemoryMap, revision: Revision | None = None
) -> Iterator[Finding]:
    """RAM cannot be cached for writing, so Linux does not take it for RAM.

    On arm64, arm32 and riscv64 Linux puts a range into its list of RAM only if the map says
    EFI_MEMORY_WB; without it the range is left out of the direct map and its memory is gone. On
    x86 such a range becomes reserved, and on Itanium it was not available either.

    The profiles EBBR and RISC-V BRS demand the bit; UEFI itself only wants one of the cache types.
    More than WB is not asked for: maps with WB alone (U-Boot, EDK II on AArch64, Itanium), without
    UC, or with WP beside it are all healthy.
    """
    old = revision is not None and revision < _EFI_1_10
    ram = _RAM - {EfiMemoryType.EfiPersistentMemory} if old else _RAM
    for descriptor in memory_map.descriptors:
        if descriptor.type in ram and not descriptor.has(EFI_MEMORY_WB):
            yield Finding(
                descriptor,
                f"{descriptor} has no EFI_MEMORY_WB, only {descriptor.attribute_text}",
                field="attribute",
            )
