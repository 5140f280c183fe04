"""The picture of Itanium's regions and granules."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest

from efipolicy.drawing.page_table_regions import describe_regions, regions_svg
from efipolicy.model.address import AddressRange
from efipolicy.model.efi import EfiMemoryType
from efipolicy.model.mapping import Mapping
from efipolicy.paging.regions import RegionTranslations, translate_regions
from efipolicy_ia64 import IA64
from tests.drawing.text_boxes import SVG, misplaced

GEOMETRY = next(iter(IA64.geometries.values()))[0]
GRANULE = 16 << 20
DATA = EfiMemoryType.EfiRuntimeServicesData


def mapped(start: int, size: int, cache: str, index: int = 0, kind: int = DATA) -> Mapping:
    region = 7 if cache == "WB" else 6
    physical = AddressRange(start, start + size)
    return Mapping(physical, start | region << 61, kind, "RWX", cache, True, descriptors=(index,))


CLASH = [
    mapped(0, 0x1000, "WB"),
    mapped(0x3FB3_A000, 0x40_0000, "WB", 3),
    mapped(0x3FFC_0000, 0x4_0000, "WB", 4, EfiMemoryType.EfiPalCode),
    mapped(0xFE00_0000, 0x10_0000, "WB", 5),
    mapped(0xFE10_0000, 0x1000, "UC", 6),
    mapped(0xFFC0_0000, 0x40_0000, "UC", 7),
    mapped(1 << 51, 0x1000, "WB", 8),
]
CASES = {
    "clash": translate_regions(GEOMETRY, CLASH),
    "larger": translate_regions(GEOMETRY, CLASH, granule=64 << 20),
    "empty": translate_regions(GEOMETRY, []),
    "many": translate_regions(
        GEOMETRY,
        [
            mapped(place * GRANULE * 3, 0x1000, cache, place)
            for place in range(60)
            for cache in (("WB", "UC") if place == 30 else ("WB",))
        ],
    ),
}


def drawn(translations: RegionTranslations, **more) -> str:
    return regions_svg(translations, figure_id="rg", title="Regions of a test", **more)


def test_granules_that_two_cache_types_share_have_a_row_and_an_error():
    rows = {
        region: list(map(str, rows)) for region, rows in describe_regions(CASES["clash"]).items()
    }
    assert rows == {
        6: ["254-254 UC, also WB", "255-255 UC"],
        7: ["0-0 WB", "1-62 not used", "63-63 WB", "64-253 not used", "254-254 WB, also UC"],
    }
    svg = drawn(CASES["clash"])
    assert svg.count(">also WB<") == svg.count(">also UC<") == 1
    assert "0xfe000000-0xff000000 is used as UC and WB" in svg
    assert "error: also used as UC" in svg
    assert "a translation names 50 bits" in svg
    assert ">mem3 mem4, pinned<" in svg


def test_a_granule_names_what_asks_for_it_and_nothing_else():
    svg = drawn(CASES["clash"])
    assert ">mem6<" in svg
    assert ">mem7<" in svg


@pytest.mark.parametrize("name", CASES)
def test_no_text_leaves_the_picture_and_no_two_overlap(name):
    assert misplaced(drawn(CASES[name])) == []


def test_a_clash_is_never_folded():
    rows = describe_regions(CASES["many"])[7]
    assert len(rows) == 28
    assert [row.also for row in rows if row.also] == ["UC"]
    assert sum(len(row.runs) for row in rows) == 60
    assert [row.first for row in rows[1:]] == [row.last + 1 for row in rows[:-1]]


@pytest.mark.parametrize("form", ["inline", "standalone", "print"])
@pytest.mark.parametrize("name", CASES)
def test_every_form_is_well_formed(name, form):
    root = ET.fromstring(drawn(CASES[name], form=form))
    ids = [element.get("id") for element in root.iter() if element.get("id")]
    assert len(ids) == len(set(ids))


def test_the_conclusion_is_told_in_words():
    told = {name: ET.fromstring(drawn(case)).findtext(f"{SVG}desc") for name, case in CASES.items()}
    assert told["clash"] == (
        "No tables; 5 granules of 16 MiB: WB 48 MiB, UC 32 MiB; 1 conflict of cache types."
    )
    assert told["empty"] == "No tables; 0 granules of 16 MiB: none; no conflict of cache types."
