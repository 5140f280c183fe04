"""A 64-bit kernel on 32-bit firmware, against a recorded boot of one."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from efipolicy.engine.planned import Planned
from efipolicy.engine.planning import PlanChoice, planned
from efipolicy.model.address import AddressRange, pages_of
from efipolicy.model.platform import Firmware, MappingDeclaration, Platform
from efipolicy.plugin.registry import Registry
from tests.plugin.plans import (
    RO,
    RUNTIME,
    WB,
    Row,
    addresses,
    choice,
    leaves,
    planned_as,
    platform_of,
    read,
    tables,
)
from tests.plugin.test_recorded_page_tables import RECORDED, Leaves, merged, observed

BOOT = RECORDED / "x64-mixed-ia32-1g-k61"
TEXT = "0xd000000,0xde01d32"
RODATA = "0xe000000,0xe8eb000"
RETURN_TRAMPOLINE = AddressRange(0xE00A000, 0xE00B000)
"""The one page of read-only data that is code; only a dump tells which."""


def mixed(platform: Platform, **options: str) -> Planned:
    return planned_as(platform, choice("x86-mixed", **options))


def recorded() -> Platform:
    return replace(read(BOOT / "log.txt"), mapping=None)


def test_the_addresses_of_a_recorded_boot_are_predicted_in_their_order() -> None:
    rows = [
        (int(start, 16), int(to, 16), pages_of(int(start, 16), int(pages, 16)))
        for start, to, pages in re.findall(
            r"phys=(0x\w+) virt=(0x\w+) pages=(0x\w+)", (BOOT / "runtime-map.txt").read_text()
        )
    ]
    assert len(rows) == 112
    made = mixed(recorded(), kernel="6.1").plan
    assert [
        (mapping.physical.start, mapping.virtual_start, mapping.physical)
        for mapping in made.mappings
    ] == rows
    assert made.svam is not None
    assert [entry.virtual_start for entry in made.svam] == [to for _, to, _ in rows]


def test_every_leaf_of_a_recorded_boot_is_predicted_but_one_page_of_the_kernel() -> None:
    capture = read(BOOT / "walked-page-tables.txt").capture
    assert capture is not None
    (dump,) = capture.page_tables
    made = mixed(recorded(), kernel="6.1", kernel_text=TEXT, kernel_rodata=RODATA)
    assert made.plan.status == "ok"
    predicted = merged(
        (
            Leaves(
                run.start,
                run.end,
                run.physical,
                run.leaf_size,
                run.access,
                run.cache,
                run.contiguous,
            )
            for run in tables(made).runs
        ),
        dump,
    )
    found = observed(dump)
    assert len(found) == 143
    # 2 MiB with that page are pages in the dump, one of them code; the rest is as predicted.
    wrong = [leaf for leaf in predicted if leaf not in found]
    assert [(leaf.start, leaf.end, leaf.access) for leaf in wrong] == [(0xE000000, 0xE800000, "R")]
    unforeseen = [leaf for leaf in found if leaf not in predicted]
    assert [(leaf.start, leaf.end, leaf.access) for leaf in unforeseen] == [
        (0xE000000, RETURN_TRAMPOLINE.start, "R"),
        (*RETURN_TRAMPOLINE, "RX"),
        (RETURN_TRAMPOLINE.end, 0xE200000, "R"),
        (0xE200000, 0xE800000, "R"),
    ]


def test_without_the_kernels_place_addresses_are_the_same() -> None:
    unknown = mixed(recorded(), kernel="6.1").plan
    known = mixed(recorded(), kernel="6.1", kernel_text=TEXT).plan
    assert unknown.status == "ok"
    assert unknown.svam == known.svam
    assert all(m.virtual_start == m.physical.start for m in known.mappings)


ROWS = [
    (7, 0x100000, 0x100000, WB),
    (1, 0x200000, 0x400000, WB),
    (2, 0x600000, 0x1000, WB),
    (3, 0x700000, 0x1000, WB),
    (4, 0x701000, 0x1000, WB),
    (0, 0x800000, 0x1000, WB),
    (10, 0x900000, 0x1000, WB),
    (5, 0xA00000, 0x1000, RUNTIME | WB),
    (11, 0xFEC00000, 0x1000, RUNTIME | 1),
]


def test_all_ram_and_boot_services_are_mapped_for_good_in_map_order() -> None:
    made = mixed(platform_of(ROWS))
    kept = [row for row in ROWS if row[0] not in (0, 10)]
    assert addresses(made.plan) == [(row[1], row[1]) for row in kept]
    assert not any(mapping.temporary for mapping in made.plan.mappings)
    assert [mapping.access for mapping in made.plan.mappings] == [
        "RW", "RW", "RW", "RWX", "RW", "RWX", "RW"
    ]  # fmt: skip
    assert made.plan.mappings[-1].cache == "UC-"


def test_the_text_of_the_kernel_is_no_longer_there_and_its_constants_are_read_only() -> None:
    made = mixed(
        platform_of(ROWS),
        kernel_text="0x201000,0x202fff",
        kernel_rodata="0x400000,0x401001",
        stack_page="0x600010",
    )
    # What is left of the text's last page is data.
    assert [leaf for leaf in leaves(made) if 0x200000 <= leaf[0] < 0x600000] == [
        (0x200000, "4 KiB", "RW"),
        (0x202000, "4 KiB", "RW"),
        (0x400000, "4 KiB", "R"),
        (0x402000, "4 KiB", "RW"),
    ]
    assert 0x600000 in [mapping.virtual_start for mapping in made.plan.extra]


def test_merged_neighbours_are_one_entry_of_the_list() -> None:
    rows = [(7, 0x100000, 0x1000, WB), (7, 0x101000, 0x1000, WB), (7, 0x103000, 0x1000, WB)]
    assert [m.descriptors for m in mixed(platform_of(rows)).plan.mappings] == [(0, 1), (2,)]
    assert len(mixed(platform_of(rows), merge="false").plan.mappings) == 3


def test_specific_purpose_memory_is_left_out_since_5_5() -> None:
    rows = [(7, 0x100000, 0x1000, WB | 0x40000), (6, 0x200000, 0x1000, RUNTIME | WB)]
    assert len(mixed(platform_of(rows)).plan.mappings) == 1
    assert len(mixed(platform_of(rows), kernel="5.4").plan.mappings) == 2


@pytest.mark.parametrize("start", [0xFFFFF000, 0x100000000])
def test_a_runtime_region_above_4_gib_is_out_of_reach(start: int) -> None:
    made = mixed(platform_of([(6, start, 0x2000, RUNTIME | WB)])).plan
    assert made.status == "impossible"
    assert [problem.rule for problem in made.problems] == ["linux/mixed-mode-region-above-4g"]
    # Memory up there is the kernel's own, and no trouble.
    assert mixed(platform_of([(7, start, 0x2000, WB)])).plan.status == "ok"


def test_the_attributes_table_is_applied() -> None:
    platform = platform_of(ROWS, attributes=[(5, 0xA00000, 0x1000, RUNTIME | RO)])
    assert (0xA00000, "4 KiB", "RX") in leaves(mixed(platform))
    assert (0xA00000, "4 KiB", "RWX") in leaves(mixed(platform, memory_attributes="false"))


@given(
    st.lists(st.tuples(st.integers(0, 15), st.integers(0, 3000), st.integers(1, 900)), max_size=10),
    st.integers(0, 20000),
    st.integers(1, 5000),
)
def test_nothing_moves_and_nothing_overlaps_wherever_the_kernel_lies(
    shapes: list[tuple[int, int, int]], text: int, pages: int
) -> None:
    start = 0x100000
    rows: list[Row] = []
    for type, gap, count in shapes:
        start += gap * 0x1000
        rows.append((type, start, count * 0x1000, WB))
        start += count * 0x1000
    options = {"kernel_text": f"{text * 0x1000:#x},{(text + pages) * 0x1000:#x}"}
    whole, apart = mixed(platform_of(rows)).plan, mixed(platform_of(rows), **options).plan
    assert sum(m.physical.size for m in whole.mappings) == sum(
        m.physical.size for m in apart.mappings
    )
    end = 0
    for mapping in apart.mappings:
        assert mapping.virtual_start == mapping.physical.start >= end
        end = mapping.physical.end


def test_a_64_bit_kernel_on_32_bit_firmware_takes_it_by_itself(registry: Registry) -> None:
    declared = MappingDeclaration(os="linux", kernel="6.1.0", options={})
    platform = replace(recorded(), firmware=Firmware(bits=32), mapping=(declared,))
    made = planned(platform, registry, PlanChoice()).plan
    assert (made.strategy, made.options["kernel"]) == ("x86-mixed", (6, 1, 0))
