"""The x86-topdown strategy against published layouts."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from efipolicy.engine.planned import Planned
from efipolicy.engine.planning import PlanChoice, plan
from efipolicy.errors import UsageError
from efipolicy.formats.platform import read_platform
from efipolicy.model.address import AddressRange, pages_of
from efipolicy.model.mapping import MappingPlan, Protection
from efipolicy.model.platform import Platform
from efipolicy.paging.builder import tables_of
from efipolicy.paging.geometry import RadixGeometry
from efipolicy.plugin.registry import Registry
from efipolicy.source import SourceText
from tests.conftest import FIXTURES, PLATFORMS
from tests.plugin.plans import (
    MIB,
    RO,
    RUNTIME,
    WB,
    XP,
    addresses,
    choice,
    leaves,
    planned_as,
    platform_of,
    tables,
)


def planned(platform: Platform, **options: str) -> MappingPlan:
    return with_tables(platform, **options).plan


def with_tables(platform: Platform, **options: str) -> Planned:
    return planned_as(platform, choice("x86-topdown", **options))


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


CODE = (5, 0x7F000000, 0x400000, RUNTIME | WB)
DATA = (6, 0x7F400000, 0x200000, RUNTIME | WB)
CODE_VIRTUAL = 0xFFFFFFFEFFA00000
DATA_VIRTUAL = 0xFFFFFFFEFFE00000


def high(made: Planned) -> list[tuple[int, str, str]]:
    """The leaves in the window."""
    return [leaf for leaf in leaves(made) if leaf[0] >> 63]


def test_the_attributes_table_changes_both_addresses_and_splits_large_leaves() -> None:
    attributes = [
        (5, 0x7F000000, 0x1000, RUNTIME | XP),
        (5, 0x7F001000, 0x3FF000, RUNTIME | RO),
        (6, 0x7F400000, 0x200000, RUNTIME | XP),
    ]
    made = with_tables(platform_of([CODE, DATA], attributes=attributes))
    assert [mapping.access for mapping in made.plan.mappings] == ["RW", "RWX"]
    # The code does not start on 2 MiB of the window by chance: it keeps its physical offset.
    assert high(made) == [
        (CODE_VIRTUAL, "4 KiB", "RW"),
        (CODE_VIRTUAL + 0x1000, "4 KiB", "RX"),
        (CODE_VIRTUAL + 0x200000, "2 MiB", "RX"),
        (DATA_VIRTUAL, "2 MiB", "RW"),
    ]
    assert [leaf for leaf in leaves(made) if 0x1000 <= leaf[0] < 1 << 63] == [
        (0x7F000000, "4 KiB", "RW"),
        (0x7F001000, "4 KiB", "RX"),
        (0x7F200000, "2 MiB", "RX"),
        (0x7F400000, "2 MiB", "RW"),
    ]


@pytest.mark.parametrize(
    ("entry", "why"),
    [
        ((4, 0x7F000000, 0x1000, XP), "boot services"),
        ((6, 0x7F000000, 0x1000, XP), "of another type than the region"),
        ((5, 0x7F3FF000, 0x2000, XP), "across two regions"),
        ((5, 0x7E000000, 0x1000, XP), "outside every region"),
        ((5, 0x7EFFF000, 0x2000, XP), "begins before the region"),
        ((5, 0x7F000800, 0x1000, XP), "not on a page"),
        ((5, 0x7F000000, 0, XP), "empty"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_an_entry_of_the_attributes_table_that_fits_no_region_is_ignored(
    entry: tuple[int, int, int, int], why: str
) -> None:
    platform = platform_of([CODE, DATA, (4, 0x7C000000, 0x1000, WB)], attributes=[entry])
    assert planned(platform).protections == (), why


def test_what_has_no_virtual_address_is_not_protected() -> None:
    regions = [CODE, (11, 0x4000000000, 65 << 30, RUNTIME | 1)]
    made = planned(platform_of(regions, attributes=[(5, 0x7F000000, 0x1000, XP)]))
    assert (made.mappings[-1].virtual_start, made.protections) == (None, ())


@pytest.mark.parametrize(
    ("attribute", "kernel", "access"),
    [
        (XP, "4.10", None),
        (XP, "4.11", "RW"),
        (RO, "6.12", "RX"),
        (RO | XP, "6.12", "R"),
        (0, "5.12", None),
        (0, "5.13", "RWX"),
    ],
)
def test_the_attributes_table_counts_since_4_11(
    attribute: int, kernel: str, access: str | None
) -> None:
    entry = (5, 0x7F000000, 0x400000, RUNTIME | attribute)
    made = planned(platform_of([CODE, DATA], attributes=[entry]), kernel=kernel)
    expected = [
        Protection(AddressRange(start, start + 0x400000), access)  # type: ignore[arg-type]
        for start in (0x7F000000, CODE_VIRTUAL)
    ]
    assert list(made.protections) == (expected if access else [])


def test_the_attributes_table_can_be_left_out() -> None:
    platform = platform_of([CODE], attributes=[(5, 0x7F000000, 0x1000, XP)])
    assert planned(platform, memory_attributes="false").protections == ()


def test_the_properties_table_protects_by_type_where_no_attributes_table_is() -> None:
    regions = [CODE, DATA, (11, 0xFEC00000, 0x1000, RUNTIME | 1)]
    made = with_tables(platform_of(regions), properties_table_nx="true")
    # Registers end up writable and executable: only data is said not to be code.
    assert [access for _, _, access in high(made)] == ["RX", "RW", "RWX"]
    assert (
        planned(platform_of(regions, attributes=[]), properties_table_nx="true").protections == ()
    )
    for kernel in ("4.5", "6.13"):
        unread = planned(platform_of(regions), properties_table_nx="true", kernel=kernel)
        assert unread.protections == ()


def test_boot_services_are_unmapped_after_the_boot_unless_it_is_debugged() -> None:
    platform = platform_of([(4, 0x1000000, 0x1000, WB), DATA])
    left = [DATA[1], 0xFFFFFFFEFFE00000]
    assert [leaf[0] for leaf in leaves(with_tables(platform))] == [0, *left]
    assert with_tables(platform).plan.mappings[1].temporary
    for options in ({"efi_debug": "true"}, {"kernel": "4.20"}):
        made = with_tables(platform, **options)
        assert [leaf[0] for leaf in leaves(made)] == [
            0, 0x1000000, DATA[1], 0xFFFFFFFEFFC00000, 0xFFFFFFFEFFE00000
        ]  # fmt: skip


def test_while_firmware_converts_its_pointers_everything_is_still_there() -> None:
    made = with_tables(
        platform_of([(4, 0x1000000, 0x1000, WB), CODE], attributes=[(5, CODE[1], 0x1000, RO)])
    )
    assert isinstance(made.geometry, RadixGeometry)
    during = tables_of(made.plan, made.geometry, after_boot=False)
    assert {run.access for run in during.runs} == {"RW", "RWX"}
    assert 0x1000000 in {run.start for run in during.runs}


def test_page_0_is_on_top_of_a_region_that_is_there_too() -> None:
    made = with_tables(platform_of([(3, 0, 0x3000, RUNTIME | WB)]))
    assert leaves(made)[:2] == [(0, "4 KiB", "RW"), (0x1000, "4 KiB", "RWX")]
    assert leaves(with_tables(platform_of([(5, 0x1000, 0x1000, RUNTIME | WB)]), kernel="5.9"))[
        0
    ] == (0, "4 KiB", "RWX")


def test_large_leaves_are_used_where_the_virtual_address_alone_allows_them() -> None:
    """A region of 2 GiB whose physical address is 2 MiB beyond a multiple of 1 GiB."""
    platform = platform_of([(6, 0x100200000, 0x80000000, RUNTIME | WB)])
    found = [run for run in tables(with_tables(platform)).runs if run.misaligned]
    assert [(run.start, run.physical, run.number_of_leaves) for run in found] == [
        (0xFFFFFFFE80000000, 0x100200000, 2)
    ]
    small = tables(with_tables(platform, gbpages="false")).runs
    assert not any(run.misaligned for run in small)
    assert {run.leaf_size for run in small} == {0x1000, 0x200000}


@pytest.mark.parametrize(
    ("encryption", "kernel", "encrypted", "bit"),
    [
        ("none", "6.12", [False, False], None),
        ("sev", "4.14", [False, False], None),
        ("sev", "5.9", [True, True], 51),
        ("sev", "6.12", [False, True], 51),
        ("sev-es", "6.12", [False, True], 51),
        ("tdx", "6.12", [False, False], None),
    ],
)
def test_guest_memory_is_encrypted_and_device_registers_since_5_10_are_not(
    encryption: str, kernel: str, encrypted: list[bool], bit: int | None
) -> None:
    platform = platform_of([DATA, (11, 0xFEC00000, 0x1000, RUNTIME | 1)])
    made = planned(platform, encryption=encryption, kernel=kernel, c_bit="51")
    assert [mapping.encrypted for mapping in made.mappings] == encrypted
    assert [mapping.encrypted for mapping in made.extra] == [*encrypted, encrypted[1]]
    assert made.encryption_bit == bit


def test_how_a_tdx_guest_maps_registers_is_an_assumption() -> None:
    mmio = (11, 0xFEC00000, 0x1000, RUNTIME | 1)
    assert planned(platform_of([DATA, mmio]), encryption="tdx").status == "assumption"
    assert planned(platform_of([DATA]), encryption="tdx").status == "ok"


def test_the_pages_shared_with_the_hypervisor_are_mapped_unencrypted() -> None:
    pages = {"encryption": "sev-es", "ghcb": "0x3000,0x5010"}
    shared = planned(platform_of([DATA]), **pages).extra[-2:]
    assert [(mapping.virtual_start, mapping.encrypted) for mapping in shared] == [
        (0x3000, False),
        (0x5000, False),
    ]
    assert len(planned(platform_of([DATA]), ghcb="0x3000").extra) == 2


def test_a_bit_that_no_entry_can_spare_is_refused() -> None:
    with pytest.raises(UsageError, match="c_bit"):
        planned(platform_of([DATA]), encryption="sev", c_bit="3")


def test_the_kernels_own_memory_stays_mapped_beside() -> None:
    regions = [
        (7, 0x100000, 0x1000, WB),
        (4, 0x101000, 0x1000, WB),
        (5, 0x102000, 0x1000, RUNTIME | WB),
        (2, 0x103000, 0x1000, WB),
        (7, 0x104000, 0x1000, WB | 0x40000),
        (7, 0x105000, 0x1000, 1),
    ]
    assert planned(platform_of(regions)).direct_map == (
        AddressRange(0x100000, 0x102000),
        AddressRange(0x103000, 0x104000),
    )


def test_where_the_list_for_firmware_lies_is_not_known_unless_it_is_said() -> None:
    (unforeseen,) = planned(platform_of([DATA])).unforeseen
    assert (unforeseen.number_of_pages, unforeseen.access) == ((1, 2, 4), "RW")
    assert planned(platform_of([DATA]), svam_buffer="0x9000,0xb000").unforeseen == ()
    many = [(6, 0x1000000 + 0x2000 * each, 0x1000, RUNTIME | WB) for each in range(257)]
    assert planned(platform_of(many)).unforeseen[0].number_of_pages == (1, 2, 4, 8)


def test_memory_of_a_specific_purpose_is_left_to_its_driver_since_5_5() -> None:
    rows = [(7, 0x10000000, 0x200000, RUNTIME | WB | 0x40000)]
    for kernel, placed in [("5.4", 1), ("5.5", 0)]:
        made = planned_as(platform_of(rows), choice("x86-topdown", kernel=kernel)).plan
        assert len(made.mappings) == placed
