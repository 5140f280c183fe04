"""What a strategy answers, prepared and judged as the engine does it: the base of its promises."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from efipolicy.engine.reaching import with_unreachable
from efipolicy.errors import EfipolicyError, PluginError
from efipolicy.model.address import AddressRange
from efipolicy.model.efi import EFI_MEMORY_RO, EFI_MEMORY_RUNTIME, EFI_MEMORY_XP, EfiMemoryType
from efipolicy.model.mapping import Mapping as PlannedMapping
from efipolicy.model.mapping import MappingPlan
from efipolicy.model.memory_map import MemoryAttributesTable, MemoryMap
from efipolicy.model.platform import ArchitectureReason, Platform
from efipolicy.named_tuple import NamedTuple
from efipolicy.paging import Geometry
from efipolicy.plugin import Architecture, PlanRequest, Strategy
from efipolicy.plugin.sound import sound_plan


class StrategyOnTables(NamedTuple):
    """A strategy on one architecture with one kind of page tables, and values of its options.

    With ``attributes_table`` there is a Memory Attributes Table that protects every runtime region
    of the map (UEFI 2.10, 4.6.4): code is read-only, the rest not executable.
    """

    strategy: Strategy
    architecture: Architecture
    geometry: Geometry
    options: Mapping[str, Any] = {}
    attributes_table: bool = False

    def __str__(self) -> str:
        stated = [f"{name}={value}" for name, value in self.options.items()]
        if self.attributes_table:
            stated.append("protected")
        return "-".join((self.strategy.name, self.geometry.name, *stated))

    def request(self, memory_map: MemoryMap) -> PlanRequest:
        """What the strategy is given, as the engine gives it.

        That leaves out descriptors without pages and those that end beyond the 64-bit addresses.
        """
        garbage = {one for one in memory_map.descriptors if not one.addressable}
        platform = Platform(
            name="conformance",
            architecture=self.architecture.name,
            architecture_reason=ArchitectureReason(kind="stated", evidence="the suite"),
            memory_map=memory_map.without(garbage),
            memory_attributes_table=_protecting(memory_map) if self.attributes_table else None,
        )
        defaults = {option.name: option.default for option in self.strategy.options}
        return PlanRequest(platform, self.architecture, self.geometry, {**defaults, **self.options})

    def answer(self, memory_map: MemoryMap) -> Answer | None:
        """The plan for a map, ``None`` where the strategy refuses the platform in words.

        Raises `BrokenPromiseError` for a plan of which a part is not what it is to be, which
        efipolicy refuses as well, and whatever else the strategy raises.
        """
        request = self.request(memory_map)
        try:
            plan = sound_plan(self.strategy.plan(request))
        except PluginError:
            raise
        except EfipolicyError:
            return None
        return Answer(self, request, plan, with_unreachable(plan, _tables(request, plan)))

    def shuffled(self, memory_map: MemoryMap) -> Answer | None:
        """The answer for the same descriptors in the opposite order."""
        backwards = tuple(reversed(memory_map.descriptors))
        return self.answer(replace(memory_map, descriptors=backwards))


class Answer(NamedTuple):
    """A plan as the strategy gave it, and what it was asked.

    ``told`` is the plan with what no table can hold among its problems, as the engine reports it.
    """

    on: StrategyOnTables
    request: PlanRequest
    plan: MappingPlan
    told: MappingPlan

    @property
    def geometry(self) -> Geometry:
        """The page tables of the plan, which may translate more than the request's."""
        return _tables(self.request, self.plan)

    @property
    def mappings(self) -> tuple[PlannedMapping, ...]:
        """All the plan maps: what it is about, and what is mapped besides."""
        return (*self.plan.mappings, *self.plan.extra)

    def is_told(self, region: AddressRange) -> bool:
        """Whether a problem is about a range of physical memory, or about the plan as a whole."""
        regions = [problem.region for problem in self.told.problems]
        return any(one is None or one.overlaps(region) for one in regions)


def _tables(request: PlanRequest, plan: MappingPlan) -> Geometry:
    for other in request.architecture.geometries.get(request.geometry.page_size, ()):
        if other.virtual_address_bits == plan.virtual_address_bits:
            return other
    return request.geometry


def _protecting(memory_map: MemoryMap) -> MemoryAttributesTable:
    """A table that protects each region of runtime services code and data as a whole."""
    regions = [one for one in memory_map.runtime if one.type in _PROTECTION and one.addressable]
    entries = tuple(
        replace(one, index=index, attribute=EFI_MEMORY_RUNTIME | _PROTECTION[one.type])
        for index, one in enumerate(sorted(regions, key=lambda one: one.physical_start))
    )
    return MemoryAttributesTable(entries=entries, version=1, extent="whole")


_PROTECTION: dict[int, int] = {
    EfiMemoryType.EfiRuntimeServicesCode: EFI_MEMORY_RO,
    EfiMemoryType.EfiRuntimeServicesData: EFI_MEMORY_XP,
}


def uncovered(region: AddressRange, by: Iterable[AddressRange]) -> Iterator[AddressRange]:
    """The parts of a range that none of the others covers, ascending."""
    at = region.start
    for start, end in sorted(by):
        if start >= region.end:
            break
        if start > at:
            yield AddressRange(at, start)
        at = max(at, end)
    if at < region.end:
        yield AddressRange(at, region.end)
