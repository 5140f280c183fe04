"""All memory 1:1 through TTBR0."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from efipolicy.model.address import AddressRange
from tests.plugin.arm64_maps import ARM6, CODE, DATA, MMIO, PAGES_AND_BITS, arm64, maps, plan_of
from tests.plugin.plans import MIB, RO, RUNTIME, WB, XP, Row, addresses, choice, planned_as, tables

STRATEGY = "arm64-idmap-ttbr0"
GIB = 1 << 30


def test_every_runtime_region_stays_at_its_physical_address_and_firmware_is_not_told() -> None:
    made = plan_of(STRATEGY, arm64(ARM6))
    assert addresses(made) == [(start, start) for _, start, _, _ in ARM6]
    assert (made.svam, made.status, made.problems) == (None, "ok", ())


def test_what_is_not_write_back_is_mapped_as_a_device() -> None:
    regions = [
        *ARM6,
        (DATA, 0xD0000000, 0x1000, RUNTIME | 1),
        (MMIO, 0xD1000000, 0x1000, RUNTIME | WB),
    ]
    made = plan_of(STRATEGY, arm64(regions))
    kinds = [(each.cache, each.access) for each in made.mappings]
    device, memory = ("device-nGnRE", "RW"), ("normal", "RWX")
    assert kinds == [device, *[memory] * 5, device, memory]


def test_memory_of_every_type_is_mapped_besides_whether_declared_for_runtime_or_not() -> None:
    rows = [
        (1, 0x40000000, MIB, WB),
        (DATA, 0x40100000, MIB, RUNTIME | WB),
        (9, 0x40200000, MIB, WB),
        (10, 0x40400000, MIB, WB),
        (14, 0x40600000, MIB, WB),
        (0, 0x40800000, MIB, WB),  # EfiReservedMemoryType
        (8, 0x40900000, MIB, WB),  # EfiUnusableMemory
        (7, 0x40A00000, MIB, 1),
        (MMIO, 0x40B00000, MIB, WB),
    ]
    made = plan_of(STRATEGY, arm64(rows))
    assert [each.physical for each in made.extra] == [
        AddressRange(0x40000000, 0x40300000),
        AddressRange(0x40400000, 0x40500000),
        AddressRange(0x40600000, 0x40700000),
    ]
    assert all(each.virtual == each.physical and each.why for each in made.extra)
    assert plan_of(STRATEGY, arm64(rows), map_ram="false").extra == ()


def test_memory_takes_large_leaves_where_regions_alone_would_not() -> None:
    rows = [(7, 0x40000000, GIB - MIB, WB), (DATA, 0x7FF00000, MIB, RUNTIME | WB)]
    found = tables(planned_as(arm64(rows), choice(STRATEGY, bits=39)))
    assert [run.leaf_size for run in found.runs] == [GIB]
    alone = tables(planned_as(arm64(rows), choice(STRATEGY, bits=39, map_ram="false")))
    assert alone.total > found.total


@pytest.mark.parametrize(
    ("bits", "extended", "status"),
    [(39, "false", "impossible"), (39, "true", "ok"), (48, "false", "ok")],
)
def test_what_lies_above_512_gib_needs_more_levels(bits: int, extended: str, status: str) -> None:
    """As on AMD Seattle, whose memory begins there."""
    rows = [(7, 0x8000000000, MIB, WB), (DATA, 0x8000100000, MIB, RUNTIME | WB)]
    made = plan_of(STRATEGY, arm64(rows), bits=bits, extended_idmap=extended)
    assert made.status == status
    rules = {problem.rule for problem in made.problems}
    assert rules == ({"linux/identity-mapping-out-of-reach"} if status == "impossible" else set())
    assert len(made.problems) == (2 if status == "impossible" else 0)


def test_more_levels_than_the_kernel_has_end_at_48_bits() -> None:
    rows = [(DATA, 0xFFFFFFFFF000, 0x2000, RUNTIME | WB)]
    assert plan_of(STRATEGY, arm64(rows), extended_idmap="true").status == "impossible"
    assert plan_of(STRATEGY, arm64(rows), bits=52, extended_idmap="true").status == "ok"


def test_memory_out_of_reach_is_told_even_where_every_region_is_in_reach() -> None:
    rows = [(7, 0x8000000000, MIB, WB), (DATA, 0x40100000, MIB, RUNTIME | WB)]
    made = plan_of(STRATEGY, arm64(rows))
    assert [problem.region for problem in made.problems] == [
        AddressRange(0x8000000000, 0x8000100000)
    ]
    assert plan_of(STRATEGY, arm64(rows), map_ram="false").status == "ok"


def test_the_attributes_table_is_applied_by_kernels_that_know_it() -> None:
    code = [(CODE, 0xBC000000, 0x20000, RUNTIME | WB)]
    parts = [(CODE, 0xBC000000, 0x10000, RUNTIME | RO), (CODE, 0xBC010000, 0x10000, RUNTIME | XP)]
    made = plan_of(STRATEGY, arm64(code, parts))
    assert [change.access for change in made.protections] == ["RX", "RW"]
    assert plan_of(STRATEGY, arm64(code, parts), kernel="3.16").protections == ()
    assert plan_of(STRATEGY, arm64(code, parts), memory_attributes="false").protections == ()


def test_the_call_switches_ttbr0_and_flushes() -> None:
    call = plan_of(STRATEGY, arm64(ARM6)).call
    assert (call.register, call.preemption, call.fp_state) == ("TTBR0_EL1", "off", "saved")
    assert call.flushes
    assert "TTBR1" in call.stays_mapped


@given(maps(), st.sampled_from(PAGES_AND_BITS), st.booleans())
def test_nothing_moves_and_nothing_depends_on_anything_else(
    rows: list[Row], width: tuple[int, int], ram: bool
) -> None:
    made = plan_of(STRATEGY, arm64(rows), *width, map_ram=str(ram).lower())
    for each in (*made.mappings, *made.extra):
        assert each.virtual == each.physical
    assert [each.physical.start for each in made.mappings] == [
        start for type, start, _, attribute in rows if attribute & RUNTIME
    ]
    covered = sum(each.physical.size for each in made.extra)
    memory = sum(size for type, _, size, _ in rows if type != MMIO)
    assert covered == (memory if ram else 0)
    assert made == plan_of(STRATEGY, arm64(rows), *width, map_ram=str(ram).lower())
