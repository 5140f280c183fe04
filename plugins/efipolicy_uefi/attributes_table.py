"""What several rules ask of a Memory Attributes Table."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator

from efipolicy.plugin import AddressRange, EfiMemoryType, MemoryDescriptor

RUNTIME_TYPES = frozenset(
    {EfiMemoryType.EfiRuntimeServicesCode, EfiMemoryType.EfiRuntimeServicesData}
)
"""The types an entry may have; consumers ignore any other (UEFI 2.10, 4.6.4)."""


class Coverage:
    """What entries describe, as ranges that neither touch nor overlap, by address."""

    def __init__(self, entries: Iterable[MemoryDescriptor]) -> None:
        self.ranges: list[AddressRange] = []
        for entry in sorted(entries, key=lambda entry: entry.physical_start):
            last = self.ranges[-1] if self.ranges else None
            if last and entry.physical_start <= last.end:
                end = max(last.end, entry.physical.end)
                self.ranges[-1] = AddressRange(last.start, end)
            else:
                self.ranges.append(entry.physical)
        self._starts = [one.start for one in self.ranges]

    def gaps(self, extent: AddressRange) -> Iterator[AddressRange]:
        """The parts of a range that no entry describes, by address."""
        position = extent.start
        place = max(bisect_right(self._starts, position) - 1, 0)
        while position < extent.end and place < len(self.ranges):
            described = self.ranges[place]
            if described.start >= extent.end:
                break
            if described.start > position:
                yield AddressRange(position, described.start)
            position = max(position, described.end)
            place += 1
        if position < extent.end:
            yield AddressRange(position, extent.end)
