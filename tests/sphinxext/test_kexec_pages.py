"""The directive for kexec chains, and what a platform's page computes."""

from __future__ import annotations

import re

import pytest

from tests.conftest import ROOT
from tests.drawing.text_boxes import misplaced

PLATFORMS = ROOT / "policies" / "efipolicy_policies" / "platforms"
OVMF = (PLATFORMS / "ovmf-x86_64.yaml").read_text(encoding="utf-8")
SVG = re.compile(r"<svg xmlns.*?</svg>", re.DOTALL)
DECLARES = OVMF.replace(
    'options: {kernel: "6.1"}',
    'options: {kernel: "6.1"}\n    kexec:\n      - {strategy: x86-fixed-window}',
)
LONG = ",".join(["x86-topdown"] * 5)


def page(built, name: str = "index") -> str:
    return (built.out / f"{name}.html").read_text(encoding="utf-8")


def figures(text: str) -> list[str]:
    return [svg for svg in SVG.findall(text) if "kexec chain" in svg]


def test_a_chain_is_drawn_with_its_table(build):
    built = build(".. efi:kexec-chain:: ovmf-x86_64\n   :hops: x86-topdown,x86-fixed-window")
    assert built.warnings == ""
    text = page(built)
    (svg,) = figures(text)
    assert misplaced(svg) == []
    assert "4 of 5 regions move." in svg
    anchor = re.search(r'<a id="([^"]+)" href="#([^"]+)"', svg)
    assert anchor
    own, row = anchor.groups()
    assert f'href="#{own}"' in text
    assert f'id="{row}"' in text
    assert "What is taken for granted" in text
    assert "va-mismatch" in text


def test_every_id_of_a_page_with_two_chains_is_there_once(build):
    hops = ("x86-topdown,x86-topdown", "x86-topdown,x86-fixed-window")
    text = page(
        build("\n\n".join(f".. efi:kexec-chain:: ovmf-x86_64\n   :hops: {hop}" for hop in hops))
    )
    ids = re.findall(r' id="([^"]+)"', text)
    assert len(ids) == len(set(ids))


def test_the_chain_a_platform_declares_needs_no_hops(build):
    built = build(".. efi:kexec-chain:: declares.yaml", declares_yaml=DECLARES)
    assert built.warnings == ""
    assert "kexec chain: x86-topdown to x86-fixed-window" in page(built)


def test_hops_may_stand_on_several_lines_and_have_options(build):
    hops = "x86-topdown:kernel=6.1,\n      x86-topdown:channel=none"
    built = build(f".. efi:kexec-chain:: ovmf-x86_64\n   :hops: {hops}")
    assert built.warnings == ""
    assert "runtime-disabled" in page(built)


def test_a_long_chain_has_a_picture_for_each_hop(build):
    text = page(build(f".. efi:kexec-chain:: ovmf-x86_64\n   :hops: {LONG}"))
    assert len(figures(text)) == 4
    ids = re.findall(r' id="([^"]+)"', text)
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize(
    ("directive", "told"),
    [
        (".. efi:kexec-chain:: ovmf-x86_64", "declares no chain"),
        (".. efi:kexec-chain:: missing.yaml\n   :hops: identity,identity", "neither a file nor"),
        (".. efi:kexec-chain:: ovmf-x86_64\n   :hops: identity", "two strategies or more"),
        (".. efi:kexec-chain:: ovmf-x86_64\n   :hops: identity,nonsense", "nonsense"),
        (".. efi:kexec-chain:: ovmf-x86_64\n   :hops: identity,ia64-physical", "ia64"),
    ],
)
def test_a_wrong_directive_is_told_with_its_place(build, directive: str, told: str):
    built = build(directive)
    assert told in built.warnings
    assert "index.rst:" in built.warnings


def test_the_text_builder_writes_the_table_and_the_verdict(build):
    built = build(
        ".. efi:kexec-chain:: ovmf-x86_64\n   :hops: x86-topdown,x86-fixed-window", builder="text"
    )
    text = (built.out / "index.txt").read_text(encoding="utf-8")
    assert "EfiRuntimeServicesData" in text
    assert "va-mismatch" in text
    assert "lower" in text


ORDER = (
    "ep-pills",
    "ep-facts",
    "ep-matrix",
    'id="memory-map"',
    'id="mapping"',
    'id="page-tables"',
    'id="kexec"',
    'id="findings"',
    'id="descriptors"',
    'id="source"',
    'id="reproduce"',
)


def test_a_platform_page_has_its_parts_in_order(pages):
    text = page(pages, "platforms/ovmf-x86_64")
    places = [text.index(part) for part in ORDER]
    assert places == sorted(places)
    ids = re.findall(r' id="([^"]+)"', text)
    assert len(ids) == len(set(ids))


def test_the_table_of_strategies_is_computed_and_leads_to_their_pages(pages):
    text = page(pages, "platforms/ovmf-x86_64")
    matrix = text[text.index("ep-matrix") : text.index('id="memory-map"')]
    rows = re.findall(r"<tr.*?</tr>", matrix, re.DOTALL)[1:]
    assert "x86-topdown" in rows[0]
    assert "(native)" in rows[0]
    assert not any("ia64-" in row or "arm64-" in row for row in rows)
    for row in rows:
        assert row.count('href="../strategies/') == 5
        assert re.search(r"\d of 5", row)
    assert any("RWX" in row for row in rows)


def test_a_platform_of_an_unknown_architecture_has_no_computed_parts(build):
    text = OVMF.replace("architecture: x86_64", "architecture: riscv64").partition("mapping:")[0]
    built = build(".. efi:platform:: odd.yaml", odd_yaml=text)
    assert built.warnings == ""
    assert "ep-matrix" not in page(built)
    assert 'id="memory-map"' in page(built)


def test_a_platform_with_a_declared_chain_shows_that(build):
    built = build(".. efi:platform:: declares.yaml", declares_yaml=DECLARES)
    assert built.warnings == ""
    (svg,) = figures(page(built))
    assert "x86-topdown to x86-fixed-window" in svg
    assert "KEXEC-001" in svg


def test_a_verdict_names_the_kernel_by_its_place_and_groups_addresses(build):
    hops = "x86-topdown,x86-topdown,x86-topdown,x86-fixed-window"
    text = page(build(f".. efi:kexec-chain:: ovmf-x86_64\n   :hops: {hops}"))
    plain = re.sub(r"\s+", " ", re.sub(r"<[^>]*>", "", text))
    assert re.search(
        r"Firmware uses 0xffff_fffe_\w{4}_\w{4} for 0x\w{4}_\w{4}-0x\w{4}_\w{4};", plain
    )
    assert "the fourth kernel has it at 0xffff_fffe_" in plain
    assert "hop 2: loader unspecified: the third kernel is told" in plain
    assert plain.count("the second kernel") == 1  # of the first hop
    assert not re.search(r"\b0x[0-9a-f]{5,}\b", plain)
