"""Two logs of one machine in one run."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tests.conftest import FIXTURES, ROOT, Run

SCHEMA = Draft202012Validator(json.loads((FIXTURES / "schemas" / "lint.json").read_text()))
LOG = ROOT / "tests" / "captures" / "02-qemu-ovmf-i440fx-linux-x86-v3.txt"
MACHINE = "\n[    0.0] DMI: QEMU Standard PC (i440FX + PIIX, 1996), BIOS 0.0.0 02/06/2015\n"
RULE = "capture/runtime-regions-move-between-boots"


@pytest.fixture
def boots(folder: Path) -> Path:
    """A log, and one of another boot in which the ACPI NVS lies a page higher."""
    first = LOG.read_text(encoding="utf-8") + MACHINE
    second = first.replace("00805fff]", "00806fff]")
    second = second.replace("[0x0000000000806000-", "[0x0000000000807000-")
    second = second.replace("00807fff]", "00808fff]").replace("00808000-", "00809000-")
    assert second != first
    (folder / "boot1.txt").write_text(first, encoding="utf-8")
    (folder / "boot2.txt").write_text(second, encoding="utf-8")
    return folder


def findings(run: Run, *arguments: str, status: int = 1) -> list[dict[str, Any]]:
    line = ("boot1.txt", "boot2.txt", "--fail-on", "info", "--format", "json", *arguments)
    ended, out, err = run("lint", *line)
    assert ended == status, out + err
    value = json.loads(out)
    assert [error.message for error in SCHEMA.iter_errors(value)] == []
    found: list[dict[str, Any]] = value["findings"]
    return found


def test_a_region_that_moved_is_told_with_its_place_in_both_logs(boots: Path, run: Run) -> None:
    (moved,) = findings(run)
    assert (moved["rule"], moved["path"], moved["line"]) == (RULE, "boot2.txt", 12)
    (there,) = moved["related"]
    assert (there["path"], there["line"]) == ("boot1.txt", 12)
    assert "= see: boot1.txt:12:" in run("lint", "boot1.txt", "boot2.txt")[1]


def test_the_configuration_accepts_it(boots: Path, run: Run) -> None:
    accept = f"accept:\n  - {{rule: {RULE}, reason: no hibernation here}}\n"
    (boots / ".efipolicy.yaml").write_text(accept)
    (moved,) = findings(run, status=0)
    assert moved["accepted"]["reason"] == "no hibernation here"
    (boots / "boot2.txt").write_text((boots / "boot1.txt").read_text())
    (unmatched,) = findings(run)
    assert (unmatched["rule"], unmatched["path"]) == ("accept/unmatched", ".efipolicy.yaml")


def test_a_baseline_knows_it(boots: Path, run: Run) -> None:
    assert run("lint", "boot1.txt", "boot2.txt", "--write-baseline", "known.json")[0] == 0
    (moved,) = findings(run, "--baseline", "known.json", status=0)
    assert moved["accepted"]


PLUGIN = """
from efipolicy.plugin import Severity, hookimpl, rule
EFIPOLICY_API = 1

@rule("late/boots", severity=Severity.INFO, requirements=(), sources=(), help="", examples=())
def boots(platform, other_boots):
    'It fails where there are several boots.'
    raise ValueError("not today")

@hookimpl
def efipolicy_rules():
    yield boots
"""


def test_a_rule_that_fails_on_the_second_boot_ends_with_4(
    boots: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    (boots / "site" / "late-1.0.dist-info").mkdir(parents=True)
    points = boots / "site" / "late-1.0.dist-info" / "entry_points.txt"
    points.write_text("[efipolicy]\nlate = late_boots\n")
    (boots / "site" / "late_boots.py").write_text(PLUGIN)
    monkeypatch.syspath_prepend(boots / "site")
    monkeypatch.delitem(sys.modules, "late_boots", raising=False)
    assert run("lint", "boot1.txt")[0] == 0
    status, out, err = run("lint", "boot1.txt", "boot2.txt", "-v")
    assert status == 4
    assert "rule late/boots of plugin `late` (late 1.0) failed: ValueError: not today" in out + err
    assert "not checked boot2.txt: late/boots" in out
