"""Itanium's identity regions: which granules a plan needs, what is pinned, and where they clash.

No tables are built. Two regions translate every address they have from the address itself, one
granule at a time, one region with memory cached and one without. So a plan needs granules, of which
the processor refills as many as its translation cache holds; and one translation register, for PAL
code, which must never miss (Linux 4.15, arch/ia64/kernel/ivt.S and efi.c).

`translate_regions` makes `RegionTranslations` of a `RegionGeometry` and a plan's mappings. The
granule is ``plan.largest_leaf``, or the geometry's first. ``granules`` are what to draw or to list,
``conflicts`` what to judge; ``total`` is 0, the number of tables. `walk_region` follows an address.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations

from efipolicy.model.address import AddressRange, round_down, round_up
from efipolicy.model.efi import EfiMemoryType
from efipolicy.model.mapping import Access, Mapping
from efipolicy.named_tuple import NamedTuple
from efipolicy.paging.geometry import RegionGeometry
from efipolicy.paging.tables import Refusal

_REGION_SHIFT = 61
_PHYSICAL_MASK = (1 << 50) - 1
"""The physical address that a translation can name, and that an identity address spells."""

PAL_REGISTER = 1
"""The number of the instruction translation register in which Linux pins PAL code."""


class GranuleRun(NamedTuple):
    """Neighbouring granules of one region with one cache type, for some of the plan's mappings.

    ``granule`` is bytes of each. Whatever else lies in a granule is reachable with that cache type
    as well, speculatively too where it is cached. Nothing in it is protected.
    """

    virtual: AddressRange
    physical_start: int
    granule: int
    cache: str
    mappings: tuple[int, ...]

    @property
    def region(self) -> int:
        """The number of the region, the top three bits of an address."""
        return self.virtual.start >> _REGION_SHIFT

    @property
    def frames(self) -> AddressRange:
        """The physical addresses."""
        return AddressRange(self.physical_start, self.physical_start + self.virtual.size)

    @property
    def number_of_granules(self) -> int:
        """How many granules, each of which takes an entry of the translation cache in use."""
        return self.virtual.size // self.granule


class TranslationRegister(NamedTuple):
    """A translation that stays: an instruction translation register holds one granule."""

    number: int
    virtual: AddressRange
    physical_start: int
    cache: str
    mapping: int


class GranuleConflict(NamedTuple):
    """Physical granules that a plan uses with two cache types, which Itanium forbids.

    ``mappings`` are the indices of those that ask for the first type and for the second.
    """

    physical: AddressRange
    caches: tuple[str, str]
    mappings: tuple[tuple[int, ...], tuple[int, ...]]


class RegionTranslations(NamedTuple):
    """What a plan needs of the identity regions.

    ``granules`` ascend by virtual address and do not overlap with equal cache types. ``refused``
    are mappings no identity region reaches, ``unpinned`` those of PAL code that no register holds.
    """

    geometry: RegionGeometry
    granule: int
    mappings: tuple[Mapping, ...]
    granules: tuple[GranuleRun, ...]
    registers: tuple[TranslationRegister, ...]
    conflicts: tuple[GranuleConflict, ...]
    refused: tuple[Refusal, ...] = ()
    unpinned: tuple[Refusal, ...] = ()

    @property
    def total(self) -> int:
        """How many tables there are: none."""
        return 0

    @property
    def number_of_granules(self) -> int:
        """How many granules the plan needs."""
        return sum(run.number_of_granules for run in self.granules)


class RegionWalk(NamedTuple):
    """What becomes of an address: region and offset in it, and either a translation or a reason.

    ``granule`` are the virtual addresses translated together with it, ``register`` is the one that
    holds it, ``None`` where a miss handler fills it in. ``mapping`` is the index of the mapping at
    the address, ``None`` where the region translates what nobody asked for.
    """

    address: int
    region: int
    offset: int
    granule: AddressRange | None = None
    physical: int | None = None
    access: Access | None = None
    cache: str | None = None
    register: TranslationRegister | None = None
    mapping: int | None = None
    reason: str | None = None


def translate_regions(
    geometry: RegionGeometry, mappings: Iterable[Mapping], *, granule: int | None = None
) -> RegionTranslations:
    """The granules and the register that hold the mappings; those without an address are left out.

    ``granule`` is bytes, one of the geometry's sizes. Raises `ValueError` when it is not.
    """
    granule = granule or geometry.granule_sizes[0]
    if granule not in geometry.granule_sizes:
        known = ", ".join(f"{size:#x}" for size in geometry.granule_sizes)
        raise ValueError(f"{geometry.name} has no granules of {granule:#x} bytes; it has {known}")
    mappings = tuple(mappings)
    reached: list[tuple[int, AddressRange]] = []
    refused: list[Refusal] = []
    for index, mapping in enumerate(mappings):
        if mapping.virtual and mapping.virtual.size > 0:
            if reason := _out_of_reach(geometry, mapping.virtual, mapping.physical):
                refused.append(Refusal(index, reason))
            else:
                reached.append((index, mapping.virtual))
    runs = tuple(_runs(mappings, reached, granule))
    registers, unpinned = _pinned(mappings, reached, granule)
    conflicts = tuple(_conflicts(runs))
    return RegionTranslations(
        geometry, granule, mappings, runs, registers, conflicts, tuple(refused), unpinned
    )


def _out_of_reach(
    geometry: RegionGeometry, virtual: AddressRange, physical: AddressRange
) -> str | None:
    """Why an identity region does not lead from virtual to physical addresses, if it does not."""
    region = virtual.start >> _REGION_SHIFT
    if region not in (geometry.cached_region, geometry.uncached_region):
        return f"region {region} has no identity mapping"
    if virtual.last >> _REGION_SHIFT != region:
        return f"reaches beyond region {region}"
    if physical.last > _PHYSICAL_MASK:
        return "a translation names 50 bits of a physical address"
    if virtual.start & _PHYSICAL_MASK != physical.start:
        return f"region {region} leads to {virtual.start & _PHYSICAL_MASK:#x} there"
    return None


def _runs(
    mappings: Sequence[Mapping], reached: Iterable[tuple[int, AddressRange]], granule: int
) -> Iterator[GranuleRun]:
    """The granules around the mappings, neighbours with one cache type as one, ascending."""
    by_cache: dict[str, list[tuple[int, int, int]]] = {}
    for index, virtual in reached:
        start, end = round_down(virtual.start, granule), round_up(virtual.end, granule)
        by_cache.setdefault(mappings[index].cache, []).append((start, end, index))
    runs: list[GranuleRun] = []
    for cache, extents in by_cache.items():
        for start, end, indices in _joined(sorted(extents)):
            virtual = AddressRange(start, end)
            runs.append(GranuleRun(virtual, start & _PHYSICAL_MASK, granule, cache, indices))
    yield from sorted(runs)


def _joined(
    extents: Iterable[tuple[int, int, int]],
) -> Iterator[tuple[int, int, tuple[int, ...]]]:
    """Extents that touch as one, with the mappings in them. A region's end keeps them apart."""
    joined: list[tuple[int, int, list[int]]] = []
    for start, end, index in extents:
        if (
            joined
            and start <= joined[-1][1]
            and start >> _REGION_SHIFT == joined[-1][0] >> _REGION_SHIFT
        ):
            first, last, indices = joined[-1]
            joined[-1] = (first, max(last, end), [*indices, index])
        else:
            joined.append((start, end, [index]))
    for start, end, indices in joined:
        yield start, end, tuple(sorted(indices))


def _pinned(
    mappings: Sequence[Mapping], reached: Iterable[tuple[int, AddressRange]], granule: int
) -> tuple[tuple[TranslationRegister, ...], tuple[Refusal, ...]]:
    """The register for PAL code, and the PAL code that has none."""
    registers: list[TranslationRegister] = []
    unpinned: list[Refusal] = []
    for index, virtual in reached:
        mapping = mappings[index]
        if mapping.type != EfiMemoryType.EfiPalCode:
            continue
        start = round_down(virtual.start, granule)
        if registers:
            unpinned.append(Refusal(index, "the register holds other PAL code already"))
        elif virtual.end > start + granule:
            unpinned.append(Refusal(index, "reaches beyond one granule, all that a register holds"))
        else:
            registers.append(
                TranslationRegister(
                    PAL_REGISTER,
                    AddressRange(start, start + granule),
                    start & _PHYSICAL_MASK,
                    mapping.cache,
                    index,
                )
            )
    return tuple(registers), tuple(unpinned)


def _conflicts(runs: Sequence[GranuleRun]) -> Iterator[GranuleConflict]:
    """The physical granules that runs of different cache types share."""
    ordered = sorted(runs, key=lambda run: (run.cache, run.frames))
    by_cache: dict[str, list[GranuleRun]] = {}
    for run in ordered:
        by_cache.setdefault(run.cache, []).append(run)
    for one, other in combinations(by_cache.values(), 2):
        yield from _shared(one, other)


def _shared(one: Sequence[GranuleRun], other: Sequence[GranuleRun]) -> Iterator[GranuleConflict]:
    """What two ascending lists of runs have in common."""
    at = 0
    for run in one:
        while at < len(other) and other[at].frames.end <= run.frames.start:
            at += 1
        for against in other[at:]:
            if against.frames.start >= run.frames.end:
                break
            if both := _common(run, against):
                yield both


def _common(run: GranuleRun, against: GranuleRun) -> GranuleConflict | None:
    shared = run.frames & against.frames
    caches, mappings = (run.cache, against.cache), (run.mappings, against.mappings)
    return GranuleConflict(shared, caches, mappings) if shared.size else None


def walk_region(
    translations: RegionTranslations, address: int, *, execute: bool = False
) -> RegionWalk:
    """What the processor, and the handler of a miss, make of a virtual address.

    Code is fetched through the register where it holds the address; data never is.
    """
    geometry, granule = translations.geometry, translations.granule
    region, offset = address >> _REGION_SHIFT, address & ((1 << _REGION_SHIFT) - 1)
    if address >> 64:
        return RegionWalk(address, region, offset, reason="an address has 64 bits")
    if region not in (geometry.cached_region, geometry.uncached_region):
        reason = f"region {region} has no identity mapping"
        return RegionWalk(address, region, offset, reason=reason)
    start = round_down(address, granule)
    register = next((r for r in translations.registers if execute and address in r.virtual), None)
    run = next((run for run in translations.granules if address in run.virtual), None)
    usual = "WB" if region == geometry.cached_region else "UC"
    return RegionWalk(
        address,
        region,
        offset,
        AddressRange(start, start + granule),
        address & _PHYSICAL_MASK,
        "RWX",
        register.cache if register else run.cache if run else usual,
        register,
        _mapping_at(translations.mappings, address),
    )


def _mapping_at(mappings: Sequence[Mapping], address: int) -> int | None:
    """The index of the last mapping that has an address."""
    indices = reversed(range(len(mappings)))
    return next((i for i in indices if address in (mappings[i].virtual or ())), None)
