"""UEFI-ATTR-006."""

from collections.abc import Iterator

from efipolicy.plugin import (
    EFI_MEMORY_RO,
    EFI_MEMORY_WP,
    Bad,
    Confidence,
    Edit,
    EfiMemoryType,
    Finding,
    Fix,
    Good,
    MemoryMap,
    NotJudged,
    Platform,
    Revision,
    Severity,
    rule,
)
from efipolicy_uefi.descriptors import RAM_TYPES

_CACHE_TYPE_SINCE = Revision(2, 5)
_RUNTIME = frozenset({EfiMemoryType.EfiRuntimeServicesCode, EfiMemoryType.EfiRuntimeServicesData})
_OTHER_RAM = RAM_TYPES - _RUNTIME - {EfiMemoryType.EfiPersistentMemory}


@rule(
    "uefi/write-protection-by-cache-type",
    severity=Severity.WARNING,
    requirements=("UEFI-ATTR-006",),
    sources=("UEFI 2.10 §7.2.3", "Xen commit 860313f041"),
    help="use EFI_MEMORY_RO for memory that must not be written",
    needs=("attributes", "whole_map"),
    confidence=Confidence.LIKELY,
    fix="unsafe",
    examples=(
        Bad(
            "EfiRuntimeServicesCode  0x7f000000  16  RUNTIME WP WB",
            "EfiConventionalMemory   0x100000    16  WB",
            uefi="2.6",
        ),
        Good(
            "EfiRuntimeServicesCode  0x7f000000  16  RUNTIME RO WB",
            "EfiConventionalMemory   0x100000    16  WB",
            uefi="2.6",
        ),
        # Before UEFI 2.5 the bit did mean protection.
        Good(
            "EfiRuntimeServicesCode  0x7f000000  16  RUNTIME WP WB",
            "EfiConventionalMemory   0x100000    16  WB",
            uefi="2.4",
        ),
        # Here it is one of the cache types of all memory.
        Good(
            "EfiRuntimeServicesCode  0x7f000000  16  0x800000000000100f",
            "EfiConventionalMemory   0x100000    16  0x100f",
            uefi="2.7",
        ),
    ),
)
def write_protection_by_cache_type(
    memory_map: MemoryMap, revision: Revision, platform: Platform
) -> Iterator[Finding | NotJudged]:
    """Runtime memory looks protected by a bit that has become a cache type.

    Up to UEFI 2.4 EFI_MEMORY_WP asked for protection against writes. Since 2.5 it names a cache
    type, the write-protected one of x86 processors, and EFI_MEMORY_RO protects. Xen had to change
    what it does with the bit. An operating system that follows the text of today maps the region
    writable; one that still follows the old text protects memory whose firmware only wanted to
    list a cache type.

    What was meant is a guess, and this one is made where it is safest: WP on runtime services
    memory, without RO, while no other RAM of the whole map has it. Firmware of Qualcomm lists WP
    among the cache types of all RAM, that of AMI among those of devices, and both are right.
    Without a declared revision the bit can mean either and is not judged.
    """
    if revision < _CACHE_TYPE_SINCE:
        return
    meant = [
        descriptor
        for descriptor in memory_map.descriptors
        if descriptor.type in _RUNTIME
        and descriptor.has(EFI_MEMORY_WP)
        and not descriptor.has(EFI_MEMORY_RO)
    ]
    others = [d for d in platform.memory_map.descriptors if d.type in _OTHER_RAM]
    if not meant or any(other.has(EFI_MEMORY_WP) for other in others):
        return
    if any(other.attribute is None for other in others):
        yield NotJudged("memory_map.descriptors[].attribute of all RAM")
        return
    for descriptor in meant:
        protected = (descriptor.attribute or 0) & ~EFI_MEMORY_WP | EFI_MEMORY_RO
        yield Finding(
            descriptor,
            f"{descriptor} has EFI_MEMORY_WP and no other RAM has: since UEFI "
            f"{_CACHE_TYPE_SINCE} that is a cache type and protects nothing",
            field="attribute",
            fix=Fix(
                "unsafe",
                "replace EFI_MEMORY_WP by EFI_MEMORY_RO",
                (Edit(descriptor, "attribute", protected),),
            ),
        )
