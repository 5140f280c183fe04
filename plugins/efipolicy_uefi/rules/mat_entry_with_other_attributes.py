"""UEFI-MAT-004."""

from collections.abc import Iterator

from efipolicy.plugin import (
    EFI_MEMORY_RO,
    EFI_MEMORY_RUNTIME,
    EFI_MEMORY_XP,
    Bad,
    Edit,
    Finding,
    Fix,
    Good,
    MemoryAttributesTable,
    Severity,
    attribute_names,
    rule,
)

_ALLOWED = EFI_MEMORY_RO | EFI_MEMORY_XP | EFI_MEMORY_RUNTIME


@rule(
    "uefi/mat-entry-with-other-attributes",
    severity=Severity.ERROR,
    requirements=("UEFI-MAT-004",),
    sources=("UEFI 2.10 §4.6.4", "UEFI 2.11 §4.6.3"),
    help="keep EFI_MEMORY_RO, EFI_MEMORY_XP and EFI_MEMORY_RUNTIME and clear the rest",
    needs=("entry_attributes",),
    fix="safe",
    unless=("uefi/mat-entry-of-other-type",),
    examples=(
        Bad(memory_attributes_table=("EfiRuntimeServicesData  0x7f000000  16  RUNTIME XP WB",)),
        Good(memory_attributes_table=("EfiRuntimeServicesData  0x7f000000  16  RUNTIME XP",)),
        Good(memory_attributes_table=("EfiRuntimeServicesCode  0x7f000000  16  RUNTIME RO",)),
    ),
)
def mat_entry_with_other_attributes(
    memory_attributes_table: MemoryAttributesTable,
) -> Iterator[Finding]:
    """An entry of the Memory Attributes Table has bits that mean nothing there.

    The table states the permissions of runtime memory; cacheability and everything else is the
    memory map's to say. Two places that say it can disagree. Linux looks at RO and XP alone and
    takes the entry as if the other bits were not there.
    """
    for entry in memory_attributes_table.entries:
        others = (entry.attribute or 0) & ~_ALLOWED
        if others:
            allowed = (entry.attribute or 0) & _ALLOWED
            yield Finding(
                entry,
                f"the entry for {entry} has {'|'.join(attribute_names(others))} "
                "beside RO, XP and RUNTIME",
                field="attribute",
                fix=Fix(
                    "safe",
                    "keep RO, XP and RUNTIME, clear the rest",
                    (Edit(entry, "attribute", allowed),),
                ),
            )
