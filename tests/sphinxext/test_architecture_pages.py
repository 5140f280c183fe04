"""The pages of architectures and their index."""

from __future__ import annotations

import re
from types import SimpleNamespace

import pytest

from efipolicy.plugin.registry import Registry
from efipolicy.sphinxext.architecture_drawings import fitting_strategies
from efipolicy.sphinxext.bit_fields import entry_kinds
from tests.sphinxext.conftest import build_project

SECTIONS = ["Page tables", "Entries", "Granules and alignment", "Strategies", "Reference platforms"]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    folder = tmp_path_factory.mktemp("architectures")
    source = folder / "source"
    source.mkdir()
    (source / "conf.py").write_text(
        'extensions = ["efipolicy.sphinxext"]\nnitpicky = True\n'
        'efipolicy_architecture_pages = "architectures"\n'
    )
    (source / "index.rst").write_text(
        "Index\n=====\n\n:efi:architecture:`ia64`\n\n.. efi:architecture-index::\n\n"
        ".. toctree::\n   :glob:\n\n   architectures/*\n"
    )
    stale = source / "architectures" / "z80.rst"
    stale.parent.mkdir()
    stale.write_text(".. Written by efipolicy.sphinxext.\n\nz80\n===\n")
    own = source / "architectures" / "own.rst"
    own.write_text("Own\n===\n")
    made = build_project(source, folder / "build")
    made.source = source
    return made


def page(made: SimpleNamespace, name: str) -> str:
    return (made.out / "architectures" / f"{name}.html").read_text(encoding="utf-8")


def test_every_architecture_has_a_page_and_the_index_leads_to_it(made, registry: Registry) -> None:
    assert made.warnings == ""
    index = (made.out / "index.html").read_text(encoding="utf-8")
    for name in registry.architectures:
        assert page(made, name)
        assert f'href="architectures/{name}.html' in index


def test_pages_that_are_gone_are_removed_and_those_of_others_stay(made) -> None:
    assert not (made.source / "architectures" / "z80.rst").exists()
    assert (made.source / "architectures" / "own.rst").exists()


def test_a_page_has_its_sections_in_the_order_of_the_design(made, registry: Registry) -> None:
    for name in registry.architectures:
        text = page(made, name)
        assert re.findall(r"<h2>([^<]+)<", text) == SECTIONS
        assert text.index("ep-facts") < text.index("<h2>")


def test_every_page_draws_page_tables_or_regions(made, registry: Registry) -> None:
    for name in registry.architectures:
        assert f'id="pt-architecture-{name.replace("_", "-")}"' in page(made, name)


def test_every_kind_of_entry_is_drawn(made, registry: Registry) -> None:
    for architecture in registry.architectures.values():
        text = page(made, architecture.name)
        kinds = entry_kinds(architecture)
        assert len(re.findall(r'<svg[^>]* id="bits-', text)) == len(kinds)
        for kind in kinds:
            assert kind.title in text


def test_ids_are_unique_and_links_within_a_page_lead_somewhere(made, registry) -> None:
    for name in registry.architectures:
        text = page(made, name)
        ids = re.findall(r'\sid="([^"]+)"', text)
        assert len(ids) == len(set(ids))
        assert set(re.findall(r'href="#([^"]+)"', text)) <= {*ids, ""}


def test_the_units_are_told_with_the_rules_that_demand_them(made, registry: Registry) -> None:
    text = page(made, "ia64")
    assert "IA64-001" in text
    assert "8 KiB" in text
    assert "uefi/runtime-region-breaks-granularity" in text
    assert "uefi/acpi-memory-breaks-granularity" in text


def test_strategies_made_for_an_architecture_come_first(registry: Registry) -> None:
    names = [each.name for each in fitting_strategies(registry.architectures["arm64"])]
    assert names[-1] == "identity"
    assert "arm64-stub-virtmap" in names
    assert "x86-topdown" not in names


def test_an_unknown_architecture_is_an_error_with_a_place(build) -> None:
    made = build(".. efi:architecture:: z80")
    assert "no installed architecture is called `z80`" in made.warnings
    assert "index.rst:4" in made.warnings


def test_an_architecture_that_is_silent_about_entries_says_so(build, monkeypatch) -> None:
    from efipolicy.sphinxext import architecture_pages

    monkeypatch.setattr(architecture_pages, "entry_kinds", lambda _architecture: [])
    made = build(".. efi:architecture:: i386")
    text = (made.out / "index.html").read_text(encoding="utf-8")
    assert "does not say how its entries are laid out" in text


@pytest.mark.parametrize("builder", ["text", "man", "latex"])
def test_builders_without_pictures_have_the_tables(build, builder: str) -> None:
    made = build(".. efi:architecture:: i386", builder=builder)
    written = [path for end in ("txt", "1", "tex") for path in made.out.glob(f"*.{end}")]
    told = "".join(path.read_text(encoding="utf-8") for path in written)
    assert "geometries" in told.lower()  # a manual page may have it in capitals
    assert "not executable" in told
