"""Linux on Itanium: regions by attribute, PAL code in a register, and the physical proposal."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from efipolicy.model.address import AddressRange
from efipolicy.model.mapping import MappingPlan
from efipolicy.paging.geometry import RegionGeometry
from efipolicy.paging.regions import RegionTranslations, translate_regions
from efipolicy.plugin.registry import Registry
from efipolicy_linux.ia64_physical import IA64_PHYSICAL
from efipolicy_linux.ia64_region67 import IA64_REGION67
from tests.plugin.plans import MIB, RUNTIME, WB, Row, addresses, platform_of, read
from tests.strategies.others import assert_apart, disjoint, plan, planned

UC, WC, WT, UCE, WP = 1, 2, 4, 0x10, 0x1000
PAL: Row = (13, 0x3FFC0000, 0x40000, RUNTIME | WB)
REGION_7, REGION_6 = 0xE000000000000000, 0xC000000000000000


def region67(rows: list[Row], **options: Any) -> MappingPlan:
    return plan(IA64_REGION67, platform_of(rows, architecture="ia64"), **options)


def translated(rows: list[Row], **options: Any) -> RegionTranslations:
    made = planned(IA64_REGION67, platform_of(rows, architecture="ia64"), **options)
    assert isinstance(made.geometry, RegionGeometry)
    everything = (*made.plan.mappings, *made.plan.extra)
    return translate_regions(made.geometry, everything, granule=made.plan.largest_leaf)


@pytest.mark.parametrize(
    ("attribute", "virtual", "cache"),
    [
        (WB, 0xE00000003FB3A000, "WB"),
        (WB | UC, 0xE00000003FB3A000, "WB"),
        (UC, 0xC00000003FB3A000, "UC"),
        (WC, 0xC00000003FB3A000, "UC"),
        (WT, 0xC00000003FB3A000, "UC"),
    ],
)
def test_the_attribute_chooses_the_region(attribute: int, virtual: int, cache: str) -> None:
    made = region67([(6, 0x3FB3A000, 0x2000, RUNTIME | attribute)])
    assert addresses(made) == [(0x3FB3A000, virtual)]
    assert (made.status, made.mappings[0].cache) == ("ok", cache)


def test_flash_below_4_gib_is_in_region_6() -> None:
    made = region67([(11, 0xFFC00000, 0x400000, RUNTIME | UC)])
    assert addresses(made) == [(0xFFC00000, 0xC0000000FFC00000)]


@pytest.mark.parametrize(
    ("granule", "start"), [("16M", 0xE00000003F000000), ("64M", 0xE00000003C000000)]
)
def test_pal_code_is_pinned_with_its_granule(granule: str, start: int) -> None:
    made = region67([PAL], granule=granule)
    assert [(extra.virtual_start, extra.physical.start) for extra in made.extra] == [
        (start, start - REGION_7)
    ]
    found = translated([PAL], granule=granule)
    (register,) = found.registers
    assert (register.number, register.virtual) == (1, made.extra[0].virtual)
    assert (found.unpinned, found.refused, found.conflicts) == ((), (), ())


@pytest.mark.parametrize("kernel", [0x3C000000, 0xE00000003C500000])
def test_pal_code_in_the_page_of_the_kernel_needs_no_register(kernel: int) -> None:
    assert region67([PAL], kernel_tr=kernel).extra == ()


@pytest.mark.parametrize("kernel", [0x40000000, 0xA00000003C000000])
def test_a_kernel_elsewhere_or_in_region_5_does_not_hold_pal_code(kernel: int) -> None:
    assert len(region67([PAL], kernel_tr=kernel).extra) == 1


def test_only_the_first_pal_code_is_pinned() -> None:
    made = region67([PAL, (13, 0x5FFC0000, 0x40000, RUNTIME | WB)])
    assert [problem.rule for problem in made.problems] == ["linux/several-pal-code-regions"]
    assert made.problems[0].region == AddressRange(0x5FFC0000, 0x60000000)
    assert (made.status, len(made.extra)) == ("impossible", 1)


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ((13, 0x40000000, 32 * MIB, RUNTIME | WB), "has 32 MiB, more than"),
        ((13, 0x3FFE0000, 0x40000, RUNTIME | WB), "crosses the end of"),
    ],
)
def test_pal_code_that_no_register_holds_is_a_problem(code: Row, words: str) -> None:
    made = region67([code])
    assert [problem.rule for problem in made.problems] == ["linux/unmappable-pal-code-region"]
    assert words in made.problems[0].message
    assert (made.status, made.extra) == ("impossible", ())


def test_large_pal_code_fits_a_large_granule() -> None:
    code = (13, 0x40000000, 32 * MIB, RUNTIME | WB)
    assert region67([code], granule="64M").status == "ok"


def test_pal_code_that_is_not_runtime_memory_is_pinned_all_the_same() -> None:
    found = translated([(13, 0x3FFC0000, 0x40000, WB)])
    assert [register.virtual.start for register in found.registers] == [0xE00000003F000000]


@pytest.mark.parametrize("attribute", [0, UCE, WP])
def test_what_offers_no_cache_type_stays_as_it_was(attribute: int) -> None:
    made = region67([(6, 0x3FB3A000, 0x2000, RUNTIME | attribute)])
    assert addresses(made) == [(0x3FB3A000, None)]
    assert [problem.rule for problem in made.problems] == [
        "uefi/runtime-region-without-cacheability"
    ]
    assert made.status == "impossible"


def test_firmware_is_told_the_complete_map() -> None:
    made = region67([(7, 0x100000, 0x1000, WB), (6, 0x200000, 0x1000, RUNTIME | WB)])
    assert made.svam is not None
    assert [(entry.physical_start, entry.virtual_start) for entry in made.svam] == [
        (0x100000, None),
        (0x200000, REGION_7 + 0x200000),
    ]


def test_uncached_registers_in_a_cached_granule_are_told() -> None:
    rows = [(6, 0x3F100000, 0x2000, RUNTIME | WB), (11, 0x3F800000, 0x1000, UC)]
    (problem,) = region67(rows).problems
    assert problem.rule == "plan/same-frame-with-two-cache-types"
    assert problem.region == AddressRange(0x3F800000, 0x3F801000)
    assert region67(rows).status == "ok"
    elsewhere = [rows[0], (11, 0x40000000, 0x1000, UC)]
    assert region67(elsewhere).problems == ()
    assert region67([rows[0], (11, 0x3C000000, 0x1000, UC)], granule="64M").problems != ()


def test_a_detour_leads_to_region_7_where_the_whole_granule_is_write_back() -> None:
    rows = [(6, 0x3F100000, 0x2000, RUNTIME | UC), (7, 0x3F000000, 16 * MIB, WB)]
    assert addresses(region67(rows)) == [(0x3F100000, REGION_6 | 0x3F100000)]
    made = region67(rows, detours=True)
    assert addresses(made) == [(0x3F100000, REGION_7 + 0x3F100000)]
    assert made.mappings[0].cache == "WB"


def test_a_detour_to_region_5_has_no_address_that_could_be_told() -> None:
    rows = [(6, 0x3F100000, 0x2000, RUNTIME | UC), (7, 0x3F100000, MIB, WB)]
    made = region67(rows, detours=True)
    assert addresses(made) == [(0x3F100000, None)]
    assert made.status == "incomplete"
    assert [problem.rule for problem in made.problems] == ["uefi/overlapping-descriptors"]


def test_without_overlapping_descriptors_there_is_no_detour() -> None:
    rows = [(7, 0x3F000000, MIB, WB), (6, 0x3F100000, 0x4000, RUNTIME | UC)]
    assert addresses(region67(rows, detours=True)) == [(0x3F100000, REGION_6 | 0x3F100000)]


def test_an_address_beyond_a_region_is_not_wrapped() -> None:
    made = region67([(11, 0x1FFFFFFFFFFFF000, 0x2000, RUNTIME | UC), (13, 1 << 61, 0x1000, WB)])
    assert addresses(made) == [(0x1FFFFFFFFFFFF000, None)]
    assert (made.status, made.extra) == ("impossible", ())


def test_a_real_map_of_2005_has_no_problem() -> None:
    """An HP rx8620, the part of its map that was posted."""
    platform = read(Path(__file__).parents[1] / "captures" / "07-hp-rx8620-ia64-efishell-v1.txt")
    made = plan(IA64_REGION67, platform)
    assert (made.status, made.problems) == ("ok", ())
    assert made.mappings[-1].virtual_start == 0xC0000F0000000000
    assert [extra.virtual_start for extra in made.extra] == [0xE0000723FF000000]


ATTRIBUTES = [RUNTIME | WB, RUNTIME | UC, RUNTIME | WC, RUNTIME, WB, UC]


@given(
    st.lists(
        st.tuples(
            st.sampled_from([5, 6, 7, 11, 13]),
            st.integers(0, 9000),
            st.integers(1, 900),
            st.sampled_from(ATTRIBUTES),
        ),
        max_size=12,
    )
)
def test_regions_are_apart_and_depend_on_nothing_but_themselves(
    shapes: list[tuple[int, int, int, int]],
) -> None:
    rows = disjoint(shapes)
    made = region67(rows)
    assert_apart(made)
    assert len(translated(rows).refused) == 0
    alone = {}
    for row in rows:
        alone |= dict(addresses(region67([row])))
    assert dict(addresses(made)) == alone
    for mapping in made.mappings:
        told = [p.rule for p in made.problems if p.region == mapping.physical]
        unplaced = "uefi/runtime-region-without-cacheability" in told
        assert (mapping.virtual_start is None) == unplaced


def test_the_physical_proposal_moves_nothing() -> None:
    rows: list[Row] = [PAL, (11, 0xFFC00000, 0x400000, RUNTIME | UC)]
    made = plan(IA64_PHYSICAL, platform_of(rows, architecture="ia64"))
    assert addresses(made) == [(0x3FFC0000, 0x3FFC0000), (0xFFC00000, 0xFFC00000)]
    assert [mapping.cache for mapping in made.mappings] == ["WB", "UC"]
    assert (made.status, made.svam, made.extra) == ("ok", None, ())


def test_the_cost_of_physical_calls_is_counted_and_not_timed() -> None:
    platform = platform_of([PAL], architecture="ia64")
    assert plan(IA64_PHYSICAL, platform).call.flushes == "the register stack, once a call"
    flushes = plan(IA64_PHYSICAL, platform, fpswa_per_second=20000).call.flushes
    assert flushes is not None
    assert "20000 times a second" in flushes
    assert "cycles" not in flushes


def test_each_problem_is_a_rule_of_the_book() -> None:
    made = region67(
        [
            (13, 0x3FFE0000, 0x40000, RUNTIME | WB),
            (13, 0x5FFC0000, 0x40000, RUNTIME | WB),
            (6, 0x6FB3A000, 0x2000, RUNTIME),
            (11, 0x3F800000, 0x1000, UC),
        ]
    )
    assert len(made.problems) == 4
    assert {problem.rule for problem in made.problems} <= Registry().rules.keys()
