"""Which region of one memory map is which region of another.

Firmware does not name its regions. A region is known again by its *identity*, which is its type,
its attribute and its size, and by its company: most allocations stand in blocks that move as one,
since they are made from the top of memory downwards and it is the top that moves. The steps, each
on what those before it left, with both maps sorted by address:

1. **Unmoved.** Equal identity at the same start.
2. **Moved in a block.** Regions that follow one another, with equal identities in both maps and the
   same distance between each and its counterpart. The longest block is believed first, of equal
   ones that whose distance the most other regions share; it has three regions at least, of memory
   that is not free. A block of what the operating system reuses does not overtake one that was
   believed before, since small driver images are much alike.
3. **Moved with a neighbour.** Equal identity, as far away as the nearest neighbour has moved.
4. **Grown in place.** Equal type and start.
5. **Moved alone.** Of the regions that outlive the boot, those of equal identity, in order.
6. **Another use of the place.** Equal start and size; the same where the neighbours have moved.
7. **Between the same neighbours.** What follows the same region in both maps is aligned, in order,
   so that as much as possible finds a partner of its identity, else of its type and of about its
   size; then what comes before the same region.
8. **Moved alone**, what else has an identity that no other region of its map has. Free memory has
   none.

The rest is in one map only. Of a part of a map nobody knows what stood between two of its regions:
step 7 pairs no more than what shares addresses there, and step 8 is left out.

The work is bounded: of an identity that many regions share, only those of about equal rank are
compared, and of the stretches between neighbours the shortest are aligned first, those of hundreds
of regions without a single acquaintance not at all.
"""

from __future__ import annotations

from bisect import bisect, insort
from collections.abc import Callable, Iterable, Iterator
from heapq import heapify, heappop, heappush
from typing import Final, TypeAlias

from efipolicy.model.efi import EfiMemoryType
from efipolicy.model.memory_map import MemoryDescriptor
from efipolicy.model.sequences import (
    Pairs,
    above,
    aligned,
    below,
    blocks,
    of_about_equal_rank,
)

_Key: TypeAlias = tuple[int | None, ...]
_KeyOf: TypeAlias = Callable[[MemoryDescriptor], _Key]

_FEWEST_WITNESSES: Final = 3
"""Two driver images of a size that follow one another are nothing rare."""

_MOST_CELLS: Final = 250_000
"""Pairs of regions that are tried while stretches are aligned."""

_SAME_IDENTITY: Final = 8
_SAME_SCALE: Final = 3
_SAME_KIND: Final = 2
_SAME_TYPE: Final = 1

_FREE: Final = EfiMemoryType.EfiConventionalMemory


class RegionMatching:
    """The pairs of two maps, found step by step.

    ``partners`` leads from the places of the old map to those of the new, ``taken`` back. ``whole``
    says that neither map is known to lack a part.
    """

    def __init__(
        self,
        old: Iterable[MemoryDescriptor],
        new: Iterable[MemoryDescriptor],
        outlives_boot: Callable[[MemoryDescriptor], bool],
        *,
        whole: bool = True,
    ) -> None:
        self.whole = whole
        self.old = sorted(old, key=_place)
        self.new = sorted(new, key=_place)
        self.outlives_boot = outlives_boot
        self.partners: dict[int, int] = {}
        self.taken: dict[int, int] = {}
        self.moved: list[int] = []
        # Where a source does not print attributes, no region can be known by them.
        self.with_attribute = all(d.attribute is not None for d in (*self.old, *self.new))

    def match(self) -> None:
        """Take all the steps."""
        self._pair_by(lambda d: (d.physical_start, d.type, d.attribute, d.number_of_pages))
        self._pair_by(lambda d: (d.physical_start, *self._identity(d)))
        self._pair_blocks()
        self._pair_with_neighbours(self._identity)
        self._pair_by(lambda d: (d.physical_start, d.type))
        self._pair_by(self._identity, of=self.outlives_boot)
        self._pair_by(lambda d: (d.physical_start, d.number_of_pages))
        self._pair_with_neighbours(lambda d: (d.number_of_pages,))
        self._pair_between_neighbours()
        if self.whole:
            self._pair_what_is_unique()

    def pairs(self) -> Iterator[tuple[MemoryDescriptor, MemoryDescriptor]]:
        """Each region of the old map that has a partner, with it, by address."""
        for one, other in sorted(self.partners.items()):
            yield self.old[one], self.new[other]

    def alone(self) -> tuple[list[MemoryDescriptor], list[MemoryDescriptor]]:
        """The regions of the old and of the new map without a partner."""
        old, new = self._left()
        return [self.old[one] for one in old], [self.new[other] for other in new]

    def _identity(self, descriptor: MemoryDescriptor) -> _Key:
        attribute = descriptor.attribute if self.with_attribute else None
        return descriptor.type, attribute, descriptor.number_of_pages

    def _pair(self, one: int, other: int) -> None:
        if one not in self.partners and other not in self.taken:
            self.partners[one] = other
            self.taken[other] = one

    def _left(self) -> tuple[list[int], list[int]]:
        return (
            [one for one in range(len(self.old)) if one not in self.partners],
            [other for other in range(len(self.new)) if other not in self.taken],
        )

    def _by(self, key: _KeyOf) -> list[tuple[_Key, list[int], list[int]]]:
        """What is left of both maps with a key that is in both, in the order of addresses."""
        left, others = self._left()
        there: dict[_Key, list[int]] = {}
        for other in others:
            there.setdefault(key(self.new[other]), []).append(other)
        here: dict[_Key, list[int]] = {}
        for one in left:
            here.setdefault(key(self.old[one]), []).append(one)
        return [(value, ones, there[value]) for value, ones in here.items() if value in there]

    def _pair_by(
        self, key: _KeyOf, of: Callable[[MemoryDescriptor], bool] = lambda _: True
    ) -> None:
        """Pair what has a key in common, in the order of addresses."""
        for _, ones, others in self._by(key):
            if of(self.old[ones[0]]) and of(self.new[others[0]]):
                for one, other in zip(ones, others, strict=False):
                    self._pair(one, other)

    def _distance(self, one: int, other: int) -> int:
        return self.new[other].physical_start - self.old[one].physical_start

    def _pair_blocks(self) -> None:
        left, others = self._left()
        ranks = (
            {one: i for i, one in enumerate(left)},
            {other: i for i, other in enumerate(others)},
        )
        by_distance: dict[int, Pairs] = {}
        for _, ones, news in self._by(self._identity):
            for one, other in of_about_equal_rank(ones, news):
                by_distance.setdefault(self._distance(one, other), []).append((one, other))
        queue = [
            (-self._witnesses(block), -len(pairs), abs(distance), block)
            for distance, pairs in by_distance.items()
            if len(pairs) >= _FEWEST_WITNESSES
            for block in blocks(sorted(pairs), *ranks)
            if len(block) >= _FEWEST_WITNESSES
        ]
        heapify(queue)
        while queue:
            witnesses, company, distance, block = heappop(queue)
            if -witnesses < _FEWEST_WITNESSES:
                break
            possible = [pair for pair in block if self._can_move(*pair)]
            if possible == block:
                for one, other in block:
                    self._pair(one, other)
                    insort(self.moved, one)
            else:
                for rest in blocks(possible, *ranks):
                    heappush(queue, (-self._witnesses(rest), company, distance, rest))

    def _witnesses(self, pairs: Pairs) -> int:
        return sum(self.old[one].type != _FREE for one, _ in pairs)

    def _can_move(self, one: int, other: int) -> bool:
        """Whether neither has a partner, and what is reused stays in order."""
        if one in self.partners or other in self.taken:
            return False
        if self.outlives_boot(self.old[one]):
            return True
        rank = bisect(self.moved, one)
        lower, higher = self.moved[max(0, rank - 1) : rank], self.moved[rank : rank + 1]
        return all(self.partners[i] < other for i in lower) and all(
            self.partners[i] > other for i in higher
        )

    def _pair_with_neighbours(self, key: _KeyOf) -> None:
        """Pair what has a key in common and is as far away as the nearest neighbour has moved."""
        left, others = self._left()
        at = {(self.new[other].physical_start, *key(self.new[other])): other for other in others}
        for nearest in (below, above):
            for one, neighbour in zip(left, nearest(left, self.partners), strict=True):
                if neighbour is not None:
                    region = self.old[one]
                    distance = self._distance(neighbour, self.partners[neighbour])
                    other = at.get((region.physical_start + distance, *key(region)))
                    if other is not None:
                        self._pair(one, other)

    def _pair_between_neighbours(self) -> None:
        for nearest in (below, above):
            left, others = self._left()
            stretches: dict[int | None, tuple[list[int], list[int]]] = {}
            for one, neighbour in zip(left, nearest(left, self.partners), strict=True):
                stretches.setdefault(neighbour, ([], []))[0].append(one)
            for other, neighbour in zip(others, nearest(others, self.taken), strict=True):
                known = None if neighbour is None else self.taken[neighbour]
                if known in stretches:
                    stretches[known][1].append(other)
            cells = 0
            for ones, news in sorted(stretches.values(), key=lambda s: len(s[0]) * len(s[1])):
                cells += len(ones) * len(news)
                if cells > _MOST_CELLS:
                    break
                for one, other in aligned(ones, news, self._likeness):
                    self._pair(one, other)

    def _likeness(self, one: int, other: int) -> int:
        here, there = self.old[one], self.new[other]
        if here.type != there.type:
            return 0
        if not self.whole and not (here.physical & there.physical).size:
            return 0
        if self._identity(here) == self._identity(there):
            return _SAME_IDENTITY
        if here.attribute != there.attribute:
            return _SAME_TYPE
        digits = here.number_of_pages.bit_length() - there.number_of_pages.bit_length()
        return _SAME_SCALE if abs(digits) < 2 else _SAME_KIND

    def _pair_what_is_unique(self) -> None:
        from collections import Counter

        here = Counter(map(self._identity, self.old))
        there = Counter(map(self._identity, self.new))
        for identity, ones, others in self._by(self._identity):
            if here[identity] == there[identity] == 1 and self.old[ones[0]].type != _FREE:
                self._pair(ones[0], others[0])


def _place(descriptor: MemoryDescriptor) -> tuple[int, int, int]:
    return descriptor.physical_start, descriptor.number_of_pages, descriptor.type
