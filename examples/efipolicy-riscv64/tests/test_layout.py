"""Where the stub puts regions: published vectors, a boot, and what always holds."""

from collections.abc import Callable

import pytest
from efipolicy.plugin import MappingPlan, MemoryMap
from efipolicy.testing import memory_map, platform
from efipolicy.testing.strategies import disjoint_memory_maps
from hypothesis import given
from hypothesis import strategies as st

from efipolicy_riscv64.layout import BASE, LIMIT, SECTION, SLOT, pack, random_base

Plan = Callable[..., MappingPlan]


def starts(*lines: str, base: int = BASE) -> list[str]:
    return [f"{start:#x}" for _, start in pack(memory_map(*lines).descriptors, base)]


def test_the_regions_of_a_published_boot() -> None:
    regions = ("0xbe732000", "0xbe738000", "0xbe73c000", "0xbff61000")
    lines = [f"EfiRuntimeServicesData {region} 1 RUNTIME WB" for region in regions]
    assert starts(*lines) == ["0x20002000", "0x20018000", "0x2002c000", "0x20031000"]


def test_the_regions_of_a_boot_in_qemu() -> None:
    assert starts(
        "EfiRuntimeServicesData 0xbe721000 2 RUNTIME WB",
        "EfiBootServicesData    0xbe723000 1 WB",
        "EfiRuntimeServicesData 0xbe724000 6 RUNTIME WB",
        "EfiRuntimeServicesCode 0xbff57000 1 RUNTIME WB",
    ) == ["0x20001000", "0x20014000", "0x20027000"]


def test_a_region_of_2_mib_on_2_mib_starts_on_2_mib() -> None:
    assert starts(
        "EfiRuntimeServicesData 0x80010000 1 RUNTIME WB",
        "EfiRuntimeServicesCode 0xbe000000 0x200 RUNTIME WB",
        "EfiRuntimeServicesData 0xbe400000 0x1ff RUNTIME WB",
    ) == ["0x20000000", "0x20200000", "0x20400000"]


def test_the_order_is_that_of_the_map() -> None:
    assert starts(
        "EfiRuntimeServicesData 0xbe730000 1 RUNTIME WB",
        "EfiRuntimeServicesData 0x80000000 1 RUNTIME WB",
    ) == ["0x20000000", "0x20010000"]


@pytest.mark.parametrize(
    ("random", "base"),
    [(0, 0x20000000), (0x80000000, 0x2000000000), (0xFFFFFFFF, 0x3FDFFFFFC0)],
)
def test_a_random_base_stays_in_the_user_half_of_sv39(random: int, base: int) -> None:
    assert f"{random_base(random):#x}" == f"{base:#x}"
    assert BASE <= random_base(random) < LIMIT - (512 << 20)


@given(disjoint_memory_maps(), st.integers(0, 2**32 - 1))
def test_a_region_keeps_its_place_in_64_kib_and_meets_no_other(
    memory: MemoryMap, random: int
) -> None:
    end = 0
    for descriptor, start in pack(memory.descriptors, random_base(random)):
        assert (start - descriptor.physical_start) % SLOT == 0
        assert start - start % SLOT >= end
        if descriptor.physical_start % SECTION == 0 and descriptor.physical.size >= SECTION:
            assert start % SECTION == 0
        end = start + descriptor.physical.size


REGION = "EfiRuntimeServicesData 0xbe721000 2 RUNTIME WB"


def test_set_virtual_address_map_is_told_each_region(plan: Plan) -> None:
    made = plan(REGION, "EfiConventionalMemory 0x80000000 16 WB")
    assert made.svam is not None
    assert [(e.physical_start, e.virtual_start, e.number_of_pages) for e in made.svam] == [
        (0xBE721000, 0x20001000, 2)
    ]
    assert made.direct_map == ((0x80000000, 0x80010000),)


def test_novamap_leaves_regions_in_place_and_firmware_unasked(plan: Plan) -> None:
    made = plan(REGION, novamap=True)
    assert (made.svam, made.mappings[0].virtual_start) == (None, 0xBE721000)


def test_firmware_without_the_call_is_not_asked(plan: Plan) -> None:
    lacking = platform(
        REGION, architecture="riscv64", sections="runtime_properties: {supported: [GetTime]}"
    )
    made = plan(on=lacking)
    assert made.svam is None
    assert made.options["novamap"] is True
    assert plan(REGION).options["novamap"] is False


@pytest.mark.parametrize(
    ("kernel", "start"), [((5, 10), 0x2000001000), ((6, 0), 0x2000001000), ((6, 1), 0x20001000)]
)
def test_the_base_is_random_up_to_6_0(plan: Plan, kernel: tuple[int, ...], start: int) -> None:
    made = plan(REGION, kernel=kernel, random=0x80000000)
    assert made.mappings[0].virtual_start == start
    assert (made.options["random"] is None) == (kernel >= (6, 1))


def test_a_properties_table_keeps_addresses_up_to_6_0(plan: Plan) -> None:
    early = plan(REGION, kernel=(5, 15), flat=True, random=5)
    assert early.mappings[0].virtual_start == 0xBE721000
    assert early.svam is not None
    late = plan(REGION, kernel=(6, 1), flat=True)
    assert (late.mappings[0].virtual_start, late.options["flat"]) == (0x20001000, False)
