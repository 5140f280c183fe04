"""``efipolicy kexec --format svg``: the picture of a chain."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree as ET

from tests.conftest import FIXTURES, Run

OVMF = FIXTURES / "platforms" / "ovmf5.yaml"


def test_a_chain_is_drawn_and_the_status_is_that_of_the_verdict(run: Run) -> None:
    status, out, _ = run("kexec", OVMF, "--chain", "x86-topdown,x86-topdown", "--format", "svg")
    assert status == 0
    assert ET.fromstring(out).tag.endswith("svg")
    assert "prefers-color-scheme" in out
    status, out, _ = run("kexec", OVMF, "--chain", "x86-topdown,identity", "--format", "svg")
    assert status == 1
    assert "FAIL" in out


def test_a_long_chain_is_one_file(run: Run, tmp_path: Path) -> None:
    chain, file = ",".join(["x86-topdown"] * 6), tmp_path / "chain.svg"
    status, out, _ = run("kexec", OVMF, "--chain", chain, "--format", "svg", "-o", file)
    assert (status, out) == (0, "")
    text = file.read_text(encoding="utf-8")
    ET.fromstring(text)
    assert "hop 5 of 5" in text


def test_the_matrix_is_no_picture(run: Run) -> None:
    status, out, error = run("kexec", OVMF, "--format", "svg")
    assert (status, out) == (2, "")
    assert "--chain" in error
