"""Two virtual layouts of the same physical memory, compared range by range.

A kernel may merge or cut the entries it hands on (Linux on x86 does both), which moves nothing.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator

from efipolicy.plugin import EFI_PAGE_SIZE, AddressRange, MemoryDescriptor

Piece = tuple[AddressRange, MemoryDescriptor | None]


class Layout:
    """The entries of a virtual map by physical address. They are taken to be disjoint."""

    def __init__(self, entries: Iterable[MemoryDescriptor]) -> None:
        self.entries = sorted(entries, key=lambda entry: entry.physical_start)
        self._starts = [entry.physical_start for entry in self.entries]

    def pieces(self, wanted: AddressRange) -> Iterator[Piece]:
        """A physical range cut where entries begin and end, each part with its entry if any."""
        position = wanted.start
        first = max(bisect_right(self._starts, position) - 1, 0)
        for place in range(first, len(self.entries)):
            entry = self.entries[place]
            if entry.physical_start >= wanted.end:
                break
            shared = entry.physical & AddressRange(position, wanted.end)
            if not shared.size:
                continue
            if position < shared.start:
                yield AddressRange(position, shared.start), None
            yield shared, entry
            position = shared.end
        if position < wanted.end:
            yield AddressRange(position, wanted.end), None


def virtual_of(entry: MemoryDescriptor, region: AddressRange) -> AddressRange | None:
    """The virtual range an entry gives to a part of it; ``None`` where it gives none."""
    if entry.virtual_start is None:
        return None
    start = entry.virtual_start + (region.start - entry.physical_start)
    return AddressRange(start, start + region.size)


def pages_in(region: AddressRange) -> int:
    """EFI pages."""
    return region.size // EFI_PAGE_SIZE
