"""The tables and leaves that known layouts come to, each worked out by hand elsewhere.

The five regions are those a firmware developer printed in October 2013, the ones of arm64 are
synthetic, those of riscv64 and the 64 KiB ones come from dumps in patch mails.
"""

import pytest

from efipolicy.model.mapping import LeafPolicy, Mapping
from efipolicy.paging import RadixGeometry
from efipolicy.paging.builder import build
from tests.paging.trees import (
    FIVE_LEVEL,
    FOUR_LEVEL,
    GIB,
    KIB,
    MIB,
    PAE,
    arm64,
    counts,
    identity,
    mapped,
    mappings_of,
    riscv,
)

Rows = list[tuple[int, int, int]]

TOP_DOWN: Rows = [
    (0x7FFE0000, 0x20000, 0xFFFFFFFEFFFE0000),
    (0x7FA65000, 0x57B000, 0xFFFFFFFEFFA65000),
    (0x7DC5B000, 0x4EB000, 0xFFFFFFFEFF45B000),
    (0x7C000000, 0x20000, 0xFFFFFFFEFF400000),
    (0x800000, 0x800000, 0xFFFFFFFEFEC00000),
]
MERGED: Rows = [(0x7FA65000, 0x59B000, 0xFFFFFFFEFFA65000), *TOP_DOWN[2:]]
FORWARD: Rows = [
    (0x800000, 0x800000, 0xFFFFFFFEFF800000),
    (0x7C000000, 0x20000, 0xFFFFFFFEFF600000),
    (0x7DC5B000, 0x4EB000, 0xFFFFFFFEFF05B000),
    (0x7FA65000, 0x57B000, 0xFFFFFFFEFEA65000),
    (0x7FFE0000, 0x20000, 0xFFFFFFFEFE9E0000),
]
FIXED_WINDOW: Rows = [(at, size, 0xFFFFFFFE80000000 + at) for at, size, _ in FORWARD]
WINDOW_OFF_BY_124K: Rows = [
    (0x800000, 0x800000, 0xFFFFFFFE8081F000),
    (0x7C000000, 0x20000, 0xFFFFFFFEFC01F000),
    (0x7DC5B000, 0x4EB000, 0xFFFFFFFEFDC7A000),
    (0x7FA65000, 0x57B000, 0xFFFFFFFEFFA84000),
    (0x7FFE0000, 0x1000, 0xFFFFFFFEFFFFF000),
]
DENSE_DOWN: Rows = [
    (0x800000, 0x800000, 0xFFFFFFFEFF800000),
    (0x7C000000, 0x20000, 0xFFFFFFFEFF7E0000),
    (0x7DC5B000, 0x4EB000, 0xFFFFFFFEFF2F5000),
    (0x7FA65000, 0x57B000, 0xFFFFFFFEFED7A000),
    (0x7FFE0000, 0x20000, 0xFFFFFFFEFED5A000),
]
DENSE_UP: Rows = [
    (0x800000, 0x800000, 0xFFFFFFFF00000000),
    (0x7C000000, 0x20000, 0xFFFFFFFF00800000),
    (0x7DC5B000, 0x4EB000, 0xFFFFFFFF00820000),
    (0x7FA65000, 0x57B000, 0xFFFFFFFF00D0B000),
    (0x7FFE0000, 0x20000, 0xFFFFFFFF01286000),
]
BEYOND_1G: Rows = [(0x100200000, 0x80000000, 0xFFFFFFFE80000000)]
Z87: Rows = [
    (0xFF000000, 0x1000000, 0xFFFFFFFEFF000000),
    (0xFEE00000, 0x1000, 0xFFFFFFFEFEE00000),
    (0xFED1C000, 0x4000, 0xFFFFFFFEFED1C000),
    (0xFED00000, 0x4000, 0xFFFFFFFEFED00000),
    (0xFEC00000, 0x1000, 0xFFFFFFFEFEC00000),
    (0xF8000000, 0x4000000, 0xFFFFFFFEFAC00000),
]
WHISKEY_LAKE: Rows = [
    (0xFF000000, 0x1000000, 0xFFFFFFFEFF000000),
    (0xFEE00000, 0x1000, 0xFFFFFFFEFEE00000),
    (0xFED1C000, 0x4000, 0xFFFFFFFEFED1C000),
    (0xFED00000, 0x4000, 0xFFFFFFFEFED00000),
    (0xFEC00000, 0x1000, 0xFFFFFFFEFEC00000),
    (0xFE000000, 0x11000, 0xFFFFFFFEFEA00000),
    (0xF0000000, 0x8000000, 0xFFFFFFFEF6A00000),
    (0x7A40E000, 0x1000, 0xFFFFFFFEF680E000),
    (0x7A317000, 0xF7000, 0xFFFFFFFEF6717000),
    (0x79AAC000, 0x86B000, 0xFFFFFFFEF5EAC000),
    (0x75D8E000, 0x66D000, 0xFFFFFFFEF578E000),
    (0x74DD7000, 0xE1B000, 0xFFFFFFFEF47D7000),
    (0x74DD6000, 0x1000, 0xFFFFFFFEF47D6000),
    (0x6D63A000, 0x779C000, 0xFFFFFFFEED03A000),
]
PAGE_0: Rows = [(0, 0x1000, 0)]

ARM: Rows = [
    (0x09010000, 0x1000, 0x20000000),
    (0xBBE30000, 0xC0000, 0x20010000),
    (0xBBEF0000, 0x110000, 0x200D0000),
    (0xBC000000, 0x400000, 0x20200000),
    (0xBF7E5000, 0xB000, 0x20605000),
    (0xBF7F0000, 0x10000, 0x20610000),
]
UBOOT: Rows = [
    (at, pages << 12, at)
    for at, pages in (
        (0xFFFFE000, 1),
        (0x43DD60000, 1),
        (0x43DDC1000, 1),
        (0x43DDC3000, 2),
        (0x43DDC6000, 4),
        (0x43FF10000, 16),
    )
]
RISCV: Rows = [
    (0xBE732000, 0x1000, 0x20002000),
    (0xBE738000, 0x1000, 0x20018000),
    (0xBE73C000, 0x1000, 0x2002C000),
    (0xBFF61000, 0x1000, 0x20031000),
]


def both(rows: Rows) -> Rows:
    """At the virtual addresses, and at the physical ones."""
    return [*rows, *identity(rows)]


@pytest.mark.parametrize(
    ("rows", "geometry", "expected"),
    [
        pytest.param(TOP_DOWN[1:2], FOUR_LEVEL, (1, 1, 1, 2), id="one region"),
        pytest.param(TOP_DOWN, FOUR_LEVEL, (1, 1, 1, 4), id="top-down"),
        pytest.param(both(TOP_DOWN), FOUR_LEVEL, (1, 2, 3, 9), id="and 1:1"),
        pytest.param(both(TOP_DOWN) + PAGE_0, FOUR_LEVEL, (1, 2, 3, 10), id="and page 0"),
        pytest.param(both(TOP_DOWN), FIVE_LEVEL, (1, 2, 2, 3, 9), id="and 1:1, five levels"),
        pytest.param(both(MERGED), FOUR_LEVEL, (1, 2, 3, 7), id="merged and 1:1"),
        pytest.param(both(MERGED) + PAGE_0, FOUR_LEVEL, (1, 2, 3, 8), id="merged and page 0"),
        pytest.param(FIXED_WINDOW, FOUR_LEVEL, (1, 1, 2, 5), id="fixed window"),
        pytest.param(identity(TOP_DOWN), FOUR_LEVEL, (1, 1, 2, 5), id="identity"),
    ],
)
def test_the_five_regions_take_the_tables_of_their_layout(
    rows: Rows, geometry: RadixGeometry, expected: tuple[int, ...]
) -> None:
    tables = build(geometry, mappings_of(rows), leaf_policy="va-only")
    assert counts(tables) == expected
    assert tables.total == sum(expected)
    assert not tables.refused


@pytest.mark.parametrize(
    ("rows", "leaves"),
    [
        (TOP_DOWN[1:2], {4 * KIB: 891, 2 * MIB: 1}),
        (both(MERGED), {4 * KIB: 2380, 2 * MIB: 14}),
        (identity(TOP_DOWN), {4 * KIB: 1702, 2 * MIB: 6}),
        (RISCV, {4 * KIB: 4}),
    ],
)
def test_leaves_are_counted_by_their_size(rows: Rows, leaves: dict[int, int]) -> None:
    assert build(FOUR_LEVEL, mappings_of(rows), leaf_policy="va-only").leaves == leaves


@pytest.mark.parametrize("policy", ["strict", "va-only"])
def test_an_identity_map_needs_the_same_leaves_whatever_is_looked_at(policy: LeafPolicy) -> None:
    tables = build(FOUR_LEVEL, mappings_of(identity(TOP_DOWN)), leaf_policy=policy)
    assert counts(tables) == (1, 1, 2, 5)
    assert tables.leaves == {4 * KIB: 1702, 2 * MIB: 6}


@pytest.mark.parametrize(
    ("largest_leaf", "expected", "leaves"),
    [
        (None, (1, 1, 0, 0), {GIB: 4}),
        (2 * MIB, (1, 1, 4, 0), {2 * MIB: 2048}),
        (4 * KIB, (1, 1, 4, 2048), {4 * KIB: 1 << 20}),
    ],
)
def test_four_gib_take_the_tables_that_their_leaves_leave_over(
    largest_leaf: int | None, expected: tuple[int, ...], leaves: dict[int, int]
) -> None:
    tables = build(FOUR_LEVEL, [mapped(0, 4 * GIB, 0)], largest_leaf=largest_leaf)
    assert (counts(tables), tables.leaves) == (expected, leaves)


def test_a_private_table_of_small_pages_pays_for_one_page_too_many() -> None:
    exact = build(FOUR_LEVEL, mappings_of(identity(TOP_DOWN), pages_only=True))
    assert (counts(exact), exact.leaves) == ((1, 1, 2, 11), {4 * KIB: 4774})

    inclusive = [(at, size + 0x1000, at) for at, size, _ in reversed(TOP_DOWN)]
    tables = build(FOUR_LEVEL, mappings_of(inclusive, pages_only=True))
    assert (counts(tables), tables.leaves) == ((1, 1, 3, 13), {4 * KIB: 4778})
    # The page after the fourth region is the first of the fifth.
    (overlap,) = tables.overlaps
    assert (str(overlap.virtual), overlap.earlier, overlap.later) == (
        "0x7ffe0000-0x7ffe1000",
        3,
        4,
    )


def test_freebsd_adds_page_0_to_the_small_pages() -> None:
    rows = identity(TOP_DOWN) + PAGE_0
    tables = build(FOUR_LEVEL, mappings_of(rows, pages_only=True))
    assert (tables.total, tables.leaves) == (16, {4 * KIB: 4774 + 1})


@pytest.mark.parametrize(
    ("rows", "large"),
    [
        (TOP_DOWN, [0, 1, 1, 0, 4]),
        (DENSE_DOWN, [4, 0, 1, 2, 0]),
        (Z87, [8, 0, 0, 0, 0, 32]),
    ],
)
def test_each_region_has_its_large_leaves(rows: Rows, large: list[int]) -> None:
    tables = build(FOUR_LEVEL, mappings_of(rows), leaf_policy="va-only")
    for index, ((_, size, _), expected) in enumerate(zip(rows, large, strict=True)):
        leaves = dict.fromkeys((4 * KIB, 2 * MIB), 0)
        for run in tables.from_mapping(index):
            leaves[run.leaf_size] += run.number_of_leaves
        assert leaves == {
            2 * MIB: expected,
            4 * KIB: (size - expected * 2 * MIB) // (4 * KIB),
        }


@pytest.mark.parametrize(
    ("rows", "bad"),
    [
        pytest.param(TOP_DOWN, [], id="top-down"),
        pytest.param(FORWARD, [], id="top-down, forward"),
        pytest.param(FIXED_WINDOW, [], id="fixed window"),
        pytest.param(Z87, [], id="Z87"),
        pytest.param(WHISKEY_LAKE, [], id="Whiskey Lake"),
        pytest.param(
            WINDOW_OFF_BY_124K,
            [
                (0xFFFFFFFE80A00000, 0x9E1000),
                (0xFFFFFFFE80C00000, 0xBE1000),
                (0xFFFFFFFE80E00000, 0xDE1000),
                (0xFFFFFFFEFDE00000, 0x7DDE1000),
                (0xFFFFFFFEFFC00000, 0x7FBE1000),
            ],
            id="fixed window, end not a multiple of 2 MiB",
        ),
        pytest.param(
            DENSE_DOWN,
            [
                (0xFFFFFFFEFEE00000, 0x7FAEB000),
                (0xFFFFFFFEFF000000, 0x7FCEB000),
                (0xFFFFFFFEFF400000, 0x7DD66000),
            ],
            id="dense, downwards",
        ),
        pytest.param(
            DENSE_UP,
            [
                (0xFFFFFFFF00A00000, 0x7DE3B000),
                (0xFFFFFFFF00E00000, 0x7FB5A000),
                (0xFFFFFFFF01000000, 0x7FD5A000),
            ],
            id="dense, upwards",
        ),
        pytest.param(
            BEYOND_1G,
            [(0xFFFFFFFE80000000, 0x100200000), (0xFFFFFFFEC0000000, 0x140200000)],
            id="1 GiB leaves",
        ),
    ],
)
def test_where_only_the_virtual_address_counts_large_leaves_can_point_between_frames(
    rows: Rows, bad: Rows
) -> None:
    tables = build(FOUR_LEVEL, mappings_of(rows), leaf_policy="va-only")
    found = [
        (start, run.physical + start - run.start)
        for run in tables.runs
        if run.misaligned
        for start in range(run.start, run.end, run.leaf_size)
    ]
    assert found == bad


@pytest.mark.parametrize("rows", [WINDOW_OFF_BY_124K, DENSE_DOWN, DENSE_UP, BEYOND_1G])
def test_where_both_addresses_count_no_leaf_points_between_frames(rows: Rows) -> None:
    tables = build(FOUR_LEVEL, mappings_of(rows))
    assert not any(run.misaligned for run in tables.runs)


def runtime(rows: Rows) -> list[Mapping]:
    """The first region is MMIO and may use blocks, the others are pages."""
    return [*mappings_of(rows[:1]), *mappings_of(rows[1:], pages_only=True)]


@pytest.mark.parametrize(
    ("granule", "bits", "expected", "leaves", "one_to_one"),
    [
        (4 * KIB, 48, (1, 1, 1, 4), 1516, (1, 1, 2, 5)),
        (4 * KIB, 39, (1, 1, 4), 1516, (1, 2, 5)),
        (16 * KIB, 47, (1, 1, 1), 380, None),
        (16 * KIB, 48, (1, 1, 1, 1), 380, None),
        (64 * KIB, 42, (1, 1), 96, None),
        (64 * KIB, 48, (1, 1, 1), 96, None),
        (64 * KIB, 52, (1, 1, 1), 96, None),
    ],
)
def test_arm64_takes_the_tables_of_its_granule(
    granule: int,
    bits: int,
    expected: tuple[int, ...],
    leaves: int,
    one_to_one: tuple[int, ...] | None,
) -> None:
    geometry = arm64(granule, bits)
    tables = build(geometry, runtime(ARM))
    assert (counts(tables), tables.leaves) == (expected, {granule: leaves})
    if one_to_one:
        assert counts(build(geometry, runtime(identity(ARM)))) == one_to_one


@pytest.mark.parametrize(
    ("granule", "bits", "total"),
    [
        (4 * KIB, 48, 9),
        (4 * KIB, 39, 8),
        (16 * KIB, 47, 6),
        (16 * KIB, 48, 7),
        (64 * KIB, 42, 3),
        (64 * KIB, 48, 4),
        (64 * KIB, 52, 4),
    ],
)
def test_arm64_takes_more_tables_for_its_physical_addresses(
    granule: int, bits: int, total: int
) -> None:
    assert build(arm64(granule, bits), runtime(identity(ARM))).total == total


@pytest.mark.parametrize(("bits", "total"), [(48, 4), (42, 3)])
def test_regions_of_4_kib_share_the_frames_of_a_64_kib_kernel(bits: int, total: int) -> None:
    tables = build(arm64(64 * KIB, bits), mappings_of(UBOOT, pages_only=True))
    assert [run.start for run in tables.runs] == [0xFFFF0000, 0x43DD60000, 0x43DDC0000, 0x43FF10000]
    assert tables.total == total
    assert tables.leaves == {64 * KIB: 4}
    # The frame that three regions share is the last one's; each hides the one before.
    assert [run.mapping for run in tables.runs] == [0, 1, 4, 5]
    assert [(one.earlier, one.later) for one in tables.overlaps] == [(2, 3), (3, 4)]


def test_the_pages_of_a_riscv_board_are_in_one_table() -> None:
    assert counts(build(riscv(39), mappings_of(RISCV, pages_only=True))) == (1, 1, 1)


@pytest.mark.parametrize(
    ("granule", "bits", "levels"),
    [
        (4 * KIB, 48, 4),
        (4 * KIB, 39, 3),
        (16 * KIB, 47, 3),
        (16 * KIB, 48, 4),
        (64 * KIB, 42, 2),
        (64 * KIB, 48, 3),
    ],
)
def test_one_page_takes_one_table_of_each_level(granule: int, bits: int, levels: int) -> None:
    assert counts(build(arm64(granule, bits), [mapped(0, granule, 0)])) == (1,) * levels


@pytest.mark.parametrize(
    ("geometry", "root"),
    [
        (FOUR_LEVEL, 4 * KIB),
        (PAE, 32),
        (arm64(16 * KIB, 48), 16),
        (arm64(64 * KIB, 48), 512),
        (arm64(64 * KIB, 52), 8 * KIB),
        (arm64(4 * KIB, 52), 128),
    ],
)
def test_a_root_of_few_entries_takes_less_than_a_page(geometry: RadixGeometry, root: int) -> None:
    below = sum(geometry.table_bytes(level) for level in geometry.levels[1:])
    assert geometry.table_bytes(geometry.levels[0]) == root
    assert build(geometry, [mapped(0, 1, 0)]).table_bytes == root + below
