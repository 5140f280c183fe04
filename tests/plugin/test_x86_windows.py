"""The two layouts for a window below -4 GiB that were discussed in 2013."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from efipolicy.errors import UsageError
from efipolicy.model.mapping import MappingPlan
from tests.plugin.plans import MIB, RUNTIME, WB, Row, choice, planned_as, platform_of, tables

GIB = 1 << 30
WINDOW = (2**64 - 68 * GIB, 2**64 - 4 * GIB)
UPWARDS = (2**64 - 4 * GIB, 2**64 - 2 * GIB)
LOW = (6, 0x100000, 0x1000, RUNTIME | WB)


def dense(rows: list[Row], **options: str) -> MappingPlan:
    return planned_as(platform_of(rows), choice("x86-dense-from-4g", **options)).plan


def fixed(rows: list[Row], **options: str) -> MappingPlan:
    return planned_as(platform_of(rows), choice("x86-fixed-window", **options)).plan


def placed(made: MappingPlan) -> list[int | None]:
    return [mapping.virtual_start for mapping in made.mappings]


def test_the_fixed_window_reaches_its_end_with_exactly_64_gib() -> None:
    last = (6, 64 * GIB - 0x1000, 0x1000, RUNTIME | WB)
    made = fixed([(6, 0, 0x1000, RUNTIME | WB), last])
    assert placed(made) == [WINDOW[0], WINDOW[1] - 0x1000]
    assert made.status == "ok"


def test_one_region_above_64_gib_pushes_the_others_out() -> None:
    made = fixed([LOW, (11, 66 * GIB - 0x1000, 0x1000, RUNTIME | 1)])
    assert placed(made) == [None, WINDOW[1] - 0x1000]
    assert made.status == "impossible"
    assert [problem.rule for problem in made.problems] == ["plan/window-overflow"]
    # What counts is the distance: two regions far up are no trouble.
    assert fixed([(11, 1 << 45, 0x1000, RUNTIME | 1)]).status == "ok"


@pytest.mark.parametrize("unit", ["2M", "1G", "0x200000"])
def test_a_rounded_end_keeps_large_leaves_right(unit: str) -> None:
    rows = [(6, 0x800000, 0x800000, RUNTIME | WB), (5, 0x7FFE0000, 0x1000, RUNTIME | WB)]
    safe = planned_as(platform_of(rows), choice("x86-fixed-window", round_hi=unit))
    assert not any(run.misaligned for run in tables(safe).runs)
    assert any(
        run.misaligned
        for run in tables(planned_as(platform_of(rows), choice("x86-fixed-window"))).runs
    )


def test_a_fixed_window_needs_nine_tables_for_the_ovmf_regions() -> None:
    rows = [
        (5, 0x00800000, 0x800000, RUNTIME | 0xF),
        (6, 0x7C000000, 0x20000, RUNTIME | 0xF),
        (5, 0x7DC5B000, 0x4EB000, RUNTIME | 0xF),
        (6, 0x7FA65000, 0x57B000, RUNTIME | 0xF),
        (5, 0x7FFE0000, 0x20000, RUNTIME | 0xF),
    ]
    made = tables(planned_as(platform_of(rows), choice("x86-fixed-window")))
    assert list(made.tables.values()) == [1, 1, 2, 5]


def test_dense_regions_are_mapped_at_their_physical_addresses_besides() -> None:
    made = dense([LOW])
    assert [mapping.virtual_start for mapping in made.extra] == [LOW[1]]
    assert fixed([LOW]).extra == ()


def test_upwards_there_are_2_gib_and_no_more() -> None:
    whole = (11, 0x4000000000, 2 * GIB, RUNTIME | 1)
    assert placed(dense([whole], direction="up")) == [UPWARDS[0]]
    made = dense([whole, LOW], direction="up")
    assert (placed(made), made.status) == ([UPWARDS[0], None], "impossible")
    assert dense([whole, LOW]).status == "ok"


def test_downwards_there_are_64_gib_and_no_more() -> None:
    whole = (11, 0x4000000000, 64 * GIB, RUNTIME | 1)
    assert placed(dense([whole])) == [WINDOW[0]]
    assert placed(dense([whole, LOW])) == [WINDOW[0], None]


def test_an_absurd_size_does_not_wrap_into_the_window() -> None:
    absurd = (11, 0x1000, 2**64 - 0x2000, RUNTIME | 1)
    for made in (dense([absurd]), dense([absurd], direction="up"), fixed([absurd])):
        assert (placed(made), made.status) == ([None], "impossible")


def test_boot_services_take_room_unless_told_not_to() -> None:
    rows = [(4, 0x200000, 0x1000, WB), LOW]
    assert placed(dense(rows)) == [WINDOW[1] - 0x1000, WINDOW[1] - 0x2000]
    assert placed(dense(rows, boot_services="false")) == [WINDOW[1] - 0x1000]


def test_merged_neighbours_keep_their_order_in_memory() -> None:
    rows = [(6, 0x200000, 0x1000, RUNTIME | WB), (6, 0x201000, 0x1000, RUNTIME | WB)]
    assert placed(dense(rows)) == [WINDOW[1] - 0x1000, WINDOW[1] - 0x2000]
    assert placed(dense(rows, merge="true")) == [WINDOW[1] - 0x2000]


def test_everything_was_executable_before_5_10() -> None:
    assert [mapping.access for mapping in dense([LOW], kernel="3.14").mappings] == ["RWX"]
    assert [mapping.access for mapping in dense([LOW]).mappings] == ["RW"]


@pytest.mark.parametrize("strategy", ["x86-dense-from-4g", "x86-fixed-window", "x86-topdown"])
def test_a_window_of_64_bits_is_refused_in_32(strategy: str) -> None:
    with pytest.raises(UsageError, match="x86_64, on i386"):
        planned_as(platform_of([LOW], architecture="i386"), choice(strategy))


SHAPES = st.lists(
    st.tuples(st.sampled_from([3, 4, 5, 6, 11]), st.integers(0, 5000), st.integers(1, 2000)),
    max_size=10,
)


def rows_of(shapes: list[tuple[int, int, int]]) -> list[Row]:
    start, rows = 0x100000, []
    for type, gap, pages in shapes:
        start += gap * 0x1000
        runtime = RUNTIME if type in (5, 6, 11) else 0
        rows.append((type, start, pages * 0x1000, runtime | WB))
        start += pages * 0x1000
    return rows


@given(
    SHAPES,
    st.sampled_from(["x86-dense-from-4g", "x86-fixed-window"]),
    st.sampled_from([{}, {"merge": "true"}, {"gbpages": "false"}, {"boot_services": "false"}]),
)
def test_regions_lie_in_the_window_and_apart(
    shapes: list[tuple[int, int, int]], strategy: str, options: dict[str, str]
) -> None:
    made = planned_as(platform_of(rows_of(shapes)), choice(strategy, **options)).plan
    taken = sorted(mapping.virtual for mapping in made.mappings if mapping.virtual)
    assert len(taken) == len(made.mappings)
    for low, high in pairwise(taken):
        assert low.end <= high.start
    for extent in taken:
        assert WINDOW[0] <= extent.start < extent.end <= WINDOW[1]


@given(
    SHAPES.map(rows_of).flatmap(lambda rows: st.tuples(st.just(rows), st.permutations(rows))),
)
def test_a_fixed_window_does_not_care_for_the_order_of_the_map(
    orders: tuple[list[Row], list[Row]],
) -> None:
    layouts = [
        sorted((m.physical, m.virtual_start or 0) for m in fixed(rows).mappings) for rows in orders
    ]
    assert layouts[0] == layouts[1]


@given(SHAPES)
def test_a_rounded_fixed_window_keeps_the_offset_within_2_mib(
    shapes: list[tuple[int, int, int]],
) -> None:
    for mapping in fixed(rows_of(shapes), round_hi="2M").mappings:
        assert mapping.virtual_start is not None
        assert (mapping.virtual_start - mapping.physical.start) % (2 * MIB) == 0


@given(SHAPES)
def test_dense_regions_touch(shapes: list[tuple[int, int, int]]) -> None:
    virtual = [mapping.virtual for mapping in dense(rows_of(shapes)).mappings]
    for above, below in pairwise(virtual):
        assert above
        assert below
        assert below.end == above.start
