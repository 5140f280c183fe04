"""What Linux makes of the Memory Attributes Table: which entries count, and for which mapping.

Linux 6.12, drivers/firmware/efi/memattr.c.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from typing import Any, Final

from efipolicy.plugin import (
    EFI_MEMORY_RO,
    EFI_MEMORY_XP,
    EFI_PAGE_SIZE,
    Access,
    AddressRange,
    EfiMemoryType,
    Mapping,
    MemoryAttributesTable,
    MemoryDescriptor,
    Option,
)

_VERSIONS: Final = (None, 1, 2)
"""A table of any other version is ignored; one that was printed by a kernel shows none."""

_SERVICES: Final = (EfiMemoryType.EfiRuntimeServicesCode, EfiMemoryType.EfiRuntimeServicesData)
_NEITHER_BIT_SINCE: Final = (5, 13)
"""Until then an entry with neither EFI_MEMORY_RO nor EFI_MEMORY_XP was refused."""

MEMORY_ATTRIBUTES: Final = Option(
    name="memory_attributes",
    kind="boolean",
    default=True,
    doc="whether the Memory Attributes Table is applied to the page tables; the plan shows the "
    "access at the time of mapping, the page tables what comes of it",
)


def access_of(*, writable: bool, executable: bool) -> Access:
    """The access by what it allows besides reading."""
    if writable:
        return "RWX" if executable else "RW"
    return "RX" if executable else "R"


def entries_in_force(
    table: MemoryAttributesTable | None,
    mappings: Iterable[Mapping],
    *,
    kernel: Any,
    page_size: int = EFI_PAGE_SIZE,
) -> Iterator[tuple[MemoryDescriptor, Mapping]]:
    """The entries that Linux applies, each with the mapping of the region it lies in.

    An entry counts when its type is a runtime service's and its ends are multiples of the operating
    system's page, and when one runtime region of the same type that has a virtual address holds the
    whole of it. In a map that overlaps the region that starts nearest is the one asked.
    """
    if table is None or table.version not in _VERSIONS:
        return
    regions = sorted(
        (mapping for mapping in mappings if mapping.runtime and mapping.virtual_start is not None),
        key=_start,
    )
    starts = [region.physical.start for region in regions]
    for entry in table.entries:
        place = bisect_right(starts, entry.physical_start) - 1
        if place < 0 or not _is_valid(entry, kernel, page_size):
            continue
        region = regions[place]
        if region.type == entry.type and region.physical.covers(entry.physical):
            yield entry, region


def virtual_part(region: Mapping, physical: AddressRange) -> AddressRange:
    """Where a part of a region is found in virtual memory. The region has a virtual address."""
    offset = (region.virtual_start or 0) - region.physical.start
    return AddressRange(physical.start + offset, physical.end + offset)


def _start(mapping: Mapping) -> int:
    return mapping.physical.start


def _is_valid(entry: MemoryDescriptor, kernel: Any, page_size: int) -> bool:
    return (
        entry.type in _SERVICES
        and entry.attribute is not None
        and entry.addressable
        and not (entry.physical.start % page_size or entry.physical.end % page_size)
        and (kernel >= _NEITHER_BIT_SINCE or entry.has(EFI_MEMORY_RO | EFI_MEMORY_XP))
    )
