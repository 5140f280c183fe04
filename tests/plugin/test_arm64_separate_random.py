"""The shuffled layout, which its seed determines."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from efipolicy.errors import UsageError
from efipolicy.model.mapping import MappingPlan
from efipolicy_linux.arm64_separate_random import draws
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
from tests.plugin.plans import MIB, RO, RUNTIME, WB, Row, addresses

STRATEGY = "arm64-separate-random"
SEEDS = st.integers(0, 2**64 - 1)


def test_the_numbers_are_those_of_splitmix64() -> None:
    draw = draws(1)
    assert [draw() for _ in range(3)] == [
        0x910A2DEC89025CC1,
        0xBEEB8DA1658EEC67,
        0xF893A2EEFB32555E,
    ]
    assert draws(0)() == 0xE220A8397B1DCDAF  # the generator's published test vector


@pytest.mark.parametrize("seed", ["-1", "0x10000000000000000", "one"])
def test_a_seed_has_64_bits(seed: str) -> None:
    with pytest.raises(UsageError, match="seed"):
        plan_of(STRATEGY, arm64(ARM6), seed=seed)


def test_the_area_can_start_elsewhere() -> None:
    usual = addresses(plan_of(STRATEGY, arm64(ARM6)))
    moved = addresses(plan_of(STRATEGY, arm64(ARM6), base="0x60000000"))
    assert moved == [(physical, (virtual or 0) + 0x40000000) for physical, virtual in usual]


def test_what_ends_beyond_ttbr0_is_impossible() -> None:
    made = plan_of(STRATEGY, arm64(ARM6), base="0x7fff000000")
    assert made.status == "impossible"
    assert {problem.rule for problem in made.problems} == {"plan/mapping-out-of-reach"}
    assert plan_of(STRATEGY, arm64(ARM6), bits=48, base="0x7fff000000").status == "ok"


def test_nothing_but_the_regions_is_mapped_and_firmware_is_told_all_of_them() -> None:
    made = plan_of(STRATEGY, arm64([(7, 0x40000000, MIB, WB), *ARM6]))
    assert made.svam is not None
    assert [(entry.physical_start, entry.virtual_start) for entry in made.svam] == addresses(made)
    assert made.extra == ()
    assert made.call.register == "TTBR0_EL1"


def distances(made: MappingPlan) -> dict[int, int]:
    return {each.physical.start: (each.virtual_start or 0) for each in made.mappings}


@pytest.mark.parametrize("seed", range(1, 20))
def test_touching_code_and_data_can_be_moved_as_one(seed: int) -> None:
    at = distances(plan_of(STRATEGY, arm64(ARM6), seed=str(seed), keep_images="true"))
    assert at[0xBBEF0000] - at[0xBBE30000] == 0xC0000
    assert at[0xBC000000] - at[0xBBE30000] == 0x1D0000
    assert at[0xBF7F0000] - at[0xBF7E5000] == 0xB000


def test_an_image_is_kept_together_in_whatever_order_its_parts_are_listed() -> None:
    parts = [ARM6[3], ARM6[0], ARM6[1], ARM6[2]]
    at = distances(plan_of(STRATEGY, arm64(parts), keep_images="true"))
    assert at[0xBC000000] - at[0xBBE30000] == 0x1D0000


def test_access_follows_the_order_of_the_map_and_not_that_of_the_layout() -> None:
    """Code that does not fill its pages makes what is mapped after it executable."""
    regions = [
        (DATA, 0xBC001000, 0x1000, RUNTIME | WB),
        (CODE, 0xBC013000, 0x1000, RUNTIME | WB),
        (DATA, 0xBC021000, 0x1000, RUNTIME | WB),
    ]
    for seed in range(6):
        made = plan_of(STRATEGY, arm64(regions), 0x10000, 48, seed=str(seed))
        access = {each.descriptors[0]: each.access for each in made.mappings}
        assert access == {0: "RW", 1: "RWX", 2: "RWX"}


def test_the_attributes_table_is_applied_where_the_region_went() -> None:
    code, part = (
        (CODE, 0xBC000000, 0x20000, RUNTIME | WB),
        (CODE, 0xBC010000, 0x10000, RUNTIME | RO),
    )
    made = plan_of(STRATEGY, arm64([code, *ARM6[1:2]], [part]))
    start = distances(made)[0xBC000000]
    assert [each.virtual for each in made.protections] == [(start + 0x10000, start + 0x20000)]


@given(maps(), st.sampled_from(PAGES_AND_BITS), SEEDS, st.booleans())
def test_a_layout_keeps_what_it_promises(
    rows: list[Row], width: tuple[int, int], seed: int, keep: bool
) -> None:
    options = {"seed": str(seed), "keep_images": str(keep).lower()}
    made = plan_of(STRATEGY, arm64(rows), *width, **options)
    runtime = [row for row in rows if row[3] & RUNTIME]
    assert sorted(each.physical.start for each in made.mappings) == sorted(r[1] for r in runtime)
    assert no_two_overlap(made)
    end = 0x20000000
    for each in made.mappings:
        start = each.virtual_start
        assert start is not None
        assert end <= start
        assert (start - each.physical.start) % 0x10000 == 0
        if not keep and each.physical.start % (2 * MIB) == 0 and each.physical.size >= 2 * MIB:
            assert start % (2 * MIB) == 0
        end = start + each.physical.size
    assert (made.status == "ok") == (end <= 1 << width[1])
    # The page size has no say, and the same request gives the same plan.
    assert made == plan_of(STRATEGY, arm64(rows), *width, **options)
    other = plan_of(STRATEGY, arm64(rows), 0x10000, 48, **options)
    assert addresses(other) == addresses(made)


@given(maps(), SEEDS)
def test_kept_images_keep_every_distance(rows: list[Row], seed: int) -> None:
    at = distances(plan_of(STRATEGY, arm64(rows), seed=str(seed), keep_images="true"))
    images = sorted(row[:3] for row in rows if row[0] in (CODE, DATA))
    ends = {start + size: start for _, start, size in images}
    for _, start, _ in images:
        if start in ends:
            assert at[start] - at[ends[start]] == start - ends[start]


@given(maps(), SEEDS)
def test_memory_that_is_not_runtime_has_no_say(rows: list[Row], seed: int) -> None:
    runtime = [row for row in rows if row[3] & RUNTIME]
    assert addresses(plan_of(STRATEGY, arm64(rows), seed=str(seed))) == addresses(
        plan_of(STRATEGY, arm64(runtime), seed=str(seed))
    )
