"""What the kit's hypothesis strategies promise of the maps and platforms they give."""

from __future__ import annotations

from typing import TypeVar

from hypothesis import given, settings
from hypothesis import strategies as st

from efipolicy.api import load_registry, selection_of
from efipolicy.engine.linting import lint
from efipolicy.model.memory_map import MemoryMap, overlapping
from efipolicy.model.platform import Platform
from efipolicy.testing.strategies import (
    addresses,
    descriptors,
    disjoint_memory_maps,
    memory_attributes_tables,
    memory_maps,
    platforms,
)

T = TypeVar("T")
few = settings(max_examples=30)
REGISTRY = load_registry()


@given(addresses())
def test_an_address_is_that_of_a_page(address: int) -> None:
    assert address % 0x1000 == 0
    assert 0 <= address < 1 << 64


@few
@given(st.data())
def test_an_addressable_descriptor_has_pages_in_64_bits(data: st.DataObject) -> None:
    assert data.draw(descriptors()).addressable


def some_of(strategy: st.SearchStrategy[T]) -> list[T]:
    """What a strategy gives in a hundred rounds."""
    found: list[T] = []

    @settings(max_examples=100, derandomize=True, database=None)
    @given(strategy)
    def collect(one: T) -> None:
        found.append(one)

    collect()
    return found


def test_any_descriptor_may_be_garbage() -> None:
    anything = some_of(descriptors(addressable=False))
    assert any(one.number_of_pages == 0 for one in anything)
    assert any(one.physical.end > 1 << 64 for one in anything)
    assert any(one.attribute is None for one in anything)
    assert any(one.physical_start % 0x1000 for one in anything)


def test_any_map_may_overlap_and_be_out_of_order() -> None:
    anything = some_of(memory_maps())
    assert any(any(overlapping(found.descriptors)) for found in anything)
    assert any(found.by_address != found.descriptors for found in anything)


@few
@given(disjoint_memory_maps())
def test_descriptors_of_a_disjoint_map_do_not_meet(memory_map: MemoryMap) -> None:
    assert not any(overlapping(memory_map.descriptors))
    assert [one.index for one in memory_map.descriptors] == [*range(len(memory_map.descriptors))]


@few
@given(st.data())
def test_a_table_covers_the_runtime_services_of_its_map(data: st.DataObject) -> None:
    memory_map = data.draw(disjoint_memory_maps())
    table = data.draw(memory_attributes_tables(memory_map))
    services = [one for one in memory_map.runtime if one.type in (5, 6)]
    pages = sum(one.number_of_pages for one in services)
    assert sum(one.number_of_pages for one in table.entries) == pages
    assert list(table.entries) == sorted(table.entries, key=lambda one: one.physical_start)
    for entry in table.entries:
        assert any(one.physical.covers(entry.physical) for one in services)


@few
@given(platforms(maps=memory_maps(most_descriptors=4)))
def test_no_rule_fails_on_any_platform(platform: Platform) -> None:
    report, errors = lint(
        platform,
        REGISTRY.rules.values(),
        REGISTRY.architectures,
        selection_of(REGISTRY, policies=["strict"]),
        path="generated",
        today="2027-01-01",
    )
    assert errors == []
    assert report.checked
