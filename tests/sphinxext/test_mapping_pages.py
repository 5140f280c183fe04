"""``efi:mapping``: the picture of a mapping and its table on a page."""

from __future__ import annotations

import re

import pytest

from efipolicy.engine.planning import PlanChoice, planned
from efipolicy.sphinxext.elements import efi_figure
from efipolicy.sphinxext.installed import registry
from efipolicy.sphinxext.mapping_pages import plan_nodes
from efipolicy.sphinxext.strategy_examples import (
    example_mapping,
    example_nodes,
    example_of,
    platform_at,
)
from tests.conftest import FIXTURES, PLATFORMS
from tests.drawing.maps import finding
from tests.drawing.text_boxes import misplaced
from tests.sphinxext.conftest import Build

OVMF5 = (FIXTURES / "platforms" / "ovmf5.yaml").read_text(encoding="utf-8")


def test_a_page_has_the_picture_its_table_and_a_file(build: Build):
    index = ".. efi:mapping:: ovmf5.yaml\n   :strategy: x86-fixed-window\n   :option: round_hi=2M"
    done = build(index, ovmf5_yaml=OVMF5)
    assert done.warnings == ""
    page = (done.out / "index.html").read_text(encoding="utf-8")
    svg = re.search(r"<svg class=\"ep-fig\".*?</svg>|<svg xmlns.*?</svg>", page, re.DOTALL)
    assert svg
    assert misplaced(svg.group()) == []
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    for target in re.findall(r'href="#([vm]-?[^"]+)"', page):
        assert target in ids
    assert "#v-ovmf5-x86-fixed-window-round-hi-2m-4" in page
    assert "#mp-ovmf5-x86-fixed-window-round-hi-2m-4" in page
    assert list((done.out / "_images").glob("mp-ovmf5*.svg"))


def test_a_text_builder_has_the_table(build: Build):
    index = ".. efi:mapping:: ovmf-x86_64\n   :strategy: x86-topdown"
    done = build(index, builder="text")
    assert "0xffff_fffe_ffc0_0000" in (done.out / "index.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ("nowhere.yaml", "neither a file nor a reference platform"),
        ("ovmf-x86_64\n   :strategy: nope", "unknown strategy `nope`"),
        ("ovmf-x86_64\n   :strategy: arm64-novamap", "which is for arm64"),
        ("ovmf-x86_64\n   :strategy: identity\n   :option: regions", "expected NAME=VALUE"),
        ("ovmf-x86_64\n   :strategy: identity\n   :option: zone=3", "has no option `zone`"),
    ],
)
def test_what_cannot_be_drawn_is_told_with_its_place(build: Build, lines: str, words: str):
    done = build(f".. efi:mapping:: {lines}")
    assert words in done.warnings
    assert "index.rst:4" in done.warnings


def test_findings_link_on_the_page_and_nowhere_in_the_file():
    platform = platform_at(str(PLATFORMS / "ovmf-x86_64.yaml"))
    index = platform.memory_map.runtime[0].index
    made = planned(platform, registry(), PlanChoice(strategy="x86-topdown"))
    figure, _ = plan_nodes(platform, made, findings=[finding(index, "RT-003")])
    assert isinstance(figure, efi_figure)
    assert 'href="rule.html"' in figure["svg"]
    assert "RT-003" in figure["standalone"]
    assert "href" not in figure["standalone"].partition("</style>")[2]


@pytest.mark.parametrize("name", sorted(registry().strategies))
def test_every_strategy_page_shows_the_mapping_before_the_tables(name: str):
    strategy = registry().strategies[name]
    example = example_of(strategy)
    if example is None:
        return
    figures = [
        node["figure"]
        for top in [*example_mapping(example), *example_nodes(strategy, example)]
        for node in top.findall(efi_figure)
    ]
    assert figures[0].startswith("mp-")
    assert [one for one in figures[1:] if one.startswith("mp-")] == []
    figure, _ = plan_nodes(example.platform, example.made, folded=True)
    assert misplaced(figure["standalone"]) == []
