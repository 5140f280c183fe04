"""``plugins --check`` asks hand-overs for a judgement, and tells of one that is none."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

from efipolicy.cli.checking import problems_of
from efipolicy.model.handover import HandoverJudgement
from efipolicy.plugin.registry import Registry

NAME = "handover-mmu-off"


def test_a_hand_over_that_judges_with_a_number_is_told() -> None:
    registry = Registry(blocked=())
    whole = registry.handovers[NAME]
    wrong = replace(whole, judge=lambda _: cast(HandoverJudgement, 7))
    registry.handovers[NAME] = wrong
    told = problems_of(registry)[registry.owner("handovers", NAME)]
    assert told == [f"hand-over `{NAME}`: it gave 7, not HandoverJudgement"]


def test_those_of_efipolicy_judge_a_small_map_of_each_architecture() -> None:
    assert problems_of(Registry(blocked=())) == {}
