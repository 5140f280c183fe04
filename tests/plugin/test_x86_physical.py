"""Physical calls of x86 Linux: the private table and the shared one, both proposed in 2010."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from efipolicy.engine.planned import Planned
from efipolicy.model.address import AddressRange
from tests.conftest import FIXTURES, Run
from tests.plugin.plans import (
    RUNTIME,
    WB,
    Row,
    addresses,
    choice,
    leaves,
    planned_as,
    platform_of,
    tables,
)

OVMF5_FILE = FIXTURES / "platforms" / "ovmf5.yaml"
OVMF5 = [
    (5, 0x00800000, 0x800000, RUNTIME | 0xF),
    (6, 0x7C000000, 0x20000, RUNTIME | 0xF),
    (5, 0x7DC5B000, 0x4EB000, RUNTIME | 0xF),
    (6, 0x7FA65000, 0x57B000, RUNTIME | 0xF),
    (5, 0x7FFE0000, 0x20000, RUNTIME | 0xF),
]
EVERY_TYPE = [(type, type << 20, 0x1000, WB) for type in range(16)]


def private(rows: list[Row], **options: str) -> Planned:
    return planned_as(platform_of(rows), choice("x86-phys-private", **options))


def shared(rows: list[Row], *, architecture: str = "x86_64", **options: str) -> Planned:
    platform = platform_of(rows, architecture=architecture)
    return planned_as(platform, choice("x86-shared-1to1", **options))


@pytest.mark.parametrize(
    ("inclusive_end", "pages", "counts"),
    [("true", 4778, [1, 1, 3, 13]), ("false", 4774, [1, 1, 2, 11])],
)
def test_a_private_table_of_the_ovmf_regions_has_so_many_pages_and_tables(
    inclusive_end: str, pages: int, counts: list[int]
) -> None:
    made = private(OVMF5, inclusive_end=inclusive_end)
    assert addresses(made.plan) == [(row[1], row[1]) for row in OVMF5]
    assert tables(made).leaves == {0x1000: pages}
    assert list(tables(made).tables.values()) == counts
    assert made.plan.svam is None


def test_the_command_line_prints_the_pages_of_a_private_table(run: Run) -> None:
    words = ("--strategy", "x86-phys-private", "--format", "json")
    status, printed, _ = run("pagetable", OVMF5_FILE, *words)
    assert status == 0
    made = json.loads(printed)
    assert (made["tables"]["total"], made["leaves"]["4K"]) == (18, 4778)


def test_the_page_too_many_is_not_put_over_a_region_that_comes_later() -> None:
    data, code = (6, 0x1000000, 0x1000, RUNTIME | WB), (5, 0x1001000, 0x1000, RUNTIME | WB)
    assert leaves(private([data, code])) == [
        (0x1000000, "4 KiB", "RW"),
        (0x1001000, "4 KiB", "RWX"),
        (0x1002000, "4 KiB", "RWX"),
    ]
    # Mapped earlier, its first page is changed: the map is not sorted.
    assert leaves(private([code, data]))[:2] == [
        (0x1000000, "4 KiB", "RW"),
        (0x1001000, "4 KiB", "RW"),
    ]


def test_the_bit_test_as_written_chooses_every_type_but_two() -> None:
    made = private(EVERY_TYPE, variant="mailing-list", literal="true").plan
    assert [m.type for m in made.mappings] == [t for t in range(16) if t not in (0, 8)]
    assert [m.type for m in made.mappings if m.access == "RW"] == [2, 10]
    assert made.call.saved_state == "global"


def test_the_mailed_form_means_types_5_and_6_and_always_write_back() -> None:
    rows = [*EVERY_TYPE, (6, 0xFE000000, 0x1000, RUNTIME | 1)]
    made = private(rows, variant="mailing-list").plan
    assert [(m.type, m.access, m.cache) for m in made.mappings] == [
        (5, "RWX", "WB"),
        (6, "RW", "WB"),
        (6, "RW", "WB"),
    ]
    assert made.call.saved_state == "per-cpu"


def test_the_distributions_form_goes_by_the_runtime_bit() -> None:
    rows = [*EVERY_TYPE, (11, 0xFE000000, 0x1000, RUNTIME | 1), OVMF5[0]]
    # The bit test is the mailed form's: it changes nothing here.
    for literal in ("false", "true"):
        made = private(rows, literal=literal).plan
        assert [(m.type, m.access, m.cache) for m in made.mappings] == [
            (11, "RW", "UC-"),
            (5, "RWX", "WB"),
        ]
        assert made.call.saved_state == "per-cpu"


def test_machines_of_dell_have_page_0_besides() -> None:
    made = private(OVMF5, page0="true").plan
    assert [(m.virtual_start, m.access) for m in made.extra][-1] == (0, "RW")


def test_virtefi_makes_it_the_strategy_before() -> None:
    made = private(OVMF5, virtefi="true", page_offset="0xffff900000000000").plan
    assert addresses(made) == [(row[1], 0xFFFF900000000000 + row[1]) for row in OVMF5]
    assert made.svam is not None
    assert (made.strategy, made.options["virtefi"]) == ("x86-phys-private", True)
    assert made.options["direct_map_end"] == 0x80000000


@pytest.mark.parametrize(("gbpages", "counts"), [("true", [1, 1, 0, 0]), ("false", [1, 1, 4, 0])])
def test_4_gib_of_shared_identity_map_take_so_many_tables(gbpages: str, counts: list[int]) -> None:
    rows = [(7, 0, 1 << 32, WB), OVMF5[0]]
    made = tables(shared(rows, gbpages=gbpages))
    assert list(made.tables.values()) == counts


def test_registers_keep_their_cache_type_within_the_shared_map() -> None:
    ram = [(7, 0, 0xC0000000, WB), (7, 1 << 32, 1 << 30, WB)]
    made = shared([*ram, (11, 0xFF000000, 1 << 24, RUNTIME | 1)])
    assert made.plan.options["ram_end"] == 5 << 30
    runs = tables(made).runs
    assert [(run.start, run.end) for run in runs if run.cache == "UC-"] == [(0xFF000000, 1 << 32)]
    assert {run.access for run in runs} == {"RWX"}
    assert (runs[0].start, runs[-1].end) == (0, 5 << 30)


def test_the_shared_map_ends_where_it_is_told() -> None:
    made = shared([(7, 0, 1 << 32, WB)], ram_end="0x80000000")
    assert tables(made).runs[-1].end == 0x80000000


def test_in_32_bits_the_shared_map_ends_below_the_kernel() -> None:
    rows = [(7, 0, 1 << 32, WB), OVMF5[0], (11, 0xFF000000, 1 << 24, RUNTIME | 1)]
    made = shared(rows, architecture="i386", gbpages="false")
    assert [run.end for run in tables(made).runs][-1] == 0xC0000000
    assert (made.plan.status, made.plan.mappings[1].virtual_start) == ("impossible", None)
    assert [problem.rule for problem in made.plan.problems] == ["plan/window-overflow"]


@given(
    st.lists(
        st.tuples(
            st.integers(0, 15), st.integers(0, 3000), st.integers(1, 900), st.sampled_from([1, WB])
        ),
        max_size=10,
    ),
    st.sampled_from(["x86-phys-private", "x86-shared-1to1"]),
)
def test_everything_is_at_its_physical_address_and_firmware_is_told_nothing(
    shapes: list[tuple[int, int, int, int]], strategy: str
) -> None:
    start, rows = 0x100000, []
    for type, gap, pages, cache in shapes:
        start += gap * 0x1000
        rows.append((type, start, pages * 0x1000, RUNTIME | cache))
        start += pages * 0x1000
    made = planned_as(platform_of(rows), choice(strategy))
    assert made.plan.svam is None
    assert len(made.plan.mappings) == len(rows)
    for mapping in (*made.plan.mappings, *made.plan.extra):
        assert mapping.virtual_start == mapping.physical.start
    caches = {run.cache for run in tables(made).runs}
    assert ("UC-" in caches) == any(cache == 1 for *_, cache in shapes)


def test_registers_that_the_mailed_form_leaves_out_are_told() -> None:
    rows = [OVMF5[0], (11, 0xFE000000, 0x1000, RUNTIME | 1)]
    made = private(rows, variant="mailing-list").plan
    assert addresses(made) == [(0x800000, 0x800000)]
    assert made.status == "impossible"
    assert [problem.region for problem in made.problems] == [AddressRange(0xFE000000, 0xFE001000)]
    assert private(rows, variant="mailing-list", literal="true").plan.status == "ok"


def test_no_page_too_many_follows_the_last_page_of_all() -> None:
    made = private([OVMF5[0], (11, 2**64 - 0x1000, 0x1000, RUNTIME | 1)]).plan
    assert all(mapping.physical.end <= 1 << 64 for mapping in made.extra)
