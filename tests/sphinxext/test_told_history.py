"""What the pages of explanation say in numbers is what the engine computes."""

from __future__ import annotations

import re

import pytest

from efipolicy.engine.planning import PlanChoice, planned
from efipolicy.model.platform import Platform
from efipolicy.sphinxext.installed import registry
from efipolicy.sphinxext.strategy_examples import platform_at
from tests.conftest import PLATFORMS, ROOT, Run

DOCS = ROOT / "docs"
EXPLANATION = DOCS / "explanation"
OCTOBER = EXPLANATION / "october-2013.yaml"
MIB = 1 << 20


def platform(name: str) -> Platform:
    return platform_at(str(EXPLANATION / f"{name}.yaml"))


def addresses(name: str, strategy: str, **options: str) -> dict[int, int | None]:
    """The virtual start of each region by its physical one."""
    choice = PlanChoice(strategy=strategy, options=options)
    made = planned(platform(name), registry(), choice)
    return {one.physical.start: one.virtual_start for one in made.plan.mappings}


def misaligned(name: str, strategy: str, **options: str) -> int:
    """How many large leaves lead to a frame that is no multiple of their size."""
    choice = PlanChoice(strategy=strategy, options=options)
    tables = planned(platform(name), registry(), choice).page_tables()
    assert tables is not None
    return sum(run.number_of_leaves for run in tables.runs if run.misaligned)


def test_one_distance_gives_the_addresses_of_the_mail_to_the_last_digit():
    """As they stand in the mail of 2 October 2013."""
    assert addresses("october-2013", "x86-fixed-window") == {
        0x0080_0000: 0xFFFF_FFFE_8080_0000,
        0x7C00_0000: 0xFFFF_FFFE_FC00_0000,
        0x7DC5_B000: 0xFFFF_FFFE_FDC5_B000,
        0x7FA6_5000: 0xFFFF_FFFE_FFA6_5000,
        0x7FFE_0000: 0xFFFF_FFFE_FFFE_0000,
    }


def test_the_regions_are_as_small_and_spread_as_wide_as_it_says():
    regions = [one.physical for one in platform("october-2013").memory_map.runtime]
    assert sum(region.size for region in regions) < 19 * MIB
    assert 1.9 < (regions[-1].end - regions[0].start) / (1 << 30) < 2


def test_packed_regions_have_misaligned_leaves_and_one_distance_works_by_luck():
    assert misaligned("october-2013", "x86-dense-from-4g") == 3
    assert misaligned("october-2013", "x86-fixed-window") == 0
    assert misaligned("october-2013-unaligned", "x86-fixed-window") == 5
    assert misaligned("october-2013-unaligned", "x86-fixed-window", round_hi="2M") == 0
    assert misaligned("october-2013", "x86-topdown", kernel="3.14") == 0


def test_the_unaligned_map_is_the_other_with_one_page_more():
    first, second = (
        [(one.type, one.physical_start, one.number_of_pages) for one in each.memory_map.runtime]
        for each in (platform("october-2013"), platform("october-2013-unaligned"))
    )
    kind, start, pages = first[-1]
    assert second == [*first[:-1], (kind, start, pages + 1)]


def test_an_image_keeps_its_distance_since_the_map_is_walked_from_its_end():
    code, data = 0x7E00_0000, 0x7E00_5000
    before = addresses("split-image", "x86-topdown", kernel="3.14")
    after = addresses("split-image", "x86-topdown", kernel="6.12")
    assert before[code] is not None
    assert after[code] is not None
    assert before[data] != before[code] + data - code
    assert before[data] < before[code]
    assert after[data] == after[code] + data - code


def test_arm64_without_the_call_has_physical_addresses():
    made = planned(
        platform_at(str(PLATFORMS / "aavmf-arm64.yaml")),
        registry(),
        PlanChoice(strategy="arm64-novamap"),
    )
    assert made.plan.svam is None
    assert all(one.virtual_start == one.physical.start for one in made.plan.mappings)


@pytest.mark.parametrize(
    ("chain", "status", "verdict"),
    [
        ("x86-ioremap-svam,x86-ioremap-svam", 1, "pointer-misread"),
        ("x86-phys-private,x86-topdown", 0, "ok"),
        ("x86-topdown,x86-topdown", 0, "ok"),
        ("x86-topdown,x86-topdown:channel=none", 1, "runtime-disabled"),
    ],
)
def test_the_chains_on_the_page_about_kexec_end_as_told(
    run: Run, chain: str, status: int, verdict: str
):
    page = (EXPLANATION / "why-kexec-breaks-runtime-services.rst").read_text(encoding="utf-8")
    assert chain in page
    ended, out, _ = run("kexec", OCTOBER, "--chain", chain)
    assert (ended, f"verdict: {verdict}\n" in out) == (status, True)


@pytest.mark.parametrize("name", ["github", "gitlab"])
def test_the_job_for_a_pipeline_runs_what_it_says(run: Run, folder, name: str):
    text = (DOCS / "howto" / "ci" / f"{name}.yml").read_text(encoding="utf-8")
    (command,) = re.findall(r"efipolicy (lint .+)$", text, re.MULTILINE)
    (folder / "platforms").mkdir()
    good = (PLATFORMS / "ovmf-x86_64.yaml").read_bytes()
    (folder / "platforms" / "board.yaml").write_bytes(good)
    assert run(*command.split())[0] == 0
    assert (folder / "lint.json").is_file()
    assert "lint.json" in text.rpartition("path")[2]
    broken = (PLATFORMS / "broken-x86_64.yaml").read_bytes()
    (folder / "platforms" / "broken.yaml").write_bytes(broken)
    assert run(*command.split())[0] == 1


def test_a_warning_alone_is_shown_and_does_not_fail_a_job(run: Run):
    status, out, _ = run(
        "lint", "--fail-on", "error", "--select", "windows/*", PLATFORMS / "broken-x86_64.yaml"
    )
    assert status == 0
    assert "1 finding (1 warning)" in out
