"""UEFI-MAP-007."""

from collections.abc import Iterator

from efipolicy.plugin import (
    Bad,
    EfiMemoryType,
    Finding,
    Good,
    MemoryMap,
    Revision,
    Severity,
    rule,
)

_EFI_1_10 = Revision(1, 10)
_FIRST_REVISION: dict[int, Revision] = {
    EfiMemoryType.EfiPersistentMemory: Revision(2, 5),
    EfiMemoryType.EfiUnacceptedMemoryType: Revision(2, 9),
}


@rule(
    "uefi/type-newer-than-revision",
    severity=Severity.WARNING,
    requirements=("UEFI-MAP-007",),
    sources=("revision history of UEFI 2.5, #1167", "revision history of UEFI 2.9, #2134"),
    help="declare the revision the firmware was written for, or use a type that revision has",
    examples=(
        Bad("EfiUnacceptedMemoryType  0x100000000  0x40000", uefi="2.3.1"),
        Bad("EfiPersistentMemory      0x100000000  0x40000  WB NV", uefi="2.4"),
        Good("EfiUnacceptedMemoryType  0x100000000  0x40000", uefi="2.9"),
        Good("EfiPersistentMemory      0x100000000  0x40000  WB NV", uefi="2.10"),
        # In EFI 1.02 the number 14 was another type, and legal.
        Good("14  0x100000000  0x40000  WB", uefi="1.02"),
    ),
)
def type_newer_than_revision(memory_map: MemoryMap, revision: Revision) -> Iterator[Finding]:
    """A descriptor has a type that the declared revision of UEFI does not know.

    An operating system that goes by the revision treats the range as unknown memory and leaves it
    alone. Persistent memory came with UEFI 2.5, memory that has to be accepted with 2.9. In EFI
    1.02 the number 14 was a type of reserved memory, which EFI 1.10 dropped.

    Without a declared revision there is nothing to compare with, and the rule is not checked.
    """
    for descriptor in memory_map.descriptors:
        first = _FIRST_REVISION.get(descriptor.type)
        if first and _EFI_1_10 <= revision < first:
            yield Finding(
                descriptor,
                f"{descriptor.type_name} exists since UEFI {first}; "
                f"the firmware declares {revision}",
                field="type",
            )
