"""What is drawn, row by row, is the whole map and nothing twice."""

from hypothesis import given
from hypothesis import strategies as st

from efipolicy.drawing.ladder import LadderRow
from efipolicy.drawing.memory_map import describe_memory_map, row_anchors
from efipolicy.model.memory_map import MemoryMap
from tests.drawing.maps import (
    MALFORMED,
    MALFORMED_FINDINGS,
    RUNTIME_WB,
    SPLIT,
    SPLIT_TABLE,
    WB,
    WIDE,
    crowd,
    finding,
    map_of,
)

pages = st.one_of(st.integers(0, 8), st.integers(0, 1 << 20), st.just(1 << 52))
starts = st.one_of(
    st.integers(0, 0x300).map(lambda page: page << 12),
    st.integers(0xFFF00, 0x100100).map(lambda page: page << 12),
    st.integers(0, (1 << 64) - 1),
)
words = st.one_of(st.none(), st.sampled_from([0, WB, RUNTIME_WB, 1, WB | 0x4_0000]))
rows = st.tuples(st.integers(0, 17) | st.just(0x7000_0001), starts, pages, words)
maps = st.lists(rows, min_size=1, max_size=40).map(lambda many: map_of(*many))


def of_kind(drawn: tuple[LadderRow, ...], kind: str) -> list[LadderRow]:
    return [row for row in drawn if row.kind == kind]


def assert_whole(memory_map: MemoryMap, drawn: tuple[LadderRow, ...]) -> None:
    shown = [descriptor.index for row in drawn for descriptor in row.descriptors]
    assert sorted(shown) == [descriptor.index for descriptor in memory_map.descriptors]
    sums = {
        kind: sum(row.size for row in of_kind(drawn, kind))
        for kind in ("region", "run", "hole", "overlap")
    }
    gaps = sum(row.gaps for row in drawn)
    start = memory_map.by_address[0].physical_start
    extent = min(memory_map.end, 1 << 64) - start
    assert sums["region"] + sums["run"] + sums["hole"] + gaps - sums["overlap"] == extent


@given(maps, st.sets(st.integers(0, 39)))
def test_every_descriptor_is_in_one_row_and_sizes_sum_to_the_extent(memory_map, marked):
    findings = [finding(index) for index in sorted(marked)]
    drawn = describe_memory_map(memory_map, findings=findings)
    assert_whole(memory_map, drawn)
    folded = {descriptor for row in of_kind(drawn, "run") for descriptor in row.descriptors}
    assert not any(descriptor.runtime or descriptor.index in marked for descriptor in folded)
    assert all(row.height > 0 for row in drawn)


def test_malformed_and_far_maps_are_drawn_whole():
    for memory_map in (MALFORMED, WIDE, SPLIT):
        assert_whole(memory_map, describe_memory_map(memory_map))


def test_an_overlap_has_a_row_of_its_own_above_the_second_region():
    drawn = describe_memory_map(MALFORMED, findings=MALFORMED_FINDINGS)
    (overlap,) = of_kind(drawn, "overlap")
    assert (overlap.drawn.start, overlap.size) == (0x4007_0000, 0x10000)
    assert drawn[drawn.index(overlap) + 1].descriptors[0].index == 3


def test_reusable_memory_folds_and_runs_stop_at_round_addresses():
    memory_map = map_of(
        *((7, page << 12, 1, WB) for page in range(3)),
        *((0, (16 + page) << 12, 1, WB) for page in range(3)),
        *((4, (256 + page) << 12, 1, WB) for page in range(3)),
        (6, 0x10_3000, 1, RUNTIME_WB),
        (7, 0x10_4000, 1, WB),
        (7, 0x10_5000, 1, WB),
    )
    drawn = describe_memory_map(memory_map)
    notes = [(len(row.descriptors), row.note) for row in of_kind(drawn, "run")]
    assert notes == [
        (3, "legacy area below 1 MiB"),
        (3, "legacy area below 1 MiB"),
        (3, "reusable after ExitBootServices"),
    ]
    assert [row.descriptors[0].index for row in of_kind(drawn, "region")] == [9, 10, 11]


def test_five_hundred_descriptors_stay_readable():
    memory_map = crowd(500)
    drawn = describe_memory_map(memory_map, findings=[finding(100)])
    assert sum(row.height for row in drawn) <= 2200
    alone = {row.descriptors[0].index for row in of_kind(drawn, "region")}
    assert {descriptor.index for descriptor in memory_map.runtime} | {100} <= alone
    assert_whole(memory_map, drawn)


def test_thousands_of_descriptors_are_no_trouble():
    memory_map = crowd(5000)
    assert_whole(memory_map, describe_memory_map(memory_map))


def test_a_split_region_shows_the_entries_of_the_table_below_it():
    drawn = describe_memory_map(SPLIT, memory_attributes_table=SPLIT_TABLE)
    kinds = [row.kind for row in drawn]
    assert kinds == ["region", "region", "mat", "mat", "mat", "region", "hole", "region", "end"]
    assert [len(row.entries) for row in of_kind(drawn, "region")] == [1, 3, 0, 0]


def test_a_folded_descriptor_leads_to_its_run():
    memory_map = crowd(30)
    anchors = row_anchors(describe_memory_map(memory_map), "mm")
    assert anchors[3] == anchors[0] == "mm-0"
    assert set(anchors) == {descriptor.index for descriptor in memory_map.descriptors}


def test_a_map_without_descriptors_has_no_rows():
    assert describe_memory_map(MemoryMap()) == ()


def test_a_row_can_be_printed():
    lines = [str(row) for row in describe_memory_map(MALFORMED)]
    assert lines[0].startswith("region  0x0-0x9f000  636 KiB  mem0 EfiConventionalMemory")
    assert lines[1].startswith("hole    0x9f000-0x100000  388 KiB")
