"""Find what lies at an address: descriptor, tables, mapping, and the path through the page tables.

An address is physical where the memory map describes it and virtual where a mapping holds it. One
that is both, and means two different bytes, gets both answers.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from typing import Literal, NamedTuple

from efipolicy.model.address import AddressRange, size_text
from efipolicy.model.evidence import PageTableRange
from efipolicy.model.mapping import MappingPlan
from efipolicy.model.memory_map import MemoryDescriptor
from efipolicy.model.platform import ConfigurationTable, Platform
from efipolicy.paging import Geometry, RadixGeometry, Step, out_of_reach, path

Space = Literal["physical", "virtual"]


class MappedRange(NamedTuple):
    """A physical range, the virtual address it is mapped at, and who says so.

    ``access`` and ``cache`` are ``None`` where only the address is known.
    """

    physical: AddressRange
    virtual_start: int
    type: int
    source: str
    access: str | None = None
    cache: str | None = None
    runtime: bool = True
    descriptors: tuple[int, ...] = ()
    why: str | None = None

    @property
    def virtual(self) -> AddressRange:
        """The virtual addresses."""
        return AddressRange(self.virtual_start, self.virtual_start + self.physical.size)

    def to_virtual(self, physical: int) -> int:
        """The virtual address of a physical one inside."""
        return self.virtual_start + physical - self.physical.start

    def to_physical(self, virtual: int) -> int:
        """The physical address of a virtual one inside."""
        return self.physical.start + virtual - self.virtual_start


class Whereabouts(NamedTuple):
    """What lies at one address, read as physical or as virtual.

    ``physical`` and ``virtual`` are the address in both spaces, ``None`` where there is none;
    ``mapping`` is the first that holds it and ``mappings`` every one. ``below`` and ``above`` are
    the neighbours of its descriptor, or of the hole it lies in. ``observed`` are rows of page-table
    dumps that hold the virtual address. ``fault`` says what is missing.
    """

    address: int
    space: Space
    physical: int | None
    virtual: int | None
    descriptor: MemoryDescriptor | None
    entry: MemoryDescriptor | None
    table: ConfigurationTable | None
    mappings: tuple[MappedRange, ...]
    walk: tuple[Step, ...]
    observed: tuple[PageTableRange, ...]
    below: MemoryDescriptor | None
    above: MemoryDescriptor | None
    fault: str | None

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
    space: Space | None = None,
) -> tuple[Whereabouts, ...]:
    """What lies at an address; two answers where it means two different bytes.

    ``plan`` is the mapping a strategy installs and ``geometry`` its page tables; without a plan the
    virtual layout the platform declares counts, or the one a kernel was seen to use. ``space`` says
    how the address is meant.
    """
    return _Finder(platform, plan, geometry).answers(address, space)


class _Finder:
    """The platform, and what is mapped where."""

    def __init__(
        self, platform: Platform, plan: MappingPlan | None, geometry: Geometry | None
    ) -> None:
        self.platform = platform
        self.geometry = geometry
        self.planned = plan is not None
        self.mapped = list(_planned(plan) if plan else _laid_out(platform))

    def answers(self, address: int, space: Space | None) -> tuple[Whereabouts, ...]:
        virtual = [one for one in self.mapped if address in one.virtual]
        known = self.platform.memory_map.at(address) is not None
        known = known or any(address in one.physical for one in self.mapped)
        moved = [one for one in virtual if one.to_physical(address) != address]
        seen = not virtual and any(self._observed(address))
        if space == "physical" or (space is None and known and not moved and not seen):
            return (self._physical(address),)
        if space == "virtual" or ((virtual or seen) and not known):
            return (self._virtual(address, virtual),)
        if known:
            return (self._physical(address), self._virtual(address, moved))
        return (self._nowhere(address),)

    def _physical(self, address: int) -> Whereabouts:
        mappings = tuple(one for one in self.mapped if address in one.physical)
        virtual = mappings[0].to_virtual(address) if mappings else None
        fault = self._missing(address)
        if fault is None and not mappings and self.mapped:
            fault = f"{self._who()} does not map it"
        return self._found(address, "physical", (address, virtual), mappings, fault)

    def _virtual(self, address: int, mappings: list[MappedRange]) -> Whereabouts:
        physical = mappings[0].to_physical(address) if mappings else None
        fault = self._missing(physical) if physical is not None else None
        if physical is None:
            fault = self._unmapped(address)
        return self._found(address, "virtual", (physical, address), tuple(mappings), fault)

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
        fault: str | None,
    ) -> Whereabouts:
        physical, virtual = both
        memory_map = self.platform.memory_map
        descriptor = memory_map.at(physical) if physical is not None else None
        below, above = _neighbours(memory_map.by_address, physical, descriptor)
        walk: tuple[Step, ...] = ()
        if virtual is not None and isinstance(self.geometry, RadixGeometry):
            if out_of_reach(self.geometry, virtual):
                fault = f"no address that {self.geometry.name} translates"
            else:
                walk = path(self.geometry, virtual)
        return Whereabouts(
            address=address,
            space=space,
            physical=physical,
            virtual=virtual,
            descriptor=descriptor,
            entry=self._entry(physical),
            table=self._table(physical),
            mappings=mappings,
            walk=walk,
            observed=tuple(self._observed(virtual)),
            below=below,
            above=above,
            fault=fault,
        )

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

    def _missing(self, physical: int) -> str | None:
        memory_map = self.platform.memory_map
        if memory_map.at(physical):
            return None
        if not memory_map.descriptors:
            return "there is no memory map"
        if memory_map.extent == "whole":
            return "no descriptor of the memory map holds it"
        return "no descriptor that was captured holds it, and the map may hold more"

    def _unmapped(self, address: int) -> str | None:
        if any(self._observed(address)):
            return None
        if not self.mapped:
            return "nothing says what is mapped: no strategy and no virtual layout"
        below = [one.virtual for one in self.mapped if one.virtual.end <= address]
        above = [one.virtual for one in self.mapped if one.virtual_start > address]
        near = [
            *((address - one.end, one, "below") for one in sorted(below, key=_end)[-1:]),
            *((one.start - address, one, "above") for one in sorted(above)[:1]),
        ]
        if not near:
            return f"{self._who()} maps nothing there"
        distance, nearest, side = min(near)
        return f"{self._who()} maps nothing there; {nearest} is {size_text(distance)} {side}"

    def _who(self) -> str:
        return f"`{self.mapped[0].source}`" if self.planned else "the virtual layout"


def _end(extent: AddressRange) -> int:
    return extent.end


def _planned(plan: MappingPlan) -> Iterator[MappedRange]:
    """The placed mappings of a plan, the runtime regions' own first."""
    for mapping in (*plan.mappings, *plan.extra):
        if mapping.virtual_start is not None:
            yield MappedRange(
                physical=mapping.physical,
                virtual_start=mapping.virtual_start,
                type=mapping.type,
                source=plan.strategy,
                access=mapping.access,
                cache=mapping.cache,
                runtime=mapping.runtime,
                descriptors=mapping.descriptors,
                why=mapping.why,
            )


def _laid_out(platform: Platform) -> Iterator[MappedRange]:
    """The layouts that are declared, else the one a kernel was seen to use."""
    layouts = [
        (f"virtual_map of {one.os}" if one.os else "virtual_map", one.virtual_map)
        for one in platform.mapping or ()
        if one.virtual_map
    ]
    if not layouts and platform.memory_map.origin in ("kernel-edited", "kexec"):
        # Firmware leaves the field as it likes; it is a kernel's layout once a kernel filled it in.
        layouts = [("memory_map", platform.memory_map.runtime)]
    for source, entries in layouts:
        for entry in entries:
            if entry.virtual_start is not None:
                yield MappedRange(
                    physical=entry.physical,
                    virtual_start=entry.virtual_start,
                    type=entry.type,
                    source=source,
                    runtime=entry.runtime,
                    descriptors=(entry.index,) if source == "memory_map" else (),
                )


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
