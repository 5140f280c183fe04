"""``efipolicy whatif``: all strategies in one table."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from efipolicy.plugin import PlanRequest, Strategy
from efipolicy.plugin.registry import Registry
from tests.conftest import FIXTURES, MINIMAL, Run

SCHEMA: dict[str, Any] = json.loads((FIXTURES / "schemas" / "whatif.json").read_text())
OVMF = FIXTURES / "platforms" / "ovmf5.yaml"


def json_of(run: Run, *arguments: object, status: int = 0) -> dict[str, Any]:
    seen, out, _ = run("whatif", *arguments, "--format", "json")
    assert seen == status
    data: dict[str, Any] = json.loads(out)
    Draft202012Validator.check_schema(SCHEMA)
    Draft202012Validator(SCHEMA).validate(data)
    return data


VERDICTS = {
    "freebsd-1to1": "ok",
    "identity": "ok",
    "openbsd-pmap": "ok",
    "windows-virtual": None,
    "x86-dense-from-4g": "rsvd-fault",
    "x86-fixed-window": "ok",
    "x86-ioremap-svam": "pointer-misread",
    "x86-mixed": "runtime-disabled",
    "x86-phys-private": "ok",
    "x86-shared-1to1": "ok",
    "x86-topdown": "ok",
    "xen-x86-directmap": "ok",
}


def test_a_row_agrees_with_plan_and_pagetable(run: Run) -> None:
    rows = json_of(run, OVMF)["rows"]
    for row in rows:
        words = (OVMF, "--strategy", row["strategy"], "--page-size", row["page_size"])
        width = ("--va-bits", row["virtual_address_bits"], "--format", "json")
        tables = json.loads(run("pagetable", *words, *width)[1])
        assert row["tables"] == tables["tables"]
        assert row["leaves"] == tables["leaves"]
        assert row["status"] == tables["status"]
        assert row["write_execute_bytes"] == tables["access_bytes"]["RWX"]
        assert row["kexec_to_itself"] == VERDICTS[row["strategy"]]
    assert {row["strategy"] for row in rows} >= {"identity", "x86-topdown"}


def test_rows_can_be_chosen(run: Run) -> None:
    words = (OVMF, "--strategy", "identity", "--va-bits", "57", "--page-size", "4K")
    (row,) = json_of(run, *words)["rows"]
    assert row["tables"] == {"PGD": 1, "P4D": 1, "PUD": 1, "PMD": 2, "PTE": 5, "total": 10}


def test_the_text_is_one_table_with_what_is_wrong_at_the_end(run: Run, folder: Path) -> None:
    (folder / "a.yaml").write_text(
        MINIMAL + "    - {type: EfiRuntimeServicesData, physical_start: 0x1000000000000, pages: 1, "
        "attribute: [RUNTIME, WB]}\n"
    )
    status, out, err = run("whatif", "a.yaml", "--strategy", "identity")
    assert (status, err) == (0, "")
    lines = out.splitlines()
    assert lines[0].split() == [
        "strategy",
        "page",
        "bits",
        "status",
        "tables",
        "leaves",
        "W+X",
        "shared",
        "kexec",
    ]
    assert lines[1].endswith("no address that x86_64-4level translates")
    assert "impossible" in lines[1]
    assert lines[2].split()[:5] == ["identity", "4K", "57", "ok", "5"]
    assert "kexec: what becomes of firmware" in out
    assert "what becomes" not in run("whatif", "a.yaml", "-q")[1]


def test_every_error_in_the_declarations_is_told(run: Run, folder: Path) -> None:
    declared = "mapping:\n  - {strategy: nonsense}\n  - {strategy: identity, page_size: 64K}\n"
    (folder / "a.yaml").write_text(MINIMAL + declared)
    status, _, err = run("whatif", "a.yaml")
    assert status == 3
    assert "nonsense" in err
    assert "0x10000" in err
    assert len(json_of(run, "a.yaml", status=3)["errors"]) == 2


def _explode(request: PlanRequest) -> Any:
    raise KeyError("oops")


class WithABadOne(Registry):
    """The installed plugins with a strategy that fails."""

    @property
    def strategies(self) -> dict[str, Strategy]:
        return {**super().strategies, "bad": Strategy(name="bad", title="", plan=_explode)}


def test_a_strategy_that_fails_leaves_the_others_shown(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("efipolicy.cli.whatif_.load_registry", WithABadOne)
    status, out, err = run("whatif", OVMF)
    assert status == 4
    assert "x86-topdown" in out
    assert err == "efipolicy: error: strategy bad failed: KeyError: 'oops'\n"
    data = json_of(run, OVMF, status=4)
    assert data["rows"]
    assert [error["message"] for error in data["errors"]] == [
        "strategy bad failed: KeyError: 'oops'"
    ]


def test_what_is_wrong_with_every_row_is_said_once(run: Run, folder: Path) -> None:
    part = MINIMAL.replace("memory_map:\n", "memory_map:\n  extent: partial\n")
    (folder / "a.yaml").write_text(part)
    words = "the map is partial: what it leaves out is mapped too, and moves the rest"
    out = run("whatif", "a.yaml", "--strategy", "x86-topdown")[1]
    assert out.count(words) == 1
    assert f"\n\nevery row: {words}\n" in out
    rows = json_of(run, "a.yaml", "--strategy", "x86-topdown")["rows"]
    assert [row["problem"] for row in rows] == [words] * 2
