"""Plans that map what no page table can hold."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from efipolicy.model.address import AddressRange
from efipolicy.model.platform import Firmware
from tests.conftest import Run
from tests.plugin.plans import RUNTIME, WB, Row, choice, planned_as, platform_of

LOW: Row = (5, 0x800000, 0x2000, RUNTIME | WB)
FAR: Row = (6, 1 << 47, 0x2000, RUNTIME | WB)
FAR_FILE = """\
efipolicy: 1
platform: {name: far, architecture: x86_64}
memory_map:
  extent: whole
  descriptors:
    - type: EfiRuntimeServicesData
      physical_start: 0x800000000000
      pages: 2
      attribute: 0x8000000000000008
"""
RULE = "plan/mapping-out-of-reach"


@pytest.mark.parametrize(
    "strategy",
    [
        "identity",
        "openbsd-pmap",
        "x86-dense-from-4g",
        "x86-ioremap-svam",
        "x86-phys-private",
        "x86-topdown",
    ],
)
def test_a_region_beyond_the_page_tables_makes_a_plan_impossible(strategy: str) -> None:
    made = planned_as(platform_of([LOW, FAR]), choice(strategy, bits=48)).plan
    assert made.status == "impossible"
    told = [problem.region for problem in made.problems if problem.rule == RULE]
    assert AddressRange(1 << 47, (1 << 47) + 0x2000) in told
    assert len(told) == len(set(told))
    assert planned_as(platform_of([LOW]), choice(strategy, bits=48)).plan.problems == ()


def test_a_plan_that_is_an_assumption_stays_one_and_says_what_is_out_of_reach() -> None:
    platform = platform_of([LOW], architecture="arm64")
    made = planned_as(platform, choice("windows-virtual", bits=39)).plan
    assert (made.status, [problem.rule for problem in made.problems]) == ("assumption", [RULE])


@pytest.mark.parametrize(
    ("strategy", "option", "value"),
    [("x86-fixed-window", "round_hi", "3"), ("x86-ioremap-svam", "page_offset", "12")],
)
def test_an_address_that_is_no_page_of_its_region_makes_a_plan_impossible(
    strategy: str, option: str, value: str
) -> None:
    made = planned_as(platform_of([LOW]), choice(strategy, **{option: value})).plan
    assert made.status == "impossible"
    assert "differ within a page of 0x1000 bytes" in made.problems[0].message


def test_what_gets_no_address_is_told_where_the_strategy_does_not() -> None:
    platform = platform_of([LOW], firmware=Firmware(bits=32))
    made = planned_as(platform, choice("openbsd-pmap")).plan
    assert made.status == "impossible"
    assert [problem.region for problem in made.problems] == [AddressRange(0x800000, 0x802000)]


def test_a_strategy_that_says_it_of_all_its_addresses_is_not_repeated() -> None:
    platform = platform_of([LOW], architecture="arm64")
    made = planned_as(platform, choice("arm64-reserved-slice", page_size=0x4000, bits=36)).plan
    assert [problem.rule for problem in made.problems] == [RULE]


def test_the_page_tables_tell_it_once(tmp_path: Path, run: Run) -> None:
    (tmp_path / "far.yaml").write_text(FAR_FILE)
    line = f"pagetable {tmp_path / 'far.yaml'} --strategy identity --format json"
    status, out, _ = run(*line.split())
    made = json.loads(out)
    assert (status, made["status"]) == (0, "impossible")
    assert [one["rule"] for one in made["problems"]].count(RULE) == 1
