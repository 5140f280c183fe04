"""Processes of their own, in which plugins may do as they like."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.plugin.broken_plugins import PLATFORM

LOG = "[    0.000000] nothing of ours\n"


class Ran(NamedTuple):
    """What a process said."""

    status: int
    out: str
    err: str

    @property
    def told(self) -> list[str]:
        """Every line that tells of an error, of the report in JSON or of a text."""
        report = json.loads(self.out) if self.out.startswith("{") else {}
        if "errors" in report:
            return [error["message"] for error in report["errors"]]
        lines = [*self.out.splitlines(), *self.err.splitlines()]
        return [line for line in lines if line.startswith(("error: ", "efipolicy: error: "))]


Process = Callable[..., Ran]


@pytest.fixture
def process(folder: Path) -> Process:
    """Run a command line in a process of its own, with these folders first on the path."""
    (folder / "broken.yaml").write_text(PLATFORM)
    (folder / "log.txt").write_text(LOG)

    def run(line: str, *path: Path, blocked: str = "", **environment: str) -> Ran:
        done = subprocess.run(
            [sys.executable, "-m", "efipolicy", *shlex.split(line)],
            capture_output=True,
            text=True,
            check=False,
            env={
                **os.environ,
                "PYTHONPATH": os.pathsep.join(map(str, path)),
                "PYTHONDONTWRITEBYTECODE": "1",
                "EFIPOLICY_PLUGINS": blocked,
                **environment,
            },
        )
        return Ran(done.returncode, done.stdout, done.stderr)

    return run
