"""UEFI-ATTR-009."""

from collections.abc import Iterator

from efipolicy.plugin import (
    EFI_MEMORY_MORE_RELIABLE,
    Bad,
    Edit,
    EfiMemoryType,
    Finding,
    Fix,
    Good,
    MemoryMap,
    NotJudged,
    Related,
    Revision,
    Severity,
    rule,
)
from efipolicy_uefi.descriptors import RAM_TYPES, assumption, has_meaning

_MEMORY = RAM_TYPES | {EfiMemoryType.EfiUnacceptedMemoryType}


@rule(
    "uefi/more-reliable-on-all-memory",
    severity=Severity.INFO,
    requirements=("UEFI-ATTR-009",),
    sources=("UEFI 2.10 §7.2.3", "Linux 6.6 drivers/firmware/efi/efi.c"),
    help="clear EFI_MEMORY_MORE_RELIABLE where all memory is equally reliable",
    needs=("whole_map",),
    fix="safe",
    examples=(
        Bad(
            "EfiMemoryMappedIO       0xfed00000  1       RUNTIME UC",
            "EfiConventionalMemory   0x100000    0x1000  WB MORE_RELIABLE",
            "EfiRuntimeServicesData  0x7f000000  16      RUNTIME WB MORE_RELIABLE",
            at=2,
        ),
        Good(
            "EfiConventionalMemory  0x100000     0x1000   WB MORE_RELIABLE",
            "EfiConventionalMemory  0x100000000  0x40000  WB",
        ),
        Good("EfiMemoryMappedIO  0xfed00000  1  RUNTIME UC MORE_RELIABLE"),
    ),
)
def more_reliable_on_all_memory(
    memory_map: MemoryMap, revision: Revision | None = None
) -> Iterator[Finding | NotJudged]:
    """All memory claims to be more reliable than the rest.

    The bit (UEFI 2.5 and later) compares: it marks memory that is mirrored where other memory is
    not, and stays clear where all memory is alike. Linux asked to use mirrored memory for itself
    (``kernelcore=mirror``) then takes all of it for mirrored, and the choice it was asked for is
    void.

    Only memory counts, not devices or reserved ranges, and only a whole map can show that
    nothing is left without the bit.
    """
    memory = [descriptor for descriptor in memory_map.descriptors if descriptor.type in _MEMORY]
    known = [descriptor for descriptor in memory if descriptor.attribute is not None]
    marked = [descriptor for descriptor in known if descriptor.has(EFI_MEMORY_MORE_RELIABLE)]
    if not has_meaning(EFI_MEMORY_MORE_RELIABLE, revision) or len(marked) < len(known):
        return
    if len(known) < len(memory):
        yield NotJudged("memory_map.descriptors[].attribute of all RAM")
    elif marked:
        first, *others = marked
        without = [(d, (d.attribute or 0) & ~EFI_MEMORY_MORE_RELIABLE) for d in marked]
        whole = f"all {len(marked)} descriptors of RAM have" if others else "all RAM has"
        yield Finding(
            first,
            f"{whole} EFI_MEMORY_MORE_RELIABLE{assumption(EFI_MEMORY_MORE_RELIABLE, revision)}",
            field="attribute",
            related=tuple(Related(other, f"{other} as well") for other in others),
            fix=Fix(
                "safe",
                "clear EFI_MEMORY_MORE_RELIABLE everywhere",
                tuple(Edit(descriptor, "attribute", value) for descriptor, value in without),
            ),
        )
