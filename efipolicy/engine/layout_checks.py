"""What a layout has to keep to, whatever strategy it is of."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from itertools import pairwise
from operator import attrgetter, itemgetter

from efipolicy.model.address import AddressRange
from efipolicy.model.efi import EfiMemoryType
from efipolicy.model.mapping import PlanProblem
from efipolicy.model.memory_map import MemoryDescriptor
from efipolicy.paging import RadixGeometry
from efipolicy.plugin import PlanRequest

_IMAGES = (EfiMemoryType.EfiRuntimeServicesCode, EfiMemoryType.EfiRuntimeServicesData)

Placed = tuple[MemoryDescriptor, int | None]
"""A region and its virtual start, ``None`` where it has none."""


class LayoutChecks:
    """Every region has addresses that are translated, and its own; touching images stay so.

    Thousands of layouts are judged, so what they have in common is looked at once.
    """

    def __init__(self, request: PlanRequest) -> None:
        geometry = request.geometry
        everything = (AddressRange(0, 1 << 64),)
        self._reach = geometry.translated if isinstance(geometry, RadixGeometry) else everything
        self._starts = [reach.start for reach in self._reach]
        runtime = request.platform.memory_map.runtime
        self._runtime = runtime
        self._sizes = {each.index: each.physical.size for each in runtime}
        self._neighbours = list(_neighbours(runtime))
        self._pairs = [(a.index, b.index, a.physical.size) for a, b in self._neighbours]

    def judged(self, placed: list[Placed]) -> tuple[int | None, bool]:
        """The headroom of a layout, and whether nothing about it looks wrong."""
        at: dict[int, int] = {}
        extents: list[tuple[int, int]] = []
        for descriptor, start in placed:
            if start is not None:
                index = descriptor.index
                at[index] = start
                extents.append((start, start + self._size(descriptor)))
        if not extents:
            return None, not self._sizes
        extents.sort()
        room = self._room(extents)
        sound = (
            room >= 0
            and self._sizes.keys() <= at.keys()
            and not any(low[1] > high[0] for low, high in pairwise(extents))
            and not any(at[upper] - at[lower] != size for lower, upper, size in self._pairs)
        )
        return room, sound

    def _size(self, descriptor: MemoryDescriptor) -> int:
        size = self._sizes.get(descriptor.index)
        return descriptor.physical.size if size is None else size

    def _room(self, extents: list[tuple[int, int]]) -> int:
        """The bytes above the highest extent in each range of addresses, the least of them."""
        highest: dict[int, int] = {}
        for start, end in extents:
            place = bisect_right(self._starts, start) - 1
            if end > highest.get(place, 0):
                highest[place] = end
        return min([self._reach[place].end - end for place, end in highest.items()])

    def problems(self, placed: list[Placed]) -> list[PlanProblem]:
        """What is wrong with a layout, in words."""
        at = {descriptor.index: start for descriptor, start in placed}
        left_out = [(each, None) for each in self._runtime if each.index not in at]
        return [
            *self._unreachable([*placed, *left_out]),
            *_overlaps(placed),
            *_torn(self._neighbours, at),
        ]

    def _unreachable(self, placed: list[Placed]) -> Iterator[PlanProblem]:
        for descriptor, start in placed:
            message = "has no virtual address"
            if start is not None:
                virtual = AddressRange(start, start + descriptor.physical.size)
                if any(reach.covers(virtual) for reach in self._reach):
                    continue
                message = f"is placed at {virtual}, which the page tables do not translate"
            what = f"{descriptor.type_name} {message}"
            yield PlanProblem("plan/mapping-out-of-reach", what, descriptor.physical)


def _neighbours(
    runtime: Iterable[MemoryDescriptor],
) -> Iterator[tuple[MemoryDescriptor, MemoryDescriptor]]:
    """Code and data that touch, which may be parts of one image: the lower and the upper."""
    images = [each for each in runtime if each.type in _IMAGES]
    images.sort(key=attrgetter("physical_start"))
    for lower, upper in pairwise(images):
        if lower.physical.end == upper.physical_start:
            yield lower, upper


def _overlaps(placed: list[Placed]) -> Iterator[PlanProblem]:
    """Regions at the addresses of another one.

    At the same distance from their physical addresses they share memory as well: then the memory
    map overlaps, not the layout.
    """
    known = [(one, start) for one, start in placed if start is not None]
    known.sort(key=itemgetter(1))
    reaching: tuple[MemoryDescriptor, int] | None = None
    for descriptor, start in known:
        if reaching:
            other, other_start = reaching
            apart = start - other_start != descriptor.physical_start - other.physical_start
            if start < other_start + other.physical.size and apart:
                yield PlanProblem(
                    "uefi/overlapping-virtual-map-entries",
                    f"{descriptor.type_name} is placed at {start:#x}, among the addresses of "
                    f"{other} from {other_start:#x} on",
                    descriptor.physical,
                )
        end = start + descriptor.physical.size
        if reaching is None or end > reaching[1] + reaching[0].physical.size:
            reaching = descriptor, start


def _torn(
    neighbours: Iterable[tuple[MemoryDescriptor, MemoryDescriptor]], at: dict[int, int | None]
) -> Iterator[PlanProblem]:
    for lower, upper in neighbours:
        low, high = at.get(lower.index), at.get(upper.index)
        if low is None or high is None or high - low == lower.physical.size:
            continue
        apart = high - low
        yield PlanProblem(
            "plan/relative-layout-lost",
            f"{upper.type_name} begins where {lower} ends, and is placed {abs(apart):#x} "
            f"{'above' if apart > 0 else 'below'} its start, not {lower.physical.size:#x} above",
            upper.physical,
        )
