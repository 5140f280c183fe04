"""The linear map and ioremap, from 3.16 to 3.19."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.plugin.arm64_maps import (
    CODE,
    DATA,
    MMIO,
    PAGES_AND_BITS,
    arm64,
    maps,
    no_two_overlap,
    plan_of,
)
from tests.plugin.plans import MIB, RUNTIME, WB, Row, addresses, choice, planned_as, tables

STRATEGY = "arm64-ioremap-svam"
FVP = [
    (7, 0x80000000, 0x7F000000, WB),
    (DATA, 0x8FAFB3000, 0x10000, RUNTIME | WB),
    (MMIO, 0x1C170000, 0x1000, RUNTIME | 1),
]


@pytest.mark.parametrize(
    ("page", "bits", "linear_base"),
    [
        (0x1000, 39, 0xFFFFFFC000000000),
        (0x1000, 48, 0xFFFF800000000000),
        (0x10000, 42, 0xFFFFFE0000000000),
    ],
)
def test_memory_is_where_the_linear_map_has_it(page: int, bits: int, linear_base: int) -> None:
    made = plan_of(STRATEGY, arm64(FVP), page, bits)
    assert made.options["linear_base"] == linear_base
    assert made.options["memory_base"] == 0x80000000
    assert addresses(made)[0] == (0x8FAFB3000, linear_base + 0x8FAFB3000 - 0x80000000)


def test_the_linear_map_begins_at_a_gib() -> None:
    rows = [(7, 0xBFE00000, MIB, WB), (DATA, 0xBFF00000, MIB, RUNTIME | WB)]
    assert plan_of(STRATEGY, arm64(rows)).options["memory_base"] == 0x80000000
    moved = plan_of(STRATEGY, arm64(rows), memory_base="0xbfe00000")
    assert addresses(moved) == [(0xBFF00000, 0xFFFFFFC000100000)]


def test_a_device_has_no_address_unless_it_is_told() -> None:
    made = plan_of(STRATEGY, arm64(FVP))
    assert (made.status, addresses(made)[1]) == ("incomplete", (0x1C170000, None))
    assert made.svam is not None
    assert [entry.virtual_start is None for entry in made.svam] == [False, True]
    assert [problem.region and problem.region.start for problem in made.problems] == [0x1C170000]
    told = plan_of(STRATEGY, arm64(FVP), ioremap="{0x1c170000: 0xffffff8000012000}")
    assert (told.status, addresses(told)[1][1]) == ("ok", 0xFFFFFF8000012000)


def test_the_address_of_the_page_of_a_device_will_do() -> None:
    rows = [FVP[0], (MMIO, 0x1C171000, 0x1000, RUNTIME | 1)]
    told = plan_of(STRATEGY, arm64(rows), 0x10000, 42, ioremap="{0x1c170000: 0xfffffc0000010000}")
    assert addresses(told) == [(0x1C171000, 0xFFFFFC0000011000)]


def test_write_back_that_is_no_memory_goes_to_ioremap_too() -> None:
    rows = [FVP[0], (MMIO, 0x1C170000, 0x1000, RUNTIME | WB)]
    made = plan_of(STRATEGY, arm64(rows))
    assert addresses(made) == [(0x1C170000, None)]
    assert made.mappings[0].cache == "normal"


def test_memory_is_executable_and_devices_are_not() -> None:
    made = plan_of(STRATEGY, arm64([*FVP, (CODE, 0x8FFFCD000, 0x10000, RUNTIME | WB)]))
    assert [(each.cache, each.access) for each in made.mappings] == [
        ("normal", "RWX"),
        ("device-nGnRE", "RW"),
        ("normal", "RWX"),
    ]


def test_the_identity_map_is_there_while_firmware_is_told_and_then_gone() -> None:
    made = plan_of(STRATEGY, arm64(FVP))
    assert [each.physical.start for each in made.extra] == [0x80000000, 0x8FAFB3000, 0x1C170000]
    assert all(each.temporary and each.virtual == each.physical for each in made.extra)
    after = tables(planned_as(arm64(FVP), choice(STRATEGY, bits=39)))
    assert [run.start for run in after.runs] == [0xFFFFFFC87AFB3000]


def test_what_the_linear_map_does_not_hold_is_impossible() -> None:
    rows = [(7, 0x80000000, MIB, WB), (DATA, 0x4080000000, MIB, RUNTIME | WB)]
    made = plan_of(STRATEGY, arm64(rows))
    assert made.status == "impossible"
    assert [problem.rule for problem in made.problems] == ["plan/mapping-out-of-reach"]
    below = plan_of(
        STRATEGY,
        arm64([rows[0], (DATA, 0x80100000, MIB, RUNTIME | WB)]),
        memory_base="0xc0000000",
    )
    assert below.status == "impossible"


def test_firmware_is_told_with_memory_1_to_1_so_that_has_to_be_in_reach() -> None:
    """Memory from 2^39 on: the linear map begins there, but TTBR0 ends there."""
    rows = [(7, 0x8000000000, MIB, WB), (DATA, 0x8000100000, MIB, RUNTIME | WB)]
    made = plan_of(STRATEGY, arm64(rows))
    assert addresses(made) == [(0x8000100000, 0xFFFFFFC000100000)]
    assert [problem.rule for problem in made.problems] == ["linux/identity-mapping-out-of-reach"]


@given(maps(), st.sampled_from(PAGES_AND_BITS))
def test_memory_keeps_its_distances_and_order(rows: list[Row], width: tuple[int, int]) -> None:
    made = plan_of(STRATEGY, arm64(rows), *width)
    assert no_two_overlap(made)
    memory = [each for each in made.mappings if each.cache == "normal"]
    apart = {(each.virtual_start or 0) - each.physical.start for each in memory}
    assert len(apart) <= 1
    assert all(distance % 0x10000 == 0 for distance in apart)
    upper = (1 << 64) - (1 << width[1] - 1)
    assert all(each.virtual and upper <= each.virtual.start for each in memory)
    unknown = [each for each in made.mappings if each.virtual_start is None]
    assert [each.physical for each in unknown] == [problem.region for problem in made.problems]
    assert made.status == ("incomplete" if unknown else "ok")
    assert made == plan_of(STRATEGY, arm64(rows), *width)
