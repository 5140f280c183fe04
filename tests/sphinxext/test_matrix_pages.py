"""``efi:matrix`` and ``efi:page-tables``: every strategy on every platform, and its tables."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from efipolicy.engine.planning import PlanChoice
from efipolicy.errors import UsageError
from efipolicy.model.finding import Severity
from efipolicy.sphinxext.elements import efi_severity
from efipolicy.sphinxext.installed import registry, shipped_platforms
from efipolicy.sphinxext.matrix_pages import cell
from efipolicy.sphinxext.platform_strategies import Attempt, native_plan, plan_of
from efipolicy.sphinxext.strategy_examples import platform_at
from efipolicy.sphinxext.ticks import efi_tick
from tests.conftest import FIXTURES, PLATFORMS
from tests.sphinxext.conftest import Build

OVMF5 = (FIXTURES / "platforms" / "ovmf5.yaml").read_text(encoding="utf-8")
OVMF = platform_at(str(PLATFORMS / "ovmf-x86_64.yaml"))


def test_the_matrix_has_a_column_a_platform_and_a_row_a_strategy_that_fits_one(build: Build):
    done = build(".. efi:matrix::")
    assert done.warnings == ""
    page = (done.out / "index.html").read_text(encoding="utf-8")
    text = re.sub(r"<[^>]+>", " ", page)
    for name in shipped_platforms():
        assert text.split().count(name) == 1
    architectures = {platform_at(path).architecture for path in shipped_platforms().values()}
    for strategy in registry().strategies.values():
        fits = not strategy.architectures or strategy.architectures & architectures
        assert text.split().count(strategy.name) == (1 if fits else 0)


def test_the_matrix_leads_to_the_pages_that_the_site_has(build: Build):
    described = (
        ".. efi:platform:: ovmf-x86_64\n\n   Ours.\n\n.. efi:strategy:: identity\n\n   Ours.\n\n"
    )
    done = build(f"{described}.. efi:matrix::")
    page = (done.out / "index.html").read_text(encoding="utf-8")
    assert 'href="#efi-platform-ovmf-x86_64"' in page
    assert 'href="#efi-strategy-identity"' in page


def test_the_matrix_is_a_table_of_words_for_a_text_builder(build: Build):
    done = build(".. efi:matrix::", builder="text")
    text = (done.out / "index.txt").read_text(encoding="utf-8")
    row = next(line for line in text.splitlines() if line.startswith("| x86-topdown"))
    assert row.split("|")[-2].strip() == "ok"


def test_a_cell_says_what_is_wrong_first():
    linux = registry().strategies["x86-topdown"]
    assert isinstance(cell(OVMF, Attempt(linux, plan_of(OVMF, linux), None)), efi_tick)
    open_ = replace(OVMF, memory_attributes_table=None)
    written = cell(open_, Attempt(linux, plan_of(open_, linux), None))
    assert isinstance(written, efi_severity)
    assert (written.astext(), written["severity"]) == ("RWX", Severity.ERROR.value)
    none = cell(OVMF, Attempt(linux, None, UsageError("no room")))
    assert (none.astext(), none["severity"]) == ("no plan", Severity.ERROR.value)


def test_a_cell_says_what_kexec_does_where_all_else_is_well():
    broken = platform_at(str(PLATFORMS / "broken-x86_64.yaml"))
    mixed = registry().strategies["x86-mixed"]
    lost = cell(broken, Attempt(mixed, plan_of(broken, mixed), None))
    assert isinstance(lost, efi_severity)
    assert (lost.astext(), lost["severity"]) == ("runtime-disabled", Severity.WARNING.value)


def test_page_tables_are_drawn_for_the_strategy_that_is_named(build: Build):
    index = (
        ".. efi:page-tables:: ovmf5.yaml\n   :strategy: x86-dense-from-4g\n\n"
        ".. efi:page-tables:: ovmf5.yaml\n   :strategy: x86-fixed-window\n   :option: round_hi=2M\n"
    )
    done = build(index, ovmf5_yaml=OVMF5)
    assert done.warnings == ""
    page = (done.out / "index.html").read_text(encoding="utf-8")
    assert "3 large leaves with a frame that is no multiple of its size" in page
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    assert len(list((done.out / "_images").glob("pt-ovmf5-*.svg"))) == 2


def test_page_tables_without_a_strategy_are_those_of_the_platforms_own(build: Build):
    done = build(".. efi:page-tables:: ovmf-x86_64", builder="text")
    native = native_plan(OVMF)
    assert native is not None
    assert native.plan.strategy == "x86-topdown"
    text = (done.out / "index.txt").read_text(encoding="utf-8")
    assert "Leaves: OVMF 2022.11 on QEMU q35, 2 GiB: x86-topdown" in text
    assert PlanChoice().strategy is None


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ("nowhere.yaml", "neither a file nor a reference platform"),
        ("ovmf-x86_64\n   :strategy: nope", "unknown strategy `nope`"),
        ("ovmf-x86_64\n   :strategy: identity\n   :option: regions", "expected NAME=VALUE"),
        ("empty.yaml\n   :strategy: identity", "identity maps nothing of minimal"),
    ],
)
def test_what_has_no_page_tables_is_told_with_its_place(build: Build, lines: str, words: str):
    from tests.conftest import MINIMAL

    done = build(f".. efi:page-tables:: {lines}", empty_yaml=MINIMAL)
    assert words in done.warnings
    assert "index.rst:4" in done.warnings


def test_a_folded_mapping_hides_its_table_at_first(build: Build):
    done = build(
        ".. efi:mapping:: ovmf5.yaml\n   :strategy: x86-topdown\n   :folded:", ovmf5_yaml=OVMF5
    )
    page = (done.out / "index.html").read_text(encoding="utf-8")
    assert "The same as a table" in page
