"""``efi:plugins``: the directory of what is installed, from metadata alone."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from docutils import nodes

from efipolicy.plugin.discovery import EntryPoint, Plugin
from efipolicy.sphinxext import installed, plugin_pages
from efipolicy.sphinxext.plugin_pages import install_line, plugin_nodes, what_it_is
from tests.sphinxext.conftest import Build

HEAD = "from efipolicy.plugin import *\nfrom efipolicy.plugin import hookimpl\nEFIPOLICY_API = 1\n"
STRATEGIES = """
@hookimpl
def efipolicy_strategies():
    yield Strategy(name='zigzag', title='Zigzag', plan=lambda request: None)
"""
METADATA = """\
Metadata-Version: 2.1
Name: acme-zebra
Version: 3.0
Summary: Stripes for everyone
Project-URL: Source, https://source.example/zebra
Project-URL: Documentation, https://docs.example/zebra
"""

Install = Callable[..., None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Install the distribution ``acme-zebra`` with the plugin ``zebra``."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(folder)
    for module in ("acme_zebra_pages",):
        monkeypatch.delitem(sys.modules, module, raising=False)

    def install_zebra(code: str, metadata: str = METADATA, name: str = "zebra") -> None:
        info = folder / "acme_zebra-3.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(metadata)
        (info / "entry_points.txt").write_text(f"[efipolicy]\n{name} = acme_zebra_pages\n")
        (folder / "acme_zebra_pages.py").write_text(code)
        installed.registry.cache_clear()

    yield install_zebra
    installed.registry.cache_clear()


def test_every_installed_plugin_is_in_the_table_and_has_a_section(build: Build) -> None:
    done = build("See :efi:plugin:`linux`.\n\n.. efi:plugins::")
    assert done.warnings == ""
    page = (done.out / "index.html").read_text(encoding="utf-8")
    for plugin in installed.registry().plugins:
        assert page.count(f'id="plugin-{plugin.name}"') == 1
        assert f'href="#plugin-{plugin.name}"' in page
    assert re.search('See <a class="[^"]*" href="#plugin-linux"', page)
    assert "pip install efipolicy" in re.sub(r"<[^>]+>", "", page)


def test_what_a_plugin_adds_is_counted_and_linked_where_it_has_a_page(build: Build) -> None:
    done = build(
        ".. efi:strategy:: x86-topdown\n\n   Ours.\n\n"
        ".. efi:rule:: accept/expired\n\n   Ours.\n\n.. efi:plugins::"
    )
    assert done.warnings == ""
    page = (done.out / "index.html").read_text(encoding="utf-8")
    linux = page.partition('id="plugin-linux"')[2].partition("</section>")[0]
    count = len(installed.registry().rules)
    assert re.search(r'href="#efi-strategy-x86-topdown"', linux)
    assert "16 strategies" in linux
    assert len(re.findall(r"<li>", page)) >= count


def test_a_strangers_plugin_is_told_with_its_metadata(build: Build, install: Install) -> None:
    install(HEAD + STRATEGIES)
    done = build(".. efi:plugins::", builder="text")
    text = (done.out / "index.txt").read_text(encoding="utf-8")
    assert done.warnings == ""
    section = text.partition('"zebra"\n')[2]
    for told in (
        "Stripes for everyone",
        "acme-zebra 3.0",
        "https://docs.example/zebra",
        "pip install acme-zebra",
        '1 strategy: "zigzag"',
    ):
        assert told in section
    assert "source.example" not in text


def test_metadata_that_states_nothing_and_addresses_that_are_none_do_no_harm(
    build: Build, install: Install
) -> None:
    states = "Metadata-Version: 2.1\nName: acme-zebra\nVersion: 3.0\nSummary: UNKNOWN\n"
    install(HEAD, f"{states}Home-page: javascript:alert(1)\nProject-URL: nonsense\n")
    done = build(".. efi:plugins::")
    page = (done.out / "index.html").read_text(encoding="utf-8")
    assert done.warnings == ""
    section = page.partition('id="plugin-zebra"')[2]
    assert "javascript:" not in page
    assert "UNKNOWN" not in section


def test_a_docstring_says_what_a_plugin_is_before_its_metadata_does(install: Install) -> None:
    install(f'"""Stripes, ``by the pair``.\n\nMore of it.\n"""\n{HEAD}')
    zebra = next(p for p in installed.registry().plugins if p.name == "zebra")
    assert what_it_is(zebra) == "Stripes, `by the pair`."


def test_names_that_make_the_same_anchor_have_two(build: Build, install: Install) -> None:
    install(HEAD, name="Linux")
    done = build(":efi:plugin:`Linux` :efi:plugin:`linux`\n\n.. efi:plugins::")
    page = (done.out / "index.html").read_text(encoding="utf-8")
    assert done.warnings == ""
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids))


def test_one_plugin_has_a_page_of_its_own(build: Build) -> None:
    done = build("See :efi:plugin:`uefi`.\n\n.. efi:plugin:: uefi")
    assert done.warnings == ""
    assert 'href="#"' in (done.out / "index.html").read_text(encoding="utf-8")


def test_a_plugin_nobody_has_is_an_error_at_its_place(build: Build) -> None:
    done = build(".. efi:plugin:: nope")
    assert "index.rst:4" in done.warnings
    assert "no installed plugin is called `nope`" in done.warnings


def test_a_directory_twice_is_told(build: Build) -> None:
    done = build(".. efi:plugins::\n\n.. efi:plugins::")
    assert "the plugin `uefi` is described twice" in done.warnings


def test_a_blocked_plugin_says_that_it_is_blocked() -> None:
    plugin = Plugin(EntryPoint("acme", "acme", "acme-board", "1.0"), status="blocked")
    made = nodes.section("", *plugin_nodes(plugin))
    assert "blocked by EFIPOLICY_PLUGINS" in made.astext()
    assert plugin_pages._added_in_short(plugin) == "blocked"
    assert install_line(plugin) == "pip install acme-board"


def test_nothing_on_the_page_depends_on_how_long_loading_took(build: Build) -> None:
    done = build(".. efi:plugins::", builder="text")
    text = (done.out / "index.txt").read_text(encoding="utf-8")
    assert not re.search(r"\d ms\b", text)


def test_the_directory_of_this_site_is_made_of_what_is_installed() -> None:
    from tests.conftest import ROOT

    page = ROOT / "docs" / "reference" / "plugins.rst"
    assert ".. efi:plugins::" in page.read_text(encoding="utf-8")
