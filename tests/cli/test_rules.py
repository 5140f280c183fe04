"""``efipolicy rules``: what is installed, what it checks, what nothing checks."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from efipolicy.plugin.registry import Registry
from tests.conftest import FIXTURES, Run

SCHEMA: dict[str, Any] = json.loads((FIXTURES / "schemas" / "rules.json").read_text())

STRANGER = """\
from efipolicy.plugin import Good, PolicyFolder, Severity, hookimpl, rule

EFIPOLICY_API = 1


@rule("zebra/stripes", severity=Severity.INFO, requirements=("ZEBRA-001",), sources=(),
      help="paint it", examples=(), fix="safe", preview=True, aliases=("zebra/lines",))
def stripes(memory_map):
    'A zebra has no stripes.'
    return iter(())


@hookimpl
def efipolicy_rules():
    yield stripes


@hookimpl
def efipolicy_policies():
    folder = __file__.rpartition("/")[0] + "/sets"
    yield PolicyFolder(path=folder, requirements=folder + "/../zebra.yaml")
"""
REGISTER = """\
efipolicy-requirements: 1
requirements:
  - code: ZEBRA-001
    name: zebras-have-stripes
    statement: Every zebra has stripes.
    level: practice
    severity: info
    source: [Zoology 3 §1]
    verified: no
"""


@pytest.fixture
def stranger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A third party's distribution with a rule and a register; the path of its register."""
    monkeypatch.syspath_prepend(tmp_path)
    metadata = tmp_path / "acme_zebra-3.0.dist-info"
    metadata.mkdir()
    (metadata / "entry_points.txt").write_text("[efipolicy]\nzebra = acme_zebra_rules\n")
    (tmp_path / "acme_zebra_rules.py").write_text(STRANGER)
    (tmp_path / "sets").mkdir()
    (tmp_path / "zebra.yaml").write_text(REGISTER, encoding="utf-8")
    monkeypatch.delitem(sys.modules, "acme_zebra_rules", raising=False)
    return tmp_path / "zebra.yaml"


def printed_json(run: Run, *arguments: str, status: int = 0) -> dict[str, Any]:
    """The JSON of a run, checked against its schema."""
    ended, out, _ = run("rules", "--format", "json", *arguments)
    assert ended == status
    value: dict[str, Any] = json.loads(out)
    Draft202012Validator.check_schema(SCHEMA)
    assert [e.message for e in Draft202012Validator(SCHEMA).iter_errors(value)] == []
    return value


def test_json_has_every_rule_and_every_requirement(run: Run, registry: Registry) -> None:
    value = printed_json(run)
    assert [rule["id"] for rule in value["rules"]] == list(registry.rules)
    assert len(value["requirements"]) >= 167


def test_what_checks_a_requirement_is_what_cites_it(run: Run) -> None:
    value = printed_json(run)
    for requirement in value["requirements"]:
        if requirement["code"] == "ARM64-001":
            assert set(requirement["by"]) == {
                rule["id"] for rule in value["rules"] if "ARM64-001" in rule["requirements"]
            }


def test_text_groups_the_rules_by_pack_and_ends_with_a_count(run: Run) -> None:
    status, out, _ = run("rules")
    assert status == 0
    lines = out.splitlines()
    for pack in ("arm64", "capture", "linux", "uefi"):
        assert any(line.startswith(f"{pack}: ") for line in lines)
    (row,) = [line for line in lines if "uefi/zero-pages" in line]
    assert row.split()[:3] == ["error", "uefi/zero-pages", "UEFI-MAP-003"]
    assert lines[-1].startswith("167 requirements: ")
    assert any("LOONG-001  " in line and "not checkable" in line for line in lines)


def test_the_requirements_can_be_printed_alone(run: Run) -> None:
    status, out, _ = run("rules", "--requirements")
    assert status == 0
    assert "UEFI-MAP-003" in out
    assert "uefi: " not in out
    assert printed_json(run, "--requirements")["rules"] == []


def test_verbose_tells_what_each_requirement_says(run: Run) -> None:
    _, out, _ = run("rules", "--requirements", "-v", "UEFI-MAP-009")
    assert out.splitlines() == [
        "UEFI-MAP-009  must  checked  uefi/unknown-descriptor-version",
        "  The descriptor version of the memory map is 1, the only one whose layout is defined.",
        "",
        "1 requirement: 1 checked, 0 modelled, 0 not checkable",
    ]


def test_quiet_prints_the_count_alone(run: Run) -> None:
    _, out, _ = run("rules", "-q", "UEFI-MAP-009")
    assert out == "1 requirement: 1 checked, 0 modelled, 0 not checkable\n"


def test_a_code_brings_its_rules_and_a_rule_its_requirements(run: Run) -> None:
    by_code = printed_json(run, "UEFI-MAP-003")
    by_rule = printed_json(run, "uefi/zero-p*")
    assert by_code == by_rule
    assert [rule["id"] for rule in by_code["rules"]] == ["uefi/zero-pages"]
    assert [item["code"] for item in by_code["requirements"]] == ["UEFI-MAP-003"]


def test_the_code_of_an_architectures_unit_brings_the_rule_that_reports_it(run: Run) -> None:
    _, out, _ = run("rules", "IA64-001")
    assert "uefi/runtime-region-breaks-granularity" in out
    assert "IA64-001" in out


def test_a_glob_that_names_nothing_is_refused_with_a_suggestion(run: Run) -> None:
    status, out, err = run("rules", "uefi/zero-pags", "--format", "json")
    assert status == 2
    assert "no rule and no requirement matches `uefi/zero-pags`" in err
    assert "did you mean `uefi/zero-pages`?" in err
    value = json.loads(out)
    assert (value["rules"], value["requirements"]) == ([], [])
    assert value["errors"][0]["status"] == 2
    assert list(Draft202012Validator(SCHEMA).iter_errors(value)) == []


def test_a_third_party_adds_rules_and_a_register_of_its_own(stranger: Path, run: Run) -> None:
    value = printed_json(run, "ZEBRA-*")
    (rule,) = value["rules"]
    assert (rule["plugin"], rule["fix"], rule["preview"]) == ("zebra", "safe", True)
    (requirement,) = value["requirements"]
    assert (requirement["state"], requirement["by"]) == ("checked", ["zebra/stripes"])
    _, out, _ = run("rules", "zebra/lines")
    assert "A zebra has no stripes. (safe fix, preview)" in out
    assert "zebra: 1 rule (acme-zebra 3.0)" in out


def test_a_code_that_is_ours_cannot_be_a_third_partys(stranger: Path, run: Run) -> None:
    stranger.write_text(REGISTER.replace("ZEBRA-001", "IA64-001"), encoding="utf-8")
    status, out, err = run("rules")
    assert status == 4
    assert "plugin `zebra` (acme-zebra 3.0) states the requirement IA64-001, which plugin" in err
    assert "uefi/zero-pages" in out
    assert "problem: zebra/stripes cites ZEBRA-001, which no register states" in out


def test_a_broken_register_is_told_in_json_too(stranger: Path, run: Run) -> None:
    stranger.write_text(REGISTER.replace("practice", "custom"), encoding="utf-8")
    value = printed_json(run, status=4)
    assert "zebra.yaml:6:12: found `custom`" in value["errors"][0]["message"]
    assert len(value["requirements"]) == 167


def test_a_broken_register_does_not_disturb_a_lint(stranger: Path, run: Run, folder: Path) -> None:
    stranger.unlink()
    platform = Path(__file__).parents[2] / "policies/efipolicy_policies/platforms"
    assert run("lint", platform / "ovmf-x86_64.yaml")[0] == 0


def test_the_name_of_a_pack_is_answered_with_its_glob(run: Run) -> None:
    status, _, err = run("rules", "linux")
    assert status == 2
    assert "did you mean `linux/*`?" in err
