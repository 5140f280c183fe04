"""The conformance suite for architectures.

.. code-block:: python

    TestArchitectures = ArchitectureConformance.of("efipolicy-acme")
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from random import Random
from typing import Any, ClassVar

from efipolicy.model.efi import CACHEABILITY, EFI_MEMORY_UC, EFI_MEMORY_UCE, EFI_MEMORY_WP
from efipolicy.named_tuple import NamedTuple
from efipolicy.paging import Geometry, RadixGeometry, RegionGeometry
from efipolicy.paging.entries import EntryFormats
from efipolicy.plugin import Architecture
from efipolicy.testing import entry_promises, region_promises, table_promises
from efipolicy.testing.contributions import Kind
from efipolicy.testing.suite import Conformance, none

_OF_CACHES = CACHEABILITY | EFI_MEMORY_WP | EFI_MEMORY_UCE


class Laid(NamedTuple):
    """A kind of page tables of an architecture, and its entries where they are laid out."""

    architecture: Architecture
    geometry: Geometry

    def __str__(self) -> str:
        return self.geometry.name

    @property
    def tree(self) -> RadixGeometry | None:
        """The geometry where it is a tree."""
        return self.geometry if isinstance(self.geometry, RadixGeometry) else None

    @property
    def formats(self) -> EntryFormats | None:
        """How its entries are laid out, where the architecture says so."""
        lay = self.architecture.entry_formats
        return lay(self.tree) if self.tree and lay else None

    @property
    def random(self) -> Random:
        """Numbers that are the same in every run."""
        return Random(str(self))  # noqa: S311 - no secret


class ArchitectureConformance(Conformance):
    """What every architecture promises, for each kind of page tables it has.

    An architecture that lays out no entries, and one that translates by regions, has less to
    promise. ``rounds`` is how many random sets of mappings are tried with each kind of tables.
    """

    kind: ClassVar[Kind] = "architectures"
    rounds: ClassVar[int] = 12

    def cases(self, argument: str) -> Iterable[Any] | None:
        """Architectures, and each kind of page tables of theirs."""
        match argument:
            case "architecture":
                return self.contributions()
            case "laid":
                return list(self.laid_out())
        return None

    @classmethod
    def laid_out(cls) -> Iterator[Laid]:
        """Each kind of page tables of each architecture."""
        for architecture in cls.contributions():
            for offered in architecture.geometries.values():
                for geometry in offered:
                    yield Laid(architecture, geometry)

    def test_page_tables_stand_under_their_page_size(self, architecture: Architecture) -> None:
        """There are some, and no two of a page size have one name."""
        assert architecture.geometries, f"{architecture.name} has no page tables"
        for page_size, offered in architecture.geometries.items():
            assert offered, f"{architecture.name} has no tables for pages of {page_size:#x}"
            for geometry in offered:
                assert geometry.page_size == page_size, f"{geometry.name} under {page_size:#x}"
            names = [geometry.name for geometry in offered]
            assert len({*names}) == len(names), f"two page tables have one name: {names}"

    def test_cache_types_are_those_of_attributes(self, architecture: Architecture) -> None:
        """Each is of one cacheability bit of the specification, and uncached memory is among them.

        Firmware describes devices with EFI_MEMORY_UC on every architecture (UEFI 2.10, 7.2.3).
        """
        for bit, name in architecture.cacheability.items():
            assert bit.bit_count() == 1, f"{bit:#x} is not one bit"
            assert bit & _OF_CACHES, f"{bit:#x} says nothing of cacheability"
            assert name, f"{bit:#x} has no cache type"
        assert EFI_MEMORY_UC in architecture.cacheability, "no cache type for EFI_MEMORY_UC"

    def test_numbers_fit_each_other(self, architecture: Architecture) -> None:
        """Widths are of 64-bit addresses, units are powers of two and no less than an EFI page."""
        widest = architecture.physical_address_bits
        assert 0 < widest <= 64, f"{widest} physical address bits"
        assumed = architecture.assumed_physical_address_bits
        assert assumed is None or 0 < assumed <= widest, f"{assumed} bits are assumed of {widest}"
        for unit in (architecture.runtime_granularity, architecture.acpi_granularity):
            power_of_two = unit.size.bit_count() == 1
            assert power_of_two, f"{unit.size:#x} is no unit"
            assert unit.size >= 0x1000, f"{unit.size:#x} is less than an EFI page"
            assert unit.requirement, f"a granularity of {unit.size:#x} without a requirement"
            assert unit.source, f"a granularity of {unit.size:#x} without a source"
        for name in ("name", "title", "source", "address_space_register"):
            assert getattr(architecture, name), f"{architecture.name} has no {name}"

    def test_levels_continue_each_other(self, laid: Laid) -> None:
        """As `efipolicy.testing.table_promises.continuous` says."""
        if laid.tree:
            none(laid, table_promises.continuous(laid.tree))

    def test_every_level_has_its_entries(self, laid: Laid) -> None:
        """As `efipolicy.testing.entry_promises.complete` says."""
        if laid.tree and laid.formats:
            none(laid, entry_promises.complete(laid.tree, laid.formats))

    def test_every_bit_has_one_meaning(self, laid: Laid) -> None:
        """As `efipolicy.testing.entry_promises.distinct` says."""
        if laid.tree and laid.formats:
            none(laid, entry_promises.distinct(laid.tree, laid.formats))

    def test_what_is_written_is_read_back(self, laid: Laid) -> None:
        """As `efipolicy.testing.entry_promises.read_back` says."""
        if laid.tree and laid.formats:
            found = entry_promises.read_back(laid.tree, laid.formats, laid.random)
            none(laid, found)

    def test_tables_are_read_back(self, laid: Laid) -> None:
        """As `efipolicy.testing.entry_promises.tables_read_back` says."""
        if laid.tree and laid.formats:
            none(laid, entry_promises.tables_read_back(laid.tree, laid.formats))

    def test_decoding_loses_no_bit(self, laid: Laid) -> None:
        """As `efipolicy.testing.entry_promises.no_bit_lost` says."""
        if laid.tree and laid.formats:
            found = entry_promises.no_bit_lost(laid.tree, laid.formats, laid.random)
            none(laid, found)

    def test_access_is_never_narrower_than_asked_for(self, laid: Laid) -> None:
        """As `efipolicy.testing.entry_promises.access_granted` says."""
        if laid.tree and laid.formats:
            none(laid, entry_promises.access_granted(laid.tree, laid.formats))

    def test_faults_have_words(self, laid: Laid) -> None:
        """As `efipolicy.testing.entry_promises.faults_described` says."""
        if laid.tree and laid.formats:
            none(laid, entry_promises.faults_described(laid.tree, laid.formats))

    def test_entries_have_the_cache_types_of_attributes(self, laid: Laid) -> None:
        """A plan may ask for each of them in leaves of every size."""
        if laid.tree and laid.formats:
            types = {*laid.architecture.cacheability.values()}
            for level, leaf in entry_promises.leaves_of(laid.tree, laid.formats):
                missing = sorted(types - leaf.cache.keys())
                assert missing == [], f"no leaf at {level.name} makes memory {missing}"

    def test_every_mapped_address_is_reached(self, laid: Laid) -> None:
        """As `efipolicy.testing.table_promises.reached` says."""
        self.holds(table_promises.reached, laid)

    def test_nothing_else_is_reached(self, laid: Laid) -> None:
        """As `efipolicy.testing.table_promises.nothing_else` says."""
        self.holds(table_promises.nothing_else, laid)

    def test_leaves_are_whole_and_aligned(self, laid: Laid) -> None:
        """As `efipolicy.testing.table_promises.whole_leaves` says."""
        self.holds(table_promises.whole_leaves, laid)

    def test_two_halves_are_one_whole(self, laid: Laid) -> None:
        """As `efipolicy.testing.table_promises.merges` says."""
        self.holds(table_promises.merges, laid)

    def test_building_again_gives_the_same(self, laid: Laid) -> None:
        """As `efipolicy.testing.table_promises.repeatable` says."""
        self.holds(table_promises.repeatable, laid)

    def test_addresses_out_of_reach_are_refused(self, laid: Laid) -> None:
        """As `efipolicy.testing.table_promises.out_of_reach_refused` says."""
        if laid.tree:
            none(laid, table_promises.out_of_reach_refused(laid.tree, laid.formats))

    def test_tables_are_counted_as_page_by_page(self, laid: Laid) -> None:
        """As `efipolicy.testing.table_promises.counted_page_by_page` says."""
        if laid.tree:
            random = laid.random
            for _ in range(self.rounds):
                found = table_promises.counted_page_by_page(laid.tree, random)
                assert found is None, found

    def test_windows_lead_to_the_memory_they_name(self, laid: Laid) -> None:
        """As `efipolicy.testing.table_promises.windows_lead` says."""
        if laid.tree:
            types = {*laid.architecture.cacheability.values()}
            none(laid, table_promises.windows_lead(laid.tree, laid.formats, types))

    def test_regions_lead_to_the_address_itself(self, laid: Laid) -> None:
        """As `efipolicy.testing.region_promises.identical` says."""
        if isinstance(laid.geometry, RegionGeometry):
            none(laid, region_promises.identical(laid.geometry))

    def holds(self, promise: table_promises.Promise, laid: Laid) -> None:
        """Assert a promise about tables for random mappings, where there are tables."""
        if laid.tree is None:
            return
        random = laid.random
        formats = laid.formats
        for _ in range(self.rounds):
            mappings = table_promises.random_mappings(laid.tree, formats, random)
            found = promise(table_promises.Tried(laid.tree, formats, mappings, random))
            assert found is None, f"{laid}: {found}"
