"""UEFI-MAT-006."""

from collections.abc import Iterator
from itertools import pairwise

from efipolicy.plugin import (
    Bad,
    Finding,
    Good,
    MemoryAttributesTable,
    MemoryDescriptor,
    Related,
    Severity,
    rule,
)


@rule(
    "uefi/unsorted-mat",
    severity=Severity.ERROR,
    requirements=("UEFI-MAT-006",),
    sources=("UEFI 2.10 §4.6.4", "UEFI 2.11 §4.6.3"),
    help="sort the entries by physical start",
    needs=("whole_memory_attributes_table",),
    examples=(
        Bad(
            memory_attributes_table=(
                "EfiRuntimeServicesCode  0x7f010000  16  RUNTIME RO",
                "EfiRuntimeServicesData  0x7f000000  16  RUNTIME XP",
            ),
            at=2,
        ),
        Good(
            memory_attributes_table=(
                "EfiRuntimeServicesData  0x7f000000  16  RUNTIME XP",
                "EfiRuntimeServicesCode  0x7f010000  16  RUNTIME RO",
            ),
        ),
    ),
)
def unsorted_mat(memory_attributes_table: MemoryAttributesTable) -> Iterator[Finding]:
    """The entries of the Memory Attributes Table are not in ascending order.

    Consumers walk the memory map and the table side by side; an entry that comes too late is
    never met, and its memory keeps the permissions of a region without one.
    """
    for before, after in pairwise(memory_attributes_table.entries):
        if _descends(before, after):
            yield Finding(
                after,
                f"the entry for {after} comes after that for {before}",
                field="physical_start",
                related=(Related(before, "the entry before it"),),
            )


def _descends(before: MemoryDescriptor, after: MemoryDescriptor) -> bool:
    if before.physical_start == after.physical_start:
        # Two runtime entries with one start overlap, and that is the fault, if they have pages.
        return not all(entry.runtime and entry.number_of_pages for entry in (before, after))
    return after.physical_start < before.physical_start
