"""UEFI-MAT-003."""

from collections.abc import Iterator

from efipolicy.plugin import (
    Bad,
    Edit,
    EfiMemoryType,
    Finding,
    Fix,
    Good,
    MemoryAttributesTable,
    Severity,
    rule,
)

_RUNTIME = frozenset({EfiMemoryType.EfiRuntimeServicesCode, EfiMemoryType.EfiRuntimeServicesData})


@rule(
    "uefi/mat-entry-of-other-type",
    severity=Severity.ERROR,
    requirements=("UEFI-MAT-003",),
    sources=("UEFI 2.10 §4.6.4", "UEFI 2.11 §4.6.3"),
    help="remove the entry",
    fix="unsafe",
    examples=(
        Bad(memory_attributes_table=("EfiMemoryMappedIO  0xffc00000  0x400  RUNTIME XP",)),
        Good(memory_attributes_table=("EfiRuntimeServicesData  0x7f000000  16  RUNTIME XP",)),
        Good(memory_attributes_table=("EfiRuntimeServicesCode  0x7f000000  16  RUNTIME RO",)),
    ),
)
def mat_entry_of_other_type(memory_attributes_table: MemoryAttributesTable) -> Iterator[Finding]:
    """The Memory Attributes Table describes memory that is not runtime code or data.

    Consumers must ignore such an entry, so the protection it asks for never comes; Linux rejects
    it. EDK II listed MMIO once and took it out again (commit 254641f342).
    """
    for entry in memory_attributes_table.entries:
        if entry.type not in _RUNTIME:
            yield Finding(
                entry,
                f"the Memory Attributes Table lists {entry}",
                field="type",
                # The type may be the mistake, and then its memory would lose its protection.
                fix=Fix("unsafe", "drop the entry", (Edit(entry),)),
            )
