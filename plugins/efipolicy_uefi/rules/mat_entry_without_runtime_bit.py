"""UEFI-MAT-005."""

from collections.abc import Iterator

from efipolicy.plugin import (
    EFI_MEMORY_RUNTIME,
    Bad,
    Edit,
    Finding,
    Fix,
    Good,
    MemoryAttributesTable,
    Severity,
    rule,
)


@rule(
    "uefi/mat-entry-without-runtime-bit",
    severity=Severity.WARNING,
    requirements=("UEFI-MAT-005",),
    sources=("UEFI 2.10 §4.6.4 Table 4.1", "UEFI 2.11 §4.6.3"),
    help="set EFI_MEMORY_RUNTIME on the entry",
    needs=("entry_attributes",),
    fix="safe",
    unless=("uefi/mat-entry-of-other-type",),
    examples=(
        Bad(memory_attributes_table=("EfiRuntimeServicesData  0x7f000000  16  XP",)),
        Good(memory_attributes_table=("EfiRuntimeServicesData  0x7f000000  16  RUNTIME XP",)),
        Good(
            memory_attributes_table=(
                "EfiRuntimeServicesData  0x7f000000  16  RUNTIME XP",
                "EfiRuntimeServicesCode  0x7f010000  16  ?",
            )
        ),
    ),
)
def mat_entry_without_runtime_bit(
    memory_attributes_table: MemoryAttributesTable,
) -> Iterator[Finding]:
    """An entry of the Memory Attributes Table lacks EFI_MEMORY_RUNTIME.

    The table describes how runtime memory may be protected, and each of the uses the specification
    lists has the bit. An entry without it has no listed meaning: a consumer that filters by the bit
    skips it, and the memory stays writable and executable. Project Mu's test of the table fails it.
    """
    for entry in memory_attributes_table.entries:
        if entry.attribute is not None and not entry.runtime:
            yield Finding(
                entry,
                f"the entry for {entry} has {entry.attribute_text} without RUNTIME",
                field="attribute",
                fix=Fix(
                    "safe",
                    "set EFI_MEMORY_RUNTIME",
                    (Edit(entry, "attribute", entry.attribute | EFI_MEMORY_RUNTIME),),
                ),
            )
