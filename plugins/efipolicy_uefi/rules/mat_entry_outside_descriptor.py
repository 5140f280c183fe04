"""UEFI-MAT-008."""

from collections.abc import Iterator
from itertools import islice

from efipolicy.plugin import (
    AddressRange,
    Bad,
    Finding,
    Good,
    MemoryAttributesTable,
    MemoryDescriptor,
    MemoryMap,
    Platform,
    Related,
    Severity,
    rule,
)
from efipolicy_uefi.tables import pieces

_SHOWN = 8


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
    the memory stays writable and executable. Single entries that a kernel rejected are no table,
    and a part of a map proves nothing: neither is judged.
    """
    # The map as it was read: garbage in it is another rule's business.
    memory_map = platform.memory_map
    for entry in memory_attributes_table.entries:
        holder = memory_map.at(entry.physical_start)
        if holder is None:
            yield _undescribed(entry, memory_map)
        elif not holder.physical.covers(entry.physical):
            yield _overrun(entry, holder, memory_map)


def _undescribed(entry: MemoryDescriptor, memory_map: MemoryMap) -> Finding:
    first = next(pieces(memory_map, entry.physical), None)
    outside = first.extent if first else entry.physical
    reaching = memory_map.at(outside.end) if outside.end < entry.physical.end else None
    what = f"the first {outside.size:#x} bytes of " if reaching else ""
    return Finding(
        entry,
        f"no descriptor holds {what}the entry for {entry}",
        outside,
        field="physical_start",
        related=(Related(reaching, f"{reaching.type_name} holds the rest"),) if reaching else (),
    )


def _overrun(entry: MemoryDescriptor, holder: MemoryDescriptor, memory_map: MemoryMap) -> Finding:
    outside = AddressRange(holder.physical.end, entry.physical.end)
    met = islice((piece.holder for piece in pieces(memory_map, outside)), _SHOWN)
    return Finding(
        entry,
        f"the entry for {entry} runs {outside.size:#x} bytes over the end of {holder.type_name} "
        f"at {holder.physical.end:#x}",
        outside,
        field="pages",
        related=(
            Related(holder, f"{holder.type_name} holds its start"),
            *(Related(one, f"{one.type_name} is reached into") for one in met if one),
        ),
    )
