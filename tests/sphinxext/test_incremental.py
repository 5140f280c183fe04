"""Builds after the first: what they write, what they say again, what a search still finds."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from types import SimpleNamespace

import pytest

from efipolicy.sphinxext.domain_search import pictured_addresses
from tests.conftest import MINIMAL
from tests.sphinxext.conftest import ROOTS, build_project, restored, set_aside
from tests.sphinxext.test_builds import contents, finds, sphinx, stamps
from tests.sphinxext.test_domain import project

SMALL = (ROOTS / "pages" / "small.yaml").read_text(encoding="utf-8")


def search_index(out: Path) -> dict:
    text = (out / "searchindex.js").read_text(encoding="utf-8")
    return json.loads(text.removeprefix("Search.setIndex(").removesuffix(")"))


@pytest.fixture(scope="module")
def built_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project of two platforms and a rule."""
    folder = tmp_path_factory.mktemp("incremental")
    pages = {f"p{n}": f".. efi:platform:: p{n}.yaml" for n in range(2)}
    rule = {"rule": ".. efi:rule:: uefi/zero-pages"}
    source = project(folder / "source", index="Text.", **pages, **rule)
    for n in range(2):
        text = SMALL.replace("name: small", f"name: p{n}")
        (source / f"p{n}.yaml").write_text(text, encoding="utf-8")
    sphinx(source, folder / "out", "-b", "html")
    return set_aside(folder)


@pytest.fixture
def site(built_once: Path) -> SimpleNamespace:
    """The project as it was after its first build."""
    return restored(built_once)


def test_a_second_build_leaves_every_file_and_its_time(site):
    before, bytes_ = stamps(site.out), contents(site.out)
    sphinx(site.source, site.out, "-b", "html")
    after = stamps(site.out)
    assert contents(site.out) == bytes_
    ours = {name for name in after if not name.startswith(".") and "/." not in name}
    assert {name for name in ours if after[name] != before.get(name)} == set()


def test_what_lies_beside_the_pages_and_is_no_file_hinders_no_build(site):
    (site.out / "latest").symlink_to("nowhere")
    os.mkfifo(site.out / "pipe")
    sphinx(site.source, site.out, "-b", "html")
    assert (site.out / "latest").is_symlink()


def test_what_depends_on_a_change_and_says_the_same_keeps_its_time(site):
    page = site.source / "other.rst"
    page.write_text(":orphan:\n\nOther\n=====\n\n.. efi:larger-page:: p1.yaml\n   :at: 0x20000\n")
    sphinx(site.source, site.out, "-b", "html")
    before = stamps(site.out)
    (site.source / "p1.yaml").write_text((site.source / "p1.yaml").read_text() + "# more\n")
    sphinx(site.source, site.out, "-b", "html")
    after = stamps(site.out)
    pages = {name for name in after if name.endswith(".html") and after[name] != before.get(name)}
    assert pages == {"p1.html"}
    page.write_text(page.read_text().replace("=====\n", "=====\n\n.. only a comment\n"))
    sphinx(site.source, site.out, "-b", "html")
    assert stamps(site.out)["other.html"] > after["other.html"]


def test_a_changed_platform_writes_its_page_and_the_indices(site):
    before = stamps(site.out)
    path = site.source / "p1.yaml"
    path.write_text(path.read_text().replace("0x20000", "0x30000"))
    sphinx(site.source, site.out, "-b", "html")
    after = stamps(site.out)
    written = {name for name in after if after[name] != before.get(name)}
    pages = {name for name in written if name.endswith(".html")}
    assert pages <= {"p1.html", "genindex.html", "efi-index.html", "index.html"}
    assert "searchindex.js" in written
    assert not any(name.startswith("_static/") for name in written)


def test_a_search_knows_the_index_entries_of_pages_that_were_not_written(site):
    before = search_index(site.out)["indexentries"]
    assert any("0x20000" in entry for entry in before)
    path = site.source / "p1.yaml"
    path.write_text(f"{path.read_text()}\n# changed\n")
    sphinx(site.source, site.out, "-b", "html")
    assert search_index(site.out)["indexentries"] == before


def test_a_rule_seen_on_another_platform_has_its_page_written_again(site, monkeypatch, tmp_path):
    from efipolicy.sphinxext import rule_pages

    seen = ["somewhere"]
    monkeypatch.setattr(rule_pages, "seen_on", lambda _rule: seen)
    app = build_project(site.source, tmp_path / "b", builder="dummy").app
    nothing: tuple[set[str], set[str], set[str]] = (set(), set(), set())
    assert rule_pages.outdated_rule_pages(app, app.env, *nothing) == []
    monkeypatch.setattr(rule_pages, "seen_on", lambda _rule: [*seen, "elsewhere"])
    assert rule_pages.outdated_rule_pages(app, app.env, *nothing) == ["rule"]


SPELLINGS = ["0xfffffffec0000000", "ffff_fffe_c000_0000", "0XFFFFFFFEC0000000", "FFFFFFFEC0000000"]


def test_a_search_finds_where_a_page_table_begins(tmp_path):
    page = ".. efi:page-tables:: ovmf-x86_64"
    source = project(tmp_path / "s", index="Text.", tables=page)
    built = build_project(source, tmp_path)
    index = search_index(built.out)
    for spelling in SPELLINGS:
        assert finds(index, spelling) == {"tables"}, spelling
    assert "0xffff_fffe_c000_0000</" in (built.out / "tables.html").read_text()


def test_a_search_finds_what_stands_in_a_picture_alone(tmp_path, monkeypatch):
    from efipolicy.sphinxext import domain_search

    source = project(tmp_path / "s", index="Text.", map=".. efi:memory-map:: p.yaml")
    (source / "p.yaml").write_text(MINIMAL)
    monkeypatch.setattr(domain_search, "pictured_addresses", lambda _svg: ["0x1234_5000"])
    index = search_index(build_project(source, tmp_path / "with").out)
    assert finds(index, "0x12345000") == set()  # the table has it all

    from efipolicy.sphinxext.elements import efi_figure

    def without_table(figure: efi_figure, name: str, default: object = None) -> object:
        return "" if name == "table" else dict.get(figure.attributes, name, default)

    monkeypatch.setattr(efi_figure, "get", without_table)
    built = build_project(source, tmp_path / "without")
    assert finds(search_index(built.out), "0x12345000") == {"map"}
    assert "0x1234_5000" not in (built.out / "map.html").read_text()


def test_addresses_of_a_picture_are_those_that_people_see_or_point_at():
    svg = (
        '<svg><title>0x1_0000_0000</title><text x="0x9999"><tspan>0xffff_fffe_</tspan>ff00_0000'
        "</text><path d='0x8888'/><text>RW 0x1_0000_0000</text></svg>"
    )
    assert pictured_addresses(svg) == ["0x1_0000_0000", "0xffff_fffe_ff00_0000"]


def test_ids_are_unique_under_a_theme_that_wraps_tables(tmp_path):
    from tests.sphinxext.test_pages import Links

    page = ".. efi:platform:: ovmf-x86_64\n\n.. math::\n   :label: sum\n\n   a + b"
    source = project(tmp_path / "s", 'html_theme = "furo"', index=page)
    text = (build_project(source, tmp_path).out / "index.html").read_text()
    assert "table-wrapper" in text
    ids = Links(text).ids
    assert sorted(ids) == sorted(set(ids))
    assert re.search(r'<table[^>]* id="d-ovmf-x86-64">', text)
