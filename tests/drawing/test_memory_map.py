"""The picture of a memory map."""

import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from efipolicy.api import ReadingOptions, open_source, read_source
from efipolicy.drawing.findings import DrawnFinding, pill_codes
from efipolicy.drawing.memory_map import (
    highest_address,
    memory_map_excerpt_svg,
    memory_map_facts,
    memory_map_svg,
    runtime_bytes,
)
from efipolicy.model.efi import EFI_MEMORY_RUNTIME
from efipolicy.model.finding import Severity
from efipolicy.model.memory_map import MemoryAttributesTable, MemoryDescriptor, MemoryMap
from tests.conftest import PLATFORMS, ROOT
from tests.drawing.maps import (
    MALFORMED,
    MALFORMED_FINDINGS,
    SPLIT,
    SPLIT_TABLE,
    WB,
    WIDE,
    WIDE_FINDINGS,
    crowd,
    finding,
    map_of,
)
from tests.drawing.text_boxes import SVG, misplaced

CASES = {
    "malformed": (MALFORMED, MALFORMED_FINDINGS, None),
    "wide": (WIDE, WIDE_FINDINGS, None),
    "split": (SPLIT, [finding(1), finding(3, "ATTR-005")], SPLIT_TABLE),
    "crowd": (crowd(500), [finding(100), finding(101, "RT-003")], MemoryAttributesTable()),
    "empty": (MemoryMap(), [], None),
}
FORMS = ("inline", "standalone", "print")
CAPTURES = sorted((ROOT / "tests" / "captures").glob("*.txt")) + sorted(PLATFORMS.glob("*.yaml"))


def drawn(case: str, form: str = "inline", **more) -> str:
    memory_map, findings, table = CASES[case]
    given = {"figure_id": "mm-test", "title": f"Memory map of {case}", "table_id": "d", **more}
    return memory_map_svg(
        memory_map, findings=findings, memory_attributes_table=table, form=form, **given
    )


@pytest.mark.parametrize("case", CASES)
def test_no_text_leaves_the_picture_and_no_two_overlap(case):
    assert misplaced(drawn(case)) == []


@pytest.mark.parametrize("path", CAPTURES, ids=lambda path: path.stem)
def test_maps_of_real_machines_are_drawn_without_collisions(path: Path, registry):
    read, _ = read_source(open_source(str(path)), registry, ReadingOptions())
    assert read is not None
    platform = read.platform
    marked = [finding(d.index) for d in platform.memory_map.descriptors[::5]]
    svg = memory_map_svg(
        platform.memory_map,
        figure_id="mm",
        title=platform.title or platform.name,
        findings=marked,
        memory_attributes_table=platform.memory_attributes_table,
        table_id="d",
    )
    assert misplaced(svg) == []


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("case", CASES)
def test_every_form_is_well_formed_and_its_ids_are_unique(case, form):
    svg = drawn(case, form)
    ids = [element.get("id") for element in ET.fromstring(svg).iter() if element.get("id")]
    assert len(ids) == len(set(ids))
    assert all(name.startswith("mm-test") for name in ids)
    used = set(re.findall(r"url\(#([^)]+)\)", svg))
    assert used <= set(ids)
    assert svg.endswith("</svg>\n")
    assert "\r" not in svg


def test_inline_pictures_leave_colours_to_the_page():
    svg = drawn("malformed")
    assert "<style" not in svg
    assert "#ffffff" not in svg
    assert "var(" not in svg


def test_a_standalone_picture_follows_the_theme_by_itself():
    svg = drawn("malformed", "standalone")
    assert "prefers-color-scheme:dark" in svg
    assert 'class="ep-page"' in svg


def test_a_printed_picture_has_literal_colours_textures_and_no_links():
    svg = drawn("malformed", "print")
    for absent in ("class=", "var(", "<a ", "<style"):
        assert absent not in svg
    assert "<pattern" in svg
    assert 'fill="#1d66b0"' in svg


def test_counts_of_findings_at_the_top_of_memory_do_not_collide():
    top = (7, (1 << 64) - 0x2000, 1, WB)
    for part in range(8, 64):
        start = (7, part << 58, 1, WB)
        marked = [finding(0), finding(0, "RT-003"), finding(1), finding(1, "RT-003")]
        svg = memory_map_svg(map_of(start, top), figure_id="mm", title="Top", findings=marked)
        assert misplaced(svg) == []


def test_links_are_a_group_and_their_absence_an_image():
    assert 'role="group"' in drawn("malformed")
    assert 'role="img"' in drawn("split", "print")
    without = memory_map_svg(SPLIT, figure_id="mm-test", title="No links")
    assert 'role="img"' in without
    assert "<a " not in without


def test_only_findings_are_tab_stops():
    root = ET.fromstring(drawn("malformed"))
    links = list(root.iter(f"{SVG}a"))
    stops = [link for link in links if link.get("tabindex") != "-1"]
    assert {link.get("href") for link in stops} == {"rule.html"}
    assert len(stops) == 6  # eight findings, one of them the second of its row, one of no row
    assert all(link.find(f"{SVG}title") is not None for link in links)


def test_a_title_tells_the_complete_fact():
    svg = drawn("malformed")
    assert (
        "mem3: RT Code, 0x0000_4007_0000 to 0x0000_4020_0000 (≈1.56 MiB, 400 pages), "
        "attribute 0x8000_0000_0002_000f"
    ) in svg
    assert "attribute not stated" in svg
    assert "error MAP-005 on mem3: shares memory with another" in svg


def test_an_unknown_attribute_is_a_question_mark_and_an_empty_one_is_none():
    texts = ["".join(e.itertext()) for e in ET.fromstring(drawn("malformed")).iter(f"{SVG}text")]
    assert texts.count("?") == 3  # the RT mark, the cache, and the legend
    assert "none" in texts
    assert "the source does not say" in texts


def test_capabilities_and_the_table_are_never_mixed():
    assert ">capability<" in drawn("malformed")
    with_table = drawn("split")
    assert ">MAT<" in with_table
    assert "capability" not in with_table
    assert "not in the Memory Attributes Table" in with_table


def test_memory_that_stays_writable_and_executable_stands_out():
    svg = drawn("split")
    assert "MAT: RWX" in svg
    assert "ep-rwx" in svg
    assert "ep-rwx" not in memory_map_svg(SPLIT, figure_id="mm", title="Without a table")


def test_accepted_findings_are_hollow_and_not_counted():
    svg = drawn("malformed")
    assert "ep-accepted-l" in svg
    assert "7 findings" in svg
    assert "accepted by someone: fine" in svg


def test_what_firmware_wrote_cannot_break_out():
    svg = memory_map_svg(
        SPLIT,
        figure_id="mm",
        title='<script>"&\x07',
        findings=[finding(0, "<b>", message="a ]]> b & c", href='x"onload="y')],
    )
    assert "<script" not in svg
    assert "&lt;script&gt;" in svg
    ET.fromstring(svg)


def test_a_range_past_the_address_space_says_so():
    svg = drawn("wide")
    assert "past 2^64" in svg
    assert ">2^64<" in svg


def test_an_empty_map_says_so():
    assert "The map is empty." in drawn("empty")


def test_the_same_map_gives_the_same_bytes_whatever_the_hash_seed():
    program = (
        "from tests.drawing.test_memory_map import CASES, FORMS, drawn; import hashlib; "
        "pictures = ''.join(drawn(case, form) for case in CASES for form in FORMS); "
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


def test_pictures_stay_small():
    assert len(drawn("crowd").encode()) < 130_000
    sixty = memory_map_svg(crowd(60), figure_id="mm", title="Sixty", table_id="d")
    assert len(sixty.encode()) < 60_000


def test_a_change_moves_no_id_of_what_did_not_change():
    before = memory_map_svg(SPLIT, figure_id="mm", title="One")
    rows = [(d.type, d.physical_start, d.number_of_pages, d.attribute) for d in SPLIT.descriptors]
    after = memory_map_svg(map_of(*rows, (7, 1 << 32, 1, 0xF)), figure_id="mm", title="One")
    ids = re.compile(r'id="(mm-\d+)"')
    assert ids.findall(after) == [*ids.findall(before), "mm-4"]


def test_an_excerpt_shows_the_finding_and_its_neighbours():
    memory_map = map_of(*((6, page << 20, 1, 0x8000_0000_0000_000F) for page in range(1, 20)))
    svg = memory_map_excerpt_svg(memory_map, figure_id="mm", title="Part", findings=[finding(9)])
    assert re.findall(r'id="mm-(\d+)"', svg) == ["8", "9", "10"]  # holes are neighbours too
    assert "ep-tint" in svg
    assert misplaced(svg) == []
    with pytest.raises(ValueError, match="no finding"):
        memory_map_excerpt_svg(memory_map, figure_id="mm", title="Part", findings=[finding(None)])


def test_the_text_of_a_pill_is_short_and_unambiguous():
    codes = pill_codes(
        [
            ("uefi/one", ("UEFI-RT-003", "UEFI-RT-004")),
            ("arm64/two", ("ARM64-001",)),
            ("ia64/three", ("IA64-001",)),
            ("acme/a-very-long-name", ()),
        ]
    )
    assert codes == {
        "uefi/one": "RT-003",
        "arm64/two": "ARM64-001",
        "ia64/three": "IA64-001",
        "acme/a-very-long-name": "a-very-long-n\N{HORIZONTAL ELLIPSIS}",
    }


def test_the_gravest_finding_of_a_row_is_its_pill():
    findings = [
        finding(0, "RT-001", severity=Severity.INFO),
        finding(0, "RT-002", severity=Severity.ERROR, accepted="accepted: yes"),
        finding(0, "RT-003", severity=Severity.WARNING),
    ]
    svg = memory_map_svg(SPLIT, figure_id="mm", title="Pills", findings=findings)
    texts = ["".join(e.itertext()) for e in ET.fromstring(svg).iter(f"{SVG}text")]
    assert "RT-003" in texts
    assert "RT-001" not in texts
    assert "+2" in texts
    assert isinstance(findings[0], DrawnFinding)


def test_runtime_memory_counts_once_and_nothing_counts_above_the_address_space() -> None:
    memory_map = MemoryMap(
        descriptors=tuple(
            MemoryDescriptor(
                index=index,
                type=6,
                physical_start=start,
                number_of_pages=pages,
                attribute=EFI_MEMORY_RUNTIME,
            )
            for index, (start, pages) in enumerate(
                [(0x1000, 4), (0x3000, 4), ((1 << 64) - 0x2000, 1 << 50)]
            )
        )
    )
    assert runtime_bytes(memory_map) == 0x6000 + 0x2000
    assert "3 runtime, 32 KiB" in memory_map_facts(memory_map)
    assert highest_address(memory_map) == "past 2^64"
