"""UEFI-CFG-009."""

from collections.abc import Iterator

from efipolicy.plugin import (
    AddressRange,
    Bad,
    ConfigurationTable,
    Finding,
    Good,
    MemoryDescriptor,
    MemoryMap,
    Platform,
    Related,
    Severity,
    rule,
)
from efipolicy_uefi.tables import extent_of, name_of


@rule(
    "uefi/configuration-table-outside-map",
    severity=Severity.ERROR,
    requirements=("UEFI-CFG-009",),
    sources=("UEFI 2.10 §7.2.3", "UEFI 2.10 §4.6"),
    help="allocate the table in one piece, and describe the memory it lies in",
    needs=("whole_map",),
    examples=(
        Bad(
            "EfiACPIReclaimMemory   0x8fff0000  16  WB",
            "EfiReservedMemoryType  0x90000000  16  WB",
            configuration_tables=("DTB 0x8ffff000 0x3000",),
        ),
        Bad(
            "EfiConventionalMemory  0x100000  16  WB",
            configuration_tables=("SMBIOS3 0xf0000",),
        ),
        Good(
            "EfiACPIReclaimMemory  0x8fff0000  19  WB",
            configuration_tables=("DTB 0x8ffff000 0x3000",),
        ),
        Good(
            "EfiACPIReclaimMemory  0x8fff0000  16  WB",
            "EfiACPIReclaimMemory  0x90000000  16  WB",
            configuration_tables=("DTB 0x8ffff000 0x3000",),
        ),
    ),
)
def configuration_table_outside_map(
    platform: Platform, configuration_tables: tuple[ConfigurationTable, ...]
) -> Iterator[Finding]:
    """A configuration table does not lie in one described piece of memory.

    Whatever the map does not describe, an operating system takes for a hole, or for the window of
    a device. Linux refuses to reserve a table that crosses from one descriptor into another, and
    under Xen a table it cannot look up is lost. Neighbours of equal type and attribute count as
    one piece.
    """
    # The map as it was read: garbage in it is another rule's business and loses no table.
    memory_map = platform.memory_map
    for table in configuration_tables:
        extent = extent_of(table)
        holder = memory_map.at(extent.start)
        if holder is None:
            yield Finding(
                table,
                f"no descriptor holds {name_of(table)} at {extent.start:#x}",
                extent,
                field="address",
            )
            continue
        end = _end_of_piece(memory_map, holder, extent)
        if end < extent.end:
            yield Finding(
                table,
                f"{name_of(table)} {extent} runs over the end of {holder.type_name} at {end:#x}",
                AddressRange(end, extent.end),
                field="address",
                related=(Related(holder, f"{holder.type_name} holds its start"),),
            )


def _end_of_piece(memory_map: MemoryMap, first: MemoryDescriptor, extent: AddressRange) -> int:
    """Where the descriptor and its equal neighbours end, looking no further than the extent."""
    end = first.physical.end
    while end < extent.end:
        following = memory_map.at(end)
        if following is None or (following.type, following.attribute) != (
            first.type,
            first.attribute,
        ):
            break
        end = following.physical.end
    return end
