"""What people and programs are shown, kept as it is until someone decides otherwise."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from syrupy.assertion import SnapshotAssertion

from tests.conftest import FIXTURES, MINIMAL, PLATFORMS, Run

CAPTURE = """\
[    0.000000] efi: EFI v2.70 by EDK II
efi: mem00: [Conventional|   |  |  |  |   |WB|WT|WC|UC] range=[0x0000000000001000-0x9ffff] (0MB)
efi: mem01: [Runtime Data|RUN|  |  |  |   |  |  |  |  ] range=[0x0000000000100000-0x1fffff] (1MB)
efi: mem04: [Conventional|   |  |  |  |   |WB|WT|WC|UC] range=[0x00000000001ff000-0x2fffff] (1MB)
"""


@pytest.fixture
def files(folder: Path) -> Path:
    for name in ("broken-x86_64.yaml", "aavmf-arm64.yaml"):
        (folder / name).write_text((PLATFORMS / name).read_text())
    (folder / "dmesg.txt").write_text(CAPTURE)
    (folder / "wrong.yaml").write_text(
        MINIMAL.replace("pages", "pagess").replace("x86_64", "x86_64, uefi: 2.10")
    )
    (folder / "ovmf5.yaml").write_text((FIXTURES / "platforms" / "ovmf5.yaml").read_text())
    return folder


COMMANDS = [
    "lint broken-x86_64.yaml",
    "lint dmesg.txt",
    "lint dmesg.txt -q",
    "lint dmesg.txt -v --select uefi/*",
    "lint dmesg.txt --color always",
    "lint aavmf-arm64.yaml --policy strict",
    "lint wrong.yaml missing.yaml dmesg.txt --ignore uefi/runtime*",
    "lint dmesg.txt wrong.yaml --format json",
    "lint broken-x86_64.yaml --format json",
    "plan ovmf5.yaml --strategy x86-topdown",
    "plan ovmf5.yaml --strategy x86-topdown --option order=forward --option kernel=3.14",
    "plan ovmf5.yaml --strategy identity --format json",
    "plan broken-x86_64.yaml --format json",
    "import dmesg.txt",
    "where ovmf5.yaml 0x7dc5b010 0xfffffffeffa65000 0x1 --strategy x86-topdown",
    "where dmesg.txt 0x180000 --format json",
    "where ovmf5.yaml 0xfffffffeffa66018 -v --strategy x86-topdown",
    "where aavmf-arm64.yaml 0x9012000 0xffff000000000000 --strategy identity --page-size 64K",
    "diff ovmf5.yaml broken-x86_64.yaml",
    "diff ovmf5.yaml ovmf5.yaml --format json",
    "explain uefi/runtime-bit-on-acpi-memory",
]


@pytest.mark.parametrize("line", COMMANDS)
def test_the_output_of_a_command_is_the_recorded_one(
    files: Path, run: Run, snapshot: SnapshotAssertion, line: str
) -> None:
    status, out, err = run(*line.split())
    assert f"status {status}\n{out}{err}" == snapshot


LINT_SCHEMA: dict[str, Any] = json.loads((FIXTURES / "schemas" / "lint.json").read_text())
PLAN_SCHEMA: dict[str, Any] = json.loads((FIXTURES / "schemas" / "plan.json").read_text())
PLUGINS_SCHEMA: dict[str, Any] = json.loads((FIXTURES / "schemas" / "plugins.json").read_text())


@pytest.mark.parametrize(
    ("line", "schema"),
    [
        ("lint broken-x86_64.yaml aavmf-arm64.yaml dmesg.txt wrong.yaml missing", LINT_SCHEMA),
        ("lint --policy nonsense", LINT_SCHEMA),
        ("plan ovmf5.yaml --strategy x86-topdown", PLAN_SCHEMA),
        ("plan aavmf-arm64.yaml", PLAN_SCHEMA),
        ("plugins", PLUGINS_SCHEMA),
    ],
)
def test_the_json_of_a_command_keeps_its_schema(
    files: Path, run: Run, line: str, schema: dict[str, Any]
) -> None:
    Draft202012Validator.check_schema(schema)
    _, out, _ = run(*line.split(), "--format", "json")
    errors = [error.message for error in Draft202012Validator(schema).iter_errors(json.loads(out))]
    assert errors == []


def test_the_last_line_counts_what_passed_and_names_what_was_not_checked(
    files: Path, run: Run
) -> None:
    _, out, _ = run("lint", "dmesg.txt")
    last = out.splitlines()[-1]
    assert last.startswith("checks: ")
    for word in ("passed", "failed", "not applicable", "not checked for want of"):
        assert word in last
    assert "memory_attributes_table" in last


def test_an_input_cannot_play_tricks_on_the_terminal(folder: Path, run: Run) -> None:
    text = MINIMAL.replace("x86_64}", 'x86_64, title: "\x9b31m"}').replace("pages", "pa\x7fges")
    (folder / "evil.yaml").write_text(text)
    _, out, _ = run("lint", "evil.yaml")
    assert out.isascii() or "\x9b" not in out
    assert "\x7f" not in out
