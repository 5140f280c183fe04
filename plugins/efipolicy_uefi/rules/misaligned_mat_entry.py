"""UEFI-MAT-012."""

from collections.abc import Iterator

from efipolicy.plugin import (
    EFI_PAGE_SIZE,
    Architecture,
    Bad,
    Finding,
    Good,
    MemoryAttributesTable,
    NotJudged,
    Severity,
    rule,
    size_text,
)


@rule(
    "uefi/misaligned-mat-entry",
    severity=Severity.ERROR,
    requirements=("UEFI-MAT-012",),
    sources=("UEFI 2.10 §4.6.4", "UEFI 2.10 §2.3.2 to §2.3.8"),
    help="start the entry at a multiple of the unit",
    unless=("uefi/mat-entry-of-other-type",),
    examples=(
        Bad(
            architecture="ia64",
            memory_attributes_table=("EfiRuntimeServicesCode  0x3f001000  2  RUNTIME RO",),
        ),
        Bad(
            architecture="x86_64",
            memory_attributes_table=("EfiRuntimeServicesCode  0x3f001800  2  RUNTIME RO",),
        ),
        Good(
            architecture="ia64",
            memory_attributes_table=("EfiRuntimeServicesCode  0x3f002000  2  RUNTIME RO",),
        ),
        Good(
            architecture="arm64",
            memory_attributes_table=("EfiRuntimeServicesCode  0x3f001000  1  RUNTIME RO",),
        ),
    ),
)
def misaligned_mat_entry(
    memory_attributes_table: MemoryAttributesTable, architecture: Architecture | None = None
) -> Iterator[Finding | NotJudged]:
    """An entry of the Memory Attributes Table starts where no page of runtime memory can start.

    Permissions are set page by page. An entry that begins inside a page would give that page two
    sets of them; Linux checks the start, rejects the entry and leaves its memory as it was.

    The unit is that of runtime regions: 8 KiB on Itanium, 64 KiB on LoongArch, 4 KiB elsewhere. On
    AArch64 it is 4 KiB by the letter, and an entry that is finer than 64 KiB is no fault; that
    kernels with 16 or 64 KiB pages cannot honour it is the business of ARM64-003. Where the
    architecture is not known, only a start inside a page of 4 KiB is sure to be wrong.
    """
    unit = architecture.runtime_granularity.size if architecture else EFI_PAGE_SIZE
    source = architecture.runtime_granularity.source if architecture else "UEFI 2.10 §4.6.4"
    for entry in memory_attributes_table.entries:
        if entry.physical_start % unit:
            yield Finding(
                entry,
                f"the entry for {entry} starts at {entry.physical_start:#x}; "
                f"{source} wants a multiple of {size_text(unit)}",
                field="physical_start",
            )
    if architecture is None:
        yield NotJudged("platform.architecture")
