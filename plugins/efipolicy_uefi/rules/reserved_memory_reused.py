"""UEFI-MAP-014."""

from collections.abc import Iterator

from efipolicy.plugin import (
    Architecture,
    Bad,
    EfiMemoryType,
    Finding,
    Good,
    MemoryMap,
    NotJudged,
    Responsible,
    Severity,
    UsableMemory,
    rule,
)
from efipolicy_uefi.reuse import reuse

_JUDGED_BY_THEIR_OWN_RULES = {
    EfiMemoryType.EfiRuntimeServicesCode,
    EfiMemoryType.EfiRuntimeServicesData,
    EfiMemoryType.EfiACPIReclaimMemory,
    EfiMemoryType.EfiACPIMemoryNVS,
    EfiMemoryType.EfiMemoryMappedIO,
    EfiMemoryType.EfiMemoryMappedIOPortSpace,
    EfiMemoryType.EfiUnacceptedMemoryType,
}
_FREED = {
    EfiMemoryType.EfiLoaderCode,
    EfiMemoryType.EfiLoaderData,
    EfiMemoryType.EfiBootServicesCode,
    EfiMemoryType.EfiBootServicesData,
    EfiMemoryType.EfiConventionalMemory,
    EfiMemoryType.EfiPersistentMemory,
}
_FIRST_LOADER_TYPE = 0x8000_0000


def _kept(memory_type: int) -> bool:
    """Whether nobody ever frees memory of this type; an OS knows what its own loader's means."""
    return (
        memory_type < _FIRST_LOADER_TYPE
        and memory_type not in _FREED
        and memory_type not in _JUDGED_BY_THEIR_OWN_RULES
    )


@rule(
    "uefi/reserved-memory-reused",
    severity=Severity.ERROR,
    requirements=("UEFI-MAP-014",),
    sources=("UEFI 2.10 §7.2", "UEFI 2.10 §7.4.6", "EFI 1.10 Table 5-6"),
    help="reuse loader, boot services, conventional and persistent memory only",
    responsible=Responsible.KERNEL,
    fix="unsafe",
    examples=(
        Bad(
            "EfiPalCode  0x723ff000000  64  RUNTIME WB",
            sections="mapping: [{os: a, usable_memory: {types: [EfiConventionalMemory, 13]}}]",
            at=0,
        ),
        Bad(
            sections="mapping: [{os: a, usable_memory: {types: [7, EfiReservedMemoryType, 8]}}]",
            at=0,
        ),
        Bad(sections="mapping: [{os: a, usable_memory: {types: [7, 0x7fffffff]}}]", at=0),
        Good(sections="mapping: [{os: a, usable_memory: {types: [1, 2, 3, 4, 7]}}]"),
        Good(
            sections="""
mapping:
  - os: with ACPI on
    usable_memory: {types: [1, 2, 3, 4, 7, 9, 14, 15], before_acpi: [7], unaccepted: accepted}
"""
        ),
        Good(sections="mapping: [{os: a, usable_memory: {types: [7, 0x80000000]}}]"),
    ),
)
def reserved_memory_reused(
    usable_memory: UsableMemory,
    memory_map: MemoryMap | None = None,
    architecture: Architecture | None = None,
) -> Iterator[Finding | NotJudged]:
    """An operating system takes memory that is nobody's to take.

    ExitBootServices frees the memory of loaders and of boot services, besides what was free
    before; persistent memory may be used as such, EfiACPIReclaimMemory once the ACPI tables were
    read, and EfiUnacceptedMemoryType once it was accepted. Everything else stays what it is:
    behind EfiReservedMemoryType there may be a secure world, behind EfiUnusableMemory broken
    cells, in EfiPalCode the processor's own code on Itanium.

    Whoever hands such memory out corrupts firmware, and notices at the next runtime call, the
    next sleep or the next machine check. Runtime, ACPI and device memory have rules of their own,
    which say what breaks there. Types from 0x80000000 on belong to the operating system's own
    loader and are not judged.
    """
    on_itanium = architecture is not None and architecture.name == "ia64"

    def kept(memory_type: int) -> bool:
        """PAL code on Itanium has a rule of its own, which says what breaks."""
        return _kept(memory_type) and not (on_itanium and memory_type == EfiMemoryType.EfiPalCode)

    yield from reuse(usable_memory, memory_map, kept, "ExitBootServices does not free this memory")
