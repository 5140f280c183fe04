"""Published layouts of arm64, and what follows from the algorithms, digit for digit."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import FIXTURES, Run

DATA: dict[str, Any] = json.loads((FIXTURES / "arm64-layouts.json").read_text())
MMIO = 11


def write_platform(folder: Path, regions: str) -> Path:
    """A platform file with some regions: type, physical start and bytes of each."""
    lines = ["efipolicy: 1", "platform: {name: p, architecture: arm64}", "memory_map:"]
    lines.append("  descriptors:")
    for type, start, size in DATA["regions"][regions]:
        bits = "RUNTIME, UC" if type == MMIO else "WB" if type == 7 else "RUNTIME, WB"
        pages = int(size, 16) >> 12
        lines.append(
            f"    - {{type: {type}, physical_start: {start}, pages: {pages}, attribute: [{bits}]}}"
        )
    file = folder / f"{regions}.yaml"
    file.write_text("\n".join(lines) + "\n")
    return file


def plan_json(run: Run, file: Path, strategy: str, bits: int, **options: str) -> dict[str, Any]:
    words = [word for name, value in options.items() for word in ("--option", f"{name}={value}")]
    status, out, _ = run(
        "plan", file, "--strategy", strategy, "--va-bits", bits, *words, "--format", "json"
    )
    assert status == 0
    made: dict[str, Any] = json.loads(out)
    return made


@pytest.mark.parametrize("layout", DATA["layouts"], ids=[each["name"] for each in DATA["layouts"]])
def test_a_layout_comes_out_digit_for_digit(
    run: Run, tmp_path: Path, layout: dict[str, Any]
) -> None:
    file = write_platform(tmp_path, layout["regions"])
    bits = layout["virtual_address_bits"]
    made = plan_json(run, file, layout["strategy"], bits, **layout["options"])
    assert made["status"] == "ok"
    assert [[m["physical_start"], m["virtual_start"]] for m in made["mappings"]] == layout["map"]
    if made["svam"] is not None:
        assert [[m["physical_start"], m["virtual_start"]] for m in made["svam"]] == layout["map"]


@pytest.mark.parametrize("kernel", ["4.13", "5.10", "6.0"])
@pytest.mark.parametrize("case", DATA["random_bases"], ids=str)
def test_a_random_base_comes_out_digit_for_digit(
    run: Run, tmp_path: Path, case: dict[str, Any], kernel: str
) -> None:
    file = write_platform(tmp_path, "ARM6")
    bits = case["virtual_address_bits"]
    made = plan_json(
        run, file, "arm64-stub-virtmap", bits, kernel=kernel, random=str(int(case["random"], 16))
    )
    assert made["options"]["base"] == case["base"]
