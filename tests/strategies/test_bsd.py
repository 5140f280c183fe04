"""FreeBSD and OpenBSD: regions in small pages, 1:1 or where the descriptors say."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from efipolicy.model.mapping import MappingPlan
from efipolicy.model.platform import Firmware, Platform, Revision
from efipolicy.plugin.registry import Registry
from efipolicy_bsd.freebsd import FREEBSD_1TO1
from efipolicy_bsd.openbsd import OPENBSD_PMAP
from tests.plugin.plans import RO, RUNTIME, WB, XP, Row, addresses, platform_of, tables
from tests.strategies.others import OVMF5, assert_apart, disjoint, plan, planned

UC, WC, WT, RP, WP = 1, 2, 4, 0x2000, 0x1000


def freebsd(rows: list[Row], architecture: str = "x86_64", **options: Any) -> MappingPlan:
    return plan(FREEBSD_1TO1, platform_of(rows, architecture=architecture), **options)


def with_virtual_starts(platform: Platform, *starts: int) -> Platform:
    memory_map = platform.memory_map
    descriptors = tuple(
        replace(descriptor, virtual_start=start)
        for descriptor, start in zip(memory_map.descriptors, starts, strict=True)
    )
    return replace(platform, memory_map=replace(memory_map, descriptors=descriptors))


def test_freebsd_needs_the_published_number_of_pages_and_tables() -> None:
    made = planned(FREEBSD_1TO1, platform_of(OVMF5))
    found = tables(made)
    assert found.leaves == {0x1000: 4774 + 1}
    assert found.total == 16
    assert addresses(made.plan) == [(start, start) for _, start, _, _ in OVMF5]
    assert (made.plan.status, made.plan.svam) == ("ok", None)
    without = planned(FREEBSD_1TO1, platform_of(OVMF5), page0=False)
    assert (tables(without).leaves, tables(without).total) == ({0x1000: 4774}, 15)


def test_page_0_is_not_mapped_twice_and_on_arm64_not_at_all() -> None:
    assert len(freebsd([(5, 0x1000, 0x1000, RUNTIME | WB)]).extra) == 1
    assert freebsd([(5, 0, 0x1000, RUNTIME | WB)]).extra == ()
    assert freebsd(OVMF5, "arm64").extra == ()
    assert freebsd(OVMF5, "arm64").options["page0"] is False


@pytest.mark.parametrize(
    ("attribute", "amd64", "arm64"),
    [
        (0xF, ("WB", "RWX"), ("normal", "RWX")),
        (WT | UC, ("WT", "RWX"), ("normal-wt", "RWX")),
        (WC | UC, ("WC", "RWX"), ("normal-nc", "RWX")),
        (WP, ("WP", "RWX"), ("device-nGnRE", "RW")),
        (UC, ("UC", "RWX"), ("device-nGnRE", "RW")),
        (0, ("UC", "RWX"), ("device-nGnRE", "RW")),
        (WB | XP | RO, ("WB", "RWX"), ("normal", "RW")),
    ],
)
def test_freebsd_looks_at_cache_types_and_on_arm64_at_execution(
    attribute: int, amd64: tuple[str, str], arm64: tuple[str, str]
) -> None:
    rows = [(6, 0x7C000000, 0x10000, RUNTIME | attribute)]
    for architecture, expected in (("x86_64", amd64), ("arm64", arm64)):
        (mapping,) = freebsd(rows, architecture).mappings
        assert (mapping.cache, mapping.access) == expected
        assert mapping.pages_only


def test_the_tunable_adds_boot_services_and_acpi_nvs_on_amd64() -> None:
    rows = [(3, 0x1000000, 0x1000, WB), (4, 0x2000000, 0x1000, WB), (10, 0x3000000, 0x1000, WB)]
    assert freebsd(rows).mappings == ()
    assert [each.type for each in freebsd(rows, boot_services=True).mappings] == [3, 4]
    assert [each.type for each in freebsd(rows, acpi_nvs=True).mappings] == [10]
    assert freebsd(rows, "arm64", boot_services=True, acpi_nvs=True).mappings == ()


def test_one_region_with_a_virtual_address_leaves_all_unmapped() -> None:
    platform = with_virtual_starts(platform_of(OVMF5), 0, 0x7C000000, 0xFFFFFFFE00000000, 0, 0)
    made = plan(FREEBSD_1TO1, platform)
    assert made.status == "impossible"
    assert {start for _, start in addresses(made)} == {None}
    assert made.extra == ()
    (problem,) = made.problems
    assert (problem.rule, problem.region) == (
        "uefi/virtual-start-in-firmware-map",
        made.mappings[2].physical,
    )


def test_a_virtual_address_equal_to_the_physical_one_is_no_obstacle() -> None:
    platform = with_virtual_starts(platform_of(OVMF5), *(start for _, start, _, _ in OVMF5))
    assert plan(FREEBSD_1TO1, platform).status == "ok"


@pytest.mark.parametrize(
    ("row", "rule"),
    [
        ((6, 0x7C000800, 0x1000, RUNTIME | WB), "uefi/misaligned-physical-start"),
        ((6, 2**64 - 0x1000, 0x2000, RUNTIME | WB), "uefi/range-wraps-address-space"),
        ((11, 2**47 - 0x1000, 0x1000, RUNTIME | UC), "plan/mapping-out-of-reach"),
    ],
)
def test_one_region_that_cannot_be_mapped_leaves_all_unmapped(row: Row, rule: str) -> None:
    made = freebsd([*OVMF5, row])
    assert [problem.rule for problem in made.problems] == [rule]
    assert made.status == "impossible"
    assert {start for _, start in addresses(made)} == {None}
    assert {problem.rule for problem in made.problems} <= Registry().rules.keys()


def test_the_last_page_of_the_users_half_is_out_of_reach() -> None:
    below = (11, 2**47 - 0x2000, 0x1000, RUNTIME | UC)
    last = (11, 2**47 - 0x1000, 0x1000, RUNTIME | UC)
    assert freebsd([below]).status == "ok"
    assert freebsd([last], bits=57).status == "ok"
    assert freebsd([last], "arm64").status == "ok"
    assert freebsd([last], "arm64", bits=39).status == "impossible"
    assert freebsd(OVMF5, user_limit=0x80000000).status == "impossible"
    assert freebsd(OVMF5, user_limit=0x80001000).status == "ok"


def test_openbsd_maps_at_the_virtual_start_where_there_is_one() -> None:
    rows = [(6, 0x1000000, 0x1000, RUNTIME | WB), (5, 0x2000000, 0x1000, RUNTIME | WB)]
    made = plan(OPENBSD_PMAP, with_virtual_starts(platform_of(rows), 0, 0x7000000))
    assert addresses(made) == [(0x1000000, 0x1000000), (0x2000000, 0x7000000)]
    assert (made.status, made.svam) == ("ok", None)
    assert addresses(plan(OPENBSD_PMAP, platform_of(OVMF5))) == [
        (start, start) for _, start, _, _ in OVMF5
    ]


@pytest.mark.parametrize(
    ("type", "attribute", "access", "cache"),
    [
        (5, WB, "RWX", "WB"),
        (5, WB | XP, "RW", "WB"),
        (5, WB | RO, "RX", "WB"),
        (5, WB | RO | XP, "R", "WB"),
        (6, WB, "RW", "WB"),
        (6, WB | RP, "RW", "WB"),
        (11, UC, "RW", "UC"),
        (6, WT, "RW", "UC"),
    ],
)
def test_openbsd_executes_only_code_and_honours_protection(
    type: int, attribute: int, access: str, cache: str
) -> None:
    (mapping,) = plan(
        OPENBSD_PMAP, platform_of([(type, 0x1000000, 0x1000, RUNTIME | attribute)])
    ).mappings
    assert (mapping.access, mapping.cache) == (access, cache)


def test_openbsd_uses_small_pages() -> None:
    assert tables(planned(OPENBSD_PMAP, platform_of(OVMF5))).leaves == {0x1000: 4774}


@pytest.mark.parametrize(
    "declared",
    [{"uefi": Revision(2, 0)}, {"firmware": Firmware(bits=32), "uefi": Revision(2, 4)}],
)
def test_openbsd_leaves_old_and_32_bit_firmware_alone(declared: dict[str, Any]) -> None:
    made = plan(OPENBSD_PMAP, platform_of(OVMF5, **declared))
    assert made.status == "impossible"
    assert {start for _, start in addresses(made)} == {None}
    assert made.call.stays_mapped.startswith("nothing: OpenBSD calls no firmware")
    assert plan(OPENBSD_PMAP, platform_of(OVMF5, uefi=Revision(2, 1))).status == "ok"


@given(
    st.lists(
        st.tuples(
            st.sampled_from([5, 6, 7, 11]),
            st.integers(0, 9000),
            st.integers(1, 900),
            st.sampled_from([RUNTIME | WB, RUNTIME | UC, RUNTIME, WB]),
        ),
        max_size=12,
    ),
    st.sampled_from([FREEBSD_1TO1, OPENBSD_PMAP]),
)
def test_every_region_is_at_its_own_address_in_small_pages(
    shapes: list[tuple[int, int, int, int]], strategy: Any
) -> None:
    made = planned(strategy, platform_of(disjoint(shapes)))
    assert_apart(made.plan)
    assert all(start == virtual for start, virtual in addresses(made.plan))
    found = tables(made)
    assert found.leaves.keys() <= {0x1000}
    assert (found.overlaps, found.refused) == ((), ())
