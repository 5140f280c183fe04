"""UEFI-MAT-016."""

from collections.abc import Iterator, Mapping
from typing import Any

from efipolicy.plugin import (
    AddressRange,
    Bad,
    Finding,
    Good,
    MemoryAttributesTable,
    MemoryDescriptor,
    MemoryMap,
    NotJudged,
    Option,
    Related,
    Severity,
    rule,
    size_text,
)

_HEADER = 16
"""Bytes before the first entry (UEFI 2.10, 4.6.4)."""


def _table(count: int) -> str:
    return f"""
memory_attributes_table:
  address: 0x7e003018
  number_of_entries: {count:#x}
  descriptor_size: 48
  extent: unknown
  entries: []
"""


@rule(
    "linux/mat-with-too-many-entries",
    severity=Severity.WARNING,
    requirements=("UEFI-MAT-016",),
    sources=("Linux commit 8fbe4c49c0cc", "linux-efi, November 2024 to January 2025"),
    help="check the header of the table, and keep its memory until it is read",
    unless=("uefi/unknown-mat-version",),
    options=(
        Option(
            name="entries",
            kind="integer",
            default=65536,
            doc="the most entries that are taken for a table and not for garbage",
        ),
    ),
    examples=(
        Bad("EfiBootServicesData  0x7e000000  0x10000  WB", sections=_table(0x100000), at=0),
        Bad("EfiBootServicesData  0x7e000000  4  WB", sections=_table(0x2000), at=0),
        Good("EfiBootServicesData  0x7e000000  16  WB", sections=_table(48)),
    ),
)
def mat_with_too_many_entries(
    memory_attributes_table: MemoryAttributesTable,
    options: Mapping[str, Any],
    memory_map: MemoryMap | None = None,
) -> Iterator[Finding | NotJudged]:
    """The header of the Memory Attributes Table announces more than can be there.

    Linux reserves the table before it takes boot services memory, as many bytes as count and
    descriptor size make. A corrupt header made it reserve gigabytes and run out of memory, mostly
    after kexec, where the table had been overwritten; Linux commit 8fbe4c49c0cc and what followed
    it make newer kernels ignore such a table. A limit drawn from the length of the map proved too
    tight: after kexec the map may be down to 9 entries beside a table of 48.

    A table that announces fewer entries but more bytes than are left of the descriptor that holds
    it is reported as well, where the file states its address. The option ``entries`` sets the
    limit.
    """
    table = memory_attributes_table
    count = table.number_of_entries
    if count is None:
        count = len(table.entries)
        if table.extent != "whole":
            yield NotJudged("memory_attributes_table.number_of_entries")
    if count > options["entries"]:
        yield Finding(
            table,
            f"the Memory Attributes Table announces {count} entries; "
            f"more than {options['entries']} are taken for garbage",
            field="number_of_entries",
        )
    elif table.address is None or table.descriptor_size is None:
        missing = "address" if table.address is None else "descriptor_size"
        yield NotJudged(f"memory_attributes_table.{missing}")
    elif memory_map is not None:
        yield from _overrun(table.address, count * table.descriptor_size, table, memory_map)


def _overrun(
    address: int, size: int, table: MemoryAttributesTable, memory_map: MemoryMap
) -> Iterator[Finding]:
    """The finding about ``size`` bytes of entries that do not fit where the table is."""
    holder = memory_map.at(address)
    extent = AddressRange(address, address + _HEADER + size)
    end = _end_of_piece(memory_map, holder, extent.end) if holder else 0
    if holder and end < extent.end:
        yield Finding(
            table,
            f"the Memory Attributes Table announces {size_text(extent.size)} at {address:#x}, "
            f"beyond the end of {holder.type_name} at {end:#x}",
            AddressRange(end, extent.end),
            field="number_of_entries",
            related=(Related(holder, f"{holder.type_name} holds the table"),),
        )


def _end_of_piece(memory_map: MemoryMap, first: MemoryDescriptor, limit: int) -> int:
    """Where a descriptor and the neighbours of its type end, looking no further than the limit."""
    end = first.physical.end
    while end < limit:
        following = memory_map.at(end)
        if following is None or following.type != first.type:
            break
        end = following.physical.end
    return end
