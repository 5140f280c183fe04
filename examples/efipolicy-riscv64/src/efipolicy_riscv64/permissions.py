"""With what access RISC-V Linux maps the regions of firmware (6.12, arch/riscv/kernel/efi.c).

Cache attributes are not looked at, and a device is mapped like memory: what the platform made of
an address holds.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from typing import Any, Final

from efipolicy.plugin import (
    EFI_MEMORY_RO,
    EFI_MEMORY_RP,
    EFI_MEMORY_WP,
    EFI_MEMORY_XP,
    Access,
    AddressRange,
    EfiMemoryType,
    Mapping,
    MemoryAttributesTable,
    MemoryDescriptor,
    Protection,
)

READ_ONLY_SINCE: Final = (5, 19)
"""Until then EFI_MEMORY_RO in the table took nothing away: the bit W was cleared in a word that was
dropped ("riscv: read-only pages should not be writable")."""

_NEITHER_BIT_SINCE: Final = (5, 13)
"""Until then an entry of the table with neither EFI_MEMORY_RO nor EFI_MEMORY_XP was refused."""

_TABLE_VERSIONS: Final = (None, 1, 2)
"""A table of any other version is ignored; one that was printed by a kernel shows none."""

_SERVICES: Final = (EfiMemoryType.EfiRuntimeServicesCode, EfiMemoryType.EfiRuntimeServicesData)


def access_at_map_time(descriptor: MemoryDescriptor) -> Access:
    """The access that type and attributes of the memory map ask for."""
    attribute = descriptor.attribute or 0
    if descriptor.type == EfiMemoryType.EfiMemoryMappedIO:
        return "RW"
    if attribute & EFI_MEMORY_RO:
        return "R" if attribute & EFI_MEMORY_XP else "RX"
    code = descriptor.type == EfiMemoryType.EfiRuntimeServicesCode
    protected = attribute & (EFI_MEMORY_RP | EFI_MEMORY_WP | EFI_MEMORY_XP)
    return "RWX" if code and protected != EFI_MEMORY_XP else "RW"


def protections(
    table: MemoryAttributesTable | None, mappings: Iterable[Mapping], kernel: Any
) -> Iterator[Protection]:
    """What the Memory Attributes Table takes away; it never grants anything.

    An entry counts that lies in one region of its own type; in a map that overlaps, the region that
    starts nearest is the one asked (Linux 6.12, drivers/firmware/efi/memattr.c).
    """
    if table is None or table.version not in _TABLE_VERSIONS:
        return
    regions = sorted(mappings, key=_start)
    starts = [region.physical.start for region in regions]
    for entry in table.entries:
        place = bisect_right(starts, entry.physical_start) - 1
        if place < 0 or not _is_valid(entry, kernel):
            continue
        region = regions[place]
        if region.type == entry.type and region.physical.covers(entry.physical):
            access = _taken_from(region.access, entry, kernel)
            if access != region.access:
                yield Protection(_virtual_part(region, entry.physical), access)


def _start(mapping: Mapping) -> int:
    return mapping.physical.start


def _is_valid(entry: MemoryDescriptor, kernel: Any) -> bool:
    return (
        entry.type in _SERVICES
        and entry.attribute is not None
        and entry.addressable
        and (kernel >= _NEITHER_BIT_SINCE or entry.has(EFI_MEMORY_RO | EFI_MEMORY_XP))
    )


def _taken_from(access: Access, entry: MemoryDescriptor, kernel: Any) -> Access:
    writable = "W" in access and not (kernel >= READ_ONLY_SINCE and entry.has(EFI_MEMORY_RO))
    executable = "X" in access and not entry.has(EFI_MEMORY_XP)
    if writable:
        return "RWX" if executable else "RW"
    return "RX" if executable else "R"


def _virtual_part(region: Mapping, physical: AddressRange) -> AddressRange:
    offset = (region.virtual_start or 0) - region.physical.start
    return AddressRange(physical.start + offset, physical.end + offset)
