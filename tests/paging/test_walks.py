"""What a processor finds in the tables is what the plan says, and nothing else."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from efipolicy.model.address import AddressRange
from efipolicy.model.mapping import Access, LeafPolicy, Mapping
from efipolicy.paging import RadixGeometry, out_of_reach
from efipolicy.paging.builder import build
from efipolicy.paging.entries import AccessKind, EntryFormats, wider
from efipolicy.paging.tables import PageTables
from efipolicy.paging.walker import Walk, walk
from efipolicy.testing.page_by_page import PageByPage
from efipolicy_arm64.architecture import ARM64
from efipolicy_x86_64 import X86_64
from tests.paging.geometries import LAID
from tests.paging.test_against_page_by_page import MINIATURES, POLICIES, few, mappings
from tests.paging.trees import (
    CLASSIC,
    EVERY_GEOMETRY,
    FOUR_LEVEL,
    GIB,
    KIB,
    LOONGARCH,
    MIB,
    TIB,
    TOP,
    arm64,
    mapped,
    plain_formats,
)

KINDS: tuple[AccessKind, ...] = ("read", "write", "execute")
WINDOW = "0x8000000000000000-0x8001000000000000"
ACCESS: tuple[Access, ...] = ("R", "RW", "RX", "RWX")


def formats_of(geometry: RadixGeometry) -> EntryFormats:
    """The real entries, of the plugins or laid out for tests."""
    for architecture in (X86_64, ARM64):
        offered = [one for some in architecture.geometries.values() for one in some]
        if geometry in offered and architecture.entry_formats:
            return architecture.entry_formats(geometry)
    return next(one.formats for one in LAID if one.geometry == geometry)


def width_of(formats: EntryFormats) -> int:
    """How wide an address every leaf can hold: small pages of classic i386 hold less than large."""
    return min(
        max(part.physical_low + part.bits for part in leaf.address)
        for leaf in formats.leaves.values()
    )


by_name = pytest.mark.parametrize("geometry", EVERY_GEOMETRY, ids=lambda geometry: geometry.name)


@st.composite
def disjoint(draw: st.DrawFn, geometry: RadixGeometry, formats: EntryFormats) -> list[Mapping]:
    """Mappings of any size, none on another, anywhere in the address space."""
    page, width = geometry.page_size, width_of(formats)
    caches = sorted(set.intersection(*(set(f.cache) for f in formats.leaves.values())))
    found: list[Mapping] = []
    for reach in draw(st.permutations(geometry.translated)):
        at = reach.start + draw(st.integers(0, reach.size // page // 2)) * page
        for _ in range(draw(st.integers(0, 4))):
            at += draw(st.sampled_from([0, 0, 1, 16, 511, 1 << 18])) * page
            most = min(reach.end - at, 1 << width - 1) // page
            if most < 1:
                break
            pages = draw(st.integers(1, min(most, draw(st.sampled_from([4, 600, 1 << 20, most])))))
            size = pages * page
            room = ((1 << width) - size) // page
            aligned = draw(st.sampled_from([page, 2 * MIB, GIB]))
            physical = draw(st.integers(0, room)) * page
            if draw(st.booleans()):  # congruent, so that large leaves fit
                physical = (physical - at) // aligned * aligned + at
                assume(0 <= physical <= room * page)
            found.append(
                mapped(
                    physical,
                    size,
                    at,
                    draw(st.sampled_from(ACCESS)),
                    cache=draw(st.sampled_from(caches)),
                    pages_only=draw(st.booleans()),
                )
            )
            at += size
    return found


@by_name
@few
@given(st.data())
def test_every_mapped_address_reaches_what_the_plan_maps_there(
    geometry: RadixGeometry, data: st.DataObject
) -> None:
    formats = formats_of(geometry)
    some = data.draw(disjoint(geometry, formats))
    tables = build(geometry, some)
    assert not tables.refused
    assert not tables.overlaps
    for index, mapping in enumerate(some):
        extent = mapping.virtual
        assert extent
        address = data.draw(
            st.sampled_from([extent.start, extent.last]) | st.integers(extent.start, extent.last)
        )
        leaf = next(run for run in tables.runs if address in run.virtual)
        level = next(one for one in geometry.levels if one.entry_size == leaf.leaf_size)
        access = wider(mapping.access, formats.leaves[level.name])
        for kind, letter in zip(KINDS, "RWX", strict=True):
            found = walk(tables, formats, address, kind)
            assert found.steps[-1].level == level
            if letter in access:
                reached = mapping.physical.start + address - extent.start
                assert (found.physical, found.access, found.cache, found.mapping) == (
                    reached,
                    access,
                    mapping.cache,
                    index,
                )
                assert found.fault is None
            else:
                assert found.fault
                assert (found.fault.cause, found.fault.level) == ("permission", level)
                assert found.physical is None


@by_name
@few
@given(st.data())
def test_nothing_outside_the_plan_is_reached(geometry: RadixGeometry, data: st.DataObject) -> None:
    formats = formats_of(geometry)
    some = data.draw(disjoint(geometry, formats))
    tables = build(geometry, some)
    extents = [one.virtual for one in some if one.virtual]
    near = [edge for one in extents for edge in (one.start - 1, one.end, one.end + GIB)]
    address = data.draw(
        st.integers(0, TOP - 1)
        | st.sampled_from(
            [*near, *(edge for reach in geometry.translated for edge in (reach.start, reach.last))]
        )
    )
    assume(not any(address in one for one in extents))
    assume(not any(address in window.virtual for window in geometry.windows))
    kind = data.draw(st.sampled_from(KINDS))
    found = walk(tables, formats, address, kind)
    assert found.fault
    assert found.physical is None
    assert found.explanation
    if out_of_reach(geometry, address):
        assert (found.fault.cause, found.steps) == ("not-canonical", ())
        return
    # It stops at the first entry under which nothing is mapped.
    assert (found.fault.cause, found.fault.level) == ("not-mapped", found.steps[-1].level)
    for number, step in enumerate(found.steps):
        start = address & -step.level.entry_size
        under = AddressRange(start, start + step.level.entry_size)
        assert any(one.overlaps(under) for one in extents) == (number < len(found.steps) - 1)
        assert step.number == step.level.index_of(address)
    assert found.fault.number == len(found.steps) - 1


@pytest.mark.parametrize("geometry", MINIATURES, ids=lambda geometry: geometry.name)
@few
@given(st.data())
def test_overlapping_mappings_are_walked_as_each_page_says(
    geometry: RadixGeometry, data: st.DataObject
) -> None:
    policy: LeafPolicy = data.draw(st.sampled_from(POLICIES))
    some = data.draw(st.lists(mappings(geometry), max_size=5))
    formats = plain_formats(geometry)
    tables = build(geometry, some, leaf_policy=policy)
    tree = PageByPage(geometry, policy).build(some, [])
    for address, page in tree.pages.items():
        found = walk(tables, formats, address)
        aligned = page.physical - address % page.leaf
        if aligned % page.leaf:
            assert found.fault
            assert found.fault.cause == "reserved-bits"
            assert found.fault.reserved == aligned % page.leaf
        else:
            assert found.fault is None
            assert found.physical == page.physical
            assert (found.access, found.cache) == (page.access, page.cache)
            assert (found.leaf_size, found.mapping) == (page.leaf, page.mapping)
            assert found.steps[-1].decoded.contiguous == page.contiguous


def x86(tables: PageTables, address: int, **options: int) -> Walk:
    formats = formats_of(FOUR_LEVEL)
    return walk(tables, formats, address, **options)


def test_a_leaf_between_frames_faults_with_the_bits_that_must_be_clear() -> None:
    tables = build(
        FOUR_LEVEL,
        [mapped(0x7DC5B000, 0x4EB000, 0xFFFFFFFEFF2F5000)],
        leaf_policy="va-only",
    )
    found = x86(tables, 0xFFFFFFFEFF400000)
    assert found.fault
    assert (found.fault.cause, found.fault.reserved) == ("reserved-bits", 0x166000)
    # The pages before it are fine.
    assert x86(tables, 0xFFFFFFFEFF3FF123).physical == 0x7DD65123


def test_bit_12_of_a_large_leaf_is_no_address_bit() -> None:
    tables = build(
        FOUR_LEVEL, [mapped(0x40001000, 2 * MIB, 0x40000000, cache="UC-")], leaf_policy="va-only"
    )
    found = x86(tables, 0x40000000)
    # No fault, but the frame is 4 KiB off.
    assert (found.fault, found.physical) == (None, 0x40000000)


def test_an_address_that_no_entry_can_hold_faults() -> None:
    tables = build(FOUR_LEVEL, [mapped(1 << 52, 0x1000, 0x1000)])
    found = x86(tables, 0x1000)
    assert found.fault
    assert found.fault.cause == "address-size"


def test_a_small_page_of_classic_i386_cannot_be_beyond_4_gib() -> None:
    formats = formats_of(CLASSIC)
    large, small = (
        build(CLASSIC, [mapped(1 << 32, 4 * MIB, 0, "RWX", pages_only=pages)])
        for pages in (False, True)
    )
    assert walk(large, formats, 0x1234).physical == 0x100001234
    fault = walk(small, formats, 0x1234).fault
    assert fault
    assert fault.cause == "address-size"


def test_the_processor_s_width_bounds_what_a_leaf_may_name() -> None:
    tables = build(FOUR_LEVEL, [mapped(1 << 40, 0x1000, 0x1000)])
    assert x86(tables, 0x1000, physical_address_bits=41).physical == 1 << 40
    found = x86(tables, 0x1000, physical_address_bits=40)
    assert found.fault
    assert (found.fault.cause, found.fault.reserved) == ("address-size", 1 << 40)


def test_the_bit_that_marks_encrypted_memory_is_no_address_bit() -> None:
    tables = build(
        FOUR_LEVEL,
        [
            mapped(0x7C000000, 0x1000, 0x1000)._replace(encrypted=True),
            mapped(1 << 47, 0x1000, 0x2000),
        ],
    )
    found = x86(tables, 0x1000, encryption_bit=47)
    assert found.physical == 0x7C000000
    assert [step.entry >> 47 for step in found.steps] == [1, 1, 1, 0x10001]
    # Whatever width the processor has, an address with that bit cannot be named any more.
    for width in (48, 52, 64):
        beyond = x86(tables, 0x2000, encryption_bit=47, physical_address_bits=width)
        assert beyond.fault
        assert beyond.fault.cause == "address-size"


def test_a_window_needs_no_table() -> None:
    tables = build(LOONGARCH, [mapped(0x0F000000, 0x100000, 0x800000000F000000, "RWX")])
    assert (tables.runs, tables.refused, tables.total) == ((), (), 1)
    found = walk(tables, plain_formats(LOONGARCH), 0x900000000F000123, "execute")
    assert (found.physical, found.cache, found.steps) == (0x0F000123, "CC", ())


@pytest.mark.parametrize(
    ("physical", "virtual", "reason"),
    [
        (
            0x0F100000,
            0x800000000F000000,
            f"the window {WINDOW} shows physical memory at 0xf000000 there",
        ),
        (
            0xFFFFFFFF0000,
            0x8000FFFFFFFF0000,
            f"only a part of it lies in the window {WINDOW}",
        ),
    ],
)
def test_a_window_shows_what_it_shows(physical: int, virtual: int, reason: str) -> None:
    tables = build(LOONGARCH, [mapped(physical, 0x100000, virtual)])
    assert [one.reason for one in tables.refused] == [reason]


def test_both_halves_of_arm64_have_a_root() -> None:
    geometry = arm64(4 * KIB, 48)
    low, high = mapped(0, 4 * KIB, 0), mapped(0, 4 * KIB, TOP - 4 * KIB)
    assert build(geometry, [low]).tables["L0"] == 1
    assert build(geometry, [high]).tables["L0"] == 1
    assert build(geometry, [low, high]).tables == {"L0": 2, "L1": 2, "L2": 2, "L3": 2}
    assert build(FOUR_LEVEL, [low, high]).tables == {"PGD": 1, "PUD": 2, "PMD": 2, "PTE": 2}


@pytest.mark.parametrize("geometry", [FOUR_LEVEL, arm64(64 * KIB, 52), arm64(16 * KIB, 47)])
def test_the_last_page_of_the_address_space_can_be_mapped(geometry: RadixGeometry) -> None:
    page = geometry.page_size
    tables = build(geometry, [mapped(0x40000000, page, TOP - page)])
    assert [run.end for run in tables.runs] == [TOP]
    found = walk(tables, plain_formats(geometry), TOP - 1)
    assert found.physical == 0x40000000 + page - 1
    assert build(geometry, [mapped(0x40000000, page + 1, TOP - page)]).refused


@pytest.mark.parametrize(
    ("mapping", "reason"),
    [
        (mapped(0, 0x1000, 1 << 47), "no address that x86_64-4level translates"),
        (mapped(0, 0x2000, (1 << 47) - 0x1000), "no address that x86_64-4level translates"),
        (mapped(0, 1 << 64, 0), "no address that x86_64-4level translates"),
        (
            mapped(0x1800, 0x1000, 0x1000),
            "virtual and physical address differ within a page of 0x1000 bytes",
        ),
    ],
)
def test_what_no_table_holds_is_refused_and_told(mapping: Mapping, reason: str) -> None:
    tables = build(FOUR_LEVEL, [mapped(0, 0x1000, 0x5000), mapping])
    assert [(one.mapping, one.reason) for one in tables.refused] == [(1, reason)]
    assert len(tables.runs) == 1


def test_a_mapping_of_nothing_or_without_an_address_is_left_out() -> None:
    tables = build(FOUR_LEVEL, [mapped(0x1000, 0, 0x1000), mapped(0x1000, 0x1000, None)])
    assert (tables.runs, tables.refused, tables.total) == ((), (), 1)
    assert tables.table_bytes == 4 * KIB


def test_regions_of_4_kib_are_refused_where_their_64_kib_frames_do_not_match() -> None:
    geometry = arm64(64 * KIB, 48)
    refused = build(geometry, [mapped(0xBE732000, 0x1000, 0x20003000)]).refused
    assert "differ within a page of 0x10000 bytes" in refused[0].reason


def test_64_tib_at_odd_offsets_take_a_handful_of_runs() -> None:
    tables = build(FOUR_LEVEL, [mapped(0x1000, 64 * TIB, 0x1000)])
    assert len(tables.runs) == 4
    assert tables.leaves == {4 * KIB: 512, 2 * MIB: 511, GIB: 64 * KIB - 1}
    assert tables.total == 1 + 129 + 2 + 2
