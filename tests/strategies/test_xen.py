"""Xen: the direct map on x86-64, and on Itanium the addresses of Linux."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from efipolicy.model.address import AddressRange
from efipolicy.model.kexec import NO_VIRTUAL_START
from efipolicy.model.mapping import MappingPlan
from efipolicy.model.platform import Revision
from efipolicy.plugin.registry import Registry
from efipolicy_linux.ia64_region67 import IA64_REGION67
from efipolicy_xen.ia64_same_va import XEN_IA64_SAME_VA
from efipolicy_xen.x86_directmap import XEN_X86_DIRECTMAP
from tests.plugin.plans import RO, RUNTIME, WB, XP, Row, addresses, platform_of, tables
from tests.strategies.others import OVMF5, assert_apart, disjoint, plan, planned

UC, WC, WT, UCE, WP = 1, 2, 4, 0x10, 0x1000
TIB = 1 << 40


def xen(rows: list[Row], uefi: str | None = None, **options: Any) -> MappingPlan:
    revision = Revision.parse(uefi) if uefi else None
    return plan(XEN_X86_DIRECTMAP, platform_of(rows, uefi=revision), **options)


def ia64(rows: list[Row], **options: Any) -> MappingPlan:
    return plan(XEN_IA64_SAME_VA, platform_of(rows, architecture="ia64"), **options)


@pytest.mark.parametrize(
    ("bigmem", "high"), [(False, 0xFFFF83007FA65000), (True, 0xFFFF84807FA65000)]
)
def test_a_region_is_at_its_own_address_and_in_the_direct_map(bigmem: bool, high: int) -> None:
    made = xen(OVMF5, bigmem=bigmem)
    assert addresses(made) == [(start, start) for _, start, _, _ in OVMF5]
    seen = {each.physical.start: each.virtual_start for each in made.extra}
    assert seen[0x7FA65000] == high
    assert (made.status, made.svam) == ("ok", None)


@pytest.mark.parametrize(
    ("attribute", "uefi", "cache", "access"),
    [
        (WB | UC, "2.7", "WB", "RWX"),
        (WT | UC, "2.7", "WT", "RWX"),
        (WC | UC, "2.7", "WC", "RWX"),
        (UC, "2.7", "UC", "RWX"),
        (UCE, "2.7", "UC", "RWX"),
        (WP, "2.5", "WP", "RWX"),
        (WB | RO, "2.5", "WB", "RX"),
        (WB | RO | XP, "2.5", "WB", "R"),
        (WB | XP, "2.3", "WB", "RW"),
        (WB | RO, "2.4", "WB", "RWX"),
        (WB | WP, "2.4", "WB", "RX"),
    ],
)
def test_the_first_cache_type_found_counts_and_the_revision_tells_protection(
    attribute: int, uefi: str, cache: str, access: str
) -> None:
    made = xen([(6, 0x7FA65000, 0x1000, RUNTIME | attribute)], uefi)
    mapping = made.mappings[0]
    assert (mapping.cache, mapping.access, mapping.pages_only) == (cache, access, cache != "WB")
    assert made.status == "ok"


@pytest.mark.parametrize(("attribute", "uefi"), [(0, "2.7"), (WP, "2.4")])
def test_what_has_no_known_cache_type_is_left_out_unless_told_otherwise(
    attribute: int, uefi: str
) -> None:
    rows = [(11, 0xFF000000, 0x1000, RUNTIME | attribute)]
    made = xen(rows, uefi)
    assert (made.status, addresses(made)) == ("impossible", [(0xFF000000, None)])
    assert [problem.rule for problem in made.problems] == [
        "uefi/runtime-region-without-cacheability"
    ]
    mapped = xen(rows, uefi, attr_uc=True)
    assert (mapped.status, mapped.mappings[0].cache) == ("ok", "UC")


def test_without_a_revision_what_depends_on_it_is_an_assumption() -> None:
    assert xen([(6, 0x1000000, 0x1000, RUNTIME | WB | RO)]).status == "assumption"
    assert xen([(6, 0x1000000, 0x1000, RUNTIME | WB | XP)]).status == "ok"


def test_runtime_services_without_the_runtime_bit_are_mapped_all_the_same() -> None:
    made = xen([(5, 0x1000000, 0x1000, WB), (11, 0x2000000, 0x1000, UC)])
    assert [(mapping.type, mapping.runtime) for mapping in made.mappings] == [(5, True)]


def test_boot_services_are_mapped_when_the_loader_is_told_to() -> None:
    rows = [(4, 0x1000000, 0x1000, WB), (5, 0x2000000, 0x1000, RUNTIME | WB)]
    assert addresses(xen(rows)) == [(0x2000000, 0x2000000)]
    made = xen(rows, boot_services=True)
    assert [(each.type, each.access) for each in made.mappings] == [(4, "RWX"), (5, "RWX")]


def test_memory_is_mapped_1_to_1_in_one_piece_where_it_touches() -> None:
    rows = [
        (7, 0x100000, 0x1000, WB),
        (2, 0x101000, 0x1000, WB),
        (6, 0x102000, 0x1000, RUNTIME | WB),
        (9, 0x103000, 0x1000, WB),
        (7, 0x104000, 0x1000, UC),
        (0, 0x105000, 0x1000, WB),
    ]
    made = xen(rows)
    memory = [each.physical for each in made.extra if each.virtual_start == each.physical.start]
    assert memory == [AddressRange(0x100000, 0x102000), AddressRange(0x103000, 0x104000)]
    assert list(made.direct_map) == memory


def test_beyond_the_direct_map_a_region_is_at_its_own_address_only() -> None:
    far = (11, 125 * TIB, 0x1000, RUNTIME | UC)
    made = xen([far])
    assert addresses(made) == [(125 * TIB, 125 * TIB)]
    assert made.extra == ()
    assert len(xen([(11, 124 * TIB, 0x1000, RUNTIME | UC)]).extra) == 1


def test_beyond_the_lower_half_there_is_no_address() -> None:
    rows = [(11, 1 << 47, 0x1000, RUNTIME | UC)]
    made = xen(rows)
    assert (made.status, addresses(made)) == ("impossible", [(1 << 47, None)])
    assert [problem.rule for problem in made.problems] == ["plan/mapping-out-of-reach"]
    assert xen(rows, bits=57).status == "ok"


def test_an_experts_build_gives_physical_addresses_and_all_ones_for_the_rest() -> None:
    rows = [(7, 0x1000000, 0x1000, WB), (5, 0x2000000, 0x1000, WB), *OVMF5]
    made = xen(rows, svam=True)
    assert made.svam is not None
    assert [entry.virtual_start for entry in made.svam[:3]] == [
        NO_VIRTUAL_START,
        0x2000000,
        0x800000,
    ]


def test_the_tables_of_a_plan_hold_all_of_it() -> None:
    rows = [(7, 0x1000000, 0x6F000000, WB), *OVMF5, (11, 0xFF000000, 0x1000, RUNTIME | UC)]
    found = tables(planned(XEN_X86_DIRECTMAP, platform_of(rows)))
    assert (found.refused, found.overlaps) == ((), ())


@pytest.mark.parametrize(
    ("base", "attribute", "virtual"),
    [
        ("linux", WB, 0xE00000003FB3A000),
        ("linux", UC, 0xC00000003FB3A000),
        ("linux", WT, 0xC00000003FB3A000),
        ("xen", WB, 0xF00000003FB3A000),
        ("xen", WC, 0xF20000003FB3A000),
    ],
)
def test_on_itanium_xen_took_up_the_addresses_of_linux(
    base: str, attribute: int, virtual: int
) -> None:
    made = ia64([(6, 0x3FB3A000, 0x2000, RUNTIME | attribute)], base=base)
    assert addresses(made) == [(0x3FB3A000, virtual)]


@pytest.mark.parametrize(
    ("base", "granule", "start"),
    [
        ("linux", "16M", 0xE00000003F000000),
        ("linux", "64M", 0xE00000003C000000),
        ("xen", "16M", 0xF00000003F000000),
    ],
)
def test_on_itanium_pal_code_is_pinned_during_calls(base: str, granule: str, start: int) -> None:
    made = ia64([(13, 0x3FFC0000, 0x40000, RUNTIME | WB)], base=base, granule=granule)
    assert [(each.virtual_start, each.physical.size) for each in made.extra] == [
        (start, made.largest_leaf)
    ]


def test_on_itanium_only_its_own_regions_need_no_switch() -> None:
    assert "rr6 and rr7" in ia64([]).call.register
    assert ia64([], base="xen").call.register.startswith("none")


def test_on_itanium_what_cannot_be_placed_is_told() -> None:
    rows = [(6, 0x1000000, 0x1000, RUNTIME), (11, 1 << 57, 0x1000, RUNTIME | UC)]
    made = ia64(rows, base="xen")
    assert [problem.rule for problem in made.problems] == [
        "uefi/runtime-region-without-cacheability",
        "plan/mapping-out-of-reach",
    ]
    assert (made.status, [start for _, start in addresses(made)]) == ("impossible", [None, None])
    assert {problem.rule for problem in made.problems} <= Registry().rules.keys()


SHAPES = st.lists(
    st.tuples(
        st.sampled_from([4, 5, 6, 7, 11, 13]),
        st.integers(0, 9000),
        st.integers(1, 900),
        st.sampled_from([RUNTIME | WB, RUNTIME | UC, RUNTIME, WB, UC]),
    ),
    max_size=12,
)


@given(SHAPES)
def test_linux_and_xen_agree_on_itanium_since_2008(
    shapes: list[tuple[int, int, int, int]],
) -> None:
    rows = disjoint(shapes)
    linux = plan(IA64_REGION67, platform_of(rows, architecture="ia64"))
    assert addresses(ia64(rows)) == addresses(linux)
    assert_apart(ia64(rows, base="xen"))


@given(SHAPES)
def test_every_region_is_at_its_own_address_or_told(
    shapes: list[tuple[int, int, int, int]],
) -> None:
    made = xen(disjoint(shapes), boot_services=True)
    assert_apart(made)
    told = [problem.region for problem in made.problems]
    for mapping in made.mappings:
        assert mapping.virtual_start == (
            None if mapping.physical in told else mapping.physical.start
        )
