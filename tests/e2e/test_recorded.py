"""What real firmware and real kernels did is what is predicted: recorded boots."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.checks import RECORDED, Run, Shown, applicable, explained_findings, findings
from tests.e2e.matrix import BOOTS

SHOWN = [Shown(file.parent) for file in sorted(RECORDED.glob("*/boot.yaml"))]
CHECKS = [(shown, name) for shown in SHOWN for name in applicable(shown)]


@pytest.mark.parametrize(
    ("shown", "name"), CHECKS, ids=[f"{shown.folder.name}-{name}" for shown, name in CHECKS]
)
def test_what_a_kernel_did_is_what_is_predicted(
    shown: Shown, name: str, run: Run, tmp_path: Path
) -> None:
    assert applicable(shown)[name](run, shown, tmp_path) > 0


def test_every_finding_that_is_explained_is_found_in_some_boot(run: Run) -> None:
    found = [findings(run, shown)[0] for shown in SHOWN if "memory-map" in shown.about["shows"]]
    assert set().union(*found) == explained_findings().keys()


def test_every_boot_of_the_matrix_is_recorded() -> None:
    assert {boot.name for boot in BOOTS} <= {shown.folder.name for shown in SHOWN}


def test_every_recorded_boot_says_how_it_was_made() -> None:
    for shown in SHOWN:
        assert {"about", "firmware", "kernel", "qemu", "command", "date"} <= shown.about.keys()
