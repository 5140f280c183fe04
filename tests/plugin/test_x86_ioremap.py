"""Firmware in the kernel's own page tables: x86-64 before 3.14, and i386."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from efipolicy.engine.planning import PlanChoice, planned
from efipolicy.errors import UsageError
from efipolicy.model.address import AddressRange
from efipolicy.model.mapping import MappingPlan, Protection
from efipolicy.model.platform import MappingDeclaration
from efipolicy.paging.builder import tables_of
from efipolicy.paging.geometry import RadixGeometry
from efipolicy.plugin.registry import Registry
from efipolicy_i386 import CLASSIC, PAE
from tests.conftest import FIXTURES, Run
from tests.plugin.plans import (
    MIB,
    RUNTIME,
    WB,
    Row,
    addresses,
    choice,
    planned_as,
    platform_of,
)

OVMF5 = FIXTURES / "platforms" / "ovmf5.yaml"
RAM = (7, 0, 0x7E000000, WB)
DATA = (6, 0x7E000000, 0x200000, RUNTIME | WB)
FLASH = (11, 0xFF000000, 16 * MIB, RUNTIME | 1)


def legacy(rows: list[Row], *, bits: int | None = None, **options: str) -> MappingPlan:
    return planned_as(platform_of(rows), choice("x86-ioremap-svam", bits=bits, **options)).plan


def i386(rows: list[Row], **options: str) -> MappingPlan:
    platform = platform_of(rows, architecture="i386")
    return planned_as(platform, choice("i386-ioremap", **options)).plan


def rules(made: MappingPlan) -> list[str]:
    return [problem.rule for problem in made.problems]


def test_the_ovmf_regions_are_where_the_kernel_maps_all_memory(run: Run) -> None:
    status, printed, _ = run("plan", OVMF5, "--strategy", "x86-ioremap-svam")
    assert status == 0
    assert [line.split()[0] for line in printed.splitlines() if line.startswith("0xf")] == [
        "0xffff880000800000",
        "0xffff88007c000000",
        "0xffff88007dc5b000",
        "0xffff88007fa65000",
        "0xffff88007ffe0000",
    ]


@pytest.mark.parametrize(
    ("options", "bits", "offset"),
    [
        ({"kernel": "2.6.28"}, None, 0xFFFF880000000000),
        ({}, None, 0xFFFF880000000000),
        ({"kernel": "4.19"}, None, 0xFFFF880000000000),
        ({"kernel": "4.20"}, None, 0xFFFF888000000000),
        ({"kernel": "4.20"}, 57, 0xFF11000000000000),
        ({"page_offset": "0xffff9a0000000000"}, None, 0xFFFF9A0000000000),
    ],
    ids=str,
)
def test_the_release_decides_where_all_memory_is_mapped(
    options: dict[str, str], bits: int | None, offset: int
) -> None:
    made = legacy([DATA], bits=bits, **options)
    assert addresses(made) == [(DATA[1], offset + DATA[1])]
    assert made.options["page_offset"] == offset


def test_registers_have_an_unknown_address_unless_it_is_given() -> None:
    made = legacy([RAM, FLASH, DATA])
    assert addresses(made) == [(FLASH[1], None), (DATA[1], 0xFFFF880000000000 + DATA[1])]
    assert (made.status, rules(made)) == ("incomplete", ["plan/unknown-window-address"])
    assert made.svam is not None
    assert made.svam[0].virtual_start is None
    seen = legacy([RAM, FLASH, DATA], ioremap="0xff000000:0xffffc90000100000")
    assert (seen.status, addresses(seen)[0]) == ("ok", (FLASH[1], 0xFFFFC90000100000))


def test_later_kernels_extend_their_map_by_memory_beyond_it() -> None:
    beyond = (6, 0x100000000, 0x1000, RUNTIME | WB)
    made = legacy([RAM, beyond], direct_map_end="0x80000000")
    assert addresses(made) == [(beyond[1], 0xFFFF880100000000)]


def test_2_6_28_puts_a_hundred_pages_into_the_fixmap_and_no_more() -> None:
    first = (11, 0xFE000000, 60 * 0x1000, RUNTIME | 1)
    second = (11, 0xFF000000, 41 * 0x1000, RUNTIME | 1)
    third = (11, 0xFFF00000, 40 * 0x1000, RUNTIME | 1)
    made = legacy(
        [RAM, first, second, third],
        kernel="2.6.28",
        ioremap="0xfe000000:0xffffffffff200000,0xfff00000:0xffffffffff100000",
    )
    assert addresses(made) == [
        (first[1], 0xFFFFFFFFFF200000),
        (second[1], None),
        (third[1], 0xFFFFFFFFFF100000),
    ]
    assert (made.status, rules(made)) == ("impossible", ["plan/window-overflow"])
    assert made.svam is not None
    # The whole map is handed over, the failed region at 0.
    assert [(entry.type, entry.virtual_start) for entry in made.svam] == [
        (7, None),
        (11, 0xFFFFFFFFFF200000),
        (11, 0),
        (11, 0xFFFFFFFFFF100000),
    ]


def test_2_6_28_knows_only_memory_below_4_gib_as_mapped() -> None:
    rows = [RAM, (7, 0x100000000, 0x80000000, WB), (6, 0x180000000, 0x1000, RUNTIME | WB)]
    assert legacy(rows, kernel="2.6.28").options["direct_map_end"] == 0x7E000000
    assert legacy(rows, kernel="2.6.28").status == "incomplete"
    assert legacy(rows, kernel="2.6.29").status == "ok"


def test_since_3_14_boot_services_are_mapped_and_firmware_is_told_only_what_is() -> None:
    boot = (3, 0x1000000, 0x1000, WB)
    old, new = legacy([RAM, boot, DATA], kernel="3.13"), legacy([RAM, boot, DATA])
    assert [mapping.type for mapping in old.mappings] == [6]
    assert [mapping.type for mapping in new.mappings] == [3, 6]
    assert old.svam is not None
    assert new.svam is not None
    assert [entry.type for entry in old.svam] == [7, 3, 6]
    assert [entry.type for entry in new.svam] == [3, 6]
    virtual = 0xFFFF880001000000
    # Its code is executed only while firmware converts its pointers.
    assert new.mappings[0].access == "RWX"
    assert new.protections == (Protection(AddressRange(virtual, virtual + 0x1000), "RW"),)


def test_uncached_memory_is_uncached_in_the_kernels_map_itself() -> None:
    made = legacy([RAM, (6, 0x10000000, 0x1000, RUNTIME | 1), DATA])
    assert [mapping.cache for mapping in made.mappings] == ["UC-", "WB"]


def test_memory_is_1_to_1_only_as_long_as_the_call_takes() -> None:
    far = (6, 1 << 39, 0x1000, RUNTIME | WB)
    made = legacy([RAM, DATA, FLASH, far])
    assert [m.virtual_start for m in made.extra] == [DATA[1], far[1]]
    assert all(mapping.temporary for mapping in made.extra)
    # 2.6.28 copies the entry of the first 512 GiB, and no other.
    old = legacy([RAM, DATA, far], kernel="2.6.28", direct_map_end="0x10000000000")
    assert [m.virtual_start for m in old.extra] == [DATA[1]]


def test_a_kernel_that_has_no_old_map_any_more_is_an_assumption() -> None:
    assert legacy([DATA], kernel="5.9").status == "ok"
    assert legacy([DATA], kernel="5.10").status == "assumption"


def test_low_memory_of_i386_is_3_gib_up() -> None:
    region = (6, 0x33C80000, 0x1000, RUNTIME | WB)
    made = i386([(7, 0, 0x33C80000, WB), region, (7, 0x33C81000, 0x10000000, WB)])
    assert addresses(made) == [(0x33C80000, 0xF3C80000)]
    assert (made.status, made.options["lowmem_end"]) == ("ok", 896 * MIB)


def test_memory_above_low_memory_takes_room_of_vmalloc() -> None:
    made = i386([RAM, DATA])
    assert (addresses(made), made.status) == ([(DATA[1], None)], "incomplete")
    given = i386([RAM, DATA], ioremap="0x7e000000:0xf8000000")
    assert (addresses(given), given.status) == ([(DATA[1], 0xF8000000)], "ok")


def test_256_mib_of_configuration_space_exhaust_a_32_bit_kernel() -> None:
    ecam = (11, 0xE0000000, 256 * MIB, RUNTIME | 1)
    made = i386([RAM, ecam, FLASH])
    assert (made.status, rules(made)) == (
        "impossible",
        ["plan/va32-exhaustion", "plan/unknown-window-address"],
    )
    assert made.svam is not None
    assert [entry.virtual_start for entry in made.svam] == [0, None]


def test_64_mib_and_16_mib_fit_and_two_times_64_mib_do_not_for_their_guard_pages() -> None:
    ecam = (11, 0xE0000000, 64 * MIB, RUNTIME | 1)
    assert i386([RAM, ecam, FLASH]).status == "incomplete"
    twice = [RAM, ecam, (11, 0xF0000000, 64 * MIB, RUNTIME | 1)]
    assert i386(twice).status == "impossible"
    assert i386(twice, vmalloc_reserve="0x8002000").status == "incomplete"


def test_i386_maps_no_boot_services() -> None:
    assert [m.type for m in i386([RAM, (3, 0x100000, 0x1000, WB), DATA]).mappings] == [6]


def test_no_address_of_i386_is_beyond_4_gib() -> None:
    made = i386([(6, 0x3FFFF000, 0x2000, RUNTIME | WB)], lowmem_end="0x80000000")
    assert addresses(made) == [(0x3FFFF000, None)]


@pytest.mark.parametrize(("geometry", "counts"), [(PAE, [1, 1, 1]), (CLASSIC, [1, 1])])
def test_low_memory_is_in_the_tables_of_both_kinds(
    geometry: RadixGeometry, counts: list[int]
) -> None:
    made = i386([(6, 0x33C80000, 0x1000, RUNTIME | WB)], lowmem_end="0x38000000")
    built = tables_of(made, geometry)
    assert (list(built.tables.values()), built.refused) == (counts, ())
    assert [(run.start, run.physical) for run in built.runs] == [(0xF3C80000, 0x33C80000)]


def test_the_strategies_are_for_their_own_architecture() -> None:
    with pytest.raises(UsageError, match="i386, on x86_64"):
        planned_as(platform_of([DATA]), choice("i386-ioremap"))


@given(
    st.lists(
        st.tuples(st.sampled_from([5, 6, 11]), st.integers(0, 5000), st.integers(1, 2000)),
        max_size=10,
    ),
    st.sampled_from(["x86-ioremap-svam", "i386-ioremap"]),
)
def test_what_has_an_address_keeps_its_distances(
    shapes: list[tuple[int, int, int]], strategy: str
) -> None:
    start, rows = 0x100000, []
    for type, gap, pages in shapes:
        start += gap * 0x1000
        rows.append((type, start, pages * 0x1000, RUNTIME | WB))
        start += pages * 0x1000
    architecture = "i386" if strategy.startswith("i386") else "x86_64"
    made = planned_as(platform_of(rows, "whole", architecture=architecture), choice(strategy)).plan
    known = [m for m in made.mappings if m.virtual_start is not None]
    assert len(known) + len(made.problems) == len(rows)
    for low, high in pairwise(known):
        assert low.virtual
        assert high.virtual
        assert low.virtual.end <= high.virtual.start
        assert high.virtual.start - low.virtual.start == high.physical.start - low.physical.start


@pytest.mark.parametrize(
    ("architecture", "kernel", "words", "strategy"),
    [
        ("x86_64", "3.13.0", (), "x86-ioremap-svam"),
        ("x86_64", "4.15.0", ("efi=old_map",), "x86-ioremap-svam"),
        ("x86_64", "3.14.0", (), "x86-topdown"),
        ("i386", "6.1.0", (), "i386-ioremap"),
    ],
)
def test_a_kernel_takes_the_strategy_of_its_time_by_itself(
    registry: Registry, architecture: str, kernel: str, words: tuple[str, ...], strategy: str
) -> None:
    declared = MappingDeclaration(os="linux", kernel=kernel, command_line=words, options={})
    platform = platform_of([DATA], architecture=architecture, mapping=(declared,))
    assert planned(platform, registry, PlanChoice()).plan.strategy == strategy
