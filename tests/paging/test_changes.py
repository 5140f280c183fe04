"""Mappings on top of each other, protections, and what stays of a plan after the boot."""

from __future__ import annotations

from efipolicy.model.address import AddressRange
from efipolicy.model.mapping import Access, MappingPlan, Protection, RuntimeCall
from efipolicy.paging.builder import build, tables_of
from efipolicy.paging.tables import PageTables
from tests.paging.trees import FOUR_LEVEL, GIB, KIB, MIB, arm64, mapped

Row = tuple[int, int, int, int, Access]


def rows(tables: PageTables) -> list[Row]:
    """Start, end, frame, leaf and access of each run."""
    return [(run.start, run.end, run.physical, run.leaf_size, run.access) for run in tables.runs]


def test_the_later_of_two_mappings_wins() -> None:
    some = [mapped(0, 3 * 0x1000, 0), mapped(0x101000, 0x1000, 0x1000, "R")]
    assert rows(build(FOUR_LEVEL, some)) == [
        (0, 0x1000, 0, 0x1000, "RW"),
        (0x1000, 0x2000, 0x101000, 0x1000, "R"),
        (0x2000, 0x3000, 0x2000, 0x1000, "RW"),
    ]


def test_linux_on_x86_keeps_the_frames_it_finds_where_a_mapping_begins() -> None:
    some = [mapped(0, 3 * 0x1000, 0), mapped(0x101000, 0x1000, 0x1000, "R")]
    assert rows(build(FOUR_LEVEL, some, leaf_policy="va-only")) == [
        (0, 0x1000, 0, 0x1000, "RW"),
        (0x1000, 0x2000, 0x1000, 0x1000, "R"),
        (0x2000, 0x3000, 0x2000, 0x1000, "RW"),
    ]


def test_linux_on_x86_maps_all_the_rest_from_the_first_hole_on() -> None:
    # The first page is there, the second is not; the third would be, but is made anew.
    some = [
        mapped(0, 0x1000, 0),
        mapped(0x2000, 0x1000, 0x2000),
        mapped(0x100000, 0x3000, 0, "R"),
    ]
    assert rows(build(FOUR_LEVEL, some, leaf_policy="va-only")) == [
        (0, 0x1000, 0, 0x1000, "R"),
        (0x1000, 0x3000, 0x101000, 0x1000, "R"),
    ]


def test_a_large_leaf_that_is_partly_changed_is_split_into_the_next_smaller_ones() -> None:
    some = [mapped(0, GIB, 0), mapped(0, 3 * MIB, 0, "R")]
    assert rows(build(FOUR_LEVEL, some, leaf_policy="va-only")) == [
        (0, 2 * MIB, 0, 2 * MIB, "R"),
        (2 * MIB, 3 * MIB, 2 * MIB, 4 * KIB, "R"),
        (3 * MIB, 4 * MIB, 3 * MIB, 4 * KIB, "RW"),
        (4 * MIB, GIB, 4 * MIB, 2 * MIB, "RW"),
    ]


def test_changing_a_leaf_makes_it_uncached_but_never_cached_again() -> None:
    cached, uncached = (mapped(0, 0x1000, 0, cache=cache) for cache in ("WB", "UC-"))
    for some in ([cached, uncached], [uncached, cached]):
        (run,) = build(FOUR_LEVEL, some, leaf_policy="va-only").runs
        assert run.cache == "UC-"


def test_a_contiguous_run_loses_its_mark_where_a_part_of_it_is_protected() -> None:
    geometry = arm64(4 * KIB, 48)
    some = [mapped(0, 256 * KIB, 0)]
    protection = Protection(AddressRange(68 * KIB, 72 * KIB), "R")
    assert [
        (run.start // KIB, run.end // KIB, run.access, run.contiguous)
        for run in build(geometry, some, protections=[protection]).runs
    ] == [
        (0, 64, "RW", True),
        (64, 68, "RW", False),
        (68, 72, "R", False),
        (72, 128, "RW", False),
        (128, 256, "RW", True),
    ]


def test_changing_a_leaf_makes_it_encrypted_only_where_the_later_mapping_is() -> None:
    clear = mapped(0, 0x1000, 0)
    encrypted = clear._replace(encrypted=True)
    for some in ([clear, encrypted], [encrypted, clear]):
        (run,) = build(FOUR_LEVEL, some, leaf_policy="va-only").runs
        assert run.encrypted == some[-1].encrypted


def test_a_large_leaf_is_not_split_for_the_access_it_has_already() -> None:
    some = [mapped(0, 4 * MIB, 0, "RW")]
    for access, leaves in (("RW", {2 * MIB: 2}), ("R", {4 * KIB: 1024})):
        seam = 2 * MIB + 4 * KIB, 2 * MIB - 4 * KIB
        tables = build(
            FOUR_LEVEL,
            some,
            protections=[
                Protection(AddressRange(address, address + 4 * KIB), access) for address in seam
            ],
        )
        assert tables.leaves == leaves


def test_a_protection_maps_nothing() -> None:
    protection = Protection(AddressRange(0, GIB), "R")
    tables = build(FOUR_LEVEL, [mapped(0, 0x1000, 0x1000)], protections=[protection])
    assert rows(tables) == [(0x1000, 0x2000, 0, 0x1000, "R")]


def test_what_is_protected_alike_again_is_one_run() -> None:
    part = Protection(AddressRange(0x1000, 0x2000), "R")
    whole = Protection(AddressRange(0, 0x3000), "RX")
    tables = build(FOUR_LEVEL, [mapped(0, 0x3000, 0)], protections=[part, whole])
    assert rows(tables) == [(0, 0x3000, 0, 0x1000, "RX")]


def plan() -> MappingPlan:
    """Two regions, one of boot services at both addresses, and a protection."""
    boot = mapped(0x1000, 0x1000, 0xFFFFFFFEFFFFF000)._replace(temporary=True)
    return MappingPlan(
        strategy="some",
        options={},
        status="ok",
        mappings=(boot, mapped(0x2000, 0x1000, 0xFFFFFFFEFFFF0000, "RWX")),
        extra=(
            mapped(0x1000, 0x1000, 0x1000)._replace(temporary=True),
            mapped(0x2000, 0x1000, 0x2000, "RWX"),
        ),
        svam=None,
        call=RuntimeCall(register="CR3", stays_mapped=""),
        leaf_policy="va-only",
        protections=(Protection(AddressRange(0x2000, 0x3000), "RX"),),
    )


def test_after_the_boot_what_was_temporary_is_gone_and_the_rest_is_protected() -> None:
    tables = tables_of(plan(), FOUR_LEVEL)
    # Indices are still those of the plan: its mappings, then what it maps besides.
    assert [(run.start, run.access, run.mapping) for run in tables.runs] == [
        (0x2000, "RX", 3),
        (0xFFFFFFFEFFFF0000, "RWX", 1),
    ]


def test_before_the_boot_is_over_everything_is_there_as_it_was_mapped() -> None:
    tables = tables_of(plan(), FOUR_LEVEL, after_boot=False)
    assert [(run.start, run.access, run.mapping) for run in tables.runs] == [
        (0x1000, "RW", 2),
        (0x2000, "RWX", 3),
        (0xFFFFFFFEFFFF0000, "RWX", 1),
        (0xFFFFFFFEFFFFF000, "RW", 0),
    ]
