"""``accept:`` in platform files and in the configuration, as a run ends because of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tests.conftest import FIXTURES, Run

SCHEMA = Draft202012Validator(json.loads((FIXTURES / "schemas" / "lint.json").read_text()))
RULE = "uefi/runtime-region-without-cacheability"
HEAD = """\
efipolicy: 1
platform: {name: NAME, architecture: x86_64}
memory_map:
  extent: whole
  origin: firmware
  descriptors:
"""


def platform(*starts: int, name: str = "p", accept: str = "") -> str:
    """A platform with a window of no cacheability at each of these addresses."""
    rows = "".join(
        f"    - {{type: EfiMemoryMappedIO, physical_start: {start:#x}, pages: 4, "
        "attribute: [RUNTIME]}\n"
        for start in starts
    )
    accepted = f"accept:\n  - {{rule: {RULE}, {accept}}}\n" if accept else ""
    return HEAD.replace("NAME", name) + rows + accepted


def lint(run: Run, *arguments: str, status: int) -> list[dict[str, Any]]:
    ended, out, err = run("lint", *arguments, "--format", "json")
    assert ended == status, out + err
    value = json.loads(out)
    assert [error.message for error in SCHEMA.iter_errors(value)] == []
    found: list[dict[str, Any]] = value["findings"]
    return found


def test_who_accepted_what_why_and_until_when_is_told(folder: Path, run: Run) -> None:
    accept = "reason: known, owner: us, until: 2027-03-31, link: 'https://bugs.example/1'"
    (folder / "p.yaml").write_text(platform(0x1000, accept=accept))
    (finding,) = lint(run, "p.yaml", status=0)
    assert finding["accepted"] == {"reason": "known", "owner": "us", "until": "2027-03-31"}
    out = run("lint", "p.yaml", "-v")[1]
    assert f"accepted[{RULE}]" in out
    assert "= accepted: known by us until 2027-03-31 (https://bugs.example/1)" in out


def test_a_reason_plays_no_tricks_on_a_terminal(folder: Path, run: Run) -> None:
    accept = 'reason: "known\\n\\e[2Jfor long"'
    (folder / "p.yaml").write_text(platform(0x1000, accept=accept))
    out = run("lint", "p.yaml", "-v")[1]
    assert "= accepted: known \N{REPLACEMENT CHARACTER}[2Jfor long\n" in out


@pytest.mark.parametrize(
    ("day", "options", "status"),
    [
        ("1798761600", [], 0),  # 2027-01-01
        ("1798848000", [], 1),
        ("1798848000", ["--today", "2027-01-01"], 0),
        ("0", [], 0),
        ("-86400", [], 0),
    ],
)
def test_an_acceptance_holds_up_to_its_last_day(
    folder: Path,
    run: Run,
    monkeypatch: pytest.MonkeyPatch,
    day: str,
    options: list[str],
    status: int,
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", day)
    (folder / "p.yaml").write_text(platform(0x1000, accept="reason: x, until: 2027-01-01"))
    found = lint(run, "p.yaml", *options, status=status)
    assert any(item["rule"] == "accept/expired" for item in found) is (status == 1)


@pytest.mark.parametrize(
    ("epoch", "options", "told"),
    [
        ("99999999999999999999", [], "SOURCE_DATE_EPOCH=99999999999999999999 is no day"),
        ("99999999999999999", [], "is no day (it counts seconds since 1970)"),
        ("soon", [], "SOURCE_DATE_EPOCH=soon is no day"),
        ("0", ["--today", "soon"], "not a date: soon (write it as 2027-03-31)"),
        ("0", ["--today", ""], "not a date: (nothing)"),
    ],
)
def test_a_day_that_is_none_is_status_2_and_told_in_json_too(
    folder: Path,
    run: Run,
    monkeypatch: pytest.MonkeyPatch,
    epoch: str,
    options: list[str],
    told: str,
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", epoch)
    (folder / "p.yaml").write_text(platform(0x1000))
    status, out, err = run("lint", "p.yaml", "--format", "json", *options)
    value = json.loads(out)
    assert status == 2
    assert told in err
    assert told in value["errors"][0]["message"]
    assert list(SCHEMA.iter_errors(value)) == []


@pytest.mark.parametrize("options", [["--policy", "nonsense"], ["--today", "2030-01-01", "--x"]])
def test_the_day_of_an_error_is_the_day_of_the_run(
    folder: Path, run: Run, monkeypatch: pytest.MonkeyPatch, options: list[str]
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "0")
    out = run("lint", "p.yaml", "--format", "json", *options)[1]
    assert json.loads(out)["today"] == ("2030-01-01" if "--today" in options else "1970-01-01")


def test_what_the_configuration_accepts_at_home_is_not_accepted_elsewhere(
    folder: Path, run: Run
) -> None:
    (folder / "one.yaml").write_text(platform(0xFED1C000, name="one"))
    (folder / "two.yaml").write_text(platform(0x9000, name="two"))
    (folder / ".efipolicy.yaml").write_text(
        f"accept:\n  - {{rule: {RULE}, at: 0xfed1c000, reason: one's flash}}\n"
    )
    found = lint(run, "one.yaml", "two.yaml", status=1)
    assert [(item["path"], bool(item["accepted"])) for item in found] == [
        ("one.yaml", True),
        ("two.yaml", False),
    ]


def test_a_rule_that_is_off_leaves_its_acceptance_alone(folder: Path, run: Run) -> None:
    (folder / "p.yaml").write_text(platform(0x1000, accept="reason: x"))
    assert lint(run, "p.yaml", "--ignore", RULE, "--fail-on", "info", status=0) == []
    assert lint(run, "p.yaml", "--select", "uefi/zero-pages", status=0) == []
