"""The picture of a kexec chain."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest

from efipolicy.drawing.findings import DrawnFinding
from efipolicy.drawing.kexec_chain import (
    MOST_KERNELS,
    ChainFigure,
    describe_kexec_chain,
    kexec_chain_svg,
    kexec_row_anchors,
)
from efipolicy.drawing.kexec_chain_rows import MOST_ROWS
from efipolicy.drawing.svg import Form
from efipolicy.engine.kexec import simulate
from efipolicy.engine.kexec_spelled import spelled_chain
from efipolicy.engine.planning import PlanChoice
from efipolicy.model.chain import ChainReport, CounterExample
from efipolicy.model.declared import SetVirtualAddressMap
from efipolicy.model.finding import Severity
from efipolicy.model.platform import Platform
from efipolicy.plugin.registry import Registry
from efipolicy.testing import factories
from tests.conftest import ROOT
from tests.drawing.text_boxes import SVG, misplaced

OVMF = (
    "EfiRuntimeServicesData 0x7f8ed000 0x100 RUNTIME WB",
    "EfiRuntimeServicesCode 0x7f9ed000 0x100 RUNTIME WB",
    "EfiRuntimeServicesData 0x7fef4000 0x84 RUNTIME WB",
    "EfiMemoryMappedIO 0xffc00000 0x400 RUNTIME UC",
)
MANY = tuple(
    f"EfiRuntimeServices{'Code' if i % 3 else 'Data'} {0x70000000 + i * 0x200000:#x} "
    f"{1 + i % 9} RUNTIME WB"
    for i in range(30)
)
FINDING = DrawnFinding(
    severity=Severity.ERROR,
    rule="kexec/inherited-layout-changed",
    code="inherited-lay\N{HORIZONTAL ELLIPSIS}",
    message="it moves",
    href="efi-rule:kexec/inherited-layout-changed",
)


def platform_of(lines: Sequence[str], architecture: str = "x86_64") -> Platform:
    return factories.platform(*lines, architecture=architecture)


def figures_of(
    registry: Registry, chain: str, lines: Sequence[str] = OVMF, architecture: str = "x86_64"
) -> tuple[ChainFigure, ...]:
    platform = platform_of(lines, architecture)
    kernels = spelled_chain(chain, platform, registry, PlanChoice())
    return describe_kexec_chain(platform, kernels, simulate(platform, kernels))


def drawn(figures: Sequence[ChainFigure], form: Form = "standalone", **more) -> str:
    svg = kexec_chain_svg(figures, figure_id="kexec", form=form, **more)
    assert misplaced(svg) == []
    return svg


def texts(svg: str) -> list[str]:
    return ["".join(element.itertext()) for element in ET.fromstring(svg).iter(f"{SVG}text")]


def test_a_chain_that_holds_looks_like_the_design(registry: Registry) -> None:
    (figure,) = figures_of(registry, "x86-topdown,x86-topdown")
    assert [card.heading for card in figure.cards] == ["kernel 1", "firmware", "kernel 2"]
    starts = [row.frozen for row in figure.rows]
    assert starts == [
        0xFFFF_FFFE_FF8E_D000,
        0xFFFF_FFFE_FF9E_D000,
        0xFFFF_FFFE_FFAF_4000,
        0xFFFF_FFFE_FFC0_0000,
    ]
    assert [row.kinds for row in figure.rows] == [("same",)] * 4
    svg = drawn([figure])
    shown = texts(svg)
    assert "PASS" in shown
    assert "All 4 regions keep their virtual address. Runtime services work in kernel 2." in shown
    assert shown.count("0xffff_fffe_ff8e_d000") == 3
    assert svg.count('class="ep-ok-l"') == 4 * 2 + 1  # lines, and the frame
    assert "addresses passed by kernel 1" in shown
    assert "x86_64 \N{MIDDLE DOT} x86-topdown" in shown


def test_a_chain_that_fails_looks_like_the_design(registry: Registry) -> None:
    (figure,) = figures_of(registry, "x86-topdown,x86-fixed-window")
    used = [row.used[0] for row in figure.rows]
    assert [one.address for one in used] == [
        0xFFFF_FFFE_7F8E_D000,
        0xFFFF_FFFE_7F9E_D000,
        0xFFFF_FFFE_7FEF_4000,
        0xFFFF_FFFE_FFC0_0000,
    ]
    assert [one.note for one in used] == [
        "2 GiB lower",
        "2 GiB lower",
        "\N{ALMOST EQUAL TO}2 GiB lower",
        None,
    ]
    svg = drawn([figure], form="inline", findings=[FINDING])
    assert "FAIL" in texts(svg)
    sentence = "3 of 4 regions move. The firmware still jumps to the old addresses."
    assert sentence in texts(svg)
    assert 'href="efi-rule:kexec/inherited-layout-changed"' in svg
    assert "must use the same addresses" in texts(svg)
    marks = [figure.rows[place].quiet for place in range(4)]
    assert marks == [False, False, False, True]


def test_equal_rows_fold_above_ten_and_every_region_is_counted(registry: Registry) -> None:
    (figure,) = figures_of(registry, "x86-topdown,x86-topdown", MANY)
    assert len(figure.rows) == len(MANY) > MOST_ROWS
    assert [row.regions for row in figure.drawn] == [1, 29]
    assert "29 regions keep their address" in texts(drawn([figure]))
    anchors = kexec_row_anchors(figure, "kexec")
    assert list(anchors) == list(range(30))
    assert set(anchors.values()) == {"kexec-0", "kexec-1"}


def test_differing_rows_are_never_folded(registry: Registry) -> None:
    (figure,) = figures_of(registry, "x86-topdown,x86-fixed-window", MANY)
    differing = [row.number for row in figure.rows if not row.quiet]
    assert [row.number for row in figure.drawn if not row.quiet] == differing
    assert sum(row.regions for row in figure.drawn) == len(figure.rows)


def test_ten_rows_are_drawn_one_by_one(registry: Registry) -> None:
    (figure,) = figures_of(registry, "x86-topdown,x86-topdown", MANY[:MOST_ROWS])
    assert [row.regions for row in figure.drawn] == [1] * MOST_ROWS


@pytest.mark.parametrize("kernels", [3, 4])
def test_up_to_four_kernels_stand_in_one_picture(registry: Registry, kernels: int) -> None:
    (figure,) = figures_of(registry, ",".join(["x86-topdown"] * kernels))
    assert len(figure.cards) == kernels + 1
    assert all(len(row.used) == kernels - 1 for row in figure.rows)
    drawn([figure])


def test_a_longer_chain_has_a_picture_for_each_hop(registry: Registry) -> None:
    chain = "x86-topdown,x86-topdown,x86-fixed-window,x86-topdown,x86-topdown"
    figures = figures_of(registry, chain)
    assert len(figures) == MOST_KERNELS
    assert [figure.first for figure in figures] == [1, 2, 3, 4]
    assert [figure.cards[0].heading for figure in figures] == [
        f"kernel {number}" for number in (1, 2, 3, 4)
    ]
    given = [[row.given.address for row in figure.rows] for figure in figures]
    assert given[2] == [row.used[0].address for row in figures[1].rows]
    frozen = [[row.frozen for row in figure.rows] for figure in figures]
    assert frozen.count(frozen[0]) == 4
    svg = drawn(figures)
    ids = re.findall(r' id="([^"]+)"', svg)
    assert len(ids) == len(set(ids))


def test_without_a_virtual_map_firmware_is_physical_and_lines_are_muted(
    registry: Registry,
) -> None:
    (figure,) = figures_of(registry, "arm64-novamap,arm64-novamap", OVMF[:2], "arm64")
    assert figure.cards[1].name == "physical mode"
    assert {row.kinds for row in figure.rows} == {("physical",)}
    svg = drawn([figure])
    assert "physical mode" in texts(svg)
    assert svg.count('class="ep-ok-l"') == 1  # only the frame
    assert figure.verdicts[0].sentence.startswith("Firmware is in physical mode")


def test_what_is_lost_is_told(registry: Registry) -> None:
    (figure,) = figures_of(registry, "x86-topdown,x86-topdown:channel=none")
    assert figure.verdicts[0].verdict == "runtime-disabled"
    assert "no EFI variables" in figure.verdicts[0].sentence
    assert {row.kinds for row in figure.rows} == {("unused",)}
    svg = drawn([figure])
    assert 'class="ep-warning"' in svg
    assert texts(svg).count("not used") == 4


CHAINS = {
    "pointer-misread": ("x86-topdown,x86-phys-private", "virtual pointers of firmware"),
    "va-mismatch": ("x86-topdown,x86-fixed-window", "3 of 4 regions move"),
    "runtime-disabled": ("x86-topdown,x86-topdown:channel=none", "without runtime services"),
    "page-fault": ("x86-phys-private,x86-topdown:channel=setup_data", "never told"),
    "ok": ("x86-topdown,x86-topdown", "All 4 regions keep"),
}


@pytest.mark.parametrize("verdict", CHAINS)
def test_each_verdict_is_told_in_a_sentence(registry: Registry, verdict: str) -> None:
    chain, part = CHAINS[verdict]
    (figure,) = figures_of(registry, chain)
    (told,) = figure.verdicts
    assert told.verdict == verdict
    assert part in told.sentence
    assert told.sentence.endswith(".")
    drawn([figure])


@pytest.mark.parametrize("verdict", ["svam-twice", "va-unreachable", "rsvd-fault", "page-fault"])
def test_a_verdict_about_one_region_marks_it(registry: Registry, verdict) -> None:
    platform = platform_of(OVMF)
    kernels = spelled_chain("x86-topdown,x86-topdown", platform, registry, PlanChoice())
    (hop,) = simulate(platform, kernels).hops
    region = platform.memory_map.descriptors[1].physical
    example = CounterExample(region, None, None, None, "it is only an example")
    report = ChainReport(verdict, (hop._replace(verdict=verdict, counter_example=example),), ())
    (figure,) = describe_kexec_chain(platform, kernels, report)
    marked = [row.number for row in figure.rows if not row.quiet]
    assert marked == ([] if verdict == "svam-twice" else [1])
    svg = drawn([figure])
    assert ("It is only an example." in texts(svg)) == (verdict != "svam-twice")


def test_a_second_call_is_told_beside_equal_addresses(registry: Registry) -> None:
    chain = "arm64-separate-random,arm64-separate-random:channel=none"
    (figure,) = figures_of(registry, chain, OVMF[:2], "arm64")
    assert figure.verdicts[0].verdict == "svam-twice"
    assert "a second time" in figure.verdicts[0].sentence


def test_a_crash_kernel_is_told_as_such(registry: Registry) -> None:
    chain = "x86-topdown,x86-topdown:kind=crash,x86-fixed-window"
    (figure,) = figures_of(registry, chain)
    assert figure.cards[2].lines[0] == "crash kernel (kdump)"
    drawn([figure])


def test_what_else_may_be_follows_the_verdict(registry: Registry) -> None:
    (figure,) = figures_of(registry, "arm64-stub-virtmap,arm64-stub-virtmap", OVMF[:2], "arm64")
    assert figure.cases[0].verdict == "runtime-disabled"
    assert "runtime-disabled, if: without the device tree" in texts(drawn([figure]))
    (said,) = figures_of(registry, "x86-topdown,x86-topdown:channel=setup_data")
    assert said.cases == ()


def test_a_call_that_fails_leaves_firmware_physical(registry: Registry) -> None:
    platform = platform_of(OVMF)
    first, second = spelled_chain("x86-topdown,x86-topdown", platform, registry, PlanChoice())
    first = first._replace(call=SetVirtualAddressMap(result="failed"))
    kernels = [first, second]
    (figure,) = describe_kexec_chain(platform, kernels, simulate(platform, kernels))
    assert "failed" in figure.cards[1].lines[0]
    assert "fails" in figure.cards[0].lines[1]
    drawn([figure])


def test_without_runtime_regions_nothing_is_claimed(registry: Registry) -> None:
    (figure,) = figures_of(registry, "x86-topdown,x86-topdown", ())
    shown = texts(drawn([figure]))
    assert "No region has EFI_MEMORY_RUNTIME." in shown
    assert not any("keep" in text and "All 0" in text for text in shown)


def test_wide_addresses_and_odd_types_stay_apart(registry: Registry) -> None:
    lines = (
        "EfiMemoryMappedIO 0xfffffffffff00000 0x10 RUNTIME UC",
        "0x70000001 0x1000 2 RUNTIME WB",
        "31 0x10000 2 RUNTIME WB",
    )
    for chain in ("identity,identity", "identity,identity,identity,identity"):
        (figure,) = figures_of(registry, chain, lines)
        assert len(figure.rows) == 3
        drawn([figure])


@pytest.mark.parametrize("architecture", ["x86_64", "arm64", "ia64", "i386"])
def test_every_pair_of_strategies_can_be_drawn(registry: Registry, architecture: str) -> None:
    names = [
        name
        for name, one in sorted(registry.strategies.items())
        if one.kexec and (not one.architectures or architecture in one.architectures)
    ]
    lines = OVMF if architecture != "arm64" else OVMF[:3]
    platform = platform_of(lines, architecture)
    for first in names:
        for second in names:
            chain = f"{first},{second},{first}"
            kernels = spelled_chain(chain, platform, registry, PlanChoice())
            report = simulate(platform, kernels)
            (figure,) = describe_kexec_chain(platform, kernels, report)
            assert [one.verdict for one in figure.verdicts] == [h.verdict for h in report.hops]
            assert sum(row.regions for row in figure.drawn) == len(figure.rows) >= len(lines)
            drawn([figure])


def test_a_report_on_another_chain_is_refused(registry: Registry) -> None:
    platform = platform_of(OVMF)
    kernels = spelled_chain("x86-topdown,x86-topdown", platform, registry, PlanChoice())
    report = simulate(platform, kernels)
    with pytest.raises(ValueError, match="3 kernels"):
        describe_kexec_chain(platform, [*kernels, kernels[1]], report)
    with pytest.raises(ValueError, match="without a hop"):
        kexec_chain_svg([], figure_id="kexec")


def test_the_three_forms_differ_in_links_styles_and_colours(registry: Registry) -> None:
    figures = figures_of(registry, "x86-topdown,x86-fixed-window")
    inline = drawn(figures, "inline", table_id="k", findings=[FINDING])
    assert '<a id="kexec-0" href="#k-0" tabindex="-1">' in inline
    assert "<style>" not in inline
    alone = drawn(figures, findings=[replace(FINDING, href=None)])
    assert "prefers-color-scheme" in alone
    assert "<a " not in alone
    printed = kexec_chain_svg(figures, figure_id="kexec", form="print", table_id="k")
    assert "var(" not in printed
    assert "class=" not in printed
    assert "<a " not in printed
    assert len(inline) < 20_000


def test_control_characters_and_markup_in_findings_do_no_harm(registry: Registry) -> None:
    figures = figures_of(registry, "x86-topdown,x86-fixed-window")
    odd = replace(FINDING, code="<&\x00>", message='"<script>\x1b')
    ET.fromstring(drawn(figures, findings=[odd, odd, odd]))


SCRIPT = """
from efipolicy.api import load_registry
from tests.drawing.test_kexec_chain import figures_of, drawn
print(drawn(figures_of(load_registry(), "x86-topdown,x86-topdown,x86-fixed-window")), end="")
"""


def test_the_bytes_are_the_same_whatever_the_hash_seed() -> None:
    runs = [
        subprocess.run(
            [sys.executable, "-c", SCRIPT],
            env={"PYTHONHASHSEED": seed, "PATH": ""},
            cwd=ROOT,
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    ]
    assert runs[0] == runs[1] != b""
