"""``lint --baseline`` and ``--write-baseline`` as a pipeline meets them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tests.conftest import FIXTURES, MINIMAL, Run

SCHEMA = Draft202012Validator(json.loads((FIXTURES / "schemas" / "lint.json").read_text()))
EMPTY = "    - {type: EfiConventionalMemory, physical_start: 0x20000, pages: 0, attribute: [WB]}\n"
ACPI = (
    "    - {type: EfiACPIMemoryNVS, physical_start: 0x7e000000, pages: 16, attribute: [RUNTIME]}\n"
)
ACCEPT = "accept:\n  - {rule: uefi/zero-pages}\n"


@pytest.fixture
def file(folder: Path) -> Path:
    path = folder / "p.yaml"
    path.write_text(MINIMAL + EMPTY + ACPI)
    return path


def printed(run: Run, *arguments: str, status: int) -> dict[str, Any]:
    ended, out, err = run("lint", *arguments, "--format", "json")
    assert ended == status, out + err
    value: dict[str, Any] = json.loads(out)
    assert [error.message for error in SCHEMA.iter_errors(value)] == []
    return value


def rules(path: Path) -> list[str]:
    return [entry["rule"] for entry in json.loads(path.read_text())["findings"]]


def test_writing_one_succeeds_whatever_is_found_and_says_what_changed(file: Path, run: Run) -> None:
    status, out, err = run("lint", "p.yaml", "--write-baseline", "b.json")
    assert status == 0
    assert "error[uefi/zero-pages]" in out
    assert err == "b.json: 3 known findings (3 added, 0 fixed and dropped)\n"
    file.write_text(MINIMAL + EMPTY)
    err = run("lint", "p.yaml", "--write-baseline", "b.json")[2]
    assert err == "b.json: 1 known finding (0 added, 2 fixed and dropped)\n"
    assert run("lint", "p.yaml", "--write-baseline", "b.json", "-q")[2] == ""


def test_it_is_the_same_bytes_each_time_and_whatever_the_order_of_the_inputs(
    file: Path, run: Run
) -> None:
    (file.parent / "q.yaml").write_text(file.read_text().replace("minimal", "other"))
    run("lint", "p.yaml", "q.yaml", "--write-baseline", "one.json")
    run("lint", "q.yaml", "p.yaml", "--write-baseline", "two.json")
    run("lint", "q.yaml", "p.yaml", "--write-baseline", "two.json")
    assert Path("one.json").read_bytes() == Path("two.json").read_bytes()


def test_what_is_known_counts_no_more_and_what_was_fixed_is_listed(file: Path, run: Run) -> None:
    run("lint", "p.yaml", "--write-baseline", "b.json")
    value = printed(run, "p.yaml", "--baseline", "b.json", status=0)
    assert {item["accepted"]["reason"] for item in value["findings"]} == {"in the baseline b.json"}
    assert value["summary"] == {"error": 0, "warning": 0, "info": 0, "accepted": 3}
    assert value["baseline"] == {"path": "b.json", "fixed": []}
    file.write_text(MINIMAL + ACPI)
    value = printed(run, "p.yaml", "--baseline", "b.json", status=0)
    assert [entry["rule"] for entry in value["baseline"]["fixed"]] == ["uefi/zero-pages"]
    assert "1 finding of b.json fixed:\n" in run("lint", "p.yaml", "--baseline", "b.json")[1]


def test_a_look_at_one_rule_leaves_the_others_in_it(file: Path, run: Run) -> None:
    run("lint", "p.yaml", "--write-baseline", "b.json")
    before = Path("b.json").read_bytes()
    assert b"uefi/zero-pages" in before
    run("lint", "p.yaml", "--select", "uefi/zero-pages", "--write-baseline", "b.json")
    assert Path("b.json").read_bytes() == before
    run("lint", "p.yaml", "--ignore", "uefi/zero-pages", "--write-baseline", "b.json")
    assert Path("b.json").read_bytes() == before


def test_what_is_wrong_with_an_acceptance_is_no_known_finding(file: Path, run: Run) -> None:
    file.write_text(MINIMAL + EMPTY + ACCEPT)
    run("lint", "p.yaml", "--write-baseline", "b.json")
    assert rules(Path("b.json")) == ["uefi/zero-pages"]
    value = printed(run, "p.yaml", "--baseline", "b.json", status=1)
    open_findings = [item["rule"] for item in value["findings"] if not item["accepted"]]
    assert open_findings == ["accept/without-reason"]


def test_an_input_that_cannot_be_read_is_status_3_and_the_others_are_written(
    file: Path, run: Run
) -> None:
    (file.parent / "bad.yaml").write_text("efipolicy: 1\n")
    assert run("lint", "p.yaml", "bad.yaml", "--write-baseline", "b.json")[0] == 3
    assert "uefi/zero-pages" in rules(Path("b.json"))


def test_the_standard_input_has_one_too(file: Path, run: Run) -> None:
    import io
    import sys

    text = file.read_bytes()
    for option, status in (("--write-baseline", 0), ("--baseline", 0)):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text)))
            assert run("lint", "-", option, "b.json")[0] == status


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "baseline b.json: found an empty document"),
        (b'{"version": 1', "baseline b.json:1:14: found a YAML syntax error"),
        (b'{"version": 2, "findings": []}', "b.json:1:13: found `2`, expected one of `1`"),
        (b"[]", "b.json:1:1: found a list, expected a mapping (the baseline)"),
        (b"\xff\xfe\x00", "baseline b.json"),
        (None, "no such file"),
    ],
)
def test_one_that_cannot_be_read_is_status_2_and_is_not_overwritten(
    file: Path, run: Run, content: bytes | None, told: str
) -> None:
    if content is not None:
        Path("b.json").write_bytes(content)
        assert run("lint", "p.yaml", "--write-baseline", "b.json")[0] == 2
        assert Path("b.json").read_bytes() == content
    status, _, err = run("lint", "p.yaml", "--baseline", "b.json")
    assert status == 2
    assert told in err


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("--write-baseline missing/b.json", "cannot write missing/b.json"),
        ("--write-baseline -", "the baseline wants a file of its own"),
        ("--write-baseline b.json --format text=./b.json", "wants a file of its own"),
        ("--write-baseline b.json -o b.json", "wants a file of its own"),
        ("--write-baseline b.json --diff", "--diff changes nothing"),
    ],
)
def test_one_that_cannot_be_written_is_status_2(file: Path, run: Run, line: str, told: str) -> None:
    status, _, err = run("lint", "p.yaml", *line.split())
    assert status == 2
    assert told in err
    assert not Path("b.json").exists()
