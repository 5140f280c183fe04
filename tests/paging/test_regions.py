"""Itanium's identity regions: granules, the pinned one, conflicts, and where an address leads."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from efipolicy.model.address import AddressRange
from efipolicy.model.efi import EfiMemoryType
from efipolicy.model.mapping import Mapping
from efipolicy.paging.regions import translate_regions, walk_region
from efipolicy_ia64 import IA64
from tests.paging.trees import GIB, KIB, MIB, TIB

(IA64_16K,) = IA64.geometries[0x4000]
CACHED, UNCACHED = 7 << 61, 6 << 61


def at(
    physical: int,
    size: int,
    cache: str = "WB",
    *,
    virtual: int | None = None,
    type: int = EfiMemoryType.EfiRuntimeServicesData,
) -> Mapping:
    """So many bytes in the region of a cache type, unless at another address."""
    if virtual is None:
        virtual = physical + (CACHED if cache == "WB" else UNCACHED)
    frames = AddressRange(physical, physical + size)
    return Mapping(frames, virtual, type, "RWX", cache, runtime=True)


PAL = at(0x3FFC0000, 256 * KIB, type=EfiMemoryType.EfiPalCode)


@pytest.mark.parametrize(
    ("granule", "start"),
    [(16 * MIB, 0xE00000003F000000), (64 * MIB, 0xE00000003C000000)],
)
def test_pal_code_is_pinned_by_the_granule_around_it(granule: int, start: int) -> None:
    found = translate_regions(IA64_16K, [at(0x3FB3A000, 0x2000), PAL], granule=granule)
    (register,) = found.registers
    assert register.virtual == AddressRange(start, start + granule)
    assert register.physical_start == start & 0xFFFFFFFF
    assert (register.number, register.mapping) == (1, 1)


def test_code_is_fetched_through_the_register_and_data_is_not() -> None:
    found = translate_regions(IA64_16K, [PAL])
    address = 0xE00000003FFC0010
    assert walk_region(found, address, execute=True).register is found.registers[0]
    assert walk_region(found, address).register is None


def test_pal_code_that_no_register_holds_is_named() -> None:
    large = at(0x10000000, 32 * MIB, type=EfiMemoryType.EfiPalCode)
    second = at(0x20000000, 64 * KIB, type=EfiMemoryType.EfiPalCode)
    found = translate_regions(IA64_16K, [large, PAL, second])
    assert [register.mapping for register in found.registers] == [1]
    assert [refusal.mapping for refusal in found.unpinned] == [0, 2]


def test_neighbouring_granules_of_one_cache_type_are_one_run() -> None:
    found = translate_regions(
        IA64_16K, [at(0x1001000, 0x1000), at(0x1800000, 0x900000), at(0x8000000, 0x1000)]
    )
    assert [(run.frames, run.mappings) for run in found.granules] == [
        (AddressRange(0x1000000, 0x3000000), (0, 1)),
        (AddressRange(0x8000000, 0x9000000), (2,)),
    ]
    assert {run.region for run in found.granules} == {7}
    assert found.number_of_granules == 3
    assert found.total == 0


def test_a_granule_used_cached_and_uncached_is_a_conflict() -> None:
    found = translate_regions(IA64_16K, [at(0x3FB3A000, 0x2000), at(0x3F000000, 0x4000, "UC")])
    (conflict,) = found.conflicts
    assert conflict.physical == AddressRange(0x3F000000, 0x40000000)
    assert dict(zip(conflict.caches, conflict.mappings, strict=True)) == {"UC": (1,), "WB": (0,)}


def test_a_conflict_can_depend_on_the_size_of_the_granules() -> None:
    mappings = [at(0x3FB3A000, 0x2000), at(0x3D000000, 0x4000, "UC")]
    assert not translate_regions(IA64_16K, mappings).conflicts
    assert translate_regions(IA64_16K, mappings, granule=64 * MIB).conflicts


@pytest.mark.parametrize(
    ("address", "region", "physical", "cache", "mapping"),
    [
        (0xE00000003FB3A008, 7, 0x3FB3A008, "WB", 0),
        (0xC0000000FFC00000, 6, 0xFFC00000, "UC", 1),
        # What nobody asked for is reachable as well.
        (0xE00000003F000000, 7, 0x3F000000, "WB", None),
        (0xE000000000000000, 7, 0, "WB", None),
        (0xC00000003FB3A008, 6, 0x3FB3A008, "UC", None),
    ],
)
def test_an_identity_region_leads_where_the_address_says(
    address: int, region: int, physical: int, cache: str, mapping: int | None
) -> None:
    found = translate_regions(IA64_16K, [at(0x3FB3A000, 0x2000), at(0xFFC00000, 0x4000, "UC")])
    walk = walk_region(found, address)
    assert (walk.region, walk.physical, walk.cache) == (region, physical, cache)
    assert (walk.access, walk.mapping) == ("RWX", mapping)
    assert walk.granule
    assert address in walk.granule


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        (0xA000000100000000, "region 5 has no identity mapping"),
        (0x3FB3A000, "region 0 has no identity mapping"),
        (1 << 64, "an address has 64 bits"),
    ],
)
def test_an_address_that_no_identity_region_has_leads_nowhere(address: int, reason: str) -> None:
    walk = walk_region(translate_regions(IA64_16K, []), address)
    assert (walk.physical, walk.reason) == (None, reason)


@pytest.mark.parametrize(
    ("mapping", "reason"),
    [
        (at(0x1000, 0x1000, virtual=5 << 61), "region 5 has no identity mapping"),
        (at(0x1000, 0x1000, virtual=CACHED), "region 7 leads to 0x0 there"),
        (at(1 << 50, 0x1000), "a translation names 50 bits of a physical address"),
        (at(0x0, 2 << 61, virtual=UNCACHED), "reaches beyond region 6"),
    ],
)
def test_a_mapping_no_identity_region_reaches_is_refused(mapping: Mapping, reason: str) -> None:
    (refusal,) = translate_regions(IA64_16K, [mapping]).refused
    assert refusal == (0, reason)


def test_a_mapping_without_an_address_is_left_out() -> None:
    found = translate_regions(IA64_16K, [at(0x1000, 0x1000)._replace(virtual_start=None)])
    assert (found.granules, found.refused) == ((), ())


def test_xens_own_base_is_in_the_cached_region_too() -> None:
    found = translate_regions(IA64_16K, [at(0x3FB3A000, 0x2000, virtual=0xF00000003FB3A000)])
    assert walk_region(found, 0xF00000003FB3A000).mapping == 0
    assert [run.region for run in found.granules] == [7]


def test_a_granule_the_geometry_lacks_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"ia64-16k has no granules of 0x100000 bytes; it has"):
        translate_regions(IA64_16K, [], granule=MIB)


def test_memory_of_any_size_is_a_few_values() -> None:
    found = translate_regions(IA64_16K, [at(0x1000, 64 * TIB), at(128 * TIB, GIB, "UC")])
    assert len(found.granules) == 2
    assert found.number_of_granules == (64 * TIB + 16 * MIB + GIB) // (16 * MIB)


EXTENTS = st.tuples(st.integers(0, 400), st.integers(1, 60), st.sampled_from(["WB", "UC"]))


@given(st.lists(EXTENTS, max_size=8))
def test_granules_and_conflicts_agree_with_counting_them_one_by_one(
    extents: list[tuple[int, int, str]],
) -> None:
    mappings = [at(start * MIB, size * MIB, cache) for start, size, cache in extents]
    used: dict[str, set[int]] = {"WB": set(), "UC": set()}
    for start, size, cache in extents:
        used[cache].update(range(start // 16, -(-(start + size) // 16)))

    found = translate_regions(IA64_16K, mappings)

    for cache, expected in used.items():
        runs = [run.frames for run in found.granules if run.cache == cache]
        assert granules(runs) == sorted(expected)
    assert granules([c.physical for c in found.conflicts]) == sorted(used["WB"] & used["UC"])
    assert list(found.granules) == sorted(found.granules)


def granules(extents: list[AddressRange]) -> list[int]:
    """The numbers of the granules of 16 MiB in extents, twice where they overlap."""
    return sorted(
        number
        for extent in extents
        for number in range(extent.start // (16 * MIB), extent.end // (16 * MIB))
    )
