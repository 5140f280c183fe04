"""Granules: what one translation of Itanium's identity regions spans, and what shares one.

A granule may be mapped cached only if every byte in it can be, because the processor may read
anything in it ahead of time (Linux 4.15, Documentation/ia64/aliasing.txt).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from efipolicy.plugin import (
    EFI_MEMORY_UC,
    EFI_MEMORY_UCE,
    EFI_MEMORY_WB,
    EFI_MEMORY_WC,
    EFI_MEMORY_WT,
    AddressRange,
    MemoryDescriptor,
    MemoryMap,
    PlanProblem,
    round_down,
    round_up,
    size_text,
)

GRANULES: Final = {"16M": 16 << 20, "64M": 64 << 20}
"""Bytes of the granules Linux can be built for."""

NOT_CACHED: Final = EFI_MEMORY_UC | EFI_MEMORY_WC | EFI_MEMORY_WT


def around(physical: AddressRange, unit: int) -> AddressRange:
    """The range of whole units, of so many bytes each, that a range lies in."""
    return AddressRange(round_down(physical.start, unit), round_up(physical.end, unit))


def is_write_back(memory_map: MemoryMap, extent: AddressRange) -> bool:
    """Whether each address of a range is described as write-back memory."""
    known = extent.start
    for descriptor in memory_map.sharing(extent):
        if descriptor.physical.start > known:
            return False
        if descriptor.has(EFI_MEMORY_WB):
            known = max(known, descriptor.physical.end)
    return known >= extent.end


def clashes(
    cached: Iterable[MemoryDescriptor], memory_map: MemoryMap, granule: int
) -> Iterator[PlanProblem]:
    """What must not be cached and shares a granule with something that is mapped cached."""
    told: set[int] = set()
    for extent in _joined(around(each.physical, granule) for each in cached):
        for descriptor in memory_map.sharing(extent):
            uncached = descriptor.has(NOT_CACHED | EFI_MEMORY_UCE)
            if uncached and not descriptor.has(EFI_MEMORY_WB) and descriptor.index not in told:
                told.add(descriptor.index)
                yield PlanProblem(
                    rule="plan/same-frame-with-two-cache-types",
                    message=f"{descriptor} offers no WB and lies in a granule of "
                    f"{size_text(granule)} that region 7 maps cached",
                    region=descriptor.physical & extent,
                )


def _joined(extents: Iterable[AddressRange]) -> Iterator[AddressRange]:
    """The same addresses, ranges that overlap or touch as one, ascending."""
    joined: AddressRange | None = None
    for extent in sorted(extents):
        if joined and extent.start <= joined.end:
            joined = AddressRange(joined.start, max(joined.end, extent.end))
        else:
            if joined:
                yield joined
            joined = extent
    if joined:
        yield joined
