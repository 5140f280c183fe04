"""Which region of one map is which of another, and what became of it."""

from __future__ import annotations

import time
from collections.abc import Iterable
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from efipolicy.formats import efipolicy_formats
from efipolicy.formats.recognition import recognise
from efipolicy.model.changes import RegionChange, outlives_boot, region_changes
from efipolicy.model.memory_map import MemoryDescriptor
from efipolicy.source import SourceText
from efipolicy.testing.factories import descriptor
from tests.conftest import FIXTURES

FORMATS = {form.name: form for form in efipolicy_formats()}
GIB = 1 << 30


def region(line: str) -> MemoryDescriptor:
    return descriptor(line)


def changed(old: list[str], new: list[str]) -> list[str]:
    """What changed, as ``kind old-start->new-start``."""
    return [told(change) for change in region_changes(map(region, old), map(region, new))]


def told(change: RegionChange) -> str:
    starts = (hex(one.physical_start) if one else "" for one in (change.old, change.new))
    return f"{change.kind} {'->'.join(starts)}"


def capture(name: str) -> tuple[MemoryDescriptor, ...]:
    text = (FIXTURES / "boots" / name).read_text(encoding="utf-8")
    reading = recognise(SourceText(name, text), FORMATS).reading
    assert reading
    return reading.platform.memory_map.descriptors


BASE = [
    "EfiConventionalMemory   0x100000    0x700  WB",
    "EfiBootServicesData     0x800000    0x40   WB",
    "EfiRuntimeServicesCode  0x7f000000  0x100  WB RUNTIME",
    "EfiRuntimeServicesData  0x7f100000  0x80   WB RUNTIME",
    "EfiACPIMemoryNVS        0x7f180000  0x10   WB",
]


def with_line(number: int, line: str) -> list[str]:
    return [*BASE[:number], line, *BASE[number + 1 :]]


def test_equal_maps_have_no_changes_whatever_their_order() -> None:
    assert changed(BASE, BASE[::-1]) == []


@pytest.mark.parametrize(
    ("number", "line", "change"),
    [
        (2, "EfiRuntimeServicesCode 0x7e000000 0x100 WB RUNTIME", "moved 0x7f000000->0x7e000000"),
        (2, "EfiRuntimeServicesCode 0x7f000000 0xf0 WB RUNTIME", "resized 0x7f000000->0x7f000000"),
        (2, "EfiReservedMemoryType 0x7f000000 0x100 WB", "retyped 0x7f000000->0x7f000000"),
        (2, "EfiRuntimeServicesCode 0x7f000000 0x100 WB XP", "attribute 0x7f000000->0x7f000000"),
        (0, "EfiConventionalMemory 0x100000 0x6ff WB", "resized 0x100000->0x100000"),
        (0, "EfiConventionalMemory 0x101000 0x6ff WB", "resized 0x100000->0x101000"),
        (1, "EfiBootServicesData 0x90000000 0x40 WB", "moved 0x800000->0x90000000"),
    ],
)
def test_one_change_is_told_as_what_it_is(number: int, line: str, change: str) -> None:
    assert changed(BASE, with_line(number, line)) == [change]


def test_what_only_one_map_has_is_added_or_removed() -> None:
    assert changed(BASE[:-1], BASE) == ["added ->0x7f180000"]
    assert changed(BASE, BASE[:-1]) == ["removed 0x7f180000->"]
    assert changed([], BASE[:1]) == ["added ->0x100000"]


def test_a_region_carved_out_of_free_memory_is_added_and_the_rest_is_smaller() -> None:
    new = [
        "EfiConventionalMemory   0x100000  0x6f0  WB",
        "EfiRuntimeServicesData  0x7f0000  0x10   WB RUNTIME",
        *BASE[1:],
    ]
    assert changed(BASE, new) == ["resized 0x100000->0x100000", "added ->0x7f0000"]


def test_regions_of_equal_identity_are_paired_in_order() -> None:
    old = [f"EfiACPIMemoryNVS {start:#x} 1 WB" for start in (0x5000, 0x1000, 0x3000)]
    new = [f"EfiACPIMemoryNVS {start:#x} 1 WB" for start in (0x3000, 0x8000, 0x6000)]
    assert changed(old, new) == ["moved 0x1000->0x6000", "moved 0x5000->0x8000"]


def test_a_region_that_moved_and_grew_is_resized() -> None:
    new = with_line(3, "EfiRuntimeServicesData 0x7f110000 0x90 WB RUNTIME")
    assert changed(BASE, new) == ["resized 0x7f100000->0x7f110000"]


def test_a_region_of_another_type_in_a_block_that_moved_is_retyped() -> None:
    block = ["EfiBootServicesCode {} 3 WB", "EfiLoaderData {} 2 WB", "EfiBootServicesData {} 9 WB"]
    old = [line.format(hex(0x1000000 + i * 0x10000)) for i, line in enumerate(block * 3)]
    new = [line.format(hex(0x5000000 + i * 0x10000)) for i, line in enumerate(block * 3)]
    new[4] = "EfiConventionalMemory 0x5040000 2 WB"
    changes = changed(old, new)
    assert changes.pop(4) == "retyped 0x1040000->0x5040000"
    assert [change.split()[0] for change in changes] == ["moved"] * 8


def test_free_memory_elsewhere_is_not_free_memory_that_moved() -> None:
    hole = "EfiConventionalMemory {} 3 WB"
    old, new = [*BASE, hole.format("0x900000")], [*BASE, hole.format("0x7f800000")]
    assert changed(old, new) == ["removed 0x900000->", "added ->0x7f800000"]


def test_an_attribute_that_nobody_told_is_no_difference() -> None:
    unknown = [line.split("WB")[0] + "?" for line in BASE]
    assert changed(BASE, unknown) == changed(unknown, BASE) == []
    moved = ["EfiRuntimeServicesCode 0x7e000000 0x100 ?" if "Code" in one else one for one in BASE]
    assert changed(BASE, moved) == ["moved 0x7f000000->0x7e000000"]


def test_equal_descriptors_are_matched_one_to_one() -> None:
    assert changed([BASE[1], BASE[1]], [BASE[1]]) == ["removed 0x800000->"]
    assert changed([BASE[1]], [BASE[1], BASE[1]]) == ["added ->0x800000"]


def test_what_outlives_a_boot_is_not_what_a_kernel_marked() -> None:
    assert outlives_boot(region("EfiMemoryMappedIO 0 1 UC RUNTIME"))
    assert outlives_boot(region("EfiACPIReclaimMemory 0 1 WB"))
    assert not outlives_boot(region("EfiMemoryMappedIO 0 1 UC"))
    assert not outlives_boot(region("EfiBootServicesData 0 1 WB RUNTIME"))


@pytest.mark.parametrize(
    ("line", "outcome"),
    [
        ("EfiRuntimeServicesCode 0x7e000000 0x100 WB", "is at 0x7e000000 (0x1000000 bytes lower)"),
        ("EfiRuntimeServicesCode 0x7f000000 0x102 WB RUNTIME", "has 0x102 pages (+2)"),
        ("EfiRuntimeServicesCode 0x7f000000 0x100 WT", "has the attribute WT"),
        (
            "EfiRuntimeServicesCode 0x7f001000 0xff WB RUNTIME",
            "has 0xff pages (-1) and is at 0x7f001000 (0x1000 bytes higher)",
        ),
        ("EfiConventionalMemory 0x7f000000 0x100 WB", "is EfiConventionalMemory"),
    ],
)
def test_an_outcome_is_told_in_words(line: str, outcome: str) -> None:
    [change] = region_changes([region(BASE[2])], [region(line)])
    assert change.outcome == outcome


def test_of_two_boots_with_other_amounts_of_memory_exactly_what_moved_has_moved() -> None:
    old, new = capture("qemu-virt-2g-linux-arm64.txt"), capture("qemu-virt-4g-linux-arm64.txt")
    changes = region_changes(old, new)
    # Counterparts have the same place in the two lists, since both boots did the same.
    assert [change.new.index for change in changes if change.old and change.new] == [
        change.old.index for change in changes if change.old
    ]
    resized = [change for change in changes if change.kind == "resized"]
    moved = [change for change in changes if change.kind == "moved"]
    assert len(changes) == len(resized) + len(moved)
    assert [change.old.index for change in resized if change.old] == [10, 12, 13, 15]
    assert [change.old.index for change in moved if change.old] == [11, 14, *range(16, 30)]
    assert {change.distance for change in moved} == {2 * GIB, 0x80030000}


def test_drivers_that_look_alike_are_not_mistaken_for_one_another() -> None:
    old, new = capture("qemu-q35-1g-linux-x86.txt"), capture("qemu-q35-2g-linux-x86.txt")
    changes = region_changes(old, new)
    assert all(c.old and c.new and c.old.index == c.new.index for c in changes)
    at = {kind: [c.old.index for c in changes if c.old and c.kind == kind] for kind in KINDS}
    assert at["resized"] == [6, 7, 8, 10, 11, 12, 44]
    assert at["retyped"] == [17]
    elsewhere = {one.index for one in old if one.physical_start != new[one.index].physical_start}
    assert set(at["moved"]) == elsewhere - {*at["resized"], *at["retyped"]}
    assert {change.distance for change in changes if change.kind == "moved"} == {GIB, 0x409AF000}


def test_what_was_not_captured_is_not_taken_for_what_was() -> None:
    every = capture("qemu-q35-2g-linux-x86.txt")
    old, new = (*every[:38], *every[48:]), every[37:]
    assert {told(change) for change in region_changes(old, new, whole=False)} == {
        *(f"removed {one.physical_start:#x}->" for one in every[:37]),
        *(f"added ->{one.physical_start:#x}" for one in every[38:48]),
    }


def test_in_part_of_a_map_a_region_may_still_have_grown_and_moved() -> None:
    old = [
        "EfiConventionalMemory   0x100000    0x700  WB",
        "EfiRuntimeServicesData  0x7f100000  0x80   WB RUNTIME",
        "EfiBootServicesData     0x7f200000  0x40   WB",
    ]
    new = [
        "EfiConventionalMemory   0x200000    0x600  WB",
        "EfiRuntimeServicesData  0x7e100000  0x80   WB RUNTIME",
        "EfiBootServicesData     0x7f200000  0x30   WB",
    ]
    assert sorted(
        told(change) for change in region_changes(map(region, old), map(region, new), whole=False)
    ) == [
        "moved 0x7f100000->0x7e100000",
        "resized 0x100000->0x200000",
        "resized 0x7f200000->0x7f200000",
    ]


KINDS = ("added", "removed", "moved", "resized", "retyped", "attribute")

MIRRORED = {"added": "removed", "removed": "added"}


def there_and_back(
    old: Iterable[MemoryDescriptor], new: Iterable[MemoryDescriptor]
) -> tuple[list[tuple[str, ...]], list[tuple[str, ...]]]:
    """The changes of two maps, and those of the maps swapped as seen from the other side."""

    def words(one: MemoryDescriptor | None) -> str:
        return f"{one} {one.attribute}" if one else ""

    there = [(c.kind, words(c.old), words(c.new)) for c in region_changes(old, new)]
    back = [(c.kind, words(c.new), words(c.old)) for c in region_changes(new, old)]
    return sorted(there), sorted((MIRRORED.get(kind, kind), *both) for kind, *both in back)


regions = st.builds(
    lambda kind, start, pages, bits: MemoryDescriptor(
        index=0, type=kind, physical_start=start << 12, number_of_pages=pages, attribute=bits
    ),
    st.integers(0, 15),
    st.integers(0, 40),
    st.integers(0, 4),
    st.sampled_from([None, 0xF, 0x8, 1 << 63 | 0xF]),
)
maps = st.lists(regions, max_size=25)


@given(maps, maps)
def test_each_region_is_in_one_change_at_most_and_the_others_are_equal(
    old: list[MemoryDescriptor], new: list[MemoryDescriptor]
) -> None:
    changes = region_changes(old, new)
    for side, every in ((0, old), (1, new)):
        told = [id(change[side + 1]) for change in changes if change[side + 1]]
        assert len(told) == len(set(told))
        assert set(told) <= {id(one) for one in every}
    left = [
        sorted(
            (one.physical_start, one.number_of_pages, one.type)
            for one in every
            if id(one) not in {id(change[side]) for change in changes}
        )
        for side, every in ((1, old), (2, new))
    ]
    assert left[0] == left[1]


@given(maps, maps)
def test_swapped_maps_have_the_same_changes_the_other_way_round(
    old: list[MemoryDescriptor], new: list[MemoryDescriptor]
) -> None:
    there, back = there_and_back(old, new)
    assert there == back


def test_captures_of_machines_with_little_in_common_may_be_swapped() -> None:
    x86, arm64 = capture("qemu-q35-1g-linux-x86.txt"), capture("qemu-virt-2g-linux-arm64.txt")
    there, back = there_and_back(x86, arm64)
    assert there == back


@given(maps)
def test_a_map_has_no_changes_against_itself(old: list[MemoryDescriptor]) -> None:
    assert region_changes(old, old[::-1]) == ()


@given(st.lists(regions, max_size=25, unique_by=lambda one: one.physical_start), st.booleans())
def test_what_all_moved_as_far_has_moved(old: list[MemoryDescriptor], up: bool) -> None:
    kept = [one for one in old if outlives_boot(one)]
    new = [shifted(one, GIB if up else 1 << 40) for one in kept]
    assert [change.kind for change in region_changes(kept, new)] == ["moved"] * len(kept)


def shifted(one: MemoryDescriptor, distance: int) -> MemoryDescriptor:
    return MemoryDescriptor(
        index=one.index,
        type=one.type,
        physical_start=one.physical_start + distance,
        number_of_pages=one.number_of_pages,
        attribute=one.attribute,
    )


def long_map(
    random: Random, start: int, sizes: int, types: tuple[int, ...]
) -> list[MemoryDescriptor]:
    regions, at = [], start
    for index in range(5000):
        pages = random.randint(1, sizes)
        regions.append(
            MemoryDescriptor(
                index=index,
                type=random.choice(types),
                physical_start=at,
                number_of_pages=pages,
                attribute=0xF,
            )
        )
        at += pages << 12
    return regions


@pytest.mark.parametrize("sizes", [1, 3, 30, 160, 3000])
@pytest.mark.parametrize("types", [(4,), (3, 4), (5, 6), (3, 7)])
def test_five_thousand_descriptors_take_no_time(sizes: int, types: tuple[int, ...]) -> None:
    random = Random(sizes)
    old = long_map(random, 0x100000, sizes, types)
    new = long_map(random, 0x140000000, sizes, types)
    begin = time.process_time()
    region_changes(old, new)
    assert time.process_time() - begin < 5  # a second at most where nothing else runs


def test_a_few_insertions_into_a_long_map_that_moved_are_found() -> None:
    random = Random(1)
    old = long_map(random, 0x100000, 30, (3, 4))
    new = [shifted(one, GIB) for one in old]
    for place in range(4500, 0, -500):
        at = new[place].physical_start
        new[place:] = [shifted(one, 0x7000) for one in new[place:]]
        new.insert(place, region(f"EfiRuntimeServicesData {at:#x} 7 WB RUNTIME"))
    changes = region_changes(old, new)
    assert [change.kind for change in changes].count("added") == 9
    assert all(c.old.index == c.new.index for c in changes if c.old and c.new)
