"""``efipolicy plan --seeds``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tests.conftest import FIXTURES, ROOT, Run

SCHEMA: dict[str, Any] = json.loads((FIXTURES / "schemas" / "plan-seeds.json").read_text())
CAPTURE = ROOT / "tests" / "captures" / "qemu-virt-1g-linux-arm64.txt"
RANDOM = (CAPTURE, "--strategy", "arm64-separate-random")


def json_of(run: Run, *arguments: object, status: int = 0) -> dict[str, Any]:
    seen, out, _ = run("plan", *arguments, "--format", "json")
    assert seen == status
    data: dict[str, Any] = json.loads(out)
    Draft202012Validator.check_schema(SCHEMA)
    Draft202012Validator(SCHEMA).validate(data)
    return data


def test_ten_thousand_layouts_of_a_capture(run: Run) -> None:
    data = json_of(run, *RANDOM, "--va-bits", 39, "--seeds", 10000)
    assert (data["strategy"], data["seeds"]) == ("arm64-separate-random", 10000)
    room = data["headroom"]
    assert 0 < room["min"] < room["median"] < room["max"] < 1 << 39
    failure = data["first_failure"]
    assert failure["seed"] == 1
    assert {problem["rule"] for problem in failure["problems"]} == {"plan/relative-layout-lost"}


def test_lint_finds_the_same_torn_regions_in_the_first_layout_that_fails(
    run: Run, folder: Path
) -> None:
    run("import", CAPTURE, "-o", "p.yaml")
    told = "mapping: [{strategy: arm64-separate-random, page_size: 4K, virtual_address_bits: 39}]\n"
    text = Path("p.yaml").read_text().partition("\nmapping:")[0]
    Path("p.yaml").write_text(f"{text}\n{told}")
    _, out, _ = run(
        "lint", "p.yaml", "--select", "plan/relative-layout-lost", "--format", "json", "--isolated"
    )
    found = {finding["region"]["start"] for finding in json.loads(out)["findings"]}
    problems = json_of(run, "p.yaml", "--seeds", 1)["first_failure"]["problems"]
    assert found
    assert found <= {problem["region"]["start"] for problem in problems}


def test_images_that_move_as_one_break_nothing(run: Run) -> None:
    words = (*RANDOM, "--option", "keep_images=true", "--seeds", 1000)
    assert json_of(run, *words)["first_failure"] is None
    status, out, err = run("plan", *words)
    assert (status, err) == (0, "")
    first, _, *rooms, _, last = out.splitlines()
    assert first == "arm64-separate-random: 1000 layouts, seeds 1 to 1000"
    assert [line.split()[:2] for line in rooms] == [
        ["headroom", n] for n in ("min", "median", "max")
    ]
    assert last == "no layout breaks anything"


def test_a_layout_that_breaks_something_is_told_and_does_not_change_the_status(run: Run) -> None:
    status, out, _ = run("plan", *RANDOM, "--seeds", 1, "--option", "seed=7")
    assert status == 0
    assert "1 layout, seeds 7 to 7" in out
    assert "the first layout that breaks something is that of seed 7\nproblem[plan/" in out


def test_the_seed_that_fails_can_be_planned(run: Run) -> None:
    seed = json_of(run, *RANDOM, "--seeds", 3)["first_failure"]["seed"]
    status, out, _ = run("plan", *RANDOM, "--option", f"seed={seed}")
    assert status == 0
    assert f"seed={seed}" in out


@pytest.mark.parametrize("number", ["0", "-1", "many", "1.5", "9" * 19])
def test_a_number_of_seeds_is_at_least_1(run: Run, number: str) -> None:
    status, _, err = run("plan", *RANDOM, f"--seeds={number}")
    assert status == 2
    assert "--seeds" in err
    assert json_of(run, *RANDOM, f"--seeds={number}", status=2)["errors"]


def test_a_strategy_without_a_seed_is_refused(run: Run) -> None:
    data = json_of(run, CAPTURE, "--strategy", "arm64-novamap", "--seeds", 5, status=2)
    assert "arm64-novamap has no option `seed`" in data["errors"][0]["message"]
    assert data["strategy"] is None


def test_a_missing_file_is_told_in_json_too(run: Run) -> None:
    assert json_of(run, "missing.yaml", "--seeds", 5, status=3)["errors"][0]["status"] == 3
