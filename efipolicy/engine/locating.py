"""Find what lies at an address: descriptor, tables, mapping, and the walk of the page tables.

An address is physical where the memory map describes it and virtual where a mapping holds it. One
that is both, and means two different bytes, gets both answers.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from efipolicy.engine.mapped import MappedRange, laid_out, placed
from efipolicy.model.address import AddressRange, size_text
from efipolicy.model.evidence import PageTableRange
from efipolicy.model.mapping import MappingPlan
from efipolicy.model.memory_map import MemoryDescriptor
from efipolicy.model.platform import ConfigurationTable, Platform
from efipolicy.named_tuple import NamedTuple
from efipolicy.paging import Geometry, RadixGeometry, Step, out_of_reach, path

if TYPE_CHECKING:
    from efipolicy.engine.walking import PlanWalker, Walked

Space = Literal["physical", "virtual"]


class Whereabouts(NamedTuple):
    """What lies at one address, read as physical or as virtual.

    ``physical`` and ``virtual`` are the address in both spaces, ``None`` where there is none;
    ``overlapping`` are the descriptors that hold it besides ``descriptor``, in a map that describes
    it more than once; ``mapping`` is the first that holds it and ``mappings`` every one. ``below``
    and ``above`` are the neighbours of its descriptor, or of the hole it lies in. ``path`` are the
    entries that the virtual address selects in tables of every level; ``walks`` what is read of the
    tables of a plan, for the first mapping first. ``observed`` are rows of page-table dumps that
    hold the virtual address. ``faults`` say what is missing.
    """

    address: int
    space: Space
    physical: int | None
    virtual: int | None
    descriptor: MemoryDescriptor | None
    overlapping: tuple[MemoryDescriptor, ...]
    entry: MemoryDescriptor | None
    table: ConfigurationTable | None
    mappings: tuple[MappedRange, ...]
    path: tuple[Step, ...]
    walks: tuple[Walked, ...]
    observed: tuple[PageTableRange, ...]
    below: MemoryDescriptor | None
    above: MemoryDescriptor | None
    faults: tuple[str, ...]

    @property
    def fault(self) -> str | None:
        """What is missing, as one sentence."""
        return "; ".join(self.faults) or None

    @property
    def mapping(self) -> MappedRange | None:
        """The mapping that holds it."""
        return self.mappings[0] if self.mappings else None


def whereabouts(
    platform: Platform,
    address: int,
    *,
    plan: MappingPlan | None = None,
    geometry: Geometry | None = None,
    walker: PlanWalker | None = None,
    space: Space | None = None,
) -> tuple[Whereabouts, ...]:
    """What lies at an address; two answers where it means two different bytes.

    ``plan`` is the mapping a strategy installs and ``geometry`` its page tables; without a plan the
    virtual layout the platform declares counts, or the one a kernel was seen to use. ``walker``
    knows the entries of that plan's tables. ``space`` says how the address is meant.
    """
    return _Finder(platform, plan, geometry, walker).answers(address, space)


class _Finder:
    """The platform, and what is mapped where."""

    def __init__(
        self,
        platform: Platform,
        plan: MappingPlan | None,
        geometry: Geometry | None,
        walker: PlanWalker | None,
    ) -> None:
        self.platform = platform
        self.walker = walker
        self.geometry = geometry
        self.planned = plan is not None
        self.mapped = list(placed(plan) if plan else laid_out(platform))

    def answers(self, address: int, space: Space | None) -> tuple[Whereabouts, ...]:
        virtual = [one for one in self.mapped if address in one.virtual]
        known = self.platform.memory_map.at(address) is not None
        known = known or any(address in one.physical for one in self.mapped)
        moved = [one for one in virtual if one.to_physical(address) != address]
        around = None if virtual else self._reached(address)
        seen = not virtual and (around not in (None, address) or any(self._observed(address)))
        if space == "physical" or (space is None and known and not moved and not seen):
            return (self._physical(address),)
        if space == "virtual" or ((virtual or seen) and not known):
            return (self._virtual(address, virtual),)
        if known:
            return (self._physical(address), self._virtual(address, moved))
        return (self._nowhere(address),)

    def _physical(self, address: int) -> Whereabouts:
        mappings = tuple(one for one in self.mapped if address in one.physical)
        virtual = mappings[0].to_virtual(address) if mappings else self._page_around(address)
        faults = self._missing(address)
        if not faults and virtual is None and self.mapped:
            faults = (f"{self._who()} does not map it",)
        return self._found(address, "physical", (address, virtual), mappings, faults)

    def _page_around(self, physical: int) -> int | None:
        """Where a page holds an address that no mapping is meant for."""
        return self.walker.mapped_at(physical) if self.walker else None

    def _virtual(self, address: int, mappings: list[MappedRange]) -> Whereabouts:
        if mappings:
            physical: int | None = mappings[0].to_physical(address)
        else:
            physical = self._reached(address)
        faults = self._unmapped(address) if physical is None else self._missing(physical)
        return self._found(address, "virtual", (physical, address), tuple(mappings), faults)

    def _reached(self, virtual: int) -> int | None:
        """Where the tables lead from an address that no mapping is meant for."""
        return self.walker.walk(virtual).physical if self.walker else None

    def _nowhere(self, address: int) -> Whereabouts:
        """An address that neither the map nor a mapping holds: high ones are meant as virtual."""
        if address >> 63:
            return self._virtual(address, [])
        return self._physical(address)

    def _found(
        self,
        address: int,
        space: Space,
        both: tuple[int | None, int | None],
        mappings: tuple[MappedRange, ...],
        faults: tuple[str, ...],
    ) -> Whereabouts:
        physical, virtual = both
        memory_map = self.platform.memory_map
        descriptor = memory_map.at(physical) if physical is not None else None
        below, above = _neighbours(memory_map.by_address, physical, descriptor)
        walks = tuple(self._walks(space, both, mappings))
        steps = self._path(virtual)
        faults = self._out_of_reach(virtual) or faults
        if walks and walks[0].fault:
            faults = (*faults, walks[0].fault)
        return Whereabouts(
            address=address,
            space=space,
            physical=physical,
            virtual=virtual,
            descriptor=descriptor,
            overlapping=tuple(self._others(physical, descriptor)),
            entry=self._entry(physical),
            table=self._table(physical),
            mappings=mappings,
            path=steps,
            walks=walks,
            observed=tuple(self._observed(virtual)),
            below=below,
            above=above,
            faults=faults,
        )

    def _path(self, virtual: int | None) -> tuple[Step, ...]:
        """The entries that tables of every level are read at; none where tables do not count."""
        geometry = self.geometry
        if virtual is None or not isinstance(geometry, RadixGeometry):
            return ()
        if _in_window(geometry, virtual) or out_of_reach(geometry, virtual):
            return ()
        return path(geometry, virtual)

    def _out_of_reach(self, virtual: int | None) -> tuple[str, ...]:
        """That nothing translates an address, whatever is mapped."""
        geometry = self.geometry
        if virtual is None or not isinstance(geometry, RadixGeometry):
            return ()
        if _in_window(geometry, virtual) or not out_of_reach(geometry, virtual):
            return ()
        return (f"no address that {geometry.name} translates",)

    def _walks(
        self, space: Space, both: tuple[int | None, int | None], mappings: tuple[MappedRange, ...]
    ) -> Iterator[Walked]:
        """The walk of the virtual address, or of each a physical one is mapped at."""
        physical, virtual = both
        if self.walker is None or virtual is None:
            return
        yield self.walker.walk(virtual, mappings[0].number if mappings else None)
        if space == "physical" and physical is not None:
            for other in mappings[1:]:
                yield self.walker.walk(other.to_virtual(physical), other.number)

    def _others(
        self, physical: int | None, descriptor: MemoryDescriptor | None
    ) -> Iterator[MemoryDescriptor]:
        if physical is not None and descriptor is not None:
            holding = self.platform.memory_map.sharing(AddressRange(physical, physical + 1))
            yield from (one for one in holding if one is not descriptor)

    def _entry(self, physical: int | None) -> MemoryDescriptor | None:
        table = self.platform.memory_attributes_table
        entries = table.entries if table else ()
        return next((one for one in entries if physical in one.physical), None)

    def _table(self, physical: int | None) -> ConfigurationTable | None:
        """The configuration table that holds an address: where it starts, if its length is open."""
        for table in self.platform.configuration_tables or ():
            if physical in AddressRange(table.address, table.address + (table.length or 1)):
                return table
        return None

    def _observed(self, virtual: int | None) -> Iterator[PageTableRange]:
        capture = self.platform.capture
        for dump in capture.page_tables if capture else ():
            yield from (one for one in dump.ranges if virtual in one.virtual)

    def _missing(self, physical: int) -> tuple[str, ...]:
        memory_map = self.platform.memory_map
        if memory_map.at(physical):
            return ()
        if not memory_map.descriptors:
            return ("there is no memory map",)
        if memory_map.extent == "whole":
            return ("no descriptor of the memory map holds it",)
        return ("no descriptor that was captured holds it, and the map may hold more",)

    def _unmapped(self, address: int) -> tuple[str, ...]:
        if any(self._observed(address)):
            return ()
        if not self.mapped:
            return ("nothing says what is mapped: no strategy and no virtual layout",)
        below = [one.virtual for one in self.mapped if one.virtual.end <= address]
        above = [one.virtual for one in self.mapped if one.virtual_start > address]
        near = [
            *((address - one.end, one, "below") for one in sorted(below, key=_end)[-1:]),
            *((one.start - address, one, "above") for one in sorted(above)[:1]),
        ]
        if not near:
            return (f"{self._who()} maps nothing there",)
        distance, nearest, side = min(near)
        near_by = f"{nearest} is {size_text(distance)} {side}"
        return (f"{self._who()} maps nothing there; {near_by}",)

    def _who(self) -> str:
        return f"`{self.mapped[0].source}`" if self.planned else "the virtual layout"


def _in_window(geometry: RadixGeometry, virtual: int) -> bool:
    """Whether an address is translated without any table."""
    return any(virtual in window.virtual for window in geometry.windows)


def _end(extent: AddressRange) -> int:
    return extent.end


def _neighbours(
    by_address: tuple[MemoryDescriptor, ...],
    physical: int | None,
    descriptor: MemoryDescriptor | None,
) -> tuple[MemoryDescriptor | None, MemoryDescriptor | None]:
    """The descriptors next to the one that holds an address, or to the hole it lies in."""
    if physical is None:
        return None, None
    if descriptor is None:
        place = bisect_right([one.physical_start for one in by_address], physical)
        low, high = place - 1, place
    else:
        place = next(at for at, one in enumerate(by_address) if one is descriptor)
        low, high = place - 1, place + 1
    return (
        by_address[low] if low >= 0 else None,
        by_address[high] if high < len(by_address) else None,
    )
