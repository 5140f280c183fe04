"""The strategies of arm64 Linux against published layouts."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from efipolicy.errors import UsageError
from efipolicy.model.address import AddressRange
from efipolicy.model.declared import RuntimeProperties
from efipolicy.model.mapping import MappingPlan
from efipolicy.model.platform import Platform
from tests.plugin.plans import (
    MIB,
    RO,
    RUNTIME,
    WB,
    XP,
    Row,
    addresses,
    choice,
    planned_as,
    platform_of,
    tables,
)

CODE, DATA, MMIO = 5, 6, 11
NO_SET_VIRTUAL_ADDRESS_MAP = 0x3F7F


def arm64(
    regions: Sequence[Row],
    attributes: Sequence[Row] | None = None,
    properties: RuntimeProperties | None = None,
) -> Platform:
    return platform_of(
        regions, architecture="arm64", attributes=attributes, runtime_properties=properties
    )


def stub(platform: Platform, page: int = 0x1000, bits: int = 39, **options: str) -> MappingPlan:
    chosen = choice("arm64-stub-virtmap", page_size=page, bits=bits, **options)
    return planned_as(platform, chosen).plan


def novamap(platform: Platform, page: int = 0x1000, bits: int = 48, **options: str) -> MappingPlan:
    return planned_as(platform, choice("arm64-novamap", page_size=page, bits=bits, **options)).plan


ARM6 = [
    (MMIO, 0x09010000, 0x1000, RUNTIME | 1),
    (CODE, 0xBBE30000, 0xC0000, RUNTIME | WB),
    (DATA, 0xBBEF0000, 0x110000, RUNTIME | WB),
    (DATA, 0xBC000000, 0x400000, RUNTIME | WB),
    (CODE, 0xBF7E5000, 0xB000, RUNTIME | WB),
    (DATA, 0xBF7F0000, 0x10000, RUNTIME | WB),
]
ADJ4 = [
    (CODE, 0xBE732000, 0x1000, RUNTIME | WB),
    (DATA, 0xBE733000, 0x3000, RUNTIME | WB),
]
UB64 = [
    (DATA, 0xFFFFE000, 0x1000, RUNTIME | WB),
    (DATA, 0x43DD60000, 0x1000, RUNTIME | WB),
    (DATA, 0x43DDC1000, 0x1000, RUNTIME | WB),
    (DATA, 0x43DDC3000, 0x2000, RUNTIME | WB),
    (DATA, 0x43DDC6000, 0x4000, RUNTIME | WB),
    (CODE, 0x43FF10000, 0x10000, RUNTIME | WB),
]


@pytest.mark.parametrize("kernel", ["4.0", "4.2", "5.8", "6.1", "6.12"])
@pytest.mark.parametrize(("page", "bits"), [(0x1000, 39), (0x4000, 47), (0x10000, 42)])
def test_regions_get_slots_of_64_kib_whatever_the_page_size(
    kernel: str, page: int, bits: int
) -> None:
    made = stub(arm64(ARM6), page, bits, kernel=kernel)
    assert [start for _, start in addresses(made)] == [
        0x20000000, 0x20010000, 0x200D0000, 0x20200000, 0x20605000, 0x20610000
    ]  # fmt: skip
    assert made.status == "ok"
    assert [start for _, start in addresses(stub(arm64(ADJ4), kernel=kernel))] == [
        0x20002000,
        0x20013000,
    ]


@pytest.mark.parametrize("kernel", ["4.3", "4.15", "5.7"])
def test_from_4_3_to_5_7_neighbours_of_one_kind_stay_together(kernel: str) -> None:
    made = stub(arm64(ARM6), kernel=kernel)
    assert [start for _, start in addresses(made)] == [
        0x20000000, 0x20010000, 0x200D0000, 0x201E0000, 0x205E5000, 0x205F0000
    ]  # fmt: skip
    assert [start for _, start in addresses(stub(arm64(ADJ4), kernel=kernel))] == [
        0x20002000,
        0x20003000,
    ]


def test_from_4_3_to_5_7_the_map_is_sorted_first() -> None:
    unsorted = [*ARM6[1:], ARM6[0]]
    assert addresses(stub(arm64(unsorted), kernel="5.7")) == addresses(
        stub(arm64(ARM6), kernel="5.7")
    )
    assert addresses(stub(arm64(unsorted), kernel="5.8"))[-1] == (0x9010000, 0x20620000)


def test_what_lies_between_neighbours_parts_them() -> None:
    """The entry before counts, also one that is not mapped."""
    between = [ADJ4[0], (7, 0xBE733000, 0x1000, WB), (DATA, 0xBE734000, 0x1000, RUNTIME | WB)]
    assert addresses(stub(arm64(between), kernel="5.7"))[1] == (0xBE734000, 0x20014000)
    kinds = [ADJ4[0], (DATA, 0xBE733000, 0x3000, RUNTIME | 2)]
    assert addresses(stub(arm64(kinds), kernel="5.7"))[1] == (0xBE733000, 0x20013000)


@pytest.mark.parametrize(
    ("bits", "random", "base"),
    [
        (39, 0, 0x20000000),
        (39, 0x80000000, 0x4000000000),
        (39, 0xFFFFFFFF, 0x7FDFFFFF80),
        (39, 0x12345678, 0x9359E2662),
        (48, 0, 0x20000000),
        (48, 0x80000000, 0x800000000000),
        (48, 0xFFFFFFFF, 0xFFFFDFFF0000),
        (48, 0x12345678, 0x123471EAEA62),
    ],
)
def test_the_random_base_of_4_13_to_6_0(bits: int, random: int, base: int) -> None:
    made = stub(arm64(ARM6[:1]), bits=bits, kernel="5.10", random=str(random))
    assert made.options["base"] == base
    assert made.options["random_limit"] == 1 << bits
    first = addresses(made)[0][1]
    assert first == -(-base // 0x10000) * 0x10000


@pytest.mark.parametrize("kernel", ["4.12", "6.1"])
def test_other_kernels_do_not_ask_for_a_random_number(kernel: str) -> None:
    made = stub(arm64(ARM6), kernel=kernel, random="0x80000000")
    assert (made.options["random"], made.options["base"]) == (None, 0x20000000)


def test_a_random_number_has_32_bits() -> None:
    with pytest.raises(UsageError, match="random"):
        stub(arm64(ARM6), random="0x100000000")


def test_a_base_can_be_chosen() -> None:
    assert addresses(stub(arm64(ARM6), base="0x40000000"))[0][1] == 0x40000000


@pytest.mark.parametrize(("kernel", "flat"), [("5.7", False), ("5.8", True), ("6.0", True)])
def test_split_images_were_left_where_they_are(kernel: str, flat: bool) -> None:
    made = stub(arm64(ARM6), flat="true", kernel=kernel)
    assert all(physical == virtual for physical, virtual in addresses(made)) == flat
    assert made.svam is not None
    assert len(made.svam) == 6
    assert stub(arm64(ARM6), flat="true").options["flat"] is False


def test_firmware_is_told_the_runtime_regions_in_map_order_and_nothing_else_is_mapped() -> None:
    made = stub(arm64([(7, 0x40000000, MIB, WB), *ARM6]))
    assert made.svam is not None
    assert [(entry.physical_start, entry.virtual_start) for entry in made.svam] == addresses(made)
    assert [entry.number_of_pages for entry in made.svam][:2] == [1, 0xC0]
    assert made.extra == ()
    assert made.call.register == "TTBR0_EL1"


def test_without_the_call_regions_stay_at_their_physical_addresses() -> None:
    made = novamap(arm64(ARM6))
    assert all(physical == virtual for physical, virtual in addresses(made))
    assert (made.svam, made.extra, made.status) == (None, (), "ok")


@pytest.mark.parametrize(
    ("page", "bits", "options", "reason"),
    [
        (0x1000, 48, {}, "va-bits"),
        (0x1000, 52, {}, "va-bits"),
        (0x4000, 52, {}, "option"),
        (0x1000, 39, {}, "option"),
        (0x1000, 48, {"kernel": "6.0"}, "option"),
        (0x1000, 48, {"reason": "option"}, "option"),
    ],
)
def test_why_the_call_is_left_out(
    page: int, bits: int, options: dict[str, str], reason: str
) -> None:
    assert novamap(arm64(ARM6), page, bits, **options).options["reason"] == reason


def test_firmware_that_has_no_such_call_is_a_reason_too() -> None:
    without = RuntimeProperties(supported=NO_SET_VIRTUAL_ADDRESS_MAP)
    platform = arm64(ARM6, properties=without)
    assert novamap(platform, bits=39).options["reason"] == "rtprop"
    assert stub(platform).status == "assumption"
    assert stub(platform, kernel="5.9").status == "ok"


@pytest.mark.parametrize(
    ("page", "bits", "options", "status"),
    [
        (0x1000, 39, {}, "ok"),
        (0x1000, 48, {}, "assumption"),
        (0x1000, 48, {"needs_svam": "true"}, "ok"),
        (0x1000, 48, {"kernel": "6.0"}, "ok"),
        (0x1000, 48, {"va_bits_min": "47"}, "ok"),
        (0x4000, 52, {}, "ok"),
        (0x10000, 52, {}, "assumption"),
    ],
)
def test_a_kernel_that_would_rather_not_call_makes_the_layout_an_assumption(
    page: int, bits: int, options: dict[str, str], status: str
) -> None:
    assert stub(arm64(ARM6), page, bits, **options).status == status


def test_a_region_out_of_reach_is_impossible() -> None:
    far = [(DATA, 0x8000000000, 0x1000, RUNTIME | WB)]
    made = novamap(arm64(far), bits=39)
    assert made.status == "impossible"
    assert [problem.rule for problem in made.problems] == ["linux/identity-mapping-out-of-reach"]
    assert novamap(arm64(far)).status == "ok"
    assert stub(arm64(far)).status == "ok"
    assert stub(arm64(far), base="0x7ffffffffff").status == "impossible"


def test_the_memory_type_follows_the_type_of_the_region() -> None:
    """A flash that can be written through buffers is mapped like the clock beside it."""
    regions = [
        (MMIO, 0x4000000, 0x4000000, RUNTIME | 2),
        (MMIO, 0x9010000, 0x1000, RUNTIME | WB),
        (DATA, 0xBC000000, 0x10000, RUNTIME | 1),
    ]
    made = novamap(arm64(regions))
    assert [(each.cache, each.access, each.pages_only) for each in made.mappings] == [
        ("device-nGnRE", "RW", False),
        ("device-nGnRE", "RW", False),
        ("normal", "RW", True),
    ]
    old = stub(arm64(regions), kernel="4.5")
    assert [each.cache for each in old.mappings] == ["device-nGnRE", "normal", "device-nGnRE"]
    assert not any(each.pages_only for each in stub(arm64(regions), kernel="4.7").mappings)


@pytest.mark.parametrize(
    ("type", "attribute", "access"),
    [
        (CODE, 0, "RWX"),
        (CODE, XP, "RW"),
        (CODE, RO, "RX"),
        (CODE, RO | XP, "R"),
        (CODE, XP | 0x1000, "RWX"),  # EFI_MEMORY_WP, which was write-protection once
        (DATA, 0, "RW"),
        (DATA, RO, "RX"),
        (9, 0, "RW"),
    ],
)
def test_attributes_of_the_map_itself_restrict_the_access(
    type: int, attribute: int, access: str
) -> None:
    region = (type, 0xBC000000, 0x10000, RUNTIME | WB | attribute)
    assert novamap(arm64([region])).mappings[0].access == access


def test_64_kib_pages_hold_several_regions_of_u_boot() -> None:
    """The tables that the author of the change printed (64 KiB pages, Linux 6.1)."""
    chosen = choice("arm64-novamap", page_size=0x10000, bits=48, kernel="6.1")
    found = tables(planned_as(arm64(UB64), chosen))
    assert [(run.start, run.end, run.access) for run in found.runs] == [
        (0xFFFF0000, 0x100000000, "RW"),
        (0x43DD60000, 0x43DD70000, "RW"),
        (0x43DDC0000, 0x43DDD0000, "RW"),
        (0x43FF10000, 0x43FF20000, "RWX"),
    ]
    assert found.total == 4


def test_code_that_does_not_fill_its_pages_makes_what_follows_executable() -> None:
    regions = [
        (DATA, 0xBC001000, 0x1000, RUNTIME | WB),
        (CODE, 0xBC013000, 0x1000, RUNTIME | WB),
        (DATA, 0xBC021000, 0x1000, RUNTIME | WB),
        (DATA, 0xBC030000, 0x10000, RUNTIME | WB),
        (DATA, 0xBC040000, 0x1000, RUNTIME | WB),
    ]
    made = novamap(arm64(regions), 0x10000)
    assert [each.access for each in made.mappings] == ["RW", "RWX", "RWX", "RW", "RWX"]
    old = novamap(arm64(regions), 0x10000, kernel="6.0")
    assert [each.access for each in old.mappings] == ["RWX", "RWX", "RWX", "RW", "RW"]
    assert {each.access for each in novamap(arm64(regions[::2])).mappings} == {"RW"}


def test_mappings_are_not_rounded_by_the_strategy() -> None:
    made = novamap(arm64(UB64), 0x10000)
    assert [each.physical.size for each in made.mappings] == [size for _, _, size, _ in UB64]


def test_the_attributes_table_only_takes_away() -> None:
    regions = [
        (CODE, 0xBC000000, 0x20000, RUNTIME | WB),
        (DATA, 0xBC020000, 0x10000, RUNTIME | WB),
    ]
    attributes = [
        (CODE, 0xBC000000, 0x10000, RUNTIME | RO),
        (CODE, 0xBC010000, 0x10000, RUNTIME | XP),
        (DATA, 0xBC020000, 0x10000, RUNTIME),
    ]
    made = stub(arm64(regions, attributes))
    assert [(change.virtual.start, change.access) for change in made.protections] == [
        (0x20000000, "RX"),
        (0x20010000, "RW"),
    ]
    assert stub(arm64(regions, attributes), memory_attributes="false").protections == ()
    assert stub(arm64(regions, attributes), kernel="4.6").protections == ()


def test_entries_that_do_not_fill_the_pages_of_the_system_change_nothing() -> None:
    regions = [(CODE, 0xBC000000, 0x8000, RUNTIME | WB)]
    attributes = [(CODE, 0xBC000000, 0x8000, RUNTIME | RO)]
    assert len(stub(arm64(regions, attributes)).protections) == 1
    assert len(stub(arm64(regions, attributes), 0x4000, 47).protections) == 1
    assert stub(arm64(regions, attributes), 0x10000, 42).protections == ()


def test_the_kernels_own_memory_is_mapped_in_whole_pages() -> None:
    regions = [
        (7, 0x40000000, 0x21000, WB),
        (DATA, 0x40021000, 0x1000, RUNTIME | WB),
        (9, 0x40022000, 0x2E000, WB),
        (10, 0x40050000, 0x10000, WB),
    ]
    assert novamap(arm64(regions), 0x10000).direct_map == (
        AddressRange(0x40000000, 0x40020000),
        AddressRange(0x40030000, 0x40050000),
    )


@given(
    st.lists(st.tuples(st.integers(0, 2000), st.integers(1, 900), st.booleans()), max_size=12),
    st.sampled_from(["4.1", "5.7", "6.12"]),
)
def test_no_two_regions_share_an_address_and_offsets_are_kept(
    shapes: list[tuple[int, int, bool]], kernel: str
) -> None:
    start, regions = 0x40000000, []
    for gap, pages, code in shapes:
        start += gap * 0x1000
        regions.append((CODE if code else DATA, start, pages * 0x1000, RUNTIME | WB))
        start += pages * 0x1000
    made = stub(arm64(regions), kernel=kernel)
    taken = sorted((each.virtual_start or 0, each.physical) for each in made.mappings)
    for (low, physical), (high, _) in pairwise(taken):
        assert low + physical.size <= high
    step = 0x1000 if kernel == "5.7" else 0x10000
    assert all((low - physical.start) % step == 0 for low, physical in taken)
