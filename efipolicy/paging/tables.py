"""What the builder builds: runs of equal leaves, and how many tables lead to them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from efipolicy.model.address import AddressRange
from efipolicy.model.mapping import Access
from efipolicy.model.mapping import Mapping as PlannedMapping
from efipolicy.named_tuple import NamedTuple
from efipolicy.paging.geometry import RadixGeometry


class LeafRun(NamedTuple):
    """Neighbouring leaves of one size that were made alike, their frames one after the other.

    ``start`` and ``end`` are virtual addresses, ``physical`` the frame of the first leaf, not a
    multiple of ``leaf_size`` where nobody looked. ``mapping`` is the index of the mapping that the
    leaves come from, the last one where several cover them.
    """

    start: int
    end: int
    physical: int
    leaf_size: int
    access: Access
    cache: str
    contiguous: bool
    mapping: int
    encrypted: bool = False

    @property
    def virtual(self) -> AddressRange:
        """The virtual addresses."""
        return AddressRange(self.start, self.end)

    @property
    def frames(self) -> AddressRange:
        """The physical addresses the entries name."""
        return AddressRange(self.physical, self.physical + self.end - self.start)

    @property
    def number_of_leaves(self) -> int:
        """How many leaves."""
        return (self.end - self.start) // self.leaf_size

    @property
    def misaligned(self) -> bool:
        """Whether the frames do not start where a leaf of this size can point."""
        return bool(self.physical % self.leaf_size)


class Overlap(NamedTuple):
    """Virtual addresses that two mappings cover, by their indices; the later one came on top."""

    virtual: AddressRange
    earlier: int
    later: int


class Refusal(NamedTuple):
    """A mapping that no table can hold, by its index, and why."""

    mapping: int
    reason: str


class PageTables(NamedTuple):
    """The tables of one plan.

    ``runs`` ascend and do not overlap. ``tables`` counts them by level, the root first. Indices of
    mappings are those of ``mappings``.
    """

    geometry: RadixGeometry
    mappings: tuple[PlannedMapping, ...]
    runs: tuple[LeafRun, ...]
    tables: Mapping[str, int]
    overlaps: tuple[Overlap, ...] = ()
    refused: tuple[Refusal, ...] = ()

    @property
    def total(self) -> int:
        """How many tables there are."""
        return sum(self.tables.values())

    @property
    def table_bytes(self) -> int:
        """Bytes of the tables; a root of few entries takes less than a page."""
        levels = {level.name: level for level in self.geometry.levels}
        return sum(n * self.geometry.table_bytes(levels[name]) for name, n in self.tables.items())

    @property
    def leaves(self) -> dict[int, int]:
        """How many leaves there are of each size (bytes), the smallest first."""
        counts: dict[int, int] = {}
        for run in self.runs:
            counts[run.leaf_size] = counts.get(run.leaf_size, 0) + run.number_of_leaves
        return dict(sorted(counts.items()))

    def bytes_with(self, access: Access) -> int:
        """Bytes of virtual memory that have just this access."""
        return sum(run.end - run.start for run in self.runs if run.access == access)

    def from_mapping(self, index: int) -> Iterator[LeafRun]:
        """The leaves that a mapping made or changed last."""
        return (run for run in self.runs if run.mapping == index)
