"""The test file that the guide shows passes, and what it says of the suites is there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import efipolicy.testing
from tests.conftest import ROOT

HOWTO = ROOT / "docs" / "howto"


METADATA = "Metadata-Version: 2.1\nName: efipolicy-acme\nVersion: 1.0\n"


def test_the_test_file_of_the_guide_passes(tmp_path: Path) -> None:
    installed = tmp_path / "efipolicy_acme-1.0.dist-info"
    installed.mkdir()
    (installed / "METADATA").write_text(METADATA)
    (installed / "entry_points.txt").write_text("[efipolicy]\nacme = efipolicy_acme\n")
    paths = os.pathsep.join((str(HOWTO), str(tmp_path)))
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"),
            *("-c", os.devnull),
            HOWTO / "efipolicy_acme" / "test_acme.py",
        ],
        cwd=tmp_path,
        env={
            **os.environ,
            "PYTHONPATH": paths,
            "PYTHONDONTWRITEBYTECODE": "1",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert re.search(r"\d+ passed", done.stdout), done.stdout + done.stderr
    assert "failed" not in done.stdout


def test_what_the_guide_names_is_in_the_kit() -> None:
    text = (HOWTO / "test-a-plugin.rst").read_text(encoding="utf-8")
    suites = set(re.findall(r"``(\w+Conformance)``", text))
    assert suites == {name for name in efipolicy.testing.__all__ if name.endswith("Conformance")}
    for name in suites:
        assert f" = {name}.of(" in text
