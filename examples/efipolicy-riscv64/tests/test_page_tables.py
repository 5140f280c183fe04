"""Tables that the one builder makes for these geometries, and the one walker reads."""

from collections.abc import Callable

import pytest
from efipolicy.plugin import Access, AddressRange, Mapping, MappingPlan, RadixGeometry
from efipolicy.plugin.paging import build, tables_of, walk

from efipolicy_riscv64.architecture import SV39, SV48, SV57, entry_formats

MODES = pytest.mark.parametrize("geometry", [SV39, SV48, SV57], ids=lambda g: g.name)


def mapped(physical: int, size: int, virtual: int, access: Access = "RW") -> Mapping:
    return Mapping(
        physical=AddressRange(physical, physical + size),
        virtual_start=virtual,
        type=6,
        access=access,
        cache="PMA",
        runtime=True,
    )


@MODES
def test_what_is_built_can_be_walked(geometry: RadixGeometry) -> None:
    page, large = 4 << 10, 2 << 20
    tables = build(geometry, [mapped(large - page, 2 * large, 3 * large - page)])
    assert tables.leaves == {page: 512, large: 1}
    for offset in (0, page, large, 2 * large - 1):
        found = walk(tables, entry_formats(geometry), 3 * large - page + offset, "write")
        assert found.physical == large - page + offset
    denied = walk(tables, entry_formats(geometry), 3 * large, "execute")
    assert denied.explanation == "instruction page fault (scause 12): the entry does not grant it"


@MODES
def test_addresses_between_the_halves_fault(geometry: RadixGeometry) -> None:
    half = 1 << geometry.virtual_address_bits - 1
    tables = build(geometry, [mapped(0x1000, 0x1000, half - 0x1000)])
    assert walk(tables, entry_formats(geometry), half - 0x1000).physical == 0x1000
    beyond = walk(tables, entry_formats(geometry), half)
    assert beyond.fault
    assert beyond.fault.cause == "not-canonical"


@pytest.mark.parametrize(
    ("geometry", "size", "counted"),
    [
        (SV39, 1 << 30, {"PGD": 1}),
        (SV48, 512 << 30, {"PGD": 1}),
        (SV57, 256 << 40, {"PGD": 1}),
        (SV57, 4 << 10, {"PGD": 1, "P4D": 1, "PUD": 1, "PMD": 1, "PTE": 1}),
    ],
    ids=["sv39-1g", "sv48-512g", "sv57-256t", "sv57-4k"],
)
def test_every_level_may_map_memory(
    geometry: RadixGeometry, size: int, counted: dict[str, int]
) -> None:
    tables = build(geometry, [mapped(0, size, 0)])
    assert tables.leaves[size] == 1
    assert {name: count for name, count in tables.tables.items() if count} == counted


def test_linux_makes_small_pages_only(plan: Callable[..., MappingPlan]) -> None:
    made = plan("EfiRuntimeServicesCode 0xbe000000 0x800 RUNTIME WB")
    assert made.mappings[0].virtual_start == 0x20000000
    assert tables_of(made, SV39).leaves[4 << 10] == 0x800
