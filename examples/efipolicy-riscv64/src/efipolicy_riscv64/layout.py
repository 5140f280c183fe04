"""The area from 512 MiB on that Linux' EFI stub fills: who goes where.

The stub is the one arm64 has too (Linux 6.12, drivers/firmware/efi/libstub/efi-stub.c).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from efipolicy.plugin import MemoryDescriptor, round_down, round_up

BASE: Final = 512 << 20
"""EFI_RT_VIRTUAL_BASE."""

AREA: Final = 512 << 20
"""EFI_RT_VIRTUAL_SIZE: what a random base leaves room for."""

SLOT: Final = 64 << 10
SECTION: Final = 2 << 20

LIMIT: Final = 1 << 38
"""Where the area ends at the latest: user addresses of Sv39, whatever mode the kernel uses."""

Placed = tuple[MemoryDescriptor, int]
"""A runtime region and its virtual start."""


def random_base(random: int) -> int:
    """Where the area starts when the firmware's random number generator gave 32 bits.

    The number is shifted after it was multiplied, so the result is not a multiple of 2 MiB.
    """
    headroom = LIMIT - BASE - AREA
    return BASE + (((headroom >> 21) * random) >> 11)


def in_place(descriptors: Iterable[MemoryDescriptor]) -> Iterator[Placed]:
    """Each runtime region at its physical address."""
    return ((each, each.physical_start) for each in descriptors if each.runtime)


def pack(descriptors: Iterable[MemoryDescriptor], base: int) -> Iterator[Placed]:
    """Give each runtime region, in the order of the map, the next slot of 64 KiB.

    A region keeps its offset within 64 KiB. One that starts on 2 MiB and is that large starts on
    2 MiB again. What is left of the address space is nobody's concern here.
    """
    for descriptor in descriptors:
        if not descriptor.runtime:
            continue
        start, end = descriptor.physical
        first = round_down(start, SLOT)
        section = not start % SECTION and end - first >= SECTION
        base = round_up(base, SECTION if section else SLOT)
        yield descriptor, base + start - first
        base += end - first
