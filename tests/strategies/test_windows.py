"""Windows, as far as it is known: every plan is an assumption."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from efipolicy.model.address import AddressRange
from efipolicy.model.mapping import MappingPlan, Protection
from efipolicy.plugin.registry import Registry
from efipolicy_windows.strategies import WINDOWS_VIRTUAL
from tests.plugin.plans import RO, RUNTIME, WB, XP, Row, addresses, platform_of, tables
from tests.strategies.others import OVMF5, assert_apart, disjoint, plan, planned

BASE = 0xFFFFF80000000000


def windows(rows: list[Row], architecture: str = "x86_64", **options: Any) -> MappingPlan:
    return plan(WINDOWS_VIRTUAL, platform_of(rows, architecture=architecture), **options)


def test_regions_are_packed_in_slots_from_the_base_on() -> None:
    made = windows(OVMF5)
    assert addresses(made) == [
        (0x800000, BASE),
        (0x7C000000, BASE + 0x800000),
        (0x7DC5B000, BASE + 0x82B000),
        (0x7FA65000, BASE + 0xD25000),
        (0x7FFE0000, BASE + 0x12A0000),
    ]
    assert made.svam is not None
    assert [entry.virtual_start for entry in made.svam] == [start for _, start in addresses(made)]


def test_downwards_they_end_at_the_base() -> None:
    made = windows(OVMF5, direction="down")
    assert addresses(made) == [
        (0x800000, BASE - 0x800000),
        (0x7C000000, BASE - 0x820000),
        (0x7DC5B000, BASE - 0xD15000),
        (0x7FA65000, BASE - 0x129B000),
        (0x7FFE0000, BASE - 0x12C0000),
    ]
    below_zero = windows(OVMF5, direction="down", base=0x810000)
    assert [start for _, start in addresses(below_zero)] == [0, *[None] * 4]


@pytest.mark.parametrize("rows", [[], OVMF5, [(11, 0x1000, 0x1000, RUNTIME)]])
@pytest.mark.parametrize("options", [{}, {"base": 2**64 - 0x10000}, {"page_granular": False}])
def test_every_plan_is_an_assumption(rows: list[Row], options: dict[str, Any]) -> None:
    assert windows(rows, **options).status == "assumption"
    assert windows(rows, "arm64", **options).status == "assumption"


def test_what_would_wrap_has_no_address() -> None:
    made = windows(OVMF5, base=2**64 - 0xA00000)
    assert [start for _, start in addresses(made)][2:] == [None, None, None]
    assert [problem.rule for problem in made.problems] == ["plan/mapping-out-of-reach"] * 3
    assert {problem.rule for problem in made.problems} <= Registry().rules.keys()


def test_pages_are_small_where_permissions_are_kept_apart() -> None:
    data: list[Row] = [(6, 0x7C000000, 0x400000, RUNTIME | WB)]
    small = planned(WINDOWS_VIRTUAL, platform_of(data))
    assert tables(small).leaves == {0x1000: 1024}
    assert small.plan.mappings[0].access == "RW"
    large = planned(WINDOWS_VIRTUAL, platform_of(data), page_granular=False)
    assert tables(large).leaves == {0x200000: 2}
    assert large.plan.mappings[0].access == "RWX"


def test_physical_addresses_stay_mapped_only_when_told_so() -> None:
    assert windows(OVMF5).extra == ()
    kept = windows(OVMF5, keep_1to1=True).extra
    assert [each.virtual_start for each in kept] == [start for _, start, _, _ in OVMF5]


def test_the_attributes_table_protects_both_addresses() -> None:
    rows: list[Row] = [(5, 0x7F000000, 0x10000, RUNTIME | WB)]
    attributes: list[Row] = [
        (5, 0x7F000000, 0x1000, RUNTIME | XP),
        (5, 0x7F001000, 0xF000, RUNTIME | RO),
        (5, 0x7F00F000, 0x2000, RUNTIME | RO),
        (6, 0x7F100000, 0x1000, RUNTIME | XP),
    ]
    platform = platform_of(rows, attributes=attributes)
    high = (
        Protection(AddressRange(BASE, BASE + 0x1000), "RW"),
        Protection(AddressRange(BASE + 0x1000, BASE + 0x10000), "RX"),
    )
    assert plan(WINDOWS_VIRTUAL, platform).protections == high
    both = plan(WINDOWS_VIRTUAL, platform, keep_1to1=True).protections
    assert len(both) == 4
    assert both[3] == Protection(AddressRange(0x7F001000, 0x7F010000), "RX")
    assert plan(WINDOWS_VIRTUAL, platform, page_granular=False).protections == ()


@given(
    st.lists(
        st.tuples(
            st.sampled_from([5, 6, 7, 11]),
            st.integers(0, 9000),
            st.integers(1, 900),
            st.sampled_from([RUNTIME | WB, RUNTIME | 1, WB]),
        ),
        max_size=12,
    ),
    st.sampled_from(["up", "down"]),
)
def test_regions_are_apart_in_order_and_keep_their_offset(
    shapes: list[tuple[int, int, int, int]], direction: str
) -> None:
    made = windows(disjoint(shapes), direction=direction)
    assert_apart(made)
    starts = [start for _, start in addresses(made) if start is not None]
    assert len(starts) == len(made.mappings)
    assert starts == sorted(starts, reverse=direction == "down")
    for mapping in made.mappings:
        assert mapping.virtual is not None
        assert not (mapping.virtual.start - mapping.physical.start) % 0x10000
        inside = mapping.virtual.start >= BASE
        assert inside if direction == "up" else mapping.virtual.end <= BASE
    slots = sorted((m.virtual.start >> 16, (m.virtual.end - 1) >> 16) for m in made.mappings)
    assert all(last < first for (_, last), (first, _) in pairwise(slots))
