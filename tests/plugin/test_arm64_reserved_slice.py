"""Constant addresses in a slice of the kernel's half."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.plugin.arm64_maps import (
    ARM6,
    CODE,
    DATA,
    PAGES_AND_BITS,
    arm64,
    maps,
    no_two_overlap,
    plan_of,
)
from tests.plugin.plans import MIB, RUNTIME, WB, Row, addresses

STRATEGY = "arm64-reserved-slice"
BASE = 0xFFFFFFBE00000000


@pytest.mark.parametrize(("page", "bits"), PAGES_AND_BITS)
def test_kernels_of_any_page_size_come_to_the_same_addresses(page: int, bits: int) -> None:
    made = plan_of(STRATEGY, arm64(ARM6), page, bits)
    assert [(start or 0) - BASE for _, start in addresses(made)] == [
        0, 0x10000, 0xD0000, 0x200000, 0x605000, 0x610000
    ]  # fmt: skip
    assert made.status == "ok"
    assert made.extra == ()


def test_a_kernel_of_4_3_to_5_7_keeps_neighbours_together() -> None:
    made = plan_of(STRATEGY, arm64(ARM6), kernel="5.7")
    assert (addresses(made)[3][1] or 0) - BASE == 0x1E0000


def test_what_does_not_fit_the_slice_has_no_address() -> None:
    made = plan_of(STRATEGY, arm64(ARM6), slice_size="2M")
    assert [start is None for _, start in addresses(made)] == [False] * 3 + [True] * 3
    assert made.status == "impossible"
    assert {problem.rule for problem in made.problems} == {"linux/runtime-window-overflow"}
    assert [problem.region and problem.region.start for problem in made.problems] == [
        0xBC000000, 0xBF7E5000, 0xBF7F0000
    ]  # fmt: skip
    assert made.svam is not None
    assert [entry.virtual_start for entry in made.svam][3:] == [None] * 3
    assert plan_of(STRATEGY, arm64(ARM6), slice_size="0x620000").status == "ok"


@pytest.mark.parametrize(
    ("page", "bits", "base"),
    [(0x1000, 39, "0xffffff7fe0000000"), (0x4000, 36, "0xffffffbe00000000"), (0x1000, 48, "0")],
)
def test_a_slice_outside_the_kernels_half_is_impossible(page: int, bits: int, base: str) -> None:
    made = plan_of(STRATEGY, arm64(ARM6), page, bits, slice_base=base)
    assert made.status == "impossible"
    assert "plan/mapping-out-of-reach" in {problem.rule for problem in made.problems}


@pytest.mark.parametrize(
    ("reserved", "status"),
    [
        ("[[0xffffffbe1fffffff, 0xffffffbe20001000]]", "impossible"),
        ("[[0xffffffbe20000000, 0xffffffbe40000000]]", "ok"),
        ("[[0xffffffbc00000000, 0xffffffbe00000000]]", "ok"),
        ("[[0xffffffbc00000000, 0xffffffbe00000001]]", "impossible"),
    ],
)
def test_a_slice_must_not_meet_what_the_kernel_uses(reserved: str, status: str) -> None:
    assert plan_of(STRATEGY, arm64(ARM6), reserved=reserved).status == status


def test_the_kernels_half_is_not_switched() -> None:
    assert plan_of(STRATEGY, arm64(ARM6)).call.register == "TTBR1_EL1"


def test_a_base_within_a_slot_still_keeps_offsets() -> None:
    made = plan_of(STRATEGY, arm64(ARM6), slice_base="0xffffffbe00001000")
    assert all(((start or 0) - physical) % 0x10000 == 0 for physical, start in addresses(made))


@given(
    maps(),
    st.sampled_from(PAGES_AND_BITS),
    st.integers(0, 64).map(lambda mib: mib * MIB),
    st.sampled_from(["4.2", "5.7", "6.12"]),
)
def test_every_region_is_in_the_slice_or_reported(
    rows: list[Row], width: tuple[int, int], size: int, kernel: str
) -> None:
    made = plan_of(STRATEGY, arm64(rows), *width, slice_size=str(size), kernel=kernel)
    assert no_two_overlap(made)
    reported = {problem.region for problem in made.problems}
    for each in made.mappings:
        if each.virtual is None:
            assert each.physical in reported
        else:
            assert BASE <= each.virtual.start <= each.virtual.end <= BASE + size
            step = 0x1000 if kernel == "5.7" else 0x10000
            assert (each.virtual.start - each.physical.start) % step == 0
    assert (made.status == "ok") == (not made.problems)
    runtime = [row for row in rows if row[3] & RUNTIME]
    if kernel != "5.7":
        alone = plan_of(STRATEGY, arm64(runtime), *width, slice_size=str(size), kernel=kernel)
        assert addresses(alone) == addresses(made)


@given(maps())
def test_the_order_of_the_map_is_that_of_the_addresses(rows: list[Row]) -> None:
    starts = [start for _, start in addresses(plan_of(STRATEGY, arm64(rows)))]
    assert starts == sorted(starts, key=lambda start: start or 0)


def test_regions_of_one_map_keep_their_addresses_when_more_follow() -> None:
    more = [*ARM6, (CODE, 0xC0000000, MIB, RUNTIME | WB), (DATA, 0xC1000000, MIB, RUNTIME | WB)]
    assert addresses(plan_of(STRATEGY, arm64(more)))[:6] == addresses(
        plan_of(STRATEGY, arm64(ARM6))
    )
