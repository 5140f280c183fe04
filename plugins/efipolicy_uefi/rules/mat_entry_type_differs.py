"""UEFI-MAT-009."""

from collections.abc import Iterator

from efipolicy.plugin import (
    Bad,
    Edit,
    Finding,
    Fix,
    Good,
    MemoryAttributesTable,
    MemoryMap,
    NotJudged,
    Related,
    Severity,
    rule,
)


@rule(
    "uefi/mat-entry-type-differs",
    severity=Severity.ERROR,
    requirements=("UEFI-MAT-009",),
    sources=("UEFI 2.10 §4.6.4", "UEFI 2.11 §4.6.3", "Linux drivers/firmware/efi/memattr.c"),
    help="give the entry the type of the descriptor it lies in",
    needs=("whole_memory_attributes_table",),
    fix="unsafe",
    unless=("uefi/mat-entry-of-other-type",),
    examples=(
        Bad(
            "EfiRuntimeServicesCode  0x7f000000  16  RUNTIME WB",
            memory_attributes_table=(
                "EfiRuntimeServicesCode  0x7f000000  8  RUNTIME RO",
                "EfiRuntimeServicesData  0x7f008000  8  RUNTIME XP",
            ),
            at=2,
        ),
        Bad(
            "EfiBootServicesData  0x7f000000  16  WB",
            memory_attributes_table=("EfiRuntimeServicesData  0x7f000000  16  RUNTIME XP",),
        ),
        Good(
            "EfiRuntimeServicesCode  0x7f000000  16  RUNTIME WB",
            memory_attributes_table=(
                "EfiRuntimeServicesCode  0x7f000000  8  RUNTIME RO",
                "EfiRuntimeServicesCode  0x7f008000  8  RUNTIME XP",
            ),
        ),
    ),
)
def mat_entry_type_differs(
    memory_map: MemoryMap, memory_attributes_table: MemoryAttributesTable
) -> Iterator[Finding | NotJudged]:
    """An entry of the Memory Attributes Table has another type than the memory map.

    The table cuts the map's descriptors into pieces with permissions of their own; the type stays
    that of the descriptor, so the data section of a runtime image is EfiRuntimeServicesCode too.
    EDK II published such sections as EfiRuntimeServicesData and had to correct it (EDK II commit
    82f0f411c7).

    To the specification it is a "should". Linux makes it a condition: an entry whose type is not
    that of the descriptor around it is rejected, with a line in the log, and its memory keeps the
    permissions of a region that no entry describes.
    """
    for entry in memory_attributes_table.entries:
        holder = memory_map.at(entry.physical_start)
        if holder is None and memory_map.extent != "whole":
            yield NotJudged("memory_map.extent: whole")
        elif holder and holder.type != entry.type:
            yield Finding(
                entry,
                f"the entry for {entry} lies in {holder.type_name}",
                field="type",
                related=(Related(holder, f"{holder.type_name} in the memory map"),),
                fix=Fix(
                    "unsafe",
                    "copy the type of the descriptor",
                    (Edit(entry, "type", holder.type),),
                ),
            )
