"""The area from 512 MiB on that the arm64 EFI stub fills: who goes where.

Linux 6.12, drivers/firmware/efi/libstub/efi-stub.c; 4.15, drivers/firmware/efi/libstub/arm-stub.c.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from operator import attrgetter
from typing import Any, Final

from efipolicy.plugin import (
    EFI_MEMORY_RUNTIME,
    EFI_MEMORY_UC,
    EFI_MEMORY_WB,
    EFI_MEMORY_WC,
    EFI_MEMORY_WT,
    MemoryDescriptor,
    PlacementWindow,
    PlanRequest,
    round_down,
    round_up,
)

BASE: Final = 512 << 20
"""EFI_RT_VIRTUAL_BASE: low enough for a 32-bit kernel that shares the stub's code."""

AREA: Final = 512 << 20
"""EFI_RT_VIRTUAL_SIZE: what the random base leaves room for."""

SLOT: Final = 64 << 10
"""Whatever its own page size, so that kernels of any other one can take the layout over."""

SECTION: Final = 2 << 20

WIDEST: Final = 48
"""VA_BITS_MIN at most: a kernel of 52 bits also has to run where the processor has 48."""

SORTED_SINCE: Final = (4, 3)
SORTED_UNTIL: Final = (5, 8)
RANDOM_SINCE: Final = (4, 13)
RANDOM_UNTIL: Final = (6, 1)

_KIND: Final = EFI_MEMORY_WB | EFI_MEMORY_WT | EFI_MEMORY_WC | EFI_MEMORY_UC | EFI_MEMORY_RUNTIME


def random_base(random: int, limit: int) -> int:
    """Where the area starts when the firmware's random number generator gave 32 bits.

    ``limit`` is the end of what the kernel translates. The result is not aligned to 2 MiB, though
    it was meant to be: the number is shifted after it was multiplied (Linux 5.10).
    """
    headroom = max(limit - BASE - AREA, 0)
    return BASE + (((headroom >> 21) * random) >> 11)


def area_from(base: int, request: PlanRequest) -> tuple[PlacementWindow, ...]:
    """The area from a base on to where every kernel's tables end, none where that lies below it."""
    bits = min(request.geometry.virtual_address_bits, WIDEST)
    if base >= 1 << bits:
        return ()
    name = "EFI_RT_VIRTUAL_BASE" if base == BASE else "base"
    return (PlacementWindow(base, 1 << bits, name, f"VA limit, {bits}-bit"),)


def walked(descriptors: Iterable[MemoryDescriptor], kernel: Any) -> list[MemoryDescriptor]:
    """The map in the order the stub walks it: 4.3 to 5.7 sort it by physical address first."""
    if SORTED_SINCE <= kernel < SORTED_UNTIL:
        return sorted(descriptors, key=attrgetter("physical_start"))
    return list(descriptors)


def pack(
    descriptors: Iterable[MemoryDescriptor], base: int, kernel: Any
) -> Iterator[tuple[MemoryDescriptor, int]]:
    """Give each runtime region the next slot of 64 KiB, keeping its offset within it.

    One that starts on 2 MiB and is that large starts on 2 MiB again, for the sake of sections. From
    4.3 to 5.7 a region that touches the entry before it, and is memory of the same kind, follows
    without a gap: parts of one image keep their distance. What is left of the address space is
    nobody's concern here.
    """
    keeps_together = SORTED_SINCE <= kernel < SORTED_UNTIL
    previous: MemoryDescriptor | None = None
    for descriptor in descriptors:
        before, previous = previous, descriptor
        if not descriptor.runtime:
            continue
        start, end = descriptor.physical
        if not (keeps_together and before and _continues(before, descriptor)):
            first = round_down(start, SLOT)
            section = not start % SECTION and end - first >= SECTION
            base = round_up(base, SECTION if section else SLOT) + start - first
        yield descriptor, base
        base += end - start


def _continues(before: MemoryDescriptor, descriptor: MemoryDescriptor) -> bool:
    return (
        before.physical.end == descriptor.physical.start
        and before.attribute is not None
        and descriptor.attribute is not None
        and not (before.attribute ^ descriptor.attribute) & _KIND
    )
