"""UEFI-MAT-008."""

from collections.abc import Iterator

from efipolicy.plugin import (
    AddressRange,
    Bad,
    Finding,
    Good,
    MemoryAttributesTable,
    Platform,
    Related,
    Severity,
    rule,
)


@rule(
    "uefi/mat-entry-outside-descriptor",
    severity=Severity.ERROR,
    requirements=("UEFI-MAT-008",),
    sources=("UEFI 2.10 §4.6.4", "UEFI 2.11 §4.6.3"),
    help="split the entry where the descriptors of the memory map meet",
    needs=("whole_memory_attributes_table", "whole_map"),
    examples=(
        Bad(
            "EfiRuntimeServicesCode  0x7f000000  16  RUNTIME WB",
            "EfiRuntimeServicesData  0x7f010000  16  RUNTIME WB",
            memory_attributes_table=("EfiRuntimeServicesCode  0x7f00f000  2  RUNTIME RO",),
        ),
        Bad(
            "EfiRuntimeServicesCode  0x7f000000  16  RUNTIME WB",
            memory_attributes_table=("EfiRuntimeServicesCode  0x6f000000  2  RUNTIME RO",),
        ),
        Good(
            "EfiRuntimeServicesCode  0x7f000000  16  RUNTIME WB",
            "EfiRuntimeServicesData  0x7f010000  16  RUNTIME WB",
            memory_attributes_table=("EfiRuntimeServicesCode  0x7f00e000  2  RUNTIME RO",),
        ),
    ),
)
def mat_entry_outside_descriptor(
    platform: Platform, memory_attributes_table: MemoryAttributesTable
) -> Iterator[Finding]:
    """An entry of the Memory Attributes Table does not lie inside one descriptor of the map.

    The table refines descriptors; an entry across two of them, or of memory the map does not
    describe, refines none. Linux says that it covers several regions, or none, and skips it, so
    the memory stays writable and executable.
    """
    # The map as it was read: garbage in it is another rule's business.
    memory_map = platform.memory_map
    for entry in memory_attributes_table.entries:
        holder = memory_map.at(entry.physical_start)
        if holder is None:
            yield Finding(entry, f"no descriptor holds the entry for {entry}")
        elif not holder.physical.covers(entry.physical):
            yield Finding(
                entry,
                f"the entry for {entry} runs over the end of {holder.type_name} "
                f"at {holder.physical.end:#x}",
                AddressRange(holder.physical.end, entry.physical.end),
                field="pages",
                related=(Related(holder, f"{holder.type_name} holds its start"),),
            )
