"""What a strategy states of its windows and its direction: checked, kept, and judged by the kit."""

from __future__ import annotations

import pickle
from collections.abc import Callable

import pytest

from efipolicy.plugin import (
    AddressRange,
    MappingPlan,
    Placement,
    PlacementWindow,
    RuntimeCall,
)
from efipolicy.plugin.registry import Registry
from efipolicy.plugin.sound import BrokenPromiseError, sound_plan
from efipolicy.testing import StrategyConformance
from tests.conftest import ROOT
from tests.testing.mutants import changed

WINDOW = PlacementWindow(3 << 62, 0xFFFF_FFFF_0000_0000, "lowest", "highest")


def plan_with(placement: object) -> MappingPlan:
    call = RuntimeCall("CR3", "nothing else")
    plan = MappingPlan("acme", {}, "ok", (), (), None, call)
    return plan._replace(placement=placement)  # type: ignore[arg-type]


def test_a_plan_that_states_nothing_has_no_window_and_no_direction() -> None:
    plan = MappingPlan("acme", {}, "ok", (), (), None, RuntimeCall("CR3", "nothing else"))
    assert sound_plan(plan).placement == Placement((), None, ())


def test_a_placement_survives_pickling() -> None:
    plan = plan_with(Placement((WINDOW,), "down", ("downwards",)))
    assert pickle.loads(pickle.dumps(plan)) == plan
    assert plan.placement.windows[0].virtual == AddressRange(3 << 62, 0xFFFF_FFFF_0000_0000)


@pytest.mark.parametrize(
    ("placement", "words"),
    [
        (None, "placement is None, not Placement"),
        (((WINDOW,), "up", ()), "placement is an object of builtins.tuple, not Placement"),
        (Placement(WINDOW), "an item of windows is"),  # type: ignore[arg-type]
        (Placement([WINDOW]), "windows is an object of builtins.list, not tuple"),  # type: ignore[arg-type]
        (Placement((AddressRange(0, 1),)), "not PlacementWindow"),  # type: ignore[arg-type]
        (Placement((), "sideways"), "direction is 'sideways', not up or down or none or None"),  # type: ignore[arg-type]
        (Placement((), []), "direction is an object of builtins.list, not up"),  # type: ignore[arg-type]
        (Placement(notes="one"), "notes is 'one', not tuple"),  # type: ignore[arg-type]
        (Placement(notes=(1,)), "an item of notes is 1, not str"),  # type: ignore[arg-type]
        (Placement((PlacementWindow("0", 1),)), "start is '0', not int"),  # type: ignore[arg-type]
        (Placement((WINDOW._replace(end=None),)), "end is None, not int"),  # type: ignore[arg-type]
        (Placement((WINDOW._replace(low_name=None),)), "low_name is None, not str"),  # type: ignore[arg-type]
        (Placement((PlacementWindow(-1, 1),)), "is [-0x1, 0x1), no range within 64 bits"),
        (Placement((PlacementWindow(1, 1),)), "is [0x1, 0x1), no range"),
        (Placement((PlacementWindow(2, 1),)), "is [0x2, 0x1), no range"),
        (Placement((PlacementWindow(0, (1 << 64) + 1),)), "no range within 64 bits"),
        (Placement((WINDOW, WINDOW)), "overlap"),
    ],
)
def test_a_placement_that_is_none_is_refused(placement: object, words: str) -> None:
    with pytest.raises(BrokenPromiseError) as told:
        sound_plan(plan_with(placement))
    assert words in str(told.value)


def test_windows_may_touch_and_come_in_any_order() -> None:
    above = PlacementWindow(WINDOW.end, 1 << 64)
    assert sound_plan(plan_with(Placement((above, WINDOW)))).placement.windows == (above, WINDOW)


def stated(placement: Placement) -> Callable[[MappingPlan], MappingPlan]:
    return lambda plan: plan._replace(placement=placement)


def broken_by(placement: Placement, test: str) -> str:
    suite = StrategyConformance.of([changed(stated(placement))], random_maps=4)
    on = next(suite.on_tables())
    with pytest.raises(AssertionError) as told:
        getattr(suite(), test)(on)
    return str(told.value)


def test_the_suite_takes_a_plan_at_its_word() -> None:
    suite = StrategyConformance.of([changed(stated(Placement((WINDOW,), "down")))], random_maps=4)
    for on in suite.on_tables():
        suite().test_regions_lie_in_the_windows_of_the_plan(on)
        suite().test_addresses_go_in_the_direction_of_the_plan(on)


def test_the_suite_finds_regions_outside_the_windows_of_a_plan() -> None:
    inside = "test_regions_lie_in_the_windows_of_the_plan"
    low = PlacementWindow(0, 1 << 47)
    assert "lies outside the window" in broken_by(Placement((low,)), inside)
    assert "overlap" in broken_by(Placement((WINDOW, WINDOW)), inside)
    assert "no range within 64 bits" in broken_by(Placement((PlacementWindow(4, 4),)), inside)


def test_the_suite_finds_a_direction_that_is_not_taken() -> None:
    directed = "test_addresses_go_in_the_direction_of_the_plan"
    assert "which is not up" in broken_by(Placement((WINDOW,), "up"), directed)


def test_no_picture_of_a_mapping_knows_a_strategy_by_name() -> None:
    names = Registry().strategies
    for path in (ROOT / "efipolicy" / "drawing").glob("mapping*.py"):
        text = path.read_text(encoding="utf-8")
        assert [name for name in names if f'"{name}"' in text] == []
