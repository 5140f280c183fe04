"""Ranges of addresses taken together: what they cover, and what they leave out."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator

from efipolicy.model.address import AddressRange
from efipolicy.model.memory_map import MemoryDescriptor


def united(ranges: Iterable[AddressRange]) -> list[AddressRange]:
    """The ranges by address, those that touch or overlap as one, without those that are empty."""
    found: list[AddressRange] = []
    for extent in sorted(one for one in ranges if one.size):
        if found and extent.start <= found[-1].end:
            last = found.pop()
            found.append(AddressRange(last.start, max(last.end, extent.end)))
        else:
            found.append(extent)
    return found


def without(here: list[AddressRange], there: list[AddressRange]) -> Iterator[AddressRange]:
    """What of ``here`` no range of ``there`` covers; both are united."""
    place = 0
    for extent in here:
        start = extent.start
        while place < len(there) and there[place].end <= start:
            place += 1
        following = place
        while following < len(there) and there[following].start < extent.end:
            if start < there[following].start:
                yield AddressRange(start, there[following].start)
            start = there[following].end
            following += 1
        if start < extent.end:
            yield AddressRange(start, extent.end)


class TypeExtents:
    """What the descriptors of each type cover together, into however many they are split."""

    def __init__(self, descriptors: Iterable[MemoryDescriptor]) -> None:
        ranges: dict[int, list[AddressRange]] = {}
        for one in descriptors:
            ranges.setdefault(one.type, []).append(one.physical)
        self._extents = {kind: united(of_a_kind) for kind, of_a_kind in ranges.items()}

    def cover(self, region: MemoryDescriptor) -> bool:
        """Whether all of a region is of its type here; one without pages always is."""
        extents = self._extents.get(region.type, [])
        place = bisect_right(extents, region.physical_start, key=lambda one: one.start)
        covered = place > 0 and extents[place - 1].covers(region.physical)
        return covered or not region.number_of_pages
