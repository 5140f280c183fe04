"""``efipolicy kexec``: verdicts on chains, and the matrix."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tests.conftest import FIXTURES, Run

SCHEMA: dict[str, Any] = json.loads((FIXTURES / "schemas" / "kexec.json").read_text())
OVMF = FIXTURES / "platforms" / "ovmf5.yaml"
DECLARED = """\
mapping:
  - strategy: x86-topdown
    kexec:
      - {strategy: x86-topdown, loader: kexec-file}
      - {strategy: identity}
"""


def json_of(run: Run, *arguments: object, status: int = 0) -> dict[str, Any]:
    seen, out, _ = run("kexec", *arguments, "--format", "json")
    assert seen == status
    data: dict[str, Any] = json.loads(out)
    Draft202012Validator.check_schema(SCHEMA)
    Draft202012Validator(SCHEMA).validate(data)
    return data


def test_a_chain_that_holds_ends_with_0(run: Run) -> None:
    data = json_of(run, OVMF, "--chain", "x86-topdown,x86-topdown:loader=kexec-file")
    assert data["verdict"] == "ok"
    (hop,) = data["hops"]
    assert hop["carried"]["channel"] == "setup_data"
    assert hop["carried"]["map_entries"] == 5
    assert hop["counter_example"] is None
    assert any("kexec-file" in text for text in data["assumptions"])


def test_a_failed_verdict_ends_with_1_and_an_example(run: Run) -> None:
    data = json_of(run, OVMF, "--chain", "x86-topdown,identity", status=1)
    assert data["verdict"] == "pointer-misread"
    example = data["hops"][0]["counter_example"]
    assert example["expected"] == "0x7ffe0000"
    assert example["found"] == "0xfffffffefffe0000"


def test_without_a_chain_there_is_the_matrix(run: Run) -> None:
    cells = {(c["first"], c["second"]): c["cases"] for c in json_of(run, OVMF)["matrix"]}
    assert [case["verdict"] for case in cells["x86-topdown", "x86-topdown"]] == [
        "ok",
        "runtime-disabled",
    ]
    assert cells["identity", "identity"] == [
        {"when": "firmware is still physical", "verdict": "ok"}
    ]


def test_a_declared_chain_is_judged_unless_the_matrix_is_wanted(run: Run, folder: Path) -> None:
    (folder / "a.yaml").write_text(OVMF.read_text() + DECLARED)
    hops = json_of(run, "a.yaml", status=1)["hops"]
    assert [hop["verdict"] for hop in hops] == ["ok", "pointer-misread"]
    assert "matrix" in json_of(run, "a.yaml", "--matrix")


def test_the_text_is_the_chain_line_by_line(run: Run) -> None:
    status, out, _ = run("kexec", OVMF, "--chain", "x86-topdown,x86-topdown,identity:kind=crash")
    assert status == 1
    lines = out.splitlines()
    assert lines[0] == "x86-topdown"
    assert lines[1] == "  -> x86-topdown  (setup_data: 5 entries of 48 bytes)  ok"
    assert lines[2] == "  -> identity  (crash kernel, nothing carried over)  pointer-misread"
    assert "verdict: pointer-misread" in lines
    assert any(line.startswith("  hop 2: the crash kernel uses no memory") for line in lines)
    quiet = run("kexec", OVMF, "--chain", "x86-topdown,x86-topdown", "--quiet")[1]
    assert quiet.splitlines()[-1] == "verdict: ok"


def test_the_matrix_is_a_table_with_notes(run: Run) -> None:
    status, out, err = run("kexec", OVMF)
    assert (status, err) == (0, "")
    assert out.splitlines()[0].startswith("first \\ second")
    assert "\n[1] " in out
    assert "\n[1] " not in run("kexec", OVMF, "--quiet")[1]


@pytest.mark.parametrize(
    "chain", ["x86-topdown", "x86-topdown,nonsense", "x86-topdown,identity:page_size=5K"]
)
def test_a_chain_that_cannot_be_meant_is_a_usage_error(run: Run, chain: str) -> None:
    data = json_of(run, OVMF, "--chain", chain, status=2)
    assert data["verdict"] is None
    assert data["errors"][0]["status"] == 2


def test_a_hop_of_no_known_channel_is_an_input_error(run: Run, folder: Path) -> None:
    wrong = DECLARED.replace("kexec-file", "kexec-files")
    (folder / "a.yaml").write_text(OVMF.read_text() + wrong)
    data = json_of(run, "a.yaml", status=3)
    assert "did you mean `kexec-file`" in data["errors"][0]["message"]
