"""The x86-topdown strategy against published layouts."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from efipolicy.engine.planning import PlanChoice, plan
from efipolicy.formats.platform import read_platform
from efipolicy.model.address import pages_of
from efipolicy.model.mapping import MappingPlan
from efipolicy.model.memory_map import MemoryDescriptor, MemoryMap
from efipolicy.model.platform import ArchitectureReason, Platform
from efipolicy.plugin.registry import Registry
from efipolicy.source import SourceText
from tests.conftest import FIXTURES, PLATFORMS

def planned(platform: Platform, **options: str) -> MappingPlan:
    choice = PlanChoice(strategy="x86-topdown", options=options)
    return plan(platform, Registry(), choice)


OVMF5 = [
    (5, 0x00800000, 0x800000, RUNTIME | 0xF),
    (6, 0x7C000000, 0x20000, RUNTIME | 0xF),
    (5, 0x7DC5B000, 0x4EB000, RUNTIME | 0xF),
    (6, 0x7FA65000, 0x57B000, RUNTIME | 0xF),
    (5, 0x7FFE0000, 0x20000, RUNTIME | 0xF),
]
REVERSE = [
    (0x7FFE0000, 0xFFFFFFFEFFFE0000),
    (0x7FA65000, 0xFFFFFFFEFFA65000),
    (0x7DC5B000, 0xFFFFFFFEFF45B000),
    (0x7C000000, 0xFFFFFFFEFF400000),
    (0x00800000, 0xFFFFFFFEFEC00000),
]
FORWARD = [
    (0x00800000, 0xFFFFFFFEFF800000),
    (0x7C000000, 0xFFFFFFFEFF600000),
    (0x7DC5B000, 0xFFFFFFFEFF05B000),
    (0x7FA65000, 0xFFFFFFFEFEA65000),
    (0x7FFE0000, 0xFFFFFFFEFE9E0000),
]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, REVERSE),
        ({"order": "reverse"}, REVERSE),
        ({"kernel": "4.3"}, REVERSE),
        ({"kernel": "4.2"}, FORWARD),
        ({"kernel": "3.14"}, FORWARD),
        ({"order": "forward"}, FORWARD),
        ({"kernel": "3.14", "order": "reverse"}, REVERSE),
    ],
    ids=str,
)
def test_the_five_ovmf_regions_get_their_published_addresses(
    options: dict[str, str], expected: list[tuple[int, int]]
) -> None:
    assert addresses(planned(platform_of(OVMF5), **options)) == expected


def test_the_mmio_regions_of_a_real_board_get_the_addresses_its_kernel_printed() -> None:
    """A Gigabyte Z87 board; the addresses are in its page-table dump (Linux 4.18)."""
    regions = [
        (0xF8000000, 64 * MIB),
        (0xFEC00000, 0x1000),
        (0xFED00000, 0x4000),
        (0xFED1C000, 0x4000),
        (0xFEE00000, 0x1000),
        (0xFF000000, 16 * MIB),
    ]
    made = planned(platform_of([(11, *region, RUNTIME | 1) for region in regions]))
    assert addresses(made) == [
        (0xFF000000, 0xFFFFFFFEFF000000),
        (0xFEE00000, 0xFFFFFFFEFEE00000),
        (0xFED1C000, 0xFFFFFFFEFED1C000),
        (0xFED00000, 0xFFFFFFFEFED00000),
        (0xFEC00000, 0xFFFFFFFEFEC00000),
        (0xF8000000, 0xFFFFFFFEFAC00000),
    ]
    assert {mapping.cache for mapping in made.mappings} == {"UC-"}


def test_boot_services_take_up_window_space_and_are_told_to_firmware() -> None:
    regions = [(4, 0x1000000, 0x100000, 0xF), (6, 0x2000000, 0x1000, RUNTIME | 0xF)]
    made = planned(platform_of(regions))
    assert [mapping.runtime for mapping in made.mappings] == [True, False]
    assert made.svam is not None
    assert [entry.type for entry in made.svam] == [6, 4]
    alone = planned(platform_of(regions), boot_services="false")
    assert len(alone.mappings) == 1


def test_the_distance_of_code_and_data_survives_the_reversed_walk_only() -> None:
    image = [(5, 0x7E000000, 0x5000, RUNTIME | 0xF), (6, 0x7E005000, 0x3000, RUNTIME | 0xF)]
    assert addresses(planned(platform_of(image))) == [
        (0x7E005000, 0xFFFFFFFEFFE05000),
        (0x7E000000, 0xFFFFFFFEFFE00000),
    ]
    assert addresses(planned(platform_of(image), order="forward")) == [
        (0x7E000000, 0xFFFFFFFEFFE00000),
        (0x7E005000, 0xFFFFFFFEFFC05000),
    ]


def test_touching_regions_of_one_kind_are_merged_unless_told_not_to_be() -> None:
    image = [(6, 0x7E000000, 0x5000, RUNTIME | 0xF), (6, 0x7E005000, 0x3000, RUNTIME | 0xF)]
    made = planned(platform_of(image))
    assert [mapping.descriptors for mapping in made.mappings] == [(0, 1)]
    assert addresses(made) == [(0x7E000000, 0xFFFFFFFEFFE00000)]
    assert len(planned(platform_of(image), merge="false").mappings) == 2


def test_data_became_unexecutable_in_5_10() -> None:
    old = planned(platform_of(OVMF5), kernel="4.15")
    new = planned(platform_of(OVMF5), kernel="5.10")
    assert [mapping.access for mapping in old.mappings] == ["RWX"] * 5
    assert [mapping.access for mapping in new.mappings] == ["RWX", "RW", "RWX", "RW", "RWX"]


def test_page_0_the_1_to_1_copies_and_the_buffer_are_mapped_besides() -> None:
    made = planned(platform_of(OVMF5), svam_buffer="0x9000,0xb000")
    starts = [mapping.virtual_start for mapping in made.extra]
    assert starts == [0x7FFE0000, 0x7FA65000, 0x7DC5B000, 0x7C000000, 0x800000, 0, 0x9000]
    assert all(mapping.why for mapping in made.extra)
    assert len(planned(platform_of(OVMF5), page0="false").extra) == 5


def test_specific_purpose_memory_is_left_to_its_owner() -> None:
    regions = [(7, 0x1000000, 0x1000, RUNTIME | 0x40008), (6, 0x2000000, 0x1000, RUNTIME | 8)]
    assert len(planned(platform_of(regions)).mappings) == 1
    assert len(planned(platform_of(regions), soft_reserve="false").mappings) == 2


def test_a_full_window_leaves_everything_after_it_without_an_address() -> None:
    regions = [
        (6, 0x1000000, 0x1000, RUNTIME | 8),
        (11, 0x4000000000, 65 << 30, RUNTIME | 1),
        (6, 0x2000000, 0x1000, RUNTIME | 8),
    ]
    made = planned(platform_of(regions))
    assert made.status == "impossible"
    assert [start for _, start in addresses(made)] == [0xFFFFFFFEFFE00000, None, None]
    assert [problem.rule for problem in made.problems] == ["linux/runtime-window-overflow"] * 2


def test_an_absurd_size_is_no_address_and_no_wrap() -> None:
    made = planned(platform_of([(11, 0x1000, (1 << 64) - 0x2000, RUNTIME | 1)]))
    assert addresses(made) == [(0x1000, None)]


def test_a_partial_map_gives_an_incomplete_plan() -> None:
    made = planned(platform_of(OVMF5, "partial"))
    assert (made.status, made.problems[0].rule) == ("incomplete", "capture/incomplete-map")


@given(
    st.lists(
        st.tuples(st.sampled_from([3, 4, 5, 6, 7, 11]), st.integers(0, 2000), st.integers(1, 900)),
        max_size=12,
    ),
    st.sampled_from(["reverse", "forward"]),
)
def test_no_two_regions_share_an_address_and_phases_are_kept(
    shapes: list[tuple[int, int, int]], order: str
) -> None:
    start, regions = 0x100000, []
    for type, gap, pages in shapes:
        start += gap * 0x1000
        runtime = RUNTIME if type in (5, 6, 11) else 0
        regions.append((type, start, pages * 0x1000, runtime | 8))
        start += pages * 0x1000
    made = planned(platform_of(regions), order=order)
    taken = sorted((m.virtual_start or 0, m.physical.size) for m in made.mappings)
    for (low, size), (high, _) in pairwise(taken):
        assert low + size <= high
    for mapping in made.mappings:
        assert mapping.virtual_start is not None
        assert (mapping.virtual_start - mapping.physical.start) % (2 * MIB) == 0


def test_the_addresses_of_a_recorded_boot_are_predicted_every_one() -> None:
    """What Linux 6.1 installed on OVMF, by address range: merging may differ, addresses not."""
    path = PLATFORMS / "ovmf-x86_64.yaml"
    platform, errors = read_platform(SourceText(path.name, path.read_text()))
    assert errors == []
    assert platform is not None
    made = plan(platform, Registry(), PlanChoice())
    assert made.options["kernel"] == (6, 1)
    rows = re.findall(
        r"phys=(0x\w+) virt=(0x\w+) pages=(0x\w+)",
        (FIXTURES / "observed" / "ovmf-x86_64.runtime-map.txt").read_text(),
    )
    assert len(rows) == 103
    for row in rows:
        physical, virtual, pages = (int(word, 16) for word in row)
        region = pages_of(physical, pages)
        mapping = next(m for m in made.mappings if m.physical.covers(region))
        assert mapping.virtual_start is not None
        assert mapping.virtual_start - mapping.physical.start == virtual - physical
