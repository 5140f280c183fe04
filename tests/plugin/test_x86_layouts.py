"""The layouts of x86 strategies, digit for digit: addresses, and the leaves that went wrong.

``fixtures/layouts/x86.json`` holds rows of physical start, size and virtual start, and of large
leaves whose frame does not fit them: virtual start and frame. ``fixed-window/OVMF5`` is from the
linux-efi mail of 2 October 2013, ``topdown-reverse/Z87`` from the page-table dump of a real board.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import FIXTURES, Run
from tests.plugin.plans import RUNTIME, choice, planned_as, platform_of, tables

LAYOUTS: dict[str, dict[str, Any]] = json.loads((FIXTURES / "layouts" / "x86.json").read_text())
OVMF5 = FIXTURES / "platforms" / "ovmf5.yaml"


def regions_of(layout: dict[str, Any]) -> list[tuple[int, int]]:
    """Start and size in map order."""
    rows = [(int(start, 16), int(size, 16)) for start, size, _ in layout["map"]]
    return rows if layout["walk"] == "map" else rows[::-1]


def expected_of(layout: dict[str, Any]) -> list[tuple[int, int, int | None]]:
    return [(int(start, 16), int(size, 16), int(to, 16)) for start, size, to in layout["map"]]


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_layout_is_as_published(name: str) -> None:
    layout = LAYOUTS[name]
    rows = [
        (5 + place % 2, start, size, RUNTIME | 0xF)
        for place, (start, size) in enumerate(regions_of(layout))
    ]
    made = planned_as(platform_of(rows), choice(layout["strategy"], **layout["options"]))
    placed = [(m.physical.start, m.physical.size, m.virtual_start) for m in made.plan.mappings]
    assert placed == expected_of(layout)
    assert made.plan.status == "ok"
    bad = [
        [f"{run.start + offset:#x}", f"{run.physical + offset:#x}"]
        for run in tables(made).runs
        if run.misaligned
        for offset in range(0, run.end - run.start, run.leaf_size)
    ]
    assert bad == sorted(layout["bad_leaves"])


@pytest.mark.parametrize("name", LAYOUTS)
def test_the_command_line_prints_a_layout_as_published(name: str, run: Run, folder: Path) -> None:
    layout = LAYOUTS[name]
    path = OVMF5 if name.endswith("/OVMF5") else written(regions_of(layout), folder)
    words = ["--strategy", layout["strategy"], "--format", "json"]
    for option in layout["options"].items():
        words += ["--option", "=".join(option)]
    status, printed, _ = run("plan", path, *words)
    assert status == 0
    plan = json.loads(printed)
    assert [
        [row["physical_start"], f"{row['pages'] * 0x1000:#x}", row["virtual_start"]]
        for row in plan["mappings"]
    ] == layout["map"]
    assert [row["virtual_start"] for row in plan["svam"]] == [row[2] for row in layout["map"]]
    status, printed, _ = run("pagetable", path, *words)
    ranges = json.loads(printed)["ranges"]
    found = {
        (f"{start + offset:#x}", f"{physical + offset:#x}")
        for start, end, physical, leaf in map(numbers, ranges)
        if physical % leaf
        for offset in range(0, end - start, leaf)
    }
    assert found == {tuple(row) for row in layout["bad_leaves"]}


def numbers(row: dict[str, Any]) -> tuple[int, int, int, int]:
    units = {"4K": 1 << 12, "2M": 1 << 21, "1G": 1 << 30}
    ends = [int(row[key], 16) for key in ("virtual_start", "virtual_end", "physical_start")]
    return ends[0], ends[1], ends[2], units[row["leaf"]]


def written(regions: list[tuple[int, int]], folder: Path) -> Path:
    """A platform file of regions whose types alternate, so that none are merged."""
    types = ("EfiRuntimeServicesCode", "EfiRuntimeServicesData")
    rows = "".join(
        f"    - {{type: {types[place % 2]}, physical_start: {start:#x}, "
        f"pages: {size // 0x1000:#x}, attribute: 0x800000000000000f}}\n"
        for place, (start, size) in enumerate(regions)
    )
    path = folder / "layout.yaml"
    path.write_text(
        "efipolicy: 1\nplatform: {name: layout, architecture: x86_64}\n"
        f"memory_map:\n  descriptors:\n{rows}"
    )
    return path


@pytest.mark.parametrize(
    "name", [name for name, layout in LAYOUTS.items() if "efi_va" in layout], ids=str
)
def test_the_fixed_window_tells_its_efi_va(name: str, run: Run, folder: Path) -> None:
    layout = LAYOUTS[name]
    path = written(regions_of(layout), folder)
    _, printed, _ = run("plan", path, "--strategy", layout["strategy"])
    assert f"efi_va {layout['efi_va']} " in printed


def test_the_numbers_of_october_2013_are_printed(run: Run) -> None:
    status, printed, _ = run("plan", OVMF5, "--strategy", "x86-fixed-window")
    assert status == 0
    assert "efi_va 0xfffffffe80000000" in printed
    assert [line.split()[:2] for line in printed.splitlines() if line.startswith("0xf")] == [
        ["0xfffffffe80800000", "0x0000000000800000"],
        ["0xfffffffefc000000", "0x000000007c000000"],
        ["0xfffffffefdc5b000", "0x000000007dc5b000"],
        ["0xfffffffeffa65000", "0x000000007fa65000"],
        ["0xfffffffefffe0000", "0x000000007ffe0000"],
    ]
