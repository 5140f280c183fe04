"""The facts of the three architectures, against the numbers their documents give."""

import pytest

from efipolicy.plugin import (
    Architecture,
    Geometry,
    RadixGeometry,
    RegionGeometry,
)
from efipolicy.plugin.registry import Registry

ARCHITECTURES = Registry().architectures
SIZES = {"4K": 1 << 12, "2M": 1 << 21, "16K": 1 << 14, "32M": 1 << 25, "64K": 1 << 16}
SIZES |= {"512M": 1 << 29, "1G": 1 << 30, "64G": 1 << 36, "512G": 1 << 39, "16G": 1 << 34}


def geometry(architecture: str, page_size: int, bits: int) -> RadixGeometry:
    (found,) = (
        item
        for item in ARCHITECTURES[architecture].geometries[page_size]
        if item.virtual_address_bits == bits
    )
    assert isinstance(found, RadixGeometry)
    return found


def radix_geometries() -> list[RadixGeometry]:
    return [item for item in geometries() if isinstance(item, RadixGeometry)]


def geometries() -> list[Geometry]:
    return [
        item
        for architecture in ARCHITECTURES.values()
        for offered in architecture.geometries.values()
        for item in offered
    ]


def test_the_promised_architectures_are_installed() -> None:
    assert {"x86_64", "arm64", "ia64"} <= ARCHITECTURES.keys()


@pytest.mark.parametrize("item", radix_geometries(), ids=lambda item: item.name)
def test_each_level_continues_where_the_one_below_ends(item: RadixGeometry) -> None:
    for upper, lower in zip(item.levels, item.levels[1:], strict=False):
        assert upper.shift == lower.shift + lower.bits
    assert item.levels[-1].leaf


@pytest.mark.parametrize("item", radix_geometries(), ids=lambda item: item.name)
def test_no_table_but_the_root_is_larger_or_smaller_than_a_page(item: RadixGeometry) -> None:
    full = (item.page_size // item.entry_bytes).bit_length() - 1
    assert all(level.bits == full for level in item.levels[1:])
    assert 1 <= item.levels[0].bits <= full


@pytest.mark.parametrize("architecture", ARCHITECTURES.values(), ids=lambda item: item.name)
def test_a_geometry_is_listed_under_its_own_page_size(architecture: Architecture) -> None:
    for page_size, offered in architecture.geometries.items():
        assert {item.page_size for item in offered} == {page_size}
        assert len({item.name for item in offered}) == len(offered)


@pytest.mark.parametrize(
    ("architecture", "page", "bits", "levels", "leaves"),
    [
        ("x86_64", "4K", 48, ["PGD", "PUD", "PMD", "PTE"], ["1G", "2M", "4K"]),
        ("x86_64", "4K", 57, ["PGD", "P4D", "PUD", "PMD", "PTE"], ["1G", "2M", "4K"]),
        ("arm64", "4K", 39, ["L1", "L2", "L3"], ["1G", "2M", "4K"]),
        ("arm64", "4K", 48, ["L0", "L1", "L2", "L3"], ["1G", "2M", "4K"]),
        ("arm64", "4K", 52, ["L-1", "L0", "L1", "L2", "L3"], ["512G", "1G", "2M", "4K"]),
        ("arm64", "16K", 36, ["L2", "L3"], ["32M", "16K"]),
        ("arm64", "16K", 47, ["L1", "L2", "L3"], ["32M", "16K"]),
        ("arm64", "16K", 48, ["L0", "L1", "L2", "L3"], ["32M", "16K"]),
        ("arm64", "16K", 52, ["L0", "L1", "L2", "L3"], ["64G", "32M", "16K"]),
        ("arm64", "64K", 42, ["L2", "L3"], ["512M", "64K"]),
        ("arm64", "64K", 48, ["L1", "L2", "L3"], ["512M", "64K"]),
        ("arm64", "64K", 52, ["L1", "L2", "L3"], ["512M", "64K"]),
    ],
)
def test_a_width_has_these_levels_and_leaves(
    architecture: str, page: str, bits: int, levels: list[str], leaves: list[str]
) -> None:
    item = geometry(architecture, SIZES[page], bits)
    assert [level.name for level in item.levels] == levels
    assert item.leaf_sizes == tuple(SIZES[leaf] for leaf in leaves)


@pytest.mark.parametrize(
    ("page", "bits", "entries"),
    [("4K", 48, 512), ("16K", 48, 2), ("64K", 48, 64), ("64K", 52, 1024), ("4K", 52, 16)],
)
def test_the_root_of_an_arm64_tree_has_as_many_entries_as_the_width_needs(
    page: str, bits: int, entries: int
) -> None:
    assert 1 << geometry("arm64", SIZES[page], bits).levels[0].bits == entries


@pytest.mark.parametrize(
    ("page", "level", "run"),
    [
        ("4K", "L3", "64K"),
        ("4K", "L2", "32M"),
        ("16K", "L3", "2M"),
        ("16K", "L2", "1G"),
        ("64K", "L3", "2M"),
        ("64K", "L2", "16G"),
    ],
)
def test_a_contiguous_run_of_arm64_has_this_size(page: str, level: str, run: str) -> None:
    levels = {item.name: item for item in geometry("arm64", SIZES[page], 48).levels}
    assert (levels[level].contiguous or 0) * levels[level].entry_size == SIZES[run]


@pytest.mark.parametrize("page", ["4K", "16K", "64K"])
def test_arm64_offers_48_bits_first(page: str) -> None:
    first = ARCHITECTURES["arm64"].geometries[SIZES[page]][0]
    assert first.virtual_address_bits == 48


@pytest.mark.parametrize(("name", "size"), [("x86_64", 0x1000), ("arm64", 0x1000)])
def test_most_operating_systems_use_pages_of_4_kib(name: str, size: int) -> None:
    assert ARCHITECTURES[name].default_page_size == size


@pytest.mark.parametrize(
    ("name", "unit", "runtime", "acpi"),
    [
        ("x86_64", 0x1000, "UEFI-RT-005", "UEFI-RT-006"),
        ("arm64", 0x1000, "UEFI-RT-005", "UEFI-RT-006"),
        ("ia64", 0x2000, "IA64-001", "IA64-002"),
    ],
)
def test_granularity_is_a_fact_of_the_architecture_with_its_own_code(
    name: str, unit: int, runtime: str, acpi: str
) -> None:
    item = ARCHITECTURES[name]
    assert (item.runtime_granularity.size, item.runtime_granularity.requirement) == (unit, runtime)
    assert (item.acpi_granularity.size, item.acpi_granularity.requirement) == (unit, acpi)


@pytest.mark.parametrize(("name", "bits"), [("x86_64", 52), ("arm64", 56), ("ia64", 63)])
def test_no_processor_has_wider_physical_addresses(name: str, bits: int) -> None:
    assert ARCHITECTURES[name].physical_address_bits == bits


def test_only_arm64_gives_the_isa_mask_a_meaning() -> None:
    assert [name for name, item in ARCHITECTURES.items() if item.isa_mask_defined] == ["arm64"]


def test_itanium_maps_through_regions_and_not_through_a_tree() -> None:
    for offered in ARCHITECTURES["ia64"].geometries.values():
        for item in offered:
            assert isinstance(item, RegionGeometry)
            assert (item.cached_region, item.uncached_region) == (7, 6)
            assert item.granule_sizes == (16 << 20, 64 << 20)


def tables_of(item: RadixGeometry, leaves: list[tuple[int, int]]) -> list[int]:
    """How many tables each level needs for leaves of (address, size), the root first."""
    mask = (1 << item.virtual_address_bits) - 1
    counts = [1]
    for level in item.levels[1:]:
        span = level.shift + level.bits
        needed = {(at & mask) >> span for at, size in leaves if size < 1 << span}
        counts.append(len(needed))
    return counts


def run(start: int, size: int, leaf: int) -> list[tuple[int, int]]:
    """A range as leaves of one size."""
    return [(start + offset, leaf) for offset in range(0, size, leaf)]


SPLIT_REGION = [
    *run(0xFFFFFFFEFFA65000, 0x19B000, SIZES["4K"]),
    *run(0xFFFFFFFEFFC00000, 0x200000, SIZES["2M"]),
    *run(0xFFFFFFFEFFE00000, 0x1E0000, SIZES["4K"]),
]


@pytest.mark.parametrize(
    ("bits", "leaves", "tables"),
    [
        (48, SPLIT_REGION, [1, 1, 1, 2]),
        (57, SPLIT_REGION, [1, 1, 1, 1, 2]),
        (48, run(0, 4 << 30, SIZES["2M"]), [1, 1, 4, 0]),
        (48, run(0, 4 << 30, SIZES["1G"]), [1, 1, 0, 0]),
    ],
)
def test_known_mappings_need_the_known_number_of_x86_tables(
    bits: int, leaves: list[tuple[int, int]], tables: list[int]
) -> None:
    assert tables_of(geometry("x86_64", SIZES["4K"], bits), leaves) == tables


@pytest.mark.parametrize(
    ("page", "bits", "tables"),
    [
        ("4K", 48, [1, 1, 1, 1]),
        ("4K", 39, [1, 1, 1]),
        ("16K", 47, [1, 1, 1]),
        ("16K", 48, [1, 1, 1, 1]),
        ("64K", 42, [1, 1]),
        ("64K", 52, [1, 1, 1]),
    ],
)
def test_one_page_of_arm64_needs_one_table_a_level(page: str, bits: int, tables: list[int]) -> None:
    assert tables_of(geometry("arm64", SIZES[page], bits), [(0x20000000, SIZES[page])]) == tables
