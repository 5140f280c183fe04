"""UEFI-ATTR-008."""

from collections.abc import Iterator

from efipolicy.plugin import (
    EFI_MEMORY_NV,
    Bad,
    Edit,
    EfiMemoryType,
    Finding,
    Fix,
    Good,
    MemoryMap,
    Revision,
    Severity,
    rule,
)
from efipolicy_uefi.descriptors import assumption, has_meaning

_VOLATILE = frozenset(
    {
        EfiMemoryType.EfiBootServicesCode,
        EfiMemoryType.EfiBootServicesData,
        EfiMemoryType.EfiRuntimeServicesCode,
        EfiMemoryType.EfiRuntimeServicesData,
        EfiMemoryType.EfiConventionalMemory,
    }
)


@rule(
    "uefi/nv-bit-against-type",
    severity=Severity.WARNING,
    requirements=("UEFI-ATTR-008",),
    sources=("UEFI 2.10 §7.2.3", "UEFI 2.10 §7.2, Tables 7.5 and 7.6"),
    help="give persistent memory the type EfiPersistentMemory and EFI_MEMORY_NV, and no other "
    "memory either of them",
    needs=("attributes",),
    fix="safe",
    examples=(
        Bad("EfiPersistentMemory     0x100000000  0x40000  WB"),
        Bad("EfiRuntimeServicesData  0x7f000000   16       RUNTIME WB NV"),
        Bad("EfiConventionalMemory   0x100000000  0x40000  WB NV", uefi="2.5"),
        Good("EfiPersistentMemory    0x100000000  0x40000  WB NV"),
        Good("EfiReservedMemoryType  0x100000000  0x40000  WB NV"),
        # Neither the type nor the bit meant anything then.
        Good("EfiPersistentMemory    0x100000000  0x40000  WB", uefi="2.4"),
    ),
)
def nv_bit_against_type(
    memory_map: MemoryMap, revision: Revision | None = None
) -> Iterator[Finding]:
    """The type of a region and its NV bit disagree on whether it keeps its content.

    Some operating systems find persistent memory by its type and others by the bit. Linux goes by
    EfiPersistentMemory; a region that has only the bit becomes ordinary RAM, and what a user
    stored there is overwritten at the next boot. With only the type, a reader of attributes treats
    a persistent region as volatile. Boot or runtime services memory with the bit hints at firmware
    that allocated from the DIMMs it should have left alone.

    No sentence of the specification ties the bit to the type; the definitions of the two do. Both
    are of UEFI 2.5, and a map that declares an older revision is not judged.
    """
    if not has_meaning(EFI_MEMORY_NV, revision):
        return
    for descriptor in memory_map.descriptors:
        persistent = descriptor.type == EfiMemoryType.EfiPersistentMemory
        if persistent and not descriptor.has(EFI_MEMORY_NV):
            with_bit = (descriptor.attribute or 0) | EFI_MEMORY_NV
            yield Finding(
                descriptor,
                f"{descriptor} is persistent by its type and has no EFI_MEMORY_NV"
                f"{assumption(EFI_MEMORY_NV, revision)}",
                field="attribute",
                fix=Fix("safe", "set EFI_MEMORY_NV", (Edit(descriptor, "attribute", with_bit),)),
            )
        elif descriptor.type in _VOLATILE and descriptor.has(EFI_MEMORY_NV):
            yield Finding(
                descriptor,
                f"{descriptor} has EFI_MEMORY_NV and a type for volatile memory"
                f"{assumption(EFI_MEMORY_NV, revision)}",
                field="attribute",
            )
