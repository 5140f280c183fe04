"""Device registers that may be mapped write-back: a note."""

from collections.abc import Iterator

from efipolicy.plugin import (
    EFI_MEMORY_UC,
    EFI_MEMORY_WB,
    Bad,
    EfiMemoryType,
    Finding,
    Good,
    MemoryMap,
    Severity,
    rule,
)


@rule(
    "linux/mmio-offered-as-write-back",
    severity=Severity.INFO,
    requirements=(),
    sources=("UEFI 2.10 §7.2.3", "Linux 6.12 arch/x86/platform/efi/efi_64.c"),
    help="offer EFI_MEMORY_UC alone for device registers",
    needs=("attributes",),
    architectures=("x86_64", "i386"),
    examples=(
        Bad("EfiMemoryMappedIO  0xfee00000  1  RUNTIME UC WT WB WP", architecture="x86_64"),
        Good("EfiMemoryMappedIO  0xfee00000  1  RUNTIME UC", architecture="x86_64"),
        # Without RUNTIME nobody maps it on firmware's word.
        Good("EfiMemoryMappedIO  0xfee00000  1  UC WT WB WP", architecture="x86_64"),
        Good("EfiRuntimeServicesData  0x7f000000  1  RUNTIME WB", architecture="x86_64"),
    ),
)
def mmio_offered_as_write_back(memory_map: MemoryMap) -> Iterator[Finding]:
    """Device registers that are mapped for runtime services may be cached write-back.

    The attribute lists what a region supports, and a register file does not support write-back
    caching. Some firmware lists every cache type for the local APIC, the I/O APIC and the flash.
    Linux on x86 takes the bit at its word and maps the region write-back; only the memory type
    range registers, which say uncached, save it. Linux on arm64 goes by the type and ignores the
    bit.

    Seen on five machines of one firmware vendor, all of which work. A note, and no sentence of UEFI
    is broken.
    """
    for descriptor in memory_map.runtime:
        if descriptor.type == EfiMemoryType.EfiMemoryMappedIO and descriptor.has(EFI_MEMORY_WB):
            beside = "" if descriptor.has(EFI_MEMORY_UC) else " and not EFI_MEMORY_UC"
            yield Finding(
                descriptor,
                f"{descriptor} offers EFI_MEMORY_WB{beside}; Linux maps it write-back",
                field="attribute",
            )
