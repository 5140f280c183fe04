"""What becomes of pages on paper: text, manual pages, EPUB, and what LaTeX is told."""

from __future__ import annotations

import re
import shutil
import sys
from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from xml.etree import ElementTree as ET

import pytest
from sphinx.errors import ExtensionError

from efipolicy.drawing.ladder import LadderRow, ladder_rows
from efipolicy.drawing.latex_book import BOOK_SETTINGS
from efipolicy.drawing.memory_map_parts import (
    TALLEST_ON_PAPER,
    memory_map_parts,
    memory_map_print_svgs,
)
from efipolicy.model.address import AddressRange
from efipolicy.sphinxext import picture_conversion
from efipolicy.sphinxext.elements import efi_figure
from efipolicy.sphinxext.latex_line_breaks import broken
from efipolicy.sphinxext.latex_tables import Column, laid_out
from efipolicy.sphinxext.picture_conversion import printed
from tests.conftest import PLATFORMS
from tests.drawing.maps import crowd
from tests.sphinxext.conftest import build_project
from tests.sphinxext.test_domain import project

PAGE = """\
.. efi:platform:: hp-rx8620-ia64.yaml

.. efi:mapping:: hp-rx8620-ia64.yaml
   :strategy: identity

.. efi:bit-field:: attribute
"""
NOTHING = "words stand in place of pictures"


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A platform's page and two more pictures, for every builder."""
    more = 'man_pages = [("index", "acme", "Acme", [], 7)]\nepub_copyright = version = "1"\n'
    source = project(tmp_path_factory.mktemp("paper"), more, index=PAGE)
    shutil.copy(PLATFORMS / "hp-rx8620-ia64.yaml", source)
    return source


def figures(built: SimpleNamespace) -> list[efi_figure]:
    env = built.app.env
    return [one for name in env.found_docs for one in env.get_doctree(name).findall(efi_figure)]


@pytest.mark.parametrize(
    ("builder", "name"), [("text", "index.txt"), ("man", "acme.7"), ("texinfo", "acme.texi")]
)
def test_where_nothing_can_be_drawn_every_picture_is_named(source, tmp_path, builder, name):
    built = build_project(source, tmp_path, builder=builder)
    assert built.warnings == ""
    text = (built.out / name).read_text(encoding="utf-8")
    told = re.sub(r"\\&|\\|\s+", " ", text.replace("\\-", "-"))
    drawn = figures(built)
    assert len(drawn) > 4
    assert told.count("Picture: ") == len(drawn)
    assert told.count("EfiPalCode") > 1
    assert "<svg" not in text


def test_an_epub_has_every_picture_with_literal_colours(source, tmp_path):
    built = build_project(source, tmp_path, builder="epub")
    assert built.warnings == ""
    page = ET.parse(built.out / "index.xhtml")
    pictures = list(page.iter("{http://www.w3.org/2000/svg}svg"))
    assert len(pictures) == len(figures(built))
    for picture in pictures:
        assert not [one for one in picture.iter() if "class" in one.attrib]
    assert "var(" not in (built.out / "index.xhtml").read_text(encoding="utf-8")
    ids = Counter(one.attrib["id"] for one in page.iter() if "id" in one.attrib)
    assert [id for id, count in ids.items() if count > 1] == []
    hrefs = {one.attrib["href"] for one in page.iter() if "href" in one.attrib}
    assert {href for href in hrefs if href.startswith("#") and href[1:] not in ids} == set()


@pytest.fixture
def no_converter(monkeypatch):
    """A machine on which nothing makes PDF of SVG."""
    monkeypatch.setenv("PATH", "")
    monkeypatch.setitem(sys.modules, "cairosvg", None)
    picture_conversion.converter.cache_clear()
    yield
    picture_conversion.converter.cache_clear()


def test_pictures_that_nothing_converts_are_warned_of_once(source, tmp_path, no_converter):
    built = build_project(source, tmp_path, builder="latex")
    assert built.warnings.count(NOTHING) == 1
    assert "install librsvg2-bin (rsvg-convert), or pip install 'efipolicy[pdf]'" in built.warnings
    text = next(iter(built.out.glob("acme*.tex"))).read_text(encoding="utf-8")
    assert text.count("Picture: ") == len(figures(built))


@pytest.fixture
def convert_by(tmp_path, monkeypatch):
    """A program in place of rsvg-convert."""

    def put(text: str) -> None:
        tool = tmp_path / "bin" / "rsvg-convert"
        tool.parent.mkdir()
        tool.write_text(f"#!{sys.executable}\nimport sys\n{text}\n")
        tool.chmod(0o755)
        monkeypatch.setenv("PATH", str(tool.parent))
        picture_conversion.converter.cache_clear()

    yield put
    picture_conversion.converter.cache_clear()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("sys.exit('no memory\\nat all')", "no memory at all"),
        ("sys.exit(7)", "it ended with status 7"),
        ("", "it wrote nothing"),
        ("open(sys.argv[4], 'w'); sys.exit('cut')", "cut"),
    ],
)
def test_a_picture_that_is_not_converted_stops_the_build_and_leaves_nothing(
    source, tmp_path, convert_by, text, told
):
    convert_by(text)
    with pytest.raises(ExtensionError, match=rf"rsvg-convert did not convert .*: {told}"):
        build_project(source, tmp_path, builder="latex")
    assert list(tmp_path.rglob("efi-*")) == [tmp_path / "doctrees" / "efi-pictures"]


@pytest.fixture
def tex(source, tmp_path, convert_by) -> str:
    """What LaTeX reads of the project."""
    convert_by("open(sys.argv[4], 'wb').write(b'%PDF-1.7')")
    built = build_project(source, tmp_path, builder="latex", confoverrides=BOOK_SETTINGS)
    assert built.warnings == ""
    (text,) = [
        path.read_text(encoding="utf-8") for path in built.out.glob("*.tex") if "acme" in path.name
    ]
    made = re.findall(r"\{\{(efi-\w+)\}\.pdf\}", text)
    assert len(made) == len(figures(built))
    assert {path.stem for path in built.out.glob("efi-*.pdf")} == {*made}
    return text


def test_latex_is_told_the_widths_of_every_table_of_ours(tex):
    tables = re.findall(r"\\begin\{(?:longtable|tabular|tabulary)\}.*", tex)
    assert len(tables) > 3
    assert [table for table in tables if r"\X{" not in table] == []
    for table in tables:
        widths = [int(width) for width in re.findall(r"\\X\{(\d+)\}\{1000\}", table)]
        assert sum(widths) <= 1000 + len(widths)
    assert tex.count(r"\begingroup\small") + tex.count(r"\begingroup\foot") <= len(tables)


def test_a_link_in_latex_has_all_of_its_words(tex):
    plain = re.sub(r"\\allowbreak\{\}|\\sphinxcode|\\sphinxupquote", "", tex)
    plain = re.sub(r"\\sphinxhyphen\{\}", "-", plain).replace("{", "").replace("}", "")
    assert "uefi/acpi-table-outside-acpi-memory" in plain


@pytest.mark.parametrize(
    ("word", "pieces"),
    [
        ("0x0000_6d3f_5000", ["0x0000_6d3f_5000"]),
        ("0xffff_fffe_ff00_0000,", ["0xffff_fffe_ff00_0000,"]),
        ("short-name", ["short-name"]),
        ("uefi/overlapping-descriptors", ["uefi/", "overlapping-", "descriptors"]),
        ("EfiRuntimeServicesCode", ["Efi", "Runtime", "Services", "Code"]),
        ("memory_map.descriptors[].type", ["memory_", "map.", "descriptors[].", "type"]),
        ("a/b/c/d/e/f/g/h/i/j", ["a/b/", "c/d/", "e/f/", "g/h/", "i/j"]),
        ("nothingtobreakatinhere", ["nothingtobreakatinhere"]),
    ],
)
def test_long_names_may_be_broken_and_addresses_never(word, pieces):
    assert broken(word) == pieces
    assert "".join(broken(word)) == word


def table_of(*columns: tuple[float, list[float]]) -> list[Column]:
    return [Column(word, tuple(cells)) for word, cells in columns]


def test_a_narrow_table_is_as_wide_as_its_text():
    layout = laid_out(table_of((5, [5, 5]), (8, [8, 3])))
    assert layout.size == "small"
    assert not layout.lying
    assert sum(layout.shares) < 0.25


def test_prose_gets_the_room_that_short_columns_leave():
    layout = laid_out(table_of((8, [8] * 9), (12, [300] * 9), (6, [6] * 9)))
    assert not layout.lying
    assert layout.shares[1] > 0.6
    assert sum(layout.shares) == pytest.approx(1)


def test_a_table_whose_words_are_too_wide_for_a_page_lies():
    layout = laid_out(table_of(*[(22.0, [22.0] * 40)] * 6))
    assert layout.lying
    assert sum(layout.shares) <= 1


def test_a_table_of_any_width_has_a_layout():
    layout = laid_out(table_of(*[(22.0, [22.0] * 3)] * 40))
    assert layout.size == "scriptsize"
    assert sum(layout.shares) == pytest.approx(1)


def test_every_row_of_a_tall_map_is_in_one_part_and_each_fits_a_page():
    rows = ladder_rows(crowd(500))
    parts = memory_map_parts(rows)
    assert len(parts) > 1
    assert [row for part in parts for row in part] == list(rows)
    svgs = memory_map_print_svgs(crowd(500), figure_id="mm", title="Crowd")
    assert len(svgs) == len(parts)
    for number, svg in enumerate(svgs, 1):
        root = ET.fromstring(svg)
        assert float(root.attrib["height"]) <= TALLEST_ON_PAPER
        assert f"Crowd · {number} of {len(svgs)}" in svg
        assert "class=" not in svg


def test_a_tall_map_is_cut_at_4_gib():
    starts = [number << 28 for number in range(48)]  # 16 of them below 4 GiB
    rows = [
        LadderRow(kind="region", drawn=AddressRange(start, start + 4096), size=4096, height=30)
        for start in starts
    ]
    parts = [[row.drawn.start >> 28 for row in part] for part in memory_map_parts(rows)]
    assert parts == [[*range(16)], [*range(16, 32)], [*range(32, 48)]]


def test_a_map_that_fits_a_page_is_one_figure():
    rows = ladder_rows(crowd(12))
    assert memory_map_parts(rows) == [list(rows)]
    assert memory_map_parts([]) == [[]]


def test_a_printed_picture_keeps_blanks_and_the_places_that_links_lead_to():
    svg = (
        '<svg><a id="mm-1" href="#d-1" tabindex="-1"><text>'
        '<tspan class="ep-b">RT Code</tspan> 2 MiB</text></a><a href="x">y</a></svg>'
    )
    made = printed(svg)
    assert made.startswith('<svg><g id="mm-1"><text>')
    assert "</tspan>\N{NO-BREAK SPACE}2 MiB" in made
    assert "<g>y</g>" in made


def test_pages_that_tables_lead_to_are_in_a_book(tmp_path):
    tree = ".. efi:site-pages::\n\n   one\n   /two"
    page = ":orphan:\n\n{}\n{}\n\nWords of {}."
    pages = {name: page.format(name, "=" * 5, name) for name in ("one", "two")}
    source = project(tmp_path / "s", index=".. toctree::\n\n   all", all=tree)
    for name, text in pages.items():
        (source / f"{name}.rst").write_text(text)
    built = build_project(source, tmp_path, builder="singlehtml")
    assert built.warnings == ""
    text = (built.out / "index.html").read_text()
    assert text.index("Words of one") < text.index("Words of two")
    html = build_project(source, tmp_path, builder="html")
    assert html.warnings == ""
    for name in ("index", "all"):
        assert 'href="one.html"' not in (html.out / f"{name}.html").read_text()


def test_a_page_of_a_book_that_is_not_there_is_warned_of(tmp_path):
    source = project(tmp_path / "s", index=".. efi:site-pages::\n\n   gone")
    built = build_project(source, tmp_path, builder="singlehtml")
    assert "gone" in built.warnings
