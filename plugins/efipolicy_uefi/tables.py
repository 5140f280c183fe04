"""What several rules ask of a table: where it lies, and who may move or map it."""

from bisect import bisect_right
from collections.abc import Collection, Iterator
from typing import NamedTuple

from efipolicy.plugin import (
    AcpiTable,
    AddressRange,
    ConfigurationTable,
    EfiMemoryType,
    Finding,
    MemoryDescriptor,
    MemoryMap,
    NotJudged,
    Related,
    Revision,
)

ACPI_ROOT_POINTERS = ("ACPI", "ACPI_20")
RESERVED = EfiMemoryType.EfiReservedMemoryType
RECLAIM = EfiMemoryType.EfiACPIReclaimMemory
NVS = EfiMemoryType.EfiACPIMemoryNVS
BOOT_DATA = EfiMemoryType.EfiBootServicesData
RUNTIME_DATA = EfiMemoryType.EfiRuntimeServicesData

INDUSTRY_TABLES = (
    *ACPI_ROOT_POINTERS,
    "SMBIOS",
    "SMBIOS3",
    "SAL_SYSTEM_TABLE",
    "MPS",
    "DTB",
    "RT_PROPERTIES",
    "MEMORY_ATTRIBUTES",
    "CONFORMANCE_PROFILES",
)
"""Tables whose pointers SetVirtualAddressMap leaves alone (UEFI 2.10, 4.6.1.1 to 4.6.5)."""

_SHOWN = 8


class Piece(NamedTuple):
    """A part of a range that one descriptor holds, or none does."""

    extent: AddressRange
    holder: MemoryDescriptor | None


def extent_of(table: ConfigurationTable | AcpiTable) -> AddressRange:
    """The bytes of a table; without a known length at least its first byte."""
    return AddressRange(table.address, table.address + (table.length or 1))


def name_of(table: ConfigurationTable | AcpiTable) -> str:
    """The signature or the well-known name, or the GUID."""
    if isinstance(table, AcpiTable):
        return table.signature
    return table.name or table.guid or "a table"


def pieces(memory_map: MemoryMap, extent: AddressRange) -> Iterator[Piece]:
    """The range cut where descriptors begin and end, in the order of the addresses."""
    descriptors = memory_map.by_address
    position = extent.start
    while position < extent.end:
        holder = memory_map.at(position)
        if holder:
            end = holder.physical.end
        else:
            place = bisect_right(descriptors, position, key=lambda one: one.physical_start)
            end = descriptors[place].physical_start if place < len(descriptors) else extent.end
        end = min(end, extent.end)
        yield Piece(AddressRange(position, end), holder)
        position = end


def acpi_types(revision: Revision | None) -> tuple[EfiMemoryType, ...]:
    """The types in which ACPI tables may lie at boot; EFI 1.10 had one (2.3.3 there)."""
    return (RECLAIM,) if revision and revision < Revision(2, 0) else (RECLAIM, NVS)


def misplaced(
    memory_map: MemoryMap,
    table: ConfigurationTable,
    allowed: Collection[EfiMemoryType],
) -> Iterator[Finding | NotJudged]:
    """The finding about a configuration table that starts in memory of another type, if it does.

    A table that no descriptor holds is the business of UEFI-CFG-009.
    """
    holder = memory_map.at(table.address)
    if holder is None:
        if memory_map.extent != "whole":
            yield NotJudged("memory_map.extent: whole")
    elif holder.type not in allowed:
        yield Finding(
            table,
            f"{name_of(table)} at {table.address:#x} lies in {holder.type_name}, "
            f"not in {_either(allowed)}",
            extent_of(table) & holder.physical,
            field="address",
            related=(Related(holder, f"{holder.type_name} holds the table"),),
        )


def misplaced_acpi_table(
    memory_map: MemoryMap,
    table: AcpiTable,
    allowed: Collection[EfiMemoryType],
) -> Iterator[Finding | NotJudged]:
    """The finding about an ACPI table of which a byte lies in memory of another type, if one does.

    Its region is the first run of such bytes. On a part of a map, bytes that no descriptor holds
    are not judged.
    """
    outside = []
    for piece in pieces(memory_map, extent_of(table)):
        if piece.holder is None and memory_map.extent != "whole":
            yield NotJudged("memory_map.extent: whole")
        elif piece.holder is None or piece.holder.type not in allowed:
            outside.append(piece)
        elif outside:
            break
    if not outside:
        return
    region = AddressRange(outside[0].extent.start, outside[-1].extent.end)
    what = f"{table.signature} at {table.address:#x}"
    if region.start > table.address:
        what = f"{region} of {what}"
    where = [one.holder.type_name if one.holder else "memory nobody describes" for one in outside]
    holders = (one.holder for one in outside[:_SHOWN] if one.holder)
    yield Finding(
        table,
        f"{what} lies in {' and '.join(dict.fromkeys(where))}, not in {_either(allowed)}",
        region,
        field="address",
        related=tuple(Related(one, f"{one.type_name} holds the table") for one in holders),
    )


def _either(types: Collection[EfiMemoryType]) -> str:
    *others, last = [kind.name for kind in types]
    return f"{', '.join(others)} or {last}" if others else last
