"""Real firmware and real kernels, booted now, do what is predicted."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.e2e.booting import Rig, missing_tools
from tests.e2e.checks import RECORDED, Run, Shown, applicable
from tests.e2e.matrix import BOOTS, Boot


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test a boot, all of them or the quick ones."""
    every = metafunc.config.getoption("boots") == "all"
    boots = [boot for boot in BOOTS if every or boot.quick]
    metafunc.parametrize("boot", boots, ids=[boot.name for boot in boots])


def test_what_a_kernel_does_is_what_was_predicted(
    boot: Boot, rig: Rig, run: Run, tmp_path: Path, pytestconfig: pytest.Config
) -> None:
    missing = missing_tools(boot)
    assert not missing, f"install {' '.join(missing)}: this boot was asked for"
    target = tmp_path / boot.name
    rig.boot(boot, target)
    shown = Shown(target)
    checks = applicable(shown)
    assert checks
    compared = {name: check(run, shown, tmp_path) for name, check in checks.items()}
    assert all(compared.values()), compared
    if pytestconfig.getoption("refresh"):
        recorded = RECORDED / boot.name
        shutil.rmtree(recorded, ignore_errors=True)
        shutil.copytree(target, recorded)
