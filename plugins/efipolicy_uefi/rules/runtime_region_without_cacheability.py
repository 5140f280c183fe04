"""UEFI-ATTR-005."""

from collections.abc import Iterator

from efipolicy.plugin import (
    CACHEABILITY,
    EFI_MEMORY_ISA_MASK,
    EFI_MEMORY_ISA_VALID,
    Bad,
    Finding,
    Good,
    MemoryDescriptor,
    MemoryMap,
    Severity,
    rule,
)
from efipolicy_uefi.descriptors import RAM_TYPES

_OF_ANY_REGION = ("UEFI-ATTR-005",)
_BOTH = (*_OF_ANY_REGION, "UEFI-ATTR-003")


@rule(
    "uefi/runtime-region-without-cacheability",
    severity=Severity.ERROR,
    requirements=("UEFI-ATTR-005", "UEFI-ATTR-003"),
    sources=("UEFI 2.10 §8.4.1", "UEFI 2.10 §7.2.3"),
    help="add EFI_MEMORY_UC for device registers and flash, EFI_MEMORY_WB for memory",
    needs=("attributes",),
    examples=(
        Bad("EfiMemoryMappedIO      0xff800000  0x800  RUNTIME"),
        Bad("EfiRuntimeServicesData  0x7f000000  16  0x8000000000000000"),
        Bad("EfiReservedMemoryType  0xdbc00000  0x400  RUNTIME XP"),
        Bad("EfiMemoryMappedIO      0xff800000  0x800  0xc000000000000000"),
        Good("EfiMemoryMappedIO       0xff800000  0x800  RUNTIME UC"),
        Good("EfiRuntimeServicesData  0x7f000000  16     0xc0ff000000000000"),
        Good("EfiMemoryMappedIO       0xff800000  0x800  ?", "EfiLoaderData  0x0  1  WB"),
    ),
)
def runtime_region_without_cacheability(memory_map: MemoryMap) -> Iterator[Finding]:
    """A region to be mapped for runtime services does not say how it can be cached.

    SetVirtualAddressMap expects mappings that follow the cacheability the map states, so here an
    operating system cannot do it right. Linux maps such a region uncached on x86 and as device
    memory on arm64 and goes on, which is why a quarter of the machines we saw ship it: flash, a
    watchdog, PCI configuration space, a clock. Xen leaves it unmapped, and the first service
    call that touches the flash takes the control domain down. Linux on Itanium gives it no
    virtual address. Where the region is RAM, the clause that RAM has a cacheability is broken, too.
    """
    for descriptor in memory_map.runtime:
        if not descriptor.has(CACHEABILITY) and not _stated_by_isa_mask(descriptor):
            yield Finding(
                descriptor,
                f"{descriptor} is to be mapped and has none of UC, WC, WT and WB",
                field="attribute",
                requirements=_BOTH if descriptor.type in RAM_TYPES else _OF_ANY_REGION,
            )


def _stated_by_isa_mask(descriptor: MemoryDescriptor) -> bool:
    return descriptor.has(EFI_MEMORY_ISA_VALID) and descriptor.has(EFI_MEMORY_ISA_MASK)
