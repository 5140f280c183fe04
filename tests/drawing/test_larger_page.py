"""The picture of an operating system's larger pages."""

from xml.etree import ElementTree as ET

import pytest

from efipolicy.drawing.larger_page_rows import LEFT, RIGHT
from efipolicy.drawing.larger_page_svg import larger_pages_svg
from efipolicy.drawing.larger_pages import (
    LARGER_PAGE_SIZES,
    describe_larger_pages,
    pages_worth_drawing,
)
from efipolicy.model.address import AddressRange
from efipolicy.model.finding import Severity
from efipolicy.testing.factories import memory_map
from tests.drawing.maps import finding
from tests.drawing.text_boxes import SVG, misplaced

MIXED = memory_map(
    "EfiRuntimeServicesData  0x80000000  8  RUNTIME WB",
    "EfiMemoryMappedIO       0x80008000  8  RUNTIME UC",
)
# Origin: a laptop with a Snapdragon X Elite, linux-arm-msm mailing list, June 2026.
LAPTOP = memory_map(
    "EfiReservedMemoryType   0x81f30000  8      WC",
    "EfiConventionalMemory   0x81f38000  0x7c8  WB WT WC UC WP",
    "EfiBootServicesData     0xa7f00000  1      WB WT WC UC WP",
    "EfiRuntimeServicesData  0xa7f01000  1      RUNTIME WB WT WC UC WP",
    "EfiBootServicesData     0xa7f02000  3      WB WT WC UC WP",
    "EfiRuntimeServicesData  0xa7f05000  8      RUNTIME WB WT WC UC WP",
    "EfiConventionalMemory   0xa7f0d000  3      WB WT WC UC WP",
    "EfiRuntimeServicesCode  0xd5cee000  0x190  RUNTIME WB WT WC UC WP",
    "EfiRuntimeServicesData  0xd5e7e000  0xe10  RUNTIME WB WT WC UC WP",
)
ODD = memory_map(
    "EfiReservedMemoryType  0xffff00000000800  3  WB",
    "EfiReservedMemoryType  0xffff00000002000  9  WT",
    "0x70000001             0xffff0000000d000  1  WB",
    "EfiMemoryMappedIO      0xffff0000000f000  1",
)
"""Starts within a page, an overlap, holes, a type of an OEM's, and no cache type; 15 digits."""
CROWD = memory_map(
    *(
        f"{('EfiACPIReclaimMemory', 'EfiACPIMemoryNVS', '0x70000001')[place % 3]} "
        f"{0x80000000 + place * 0x1000:#x} 1 {('WB WC', 'WC', 'UC')[place % 3]}"
        for place in range(15)
    )
)
MAPS = {"mixed": MIXED, "laptop": LAPTOP, "odd": ODD, "crowd": CROWD}


def page(of, start, size=0x10000):
    return describe_larger_pages(of, [start], size)[0]


def drawn(of, size=0x10000, **more):
    given = {"figure_id": "lp", "title": "Pages", "page_size": size, **more}
    return larger_pages_svg(of, pages_worth_drawing(of, page_size=size), **given)


def test_a_page_is_runs_of_equal_descriptors_with_what_they_offer():
    assert str(page(MIXED, 0x80000000)) == (
        "0x80000000-0x80010000 none\n"
        "  0x80000000-0x80008000 RT Data 32 KiB: WB, kept\n"
        "  0x80008000-0x80010000 MMIO 32 KiB: UC"
    )


def test_equal_neighbours_are_one_run_and_others_are_not():
    of = memory_map(
        "EfiRuntimeServicesData  0x80000000  2  RUNTIME WB",
        "EfiRuntimeServicesData  0x80002000  2  RUNTIME WB",
        "EfiRuntimeServicesData  0x80004000  12  WB",
    )
    first, second = page(of, 0x80000000).runs
    assert (first.range, len(first.descriptors)) == (AddressRange(0x80000000, 0x80004000), 2)
    assert second.range == AddressRange(0x80004000, 0x80010000)


@pytest.mark.parametrize("size", LARGER_PAGE_SIZES)
@pytest.mark.parametrize("of", MAPS.values(), ids=MAPS)
def test_runs_touch_and_fill_their_page(of, size):
    for one in describe_larger_pages(of, pages_worth_drawing(of, page_size=size), size):
        places = [run.range.start for run in one.runs] + [one.range.end]
        assert places[0] == one.range.start
        assert [run.range.end for run in one.runs] == places[1:]


@pytest.mark.parametrize(
    ("of", "start", "verdict", "sentence"),
    [
        (MIXED, 0x80000000, "none", "No cache type is offered by all of it."),
        (
            LAPTOP,
            0x81F30000,
            "differs",
            "WC fits all of it, but the best offers differ: WB, WC.",
        ),
        (LAPTOP, 0xA7F00000, "fits", "WB fits all of it."),
        (
            LAPTOP,
            0x81F40000,
            "not-kept",
            "Firmware keeps nothing in it, so the rule does not apply.",
        ),
        (
            memory_map("EfiRuntimeServicesData 0x0 1 ?", "EfiConventionalMemory 0x1000 1 WB"),
            0,
            "not-stated",
            "What firmware keeps in it states no cache type.",
        ),
    ],
)
def test_the_verdict_is_that_of_the_clause(of, start, verdict, sentence):
    assert (page(of, start).verdict, page(of, start).sentence()) == (verdict, sentence)


@pytest.mark.parametrize(
    ("kind", "kept"),
    [
        ("EfiReservedMemoryType", True),
        ("EfiRuntimeServicesCode", True),
        ("EfiRuntimeServicesData", True),
        ("EfiACPIMemoryNVS", True),
        ("EfiACPIReclaimMemory", False),
        ("EfiMemoryMappedIO", False),
        ("EfiBootServicesData", False),
    ],
)
def test_only_memory_that_stays_firmwares_own_makes_the_rule_apply(kind, kept):
    of = memory_map(f"{kind} 0x8000f000 1 UC", "EfiConventionalMemory 0x80000000 15 WB")
    assert page(of, 0x80000000).verdict == ("none" if kept else "not-kept")


def test_memory_without_a_cache_type_and_holes_take_no_part():
    of = memory_map(
        "EfiRuntimeServicesData  0x80000000  4  RUNTIME WB",
        "EfiReservedMemoryType   0x80008000  4",
    )
    told = page(of, 0x80000000)
    assert told.verdict == "fits"
    names = [run.name for run in told.runs]
    assert names == ["RT Data", "no descriptor", "Reserved", "no descriptor"]
    assert [run.offers for run in told.runs] == [8, None, None, None]


def test_an_overlap_offers_what_both_offer_and_is_told():
    told = page(ODD, 0xFFFF00000000000)
    overlap = told.runs[2]
    assert (overlap.name, overlap.offers, len(overlap.descriptors)) == ("overlap", 0, 2)
    assert overlap.range == AddressRange(0xFFFF00000002000, 0xFFFF00000003800)


def test_smaller_pages_of_the_same_memory_fit_where_runs_meet_between_them():
    told = page(MIXED, 0x80000000)
    assert [str(fit) for fit in told.fits(0x4000)] == ["WB", "WB", "UC", "UC"]
    assert [str(fit) for fit in told.fits(0x10000)] == ["none fits"]


def test_permissions_are_a_question_where_runtime_memory_does_not_fill_the_page():
    assert page(LAPTOP, 0xD5E70000).company() == (
        "Runtime code and runtime data lie in it, under one set of permissions."
    )
    assert page(LAPTOP, 0xD5CE0000).company() == "Runtime memory fills 8 KiB of its 64 KiB."
    assert page(LAPTOP, 0xD5CF0000).company() == ""


def test_the_pages_drawn_are_those_in_which_regions_end():
    assert [f"{start:#x}" for start in pages_worth_drawing(LAPTOP)] == [
        "0x81f30000",
        "0xa7f00000",
        "0xd5ce0000",
        "0xd5e70000",
        "0xd6c80000",
    ]
    about = [AddressRange(0xD5CEE000, 0xD5E7E000)]
    assert pages_worth_drawing(LAPTOP, about) == (0xD5CE0000, 0xD5E70000)
    filling = memory_map("EfiReservedMemoryType 0x10000 16 WB", "EfiMemoryMappedIO 0x40000 32 UC")
    assert pages_worth_drawing(filling) == (0x10000, 0x40000)
    assert pages_worth_drawing(memory_map()) == ()


def test_a_start_within_a_page_is_refused():
    with pytest.raises(ValueError, match="0x80008000 is not a multiple of 0x10000"):
        describe_larger_pages(MIXED, [0x80008000])


@pytest.mark.parametrize("form", ["inline", "standalone", "print"])
@pytest.mark.parametrize("size", LARGER_PAGE_SIZES)
@pytest.mark.parametrize("of", MAPS.values(), ids=MAPS)
def test_no_text_leaves_the_picture_and_no_two_overlap(of, size, form):
    starts = pages_worth_drawing(of, page_size=size)
    marked = {start: [finding(0, "ARM64-001"), finding(0, "ARM64-003")] for start in starts}
    svg = drawn(of, size, findings=marked, form=form)
    ET.fromstring(svg)
    if form != "print":
        assert misplaced(svg) == []


@pytest.mark.parametrize("size", LARGER_PAGE_SIZES)
def test_there_is_a_cell_for_each_4_kib(size):
    root = ET.fromstring(drawn(MIXED, size))
    bands = [x for x in root.iter(f"{SVG}rect") if x.get("class") == "ep-rtd"]
    assert {float(band.attrib["x"]) for band in bands} == {LEFT}
    separators = [x.attrib["d"] for x in root.iter(f"{SVG}path") if x.attrib["d"].endswith("v7")]
    assert {data.count("M") for data in separators} == {size // 0x1000 - 1}


def test_bands_are_as_wide_as_their_addresses():
    root = ET.fromstring(drawn(MIXED))
    (data,) = [x for x in root.iter(f"{SVG}rect") if x.get("class") == "ep-rtd"]
    (device,) = [x for x in root.iter(f"{SVG}rect") if x.get("class") == "ep-mmio"]
    assert float(data.attrib["width"]) == float(device.attrib["width"]) == (RIGHT - LEFT) / 2


def test_a_page_that_disagrees_has_the_sign_of_its_severity_and_says_so_in_words():
    svg = drawn(MIXED)
    assert 'class="ep-error-l"' in svg
    assert "none fits" in svg
    assert "No cache type is offered by all of it." in svg
    other = larger_pages_svg(LAPTOP, [0x81F30000], figure_id="lp", title="Pages")
    assert 'class="ep-warning-l"' in other
    assert "WC fits, but the best offers are WB and WC" in other


def test_a_page_that_agrees_has_no_outline_unless_something_was_found():
    given = {"figure_id": "lp", "title": "Pages"}
    assert "ep-warning-l" not in larger_pages_svg(LAPTOP, [0xA7F00000], **given)
    found = {0xA7F00000: [finding(3, "ARM64-003", severity=Severity.WARNING)]}
    svg = larger_pages_svg(LAPTOP, [0xA7F00000], findings=found, **given)
    assert "ep-warning-l" in svg
    assert 'href="rule.html"' in svg


def test_screen_readers_get_every_run():
    root = ET.fromstring(drawn(MIXED))
    told = root.findtext(f"{SVG}desc")
    assert told == (
        "Page at 0x8000_0000: No cache type is offered by all of it. mem0: RT Data, 0x8000_0000 to "
        "0x8000_8000 (32 KiB), offers WB, kept by firmware; mem1: MMIO, 0x8000_8000 to 0x8001_0000 "
        "(32 KiB), offers UC."
    )
    assert root.attrib["role"] == "img"


@pytest.mark.parametrize("of", MAPS.values(), ids=MAPS)
def test_the_same_map_gives_the_same_bytes_and_unique_ids(of):
    assert drawn(of) == drawn(of)
    ids = [element.get("id") for element in ET.fromstring(drawn(of)).iter() if element.get("id")]
    assert len(ids) == len(set(ids))
    assert all(name.startswith("lp") for name in ids)


def test_a_map_without_descriptors_is_drawn_without_a_page():
    assert "0 pages of 64 KiB" in drawn(memory_map())
