"""Tables cost by the mappings and the levels, whatever memory they span.

Work is counted in lines that run, which is exact where a clock is not.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest

from efipolicy.model.address import AddressRange
from efipolicy.model.mapping import Access, LeafPolicy, Mapping, Protection
from efipolicy.paging.builder import build
from efipolicy.paging.walker import walk
from tests.paging.trees import (
    EVERY_GEOMETRY,
    FIVE_LEVEL,
    FOUR_LEVEL,
    GIB,
    MIB,
    PAE,
    TIB,
    mapped,
    plain_formats,
)

PAGE = 0x1000


def work(call: Callable[[], object]) -> int:
    """How many lines of Python run in a call."""
    count = 0

    def counted(_frame: FrameType, event: str, _argument: Any) -> Any:
        nonlocal count
        count += event == "line"
        return counted

    before = sys.gettrace()
    sys.settrace(counted)
    try:
        call()
    finally:
        sys.settrace(before)
    return count


@pytest.mark.parametrize("policy", ["strict", "va-only"])
def test_64_tib_are_as_much_work_as_1_gib(policy: LeafPolicy) -> None:
    small, large = (
        work(lambda size=size: build(FOUR_LEVEL, [mapped(PAGE, size, PAGE)], leaf_policy=policy))
        for size in (GIB, 64 * TIB)
    )
    assert large < 1.2 * small


def test_small_pages_are_no_more_work_than_large_ones() -> None:
    large, small = (
        work(lambda only=only: build(FIVE_LEVEL, [mapped(0, 64 * TIB, 0, pages_only=only)]))
        for only in (False, True)
    )
    assert small < 1.2 * large


@pytest.mark.parametrize("geometry", EVERY_GEOMETRY, ids=lambda geometry: geometry.name)
def test_a_whole_address_space_is_little_work(geometry: Any) -> None:
    page = geometry.page_size
    some = [mapped(0, reach.size, reach.start) for reach in geometry.translated]
    assert work(lambda: build(geometry, some)) < 500
    odd = [mapped(page, one.size - 2 * page, one.start + page) for one in geometry.translated]
    assert work(lambda: build(geometry, odd)) < 1000
    tables = build(geometry, odd)
    assert work(lambda: walk(tables, plain_formats(geometry), 3 * page)) < 600


def side_by_side(count: int) -> list[Mapping]:
    return [mapped(n * 4 * MIB + PAGE, 2 * MIB, n * 4 * MIB + PAGE) for n in range(count)]


def on_one_map(count: int) -> list[Mapping]:
    return [mapped(0, count * 4 * MIB, 0), *side_by_side(count)]


def below_as_many_maps(count: int) -> list[Mapping]:
    touching = [mapped(n * PAGE, PAGE, n * PAGE, "R" if n % 2 else "RX") for n in range(count)]
    return [*touching, *[mapped(0, count * PAGE, 0)] * count]


def overlapping_the_next(count: int) -> list[Mapping]:
    return [mapped(n * PAGE, 64 * MIB, n * PAGE) for n in range(count)]


def overlapping_the_one_before(count: int) -> list[Mapping]:
    return overlapping_the_next(count)[::-1]


@pytest.mark.parametrize("policy", ["strict", "va-only"])
@pytest.mark.parametrize(
    "make",
    [
        side_by_side,
        on_one_map,
        below_as_many_maps,
        overlapping_the_next,
        overlapping_the_one_before,
    ],
)
def test_four_times_the_mappings_are_four_times_the_work(
    make: Callable[[int], list[Mapping]], policy: LeafPolicy
) -> None:
    small, large = (
        work(lambda some=some: build(FIVE_LEVEL, some, leaf_policy=policy))
        for some in (make(100), make(400))
    )
    assert large < 5 * small


def test_four_times_the_protections_are_four_times_the_work() -> None:
    def protections(count: int) -> list[Protection]:
        access: tuple[Access, Access] = ("RX", "R")
        some = [
            Protection(AddressRange(n * MIB, n * MIB + PAGE), access[n % 2]) for n in range(count)
        ]
        return [*some, *[Protection(AddressRange(0, count * MIB), "R")] * count]

    small, large = (
        work(lambda count=count: build(PAE, [mapped(0, GIB, 0)], protections=protections(count)))
        for count in (100, 400)
    )
    assert large < 5 * small
