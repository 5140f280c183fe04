"""``efipolicy plan --format svg``: the picture of the mapping."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from tests.conftest import FIXTURES, PLATFORMS, Run
from tests.drawing.text_boxes import misplaced

OVMF5 = FIXTURES / "platforms" / "ovmf5.yaml"


def test_the_picture_of_a_plan_stands_alone(run: Run):
    status, out, _ = run("plan", OVMF5, "--strategy", "x86-topdown", "--format", "svg")
    assert status == 0
    ET.fromstring(out)
    assert "prefers-color-scheme" in out
    assert "EFI_VA_START" in out
    assert misplaced(out) == []


def test_the_width_of_addresses_is_that_of_the_command_line(run: Run):
    arguments = ("plan", PLATFORMS / "aavmf-arm64.yaml", "--strategy", "arm64-stub-virtmap")
    _, out, _ = run(*arguments, "--va-bits", "39", "--format", "svg")
    assert "VA limit, 39-bit" in out


def test_many_layouts_are_no_picture(run: Run):
    arguments = ("--strategy", "arm64-separate-random", "--seeds", "3", "--format", "svg")
    status, _, err = run("plan", PLATFORMS / "aavmf-arm64.yaml", *arguments)
    assert status == 2
    assert "leave out --seeds" in err
