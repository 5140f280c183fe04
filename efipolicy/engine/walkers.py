"""What is walked of a plan: the page tables of a tree, or the identity regions of Itanium.

Tables are built once, as they stay after the boot, and then serve every address.
"""

from __future__ import annotations

from efipolicy.engine.planned import Planned
from efipolicy.engine.walking import PlanWalker
from efipolicy.engine.whatif import untranslated
from efipolicy.errors import PluginError
from efipolicy.model.mapping import MappingPlan
from efipolicy.model.platform import Platform
from efipolicy.paging import RadixGeometry, RegionGeometry
from efipolicy.paging.builder import tables_of
from efipolicy.paging.entries import AccessKind, EntryFormats, Fault
from efipolicy.paging.regions import RegionTranslations, translate_regions, walk_region
from efipolicy.paging.tables import PageTables
from efipolicy.paging.walker import Walk, walk
from efipolicy.plugin.calling import call


def walker_of(planned: Planned, platform: Platform) -> PlanWalker | None:
    """What walks a plan; ``None`` where the architecture does not say how its entries look.

    Raises `PluginError` when the architecture's plugin fails to say it, or the strategy's plan asks
    for granules there are not.
    """
    plan, architecture, geometry = planned.plan, planned.architecture, planned.geometry
    if isinstance(geometry, RegionGeometry):
        return RegionsWalker(plan, _regions(plan, geometry))
    if architecture.entry_formats is None:
        return None
    what = f"entry formats of {architecture.name}"
    formats = call(what, architecture.entry_formats, geometry, gives=EntryFormats)
    declared = platform.hardware.physical_address_bits if platform.hardware else None
    width = declared or architecture.assumed_physical_address_bits
    return TablesWalker(plan, geometry, formats, width, assumed=declared is None)


class TablesWalker(PlanWalker):
    """The tables of a plan, and how many bits a physical address has.

    ``assumed`` says that the platform does not declare so many.
    """

    def __init__(
        self,
        plan: MappingPlan,
        geometry: RadixGeometry,
        formats: EntryFormats,
        physical_address_bits: int | None = None,
        *,
        assumed: bool = True,
    ) -> None:
        self.tables: PageTables = tables_of(plan, geometry)
        super().__init__(plan, self.tables.refused, geometry.page_size)
        self.formats = formats
        widths = (physical_address_bits, formats.physical_address_bits, plan.encryption_bit)
        self.width = min(width for width in widths if width)
        self.assumed = assumed and self.width == physical_address_bits

    def access(self, address: int, kind: AccessKind) -> Walk:
        """The way of one access through the tables."""
        done = walk(
            self.tables,
            self.formats,
            address,
            kind,
            physical_address_bits=self.width,
            encryption_bit=self.plan.encryption_bit,
        )
        if done.fault and done.fault.cause == "address-size":
            assumed = ", which is assumed" if self.assumed else ""
            words = f"{done.explanation}: the address has more than {self.width} bits{assumed}"
            return done._replace(explanation=words)
        return done

    def mapped_at(self, physical: int) -> int | None:
        """A virtual address whose leaf names the frame of a physical one."""
        for run in self.tables.runs:
            if physical in run.frames:
                return run.start + physical - run.physical
        return None

    def without_tables(self, address: int) -> str | None:
        """The window an address lies in."""
        for window in self.tables.geometry.windows:
            if address in window.virtual:
                return f"window {window.virtual} -> physical {window.physical_start:#x}"
        return None

    def misread(self, reached: Walk, offset: int) -> str:
        """Which fields the low bits of a frame fall into that a leaf of this size cannot hold."""
        if not reached.steps:
            return ""
        leaf = reached.steps[-1]
        frame = offset % leaf.level.entry_size
        written = 0
        for part in self.formats.leaves[leaf.level.name].address:
            written |= (frame >> part.physical_low & ((1 << part.bits) - 1)) << part.entry_low
        names = [one.field.name for one in leaf.decoded.fields if one.field.mask & written]
        if not names:
            return ""
        return f": bits {written:#x} of the address it names are read as {', '.join(names)}"


class RegionsWalker(PlanWalker):
    """The identity regions of Itanium, where an address spells its own translation."""

    unit = "granule"

    def __init__(self, plan: MappingPlan, regions: RegionTranslations) -> None:
        super().__init__(plan, regions.refused, regions.granule)
        self.regions = regions

    def access(self, address: int, kind: AccessKind) -> Walk:
        """What region and granule make of an address. They protect nothing."""
        number = self._physical_at(address)
        if number is not None:
            meant = self.planned[number]
            return Walk(address, kind, (), address, "RWX", meant.cache, None, number)
        found = walk_region(self.regions, address, execute=kind == "execute")
        if found.physical is None:
            fault = Fault("not-mapped", kind)
            return Walk(address, kind, (), fault=fault, explanation=found.reason)
        size = self.regions.granule
        reached, cache = found.physical, found.cache
        return Walk(address, kind, (), reached, found.access, cache, size, found.mapping)

    def without_tables(self, address: int) -> str | None:
        """The region, the granule, and what holds its translation."""
        if self._physical_at(address) is not None:
            return "translation off, the address is a physical one"
        data, code = (walk_region(self.regions, address, execute=fetch) for fetch in (False, True))
        if data.granule is None:
            return None
        register = code.register
        pinned = f"; for code in instruction register {register.number}" if register else ""
        return (
            f"region {data.region}, granule {data.granule} {data.access} {data.cache}, "
            f"filled in on a miss{pinned}"
        )

    def _physical_at(self, address: int) -> int | None:
        """The mapping that holds an address as its own physical one, for calls without any walk."""
        for refusal in untranslated(self.regions):
            if address in self.planned[refusal.mapping].physical:
                return refusal.mapping
        return None


def _regions(plan: MappingPlan, geometry: RegionGeometry) -> RegionTranslations:
    mappings = (*plan.mappings, *plan.extra)
    try:
        return translate_regions(geometry, mappings, granule=plan.largest_leaf)
    except ValueError as problem:
        raise PluginError(f"strategy {plan.strategy} failed: {problem}") from problem
