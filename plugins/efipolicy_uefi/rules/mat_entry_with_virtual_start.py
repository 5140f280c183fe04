"""UEFI-MAT-011."""

from collections.abc import Iterator

from efipolicy.plugin import (
    Bad,
    Edit,
    Finding,
    Fix,
    Good,
    MemoryAttributesTable,
    NotJudged,
    Severity,
    rule,
)


@rule(
    "uefi/mat-entry-with-virtual-start",
    severity=Severity.WARNING,
    requirements=("UEFI-MAT-011",),
    sources=("UEFI 2.10 §4.6.4", "UEFI 2.11 §4.6.3"),
    help="set the virtual start of the entry to 0",
    fix="safe",
    examples=(
        Bad(
            memory_attributes_table=(
                "EfiRuntimeServicesCode  0x7f000000  16  RUNTIME RO  @0x20000000",
            )
        ),
        Good(memory_attributes_table=("EfiRuntimeServicesCode  0x7f000000  16  RUNTIME RO  @0",)),
    ),
)
def mat_entry_with_virtual_start(
    memory_attributes_table: MemoryAttributesTable,
) -> Iterator[Finding | NotJudged]:
    """An entry of the Memory Attributes Table gives a virtual address.

    The table says how memory may be protected, not where it is mapped: only SetVirtualAddressMap
    does that, with whole descriptors of the memory map and never with the pieces listed here. A
    consumer that believed the field would split a runtime image and break the relative references
    between its parts. Linux ignores it and looks the address up in its own copy of the map; its
    logs do not print the field, so it can be judged in a platform file only.
    """
    for entry in memory_attributes_table.entries:
        if entry.virtual_start is None:
            yield NotJudged("memory_attributes_table.entries[].virtual_start")
        elif entry.virtual_start:
            yield Finding(
                entry,
                f"the entry for {entry} has the virtual start {entry.virtual_start:#x}, not 0",
                field="virtual_start",
                fix=Fix("safe", "clear the virtual start", (Edit(entry, "virtual_start", 0),)),
            )
