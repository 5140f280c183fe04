"""The builder over intervals builds what a builder that looks at each page builds."""

from __future__ import annotations

from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from efipolicy.model.address import AddressRange
from efipolicy.model.mapping import Access, LeafPolicy, Mapping, Protection
from efipolicy.paging import RadixGeometry
from efipolicy.paging.builder import build
from efipolicy.paging.tables import PageTables
from efipolicy.testing.page_by_page import PageByPage
from efipolicy.testing.table_promises import miniature, pages_of
from tests.conftest import at_most
from tests.paging.trees import EVERY_GEOMETRY, FOUR_LEVEL, by_formula, mapped

MINIATURES = tuple(map(miniature, EVERY_GEOMETRY))
ACCESS: tuple[Access, ...] = ("R", "RW", "RX", "RWX")
POLICIES: tuple[LeafPolicy, ...] = ("strict", "va-only")

few = at_most(40)
"""Each test is run for every geometry."""

by_name = pytest.mark.parametrize("geometry", MINIATURES, ids=lambda geometry: geometry.name)


@st.composite
def starts(draw: st.DrawFn, geometry: RadixGeometry) -> int:
    """A virtual address near something that matters: an end of what is translated, a large leaf."""
    page = geometry.page_size
    reach = draw(st.sampled_from([*geometry.translated, *(w.virtual for w in geometry.windows)]))
    near = draw(st.sampled_from([reach.start, reach.start, reach.end - 24 * page]))
    return near + draw(st.integers(-2, 40)) * page


@st.composite
def mappings(draw: st.DrawFn, geometry: RadixGeometry) -> Mapping:
    """A mapping of a few pages, whole ones more often than not, congruent more often than not."""
    page = geometry.page_size
    virtual = max(0, draw(starts(geometry)))
    size = draw(st.integers(0, 70)) * page
    if draw(st.integers(0, 3)) == 0:
        virtual += draw(st.sampled_from([0, page // 4, page // 2]))
        size += draw(st.sampled_from([0, page // 4, page // 2]))
    away = draw(st.sampled_from([0, 0, 1, 2, 4, 16, 64, 256])) * page
    if draw(st.integers(0, 15)) == 0:
        away += page // 2
    physical = virtual % (1 << 36) + away
    if geometry.windows and draw(st.booleans()):
        physical = virtual % (1 << 48)
    one = mapped(
        physical,
        size,
        draw(st.sampled_from([virtual] * 9 + [None])),
        draw(st.sampled_from(ACCESS)),
        cache=draw(st.sampled_from(["WB", "UC"])),
        pages_only=draw(st.integers(0, 4)) == 0,
    )
    return one._replace(encrypted=draw(st.booleans()))


@st.composite
def protections(draw: st.DrawFn, geometry: RadixGeometry) -> Protection:
    """An access for a few pages, or parts of them."""
    page = geometry.page_size
    start = max(0, draw(starts(geometry))) + draw(st.sampled_from([0, 0, page // 4]))
    end = start + draw(st.integers(0, 40)) * page // 2
    return Protection(AddressRange(start, end), draw(st.sampled_from(ACCESS)))


def overlaps_of(tables: PageTables) -> list[tuple[int, int, int]]:
    """Every page that two mappings cover, with both."""
    page = tables.geometry.page_size
    return [
        (address, overlap.earlier, overlap.later)
        for overlap in tables.overlaps
        for address in range(overlap.virtual.start, overlap.virtual.end, page)
    ]


def check(
    geometry: RadixGeometry,
    policy: LeafPolicy,
    largest_leaf: int | None,
    some: list[Mapping],
    protected: list[Protection],
) -> None:
    tables = build(
        geometry, some, leaf_policy=policy, largest_leaf=largest_leaf, protections=protected
    )
    expected = PageByPage(geometry, policy, largest_leaf)
    tree = expected.build(some, protected)
    assert pages_of(tables) == tree.pages
    assert tables.tables == expected.counts()
    assert tables.total == by_formula(tables)
    assert {refusal.mapping for refusal in tables.refused} == tree.refused
    overlaps = overlaps_of(tables)
    assert set(overlaps) == tree.overlaps
    assert len(overlaps) == len(tree.overlaps)


@by_name
@few
@given(st.data())
def test_every_page_is_what_looking_at_each_page_makes_it(
    geometry: RadixGeometry, data: st.DataObject
) -> None:
    check(
        geometry,
        data.draw(st.sampled_from(POLICIES)),
        data.draw(st.sampled_from([None, None, *geometry.leaf_sizes])),
        data.draw(st.lists(mappings(geometry), max_size=5)),
        data.draw(st.lists(protections(geometry), max_size=3)),
    )


@by_name
@few
@given(st.data())
def test_runs_ascend_and_hold_whole_leaves(geometry: RadixGeometry, data: st.DataObject) -> None:
    policy = data.draw(st.sampled_from(POLICIES))
    some = data.draw(st.lists(mappings(geometry), max_size=5))
    tables = build(geometry, some, leaf_policy=policy)
    end = 0
    for run in tables.runs:
        assert end <= run.start < run.end
        assert run.start % run.leaf_size == run.end % run.leaf_size == 0
        assert run.leaf_size in geometry.leaf_sizes
        assert policy == "va-only" or not run.misaligned
        level = next(one for one in geometry.levels if one.entry_size == run.leaf_size)
        if run.contiguous:
            assert run.start % (run.leaf_size * cast("int", level.contiguous)) == 0
            assert run.end % (run.leaf_size * cast("int", level.contiguous)) == 0
        end = run.end
    assert sum(n * size for size, n in tables.leaves.items()) == sum(
        tables.bytes_with(access) for access in ACCESS
    )


@by_name
@few
@given(st.data())
def test_building_depends_on_nothing_but_its_input(
    geometry: RadixGeometry, data: st.DataObject
) -> None:
    some = data.draw(st.lists(mappings(geometry), max_size=5))
    policy = data.draw(st.sampled_from(POLICIES))
    before = list(some)
    first = build(geometry, some, leaf_policy=policy)
    assert build(geometry, iter(some), leaf_policy=policy) == first
    assert some == before


@by_name
@few
@given(st.data())
def test_the_order_of_disjoint_mappings_does_not_matter(
    geometry: RadixGeometry, data: st.DataObject
) -> None:
    some = data.draw(st.lists(mappings(geometry), max_size=5))
    policy = data.draw(st.sampled_from(POLICIES))
    tables = build(geometry, some, leaf_policy=policy)
    if tables.overlaps:
        return
    order = data.draw(st.permutations(range(len(some))))
    shuffled = build(geometry, [some[index] for index in order], leaf_policy=policy)
    assert shuffled.tables == tables.tables
    assert [run._replace(mapping=order[run.mapping]) for run in shuffled.runs] == list(tables.runs)


@by_name
@few
@given(st.data())
def test_protections_change_the_access_there_and_nothing_else(
    geometry: RadixGeometry, data: st.DataObject
) -> None:
    some = data.draw(st.lists(mappings(geometry), max_size=4))
    protected = data.draw(st.lists(protections(geometry), max_size=3))
    before = pages_of(build(geometry, some))
    after = pages_of(build(geometry, some, protections=protected))
    assert before.keys() == after.keys()
    page = geometry.page_size
    for address, was in before.items():
        found = after[address]
        assert (found.physical, found.cache, found.mapping) == (
            was.physical,
            was.cache,
            was.mapping,
        )
        access: str = was.access
        for protection in protected:
            if protection.virtual.overlaps(AddressRange(address, address + page)):
                access = protection.access
        assert found.access == access


@given(st.data())
def test_four_levels_agree_around_a_real_2_mib_leaf(data: st.DataObject) -> None:
    page = 0x1000
    base = data.draw(st.sampled_from([0, 0xFFFFFFFEFF400000 - 0x40000, (1 << 30) - 0x40000]))
    some = [
        mapped(
            0x7C000000 + data.draw(st.sampled_from([0, 0, 1, 0x166])) * page,
            data.draw(st.integers(1, 1200)) * page,
            base + data.draw(st.integers(0, 600)) * page,
            data.draw(st.sampled_from(ACCESS)),
        )
        for _ in range(data.draw(st.integers(1, 3)))
    ]
    check(FOUR_LEVEL, data.draw(st.sampled_from(POLICIES)), None, some, [])
