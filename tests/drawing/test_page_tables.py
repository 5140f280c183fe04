"""The picture of page tables."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from itertools import pairwise
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st
from syrupy.assertion import SnapshotAssertion

from efipolicy.api import ReadingOptions, open_source, read_source
from efipolicy.drawing.page_table_boxes import TableBox
from efipolicy.drawing.page_table_budget import GRAVE_BOXES, LIMITS, MOST
from efipolicy.drawing.page_table_foot import NARROWEST, bar_widths
from efipolicy.drawing.page_table_texts import TIMES
from efipolicy.drawing.page_table_tree import Entries
from efipolicy.drawing.page_tables import describe_page_tables, page_tables_svg
from efipolicy.engine.planning import PlanChoice, planned
from efipolicy.model.address import AddressRange
from efipolicy.model.mapping import Access, Mapping
from efipolicy.paging.builder import build
from efipolicy.paging.tables import PageTables
from efipolicy_arm64.architecture import GEOMETRIES
from efipolicy_i386 import PAE
from efipolicy_x86_64 import FIVE_LEVEL, FOUR_LEVEL
from tests.conftest import ROOT
from tests.drawing.maps import finding
from tests.drawing.text_boxes import SVG, misplaced

ARM64_4K, ARM64_64K = GEOMETRIES[0x1000][0], GEOMETRIES[0x10000][0]
ARM64_52 = GEOMETRIES[0x1000][2]
ACCESSES: tuple[Access, ...] = ("R", "RW", "RX", "RWX")


def mapped(
    start: int, size: int, virtual: int | None, access: Access = "RW", cache: str = "WB", **more
) -> Mapping:
    return Mapping(AddressRange(start, start + size), virtual, 6, access, cache, True, **more)


# The five regions of a mail about mapping them downwards from -4 GiB, with permissions made up.
OVMF = [
    mapped(0x7FFE_0000, 0x2_0000, 0xFFFF_FFFE_FFFE_0000, "RW", descriptors=(4,)),
    mapped(0x7FA6_5000, 0x57_B000, 0xFFFF_FFFE_FFA6_5000, "RX", descriptors=(3,)),
    mapped(0x7DC5_B000, 0x4E_B000, 0xFFFF_FFFE_FF45_B000, "RWX", descriptors=(2,)),
    mapped(0x7C00_0000, 0x2_0000, 0xFFFF_FFFE_FF40_0000, "RW", descriptors=(1,)),
    mapped(0x80_0000, 0x80_0000, 0xFFFF_FFFE_FEC0_0000, "RW", descriptors=(0,)),
]
IDENTITY = [one._replace(virtual_start=one.physical.start) for one in OVMF]
ARM = [
    mapped(0x901_0000, 0x1_0000, 0x2000_0000, "RW", "device-nGnRnE"),
    mapped(0xBBE3_0000, 0xC_0000, 0x2001_0000, "RX", "normal"),
    mapped(0xBC00_0000, 0x40_0000, 0x2020_0000, "RX", "normal"),
    mapped(0xBF7F_0000, 0x1_0000, 0x2061_0000, "R", "normal"),
]
FLASH = [
    mapped(0, 0x400_0000, 0x2000_0000, "RW", "device-nGnRnE"),
    mapped(0x4_0000_0000, 0x4000_0000, 0x4000_0000, "RX", "normal"),
    mapped(0xBF7F_0000, 0x1_0000, 0xFFFF_0000_2061_0000, "R", "normal-nc", encrypted=True),
]


def crowd(access: Sequence[Access]) -> list[Mapping]:
    """Five hundred regions downwards, each in two megabytes of its own."""
    regions, end = [], 0xFFFF_FFFE_FF00_0000
    for place in range(500):
        start, size = 0x6000_0000 + place * 0x3_1000, 0x1000 * (1 + place * 7 % 40)
        end -= size
        end -= (end - start) % 0x20_0000
        regions.append(mapped(start, size, end, access[place % len(access)]))
    return regions


def striped(number: int) -> list[Mapping]:
    """Pages of one table that differ from their neighbours."""
    return [mapped(0x1000 * n, 0x1000, 0x1000 * n, ACCESSES[n % 3]) for n in range(number)]


TERABYTES = mapped(0, 64 << 40, 0, "RW", pages_only=True)
CASES: dict[str, PageTables] = {
    "four levels": build(FOUR_LEVEL, OVMF, leaf_policy="va-only"),
    "and identity": build(FOUR_LEVEL, OVMF + IDENTITY, leaf_policy="va-only"),
    "five levels": build(FIVE_LEVEL, OVMF + IDENTITY, leaf_policy="va-only"),
    "two levels": build(PAE, [mapped(0x8000_0000, 0x60_3000, 0x8000_0000)]),
    "arm64 64K": build(ARM64_64K, ARM),
    "arm64 4K": build(ARM64_4K, ARM),
    "arm64 52 bits": build(ARM64_52, ARM),
    "two halves": build(ARM64_4K, FLASH),
    "empty": build(FOUR_LEVEL, []),
    "terabytes": build(FOUR_LEVEL, [TERABYTES]),
    "terabytes, executable": build(FOUR_LEVEL, [TERABYTES._replace(access="RWX")]),
    "terabytes, beside": build(FOUR_LEVEL, [TERABYTES._replace(virtual_start=0x5000), *OVMF]),
    "misaligned": build(
        FOUR_LEVEL,
        [mapped(0x1_0020_0000, 0x8000_0000, 0xFFFF_FFFE_8000_0000)],
        leaf_policy="va-only",
    ),
    "crowd": build(FOUR_LEVEL, crowd(("RX", "RW", "R"))),
    "crowd, executable": build(FOUR_LEVEL, crowd(("RWX",))),
    "crowd, twice": build(
        FOUR_LEVEL,
        [
            *crowd(("RX", "RWX")),
            *(one._replace(virtual_start=one.physical.start) for one in crowd(("RX", "RWX"))),
        ],
    ),
    "striped": build(FOUR_LEVEL, striped(300)),
    "refused": build(
        FOUR_LEVEL, [*OVMF, *(mapped(0x1000 * n, 0x1000, 0x800 + 0x1000 * n) for n in range(5))]
    ),
}
FORMS = ("inline", "standalone", "print")


def drawn(tables: PageTables, form: str = "inline", **more) -> str:
    given = {"figure_id": "pt-test", "title": "Page tables of a test", **more}
    return page_tables_svg(tables, form=form, **given)


def unfolded(rows: Sequence[Entries]) -> Iterator[Entries]:
    for row in rows:
        yield from row.folded or (row,)


def accounted(boxes: Sequence[TableBox]) -> dict[Access, int]:
    """Bytes by access, of all boxes."""
    sums = dict.fromkeys(ACCESSES, 0)
    for box in boxes:
        for row in unfolded(box.rows):
            if row.run:
                sums[row.run.access] += (row.run.end - row.run.start) * box.number
        for access, size in box.mapped.items():
            sums[access] += size
    return sums


def holds(tables: PageTables) -> None:
    """What is true of every picture."""
    boxes = describe_page_tables(tables)
    assert accounted(boxes) == {access: tables.bytes_with(access) for access in ACCESSES}
    for place, level in enumerate(tables.geometry.levels):
        column = [box for box in boxes if box.column == place]
        if not any(box.kind == "summary" for box in boxes if box.column < place):
            assert sum(box.number for box in column) == tables.tables[level.name]
        assert len(column) <= GRAVE_BOXES
        ends = [(box.y, box.y + box.height) for box in column]
        assert all(end < start for (_, end), (start, _) in pairwise(ends))
        for box in column:
            indices = [row.first for row in box.rows] + [1 << level.bits]
            if box.kind != "summary":
                assert indices[0] == 0
                assert [row.last + 1 for row in box.rows] == indices[1:]
    assert misplaced(drawn(tables)) == []


@pytest.mark.parametrize("tables", CASES.values(), ids=CASES)
def test_nothing_is_lost_overlaps_or_leaves_the_picture(tables):
    holds(tables)


@given(
    st.lists(
        st.tuples(
            st.integers(0, 1 << 22),
            st.integers(1, 1 << 14),
            st.sampled_from(ACCESSES),
            st.booleans(),
        ),
        max_size=30,
    ),
    st.sampled_from((FOUR_LEVEL, FIVE_LEVEL, ARM64_4K, ARM64_64K)),
)
def test_whatever_the_regions_everything_is_drawn_once(regions, geometry):
    mappings, at = [], 0
    for gap, pages, access, pages_only in regions:
        at += gap * geometry.page_size
        size = pages * geometry.page_size
        mappings.append(mapped(at, size, at, access, pages_only=pages_only))
        at += size
    holds(build(geometry, mappings))


@pytest.mark.parametrize("name", ["four levels", "arm64 64K", "two halves", "terabytes, beside"])
def test_the_boxes_are(name, snapshot: SnapshotAssertion):
    assert "\n".join(map(str, describe_page_tables(CASES[name]))) == snapshot


@pytest.mark.parametrize("name", ["four levels", "arm64 64K"])
def test_the_picture_is(name, snapshot: SnapshotAssertion):
    assert drawn(CASES[name]) == snapshot


@pytest.mark.parametrize(
    ("capture", "strategy", "page_size"),
    [
        ("02-qemu-ovmf-i440fx-linux-x86-v3", "x86-topdown", None),
        ("23-phoenix-fujitsu-linux-x86-raw", "x86-topdown", None),
        ("38-amd-ryzen-linux-x86-e820mmio", "x86-topdown", None),
        ("03-huawei-d05-linux-arm64", "identity", 0x1000),
        ("03-huawei-d05-linux-arm64", "identity", 0x10000),
        ("18-qualcomm-x1e-linux-arm64-new", "identity", 0x1000),
        ("20-uboot-qemu-linux-arm64-64k", "identity", 0x10000),
    ],
)
def test_plans_for_real_machines_are_drawn(capture, strategy, page_size, registry):
    path = ROOT / "tests" / "captures" / f"{capture}.txt"
    read, _ = read_source(open_source(str(path)), registry, ReadingOptions())
    assert read is not None
    choice = PlanChoice(strategy=strategy, page_size=page_size)
    tables = planned(read.platform, registry, choice).page_tables()
    assert tables is not None
    assert tables.runs
    holds(tables)


@pytest.mark.parametrize("name", CASES)
def test_boxes_and_rows_are_as_many_as_one_can_read(name):
    boxes = describe_page_tables(CASES[name])
    most = max(sum(box.column == place for box in boxes) for place in range(5))
    grave = any(box.mapped.get("RWX") or "RWX" in str(box) for box in boxes)
    assert most <= (GRAVE_BOXES if grave else LIMITS[0].boxes)
    assert all(len(box.rows) <= LIMITS[0].rows for box in boxes) or grave


def test_terabytes_in_pages_are_a_stack_a_level_and_cost_no_time():
    start = time.perf_counter()
    boxes = describe_page_tables(CASES["terabytes"])
    assert time.perf_counter() - start < 1
    assert [str(box).splitlines()[0] for box in boxes] == [
        "PGD root at 0x0: 1 table",
        "PUD [0]…[127] at 0x0: 128 tables",
        "PMD [0]…[511] at 0x0: 65536 tables",
        "PTE [0]…[511] at 0x0: 33554432 tables",
    ]
    assert "65536 tables alike" in drawn(CASES["terabytes"])


def test_tables_alike_are_only_stacked_when_there_is_no_room():
    few = build(FOUR_LEVEL, [mapped(0, 12 << 21, 0, pages_only=True)])
    assert [box.kind for box in describe_page_tables(few)][3:] == ["table"] * 12
    more = build(FOUR_LEVEL, [mapped(0, 13 << 21, 0, pages_only=True)])
    assert [box.kind for box in describe_page_tables(more)][3:] == ["alike"]


def test_neighbours_of_one_pattern_are_stacked_whatever_their_frames():
    regions = [mapped(place << 30, 0x3000, (place << 21) + 0x5000) for place in range(12, 49)]
    boxes = describe_page_tables(build(FOUR_LEVEL, regions))
    assert (boxes[3].name, boxes[3].number) == ("PTE [12]…[48]", 37)
    assert "37 tables alike" in drawn(build(FOUR_LEVEL, regions))


def test_executable_and_writable_tables_are_not_stacked():
    regions = [mapped(place << 21, 0x3000, place << 21, "RWX") for place in range(20)]
    tables = build(FOUR_LEVEL, [one._replace(virtual_start=1 << 40 | one[1]) for one in regions])
    assert [box.kind for box in describe_page_tables(tables)][3:] == ["table"] * 20


def test_maps_of_addresses_to_themselves_are_summed_up_first():
    boxes = describe_page_tables(CASES["crowd, twice"])
    summary = next(box for box in boxes if box.kind == "summary")
    assert summary.identity
    assert summary.accesses == ["RX", "RWX"]
    assert ", 1:1" in drawn(CASES["crowd, twice"])


def test_the_middle_of_many_runs_is_folded():
    boxes = describe_page_tables(CASES["striped"])
    rows = boxes[-1].rows
    assert len(rows) == LIMITS[0].rows
    assert [row.runs for row in rows if row.folded] == [288]
    assert "288 " in drawn(CASES["striped"])


def test_a_leaf_that_points_beside_a_frame_is_an_error():
    svg = drawn(CASES["misaligned"])
    assert "error: the frame is no multiple of 1 GiB" in svg
    assert "2 large leaves with a frame that is no multiple of its size" in svg
    assert "misaligned: 2 large leaves" in svg
    assert "ep-error" in svg
    assert "ep-error" not in drawn(CASES["four levels"])


def test_what_no_table_can_hold_is_told():
    svg = drawn(CASES["refused"])
    assert "0x0-0x1000 is not mapped: virtual and physical address differ" in svg
    assert "2 more mappings that no table can hold" in svg


def test_a_title_tells_the_complete_fact():
    svg = drawn(CASES["four levels"])
    assert (
        f"<title>RWX: 421 {TIMES} 4 KiB at virtual 0xffff_fffe_ff45_b000, "
        "physical 0x0000_7dc5_b000, WB, for mem2</title>"
    ) in svg
    assert "0\N{EN DASH}510, 0x0000_0000_0000_0000 to 0xffff_ff80_0000_0000: empty" in svg
    assert "PTE [506] at virtual 0xffff_fffe_ff40_0000" in svg


def test_contiguous_leaves_have_a_bracket_and_their_groups():
    svg = drawn(CASES["arm64 64K"])
    assert ">contiguous<" in svg
    assert f">2 {TIMES} 2 MiB<" in svg
    assert f">dev, contiguous, 2 {TIMES} 32 MiB<" in drawn(CASES["two halves"])
    assert ">napot<" in drawn(CASES["arm64 64K"], contiguous="napot")


def test_each_half_of_a_split_space_has_its_root():
    boxes = describe_page_tables(CASES["two halves"])
    assert [box.start for box in boxes if box.kind == "root"] == [0, 0xFFFF_0000_0000_0000]


def test_the_conclusion_is_told_in_words():
    description = ET.fromstring(drawn(CASES["four levels"])).findtext(f"{SVG}desc")
    assert description == (
        f"7 tables, 28 KiB; 6 {TIMES} 2 MiB \N{MIDDLE DOT} 1702 {TIMES} 4 KiB leaves; "
        "mapped: RX ≈5.48 MiB, RW 8.25 MiB, RWX ≈4.92 MiB; writable and executable: ≈4.92 MiB."
    )
    empty = ET.fromstring(drawn(CASES["empty"])).findtext(f"{SVG}desc")
    assert empty == (
        "1 table, 4 KiB; no leaves; mapped: nothing; writable and executable: nothing."
    )


def test_a_finding_about_executable_memory_is_a_pill_and_a_link():
    svg = drawn(CASES["four levels"], findings=[finding(None, "PLAN-004"), finding(None, "PLAN-9")])
    assert "PLAN-004" in svg
    assert 'role="group"' in svg
    assert misplaced(svg) == []
    without = drawn(CASES["arm64 64K"], findings=[finding(None, "PLAN-004")])
    assert "PLAN-004" not in without
    assert 'role="img"' in without


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", CASES)
def test_every_form_is_well_formed_and_its_ids_are_unique(name, form):
    svg = drawn(CASES[name], form)
    ids = [element.get("id") for element in ET.fromstring(svg).iter() if element.get("id")]
    assert len(ids) == len(set(ids))
    assert all(one.startswith("pt-test") for one in ids)
    assert set(re.findall(r"url\(#([^)]+)\)", svg)) <= set(ids)
    assert svg.endswith("</svg>\n")


def test_a_printed_picture_has_literal_colours_and_no_links():
    svg = drawn(CASES["four levels"], "print", findings=[finding(None)])
    for absent in ("class=", "var(", "<a ", "<style"):
        assert absent not in svg
    assert 'fill="#d4351c"' in svg
    assert 'fill-opacity="0.16"' in svg


def test_pictures_stay_small():
    assert len(drawn(CASES["four levels"]).encode()) < 20_000
    assert len(drawn(CASES["and identity"]).encode()) < 30_000


def test_a_bar_shows_the_smallest_part_and_keeps_its_length():
    widths = bar_widths({"RX": 1, "RW": 1 << 40, "RWX": 4096}, 757)
    assert widths["RX"] == widths["RWX"] == NARROWEST
    assert sum(widths.values()) == pytest.approx(757)
    assert bar_widths({}, 760) == {}


def test_the_same_tables_give_the_same_bytes_whatever_the_hash_seed():
    program = (
        "from tests.drawing.test_page_tables import CASES, FORMS, drawn; import hashlib; "
        "pictures = ''.join(drawn(tables, form) for tables in CASES.values() for form in FORMS); "
        "print(hashlib.sha256(pictures.encode()).hexdigest())"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", program],
            cwd=ROOT,
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("0", "4711")
    }
    assert len(outputs) == 1


def test_what_many_rows_have_in_common_is_drawn_once():
    svg = ET.fromstring(drawn(CASES["four levels"]))
    named = [element.get("id") for element in svg.iter() if element.get("id")]
    assert len(named) == len(set(named))
    used = [use.attrib["href"].removeprefix("#") for use in svg.iter(f"{SVG}use")]
    assert len(used) > len(set(used))
    assert set(used) <= set(named)
    before = [element.get("id") or element.get("href", "") for element in svg.iter()]
    for name in set(used):
        assert before.index(name) < before.index(f"#{name}")


def test_a_picture_of_many_tables_has_fewer_rows_but_all_that_is_grave():
    plain = [mapped(n << 21, 0x3000, 1 << 40 | n << 22, "RW") for n in range(1, 60, 2)]
    many = [one for n, each in enumerate(plain) for one in (each, *_beside(each, n))]
    boxes = describe_page_tables(build(FOUR_LEVEL, many))
    assert sum(1.5 + box.number_of_rows for box in boxes) <= MOST
    grave = [one._replace(access="RWX") for one in many[:9]]
    boxes = describe_page_tables(build(FOUR_LEVEL, [*grave, *many[9:]]))
    shown = [row for box in boxes for row in box.rows if row.run and row.run.access == "RWX"]
    assert sum(row.number for row in shown) == sum(one.physical.size >> 12 for one in grave)


def _beside(one: Mapping, number: int) -> Iterator[Mapping]:
    """Two more regions in the same table, so that it is like no other."""
    start = one.virtual_start or 0
    for place in (1, 2):
        at = 0x10_0000 * place + (number << 14)
        yield mapped(one.physical.start + at, 0x1000 * place, start + at, "RW")
