"""Layouts of many seeds: the room they leave, and the first that breaks something."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from efipolicy.engine.planning import PlanChoice
from efipolicy.engine.seeds import SeedsTried, try_seeds
from efipolicy.errors import PluginError, UsageError
from efipolicy.model.mapping import Mapping, MappingPlan, RuntimeCall
from efipolicy.plugin import Option, PlanRequest, Strategy
from efipolicy.plugin.registry import Registry
from tests.plugin.arm64_maps import ARM6, CODE, DATA, arm64
from tests.plugin.plans import MIB, RUNTIME, WB, Row, choice

RANDOM = "arm64-separate-random"
SEED = Option(name="seed", kind="integer", default=1, doc="what the layout is made from")
BASE = 0x20000000
APART: list[Row] = [
    (CODE, 0x40000000, MIB, RUNTIME | WB),
    (DATA, 0x40200000, MIB, RUNTIME | WB),
]


class With(Registry):
    """The installed plugins and one more strategy."""

    def __init__(self, strategy: Strategy) -> None:
        super().__init__()
        self._more = strategy

    @property
    def strategies(self) -> dict[str, Strategy]:
        return {**super().strategies, self._more.name: self._more}


def placing(place: Callable[[int, int], int | None]) -> Strategy:
    """A strategy that puts region N of a map at ``place(seed, N)``, by whole plans only."""

    def plan(request: PlanRequest) -> MappingPlan:
        mappings = [
            Mapping(
                physical=each.physical,
                virtual_start=place(request.options["seed"], each.index),
                type=each.type,
                access="RW",
                cache="normal",
                runtime=True,
                descriptors=(each.index,),
            )
            for each in request.platform.memory_map.runtime
        ]
        call = RuntimeCall(register="TTBR0_EL1", stays_mapped="")
        return MappingPlan("placing", {}, "ok", tuple(mappings), (), None, call)

    return Strategy(name="placing", title="", options=(SEED,), plan=plan)


def tried(rows: list[Row], place: Callable[[int, int], int | None], seeds: int = 5) -> SeedsTried:
    made = choice("placing", page_size=0x1000, bits=39)
    return try_seeds(arm64(rows), With(placing(place)), made, seeds)


def random(rows: list[Row], seeds: int, bits: int = 39, **options: str) -> SeedsTried:
    made = choice(RANDOM, page_size=0x1000, bits=bits, **options)
    return try_seeds(arm64(rows), Registry(), made, seeds)


def rules_of(seen: SeedsTried) -> list[str]:
    return [problem.rule for problem in seen.first_failure.problems] if seen.first_failure else []


def test_the_headroom_is_what_lies_above_the_highest_region() -> None:
    seen = tried(APART, lambda seed, index: BASE + seed * MIB + index * 2 * MIB, seeds=4)
    room = (1 << 39) - BASE - 3 * MIB
    assert seen.headroom == (room - 4 * MIB, room - 3 * MIB, room - MIB)
    assert seen.first_failure is None


def test_a_layout_in_the_upper_half_has_its_room_there() -> None:
    seen = tried(APART, lambda _, index: (1 << 64) - 8 * MIB + index * 2 * MIB)
    assert seen.headroom == (5 * MIB,) * 3
    assert seen.first_failure is None


def test_the_first_overlap_is_told_with_its_seed() -> None:
    seen = tried(APART, lambda seed, index: BASE + index * (MIB if seed < 3 else MIB - 0x1000))
    assert seen.first_failure is not None
    assert seen.first_failure.seed == 3
    assert rules_of(seen) == ["uefi/overlapping-virtual-map-entries"]
    assert seen.first_failure.problems[0].region == (0x40200000, 0x40300000)


def test_a_memory_map_that_overlaps_itself_is_not_the_layouts_fault() -> None:
    rows = [APART[0], (DATA, 0x40080000, MIB, RUNTIME | WB)]
    assert tried(rows, lambda _, index: BASE + index * 0x80000).first_failure is None


def test_a_region_beyond_what_is_translated_is_told_and_its_headroom_is_negative() -> None:
    end = 1 << 39
    seen = tried(APART, lambda seed, index: end - 4 * MIB + seed * MIB + index * 2 * MIB)
    assert seen.first_failure is not None
    assert seen.first_failure.seed == 2
    assert rules_of(seen) == ["plan/mapping-out-of-reach"]
    assert seen.headroom is not None
    assert seen.headroom[0] == -4 * MIB


def test_a_region_without_an_address_is_told() -> None:
    seen = tried(APART, lambda seed, index: None if seed == 4 and index else BASE + index * MIB)
    assert seen.first_failure is not None
    assert seen.first_failure.seed == 4
    assert rules_of(seen) == ["plan/mapping-out-of-reach"]
    assert "no virtual address" in seen.first_failure.problems[0].message
    nowhere = tried(APART, lambda *_: None)
    assert nowhere.headroom is None
    assert len(rules_of(nowhere)) == 2


def test_touching_code_and_data_that_part_are_told() -> None:
    rows = [APART[0], (DATA, 0x40100000, MIB, RUNTIME | WB)]
    seen = tried(rows, lambda seed, index: BASE + index * seed * MIB, seeds=3)
    assert seen.first_failure is not None
    assert seen.first_failure.seed == 2
    assert rules_of(seen) == ["plan/relative-layout-lost"]
    device = [APART[0], (11, 0x40100000, MIB, RUNTIME | 1)]
    assert tried(device, lambda seed, index: BASE + index * seed * MIB).first_failure is None


def test_a_region_that_a_strategy_forgets_is_told() -> None:
    strategy = placing(lambda *_: BASE)

    def forgetful(request: PlanRequest) -> MappingPlan:
        made = strategy.plan(request)
        return made._replace(mappings=made.mappings[:1])

    seen = try_seeds(
        arm64(APART), With(replace(strategy, plan=forgetful)), choice("placing", bits=39), 2
    )
    assert rules_of(seen) == ["plan/mapping-out-of-reach"]


def test_merged_regions_are_judged_each_by_itself() -> None:
    rows = [APART[0], (DATA, 0x40100000, MIB, RUNTIME | WB)]
    strategy = placing(lambda *_: BASE)

    def merged(request: PlanRequest) -> MappingPlan:
        made = strategy.plan(request)
        first, second = made.mappings
        both = first.physical._replace(end=second.physical.end)
        return made._replace(mappings=(first._replace(physical=both, descriptors=(0, 1)),))

    seen = try_seeds(
        arm64(rows), With(replace(strategy, plan=merged)), choice("placing", bits=39), 2
    )
    assert seen.first_failure is None


@pytest.mark.parametrize("keep", ["false", "true"])
def test_the_short_way_to_a_layout_gives_what_plans_give(keep: str) -> None:
    short = random(ARM6, 50, keep_images=keep)
    strategy = Registry().strategies[RANDOM]
    whole = With(replace(strategy, layouts=None))
    made = choice(RANDOM, page_size=0x1000, bits=39, keep_images=keep)
    assert try_seeds(arm64(ARM6), whole, made, 50) == short


def test_shuffling_tears_touching_regions_and_moving_them_as_one_does_not() -> None:
    assert set(rules_of(random(ARM6, 10))) == {"plan/relative-layout-lost"}
    assert random(ARM6, 1000, keep_images="true").first_failure is None


def test_seeds_are_counted_from_the_option_on() -> None:
    seen = random(ARM6, 3, seed="41")
    assert (seen.first_seed, seen.seeds) == (41, 3)
    assert seen.first_failure is not None
    assert seen.first_failure.seed == 41
    with pytest.raises(UsageError, match="seeds"):
        random(ARM6, 2, seed="0xffffffffffffffff")


def test_what_the_strategy_and_the_checks_both_see_is_told_once() -> None:
    seen = random(APART, 1, base="0x7fffffffff")
    assert rules_of(seen) == ["plan/mapping-out-of-reach"] * 2


def test_a_map_without_runtime_regions_breaks_nothing() -> None:
    seen = random([(7, 0x40000000, MIB, WB)], 5)
    assert (seen.headroom, seen.first_failure) == (None, None)


def test_a_strategy_without_a_seed_has_one_layout() -> None:
    with pytest.raises(UsageError, match="identity has no option `seed`"):
        try_seeds(arm64(ARM6), Registry(), PlanChoice(strategy="identity"), 5)


def _explode(*_: Any) -> Any:
    raise KeyError("oops")


def test_a_strategy_that_fails_is_named() -> None:
    made = choice("placing", bits=39)
    for broken in (
        replace(placing(_explode), plan=_explode),
        replace(placing(_explode), layouts=_explode),
        replace(placing(_explode), layouts=lambda _: _explode),
    ):
        with pytest.raises(PluginError, match=r"strategy placing.* failed: KeyError"):
            try_seeds(arm64(ARM6), With(broken), made, 5)


def test_progress_ends_with_all_of_them() -> None:
    seen: list[tuple[int, int]] = []
    made = choice(RANDOM, page_size=0x1000, bits=39)
    try_seeds(arm64(ARM6), Registry(), made, 2500, progress=lambda *done: seen.append(done))
    assert seen == [(0, 2500), (1000, 2500), (2000, 2500), (2500, 2500)]
