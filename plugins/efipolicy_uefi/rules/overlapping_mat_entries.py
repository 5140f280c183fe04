"""UEFI-MAT-007."""

from collections.abc import Iterator

from efipolicy.plugin import (
    Bad,
    Finding,
    Good,
    MemoryAttributesTable,
    Related,
    Severity,
    overlapping,
    rule,
)


@rule(
    "uefi/overlapping-mat-entries",
    severity=Severity.ERROR,
    requirements=("UEFI-MAT-007",),
    sources=("UEFI 2.10 §4.6.4", "UEFI 2.11 §4.6.3"),
    help="shorten one of the two so that each page has one set of permissions",
    needs=("whole_memory_attributes_table", "entry_attributes"),
    examples=(
        Bad(
            memory_attributes_table=(
                "EfiRuntimeServicesCode  0x7f000000  4  RUNTIME RO",
                "EfiRuntimeServicesCode  0x7f003000  2  RUNTIME XP",
            ),
            at=2,
        ),
        Good(
            memory_attributes_table=(
                "EfiRuntimeServicesCode  0x7f000000  4  RUNTIME RO",
                "EfiRuntimeServicesCode  0x7f004000  2  RUNTIME XP",
            ),
        ),
    ),
)
def overlapping_mat_entries(memory_attributes_table: MemoryAttributesTable) -> Iterator[Finding]:
    """Two entries of the Memory Attributes Table claim the same memory.

    A page cannot have two sets of permissions. Which of them an operating system leaves in place
    depends on the order in which it happens to apply them.
    """
    entries = memory_attributes_table.entries
    runtime = [entry for entry in entries if entry.runtime and entry.number_of_pages]
    for entry, reaching in overlapping(runtime):
        shared = entry.physical & reaching.physical
        yield Finding(
            entry,
            f"the entry for {entry} shares {shared} with that for {reaching}",
            shared,
            related=(Related(reaching, f"{reaching.attribute_text} for {reaching.physical}"),),
        )
