"""Boots are tried when they are asked for: ``--boots quick`` or ``--boots all``."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

pytest.register_assert_rewrite("tests.e2e.checks")

from tests.e2e.booting import Rig  # noqa: E402 - the rewriting comes first


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Nothing is skipped: boots that were not asked for are no tests."""
    asked = {
        "test_boots.py": config.getoption("boots"),
        "test_more_boots.py": os.environ.get("EFIPOLICY_MORE_BOOTS"),
    }
    return None if asked.get(collection_path.name, True) else True


@pytest.fixture(scope="session")
def rig(pytestconfig: pytest.Config) -> Rig:
    """What boots share; downloads and consoles are kept where ``EFIPOLICY_BOOTS_FOLDER`` says."""
    folder = os.environ.get("EFIPOLICY_BOOTS_FOLDER") or pytestconfig.rootpath / ".tox" / "boots"
    return Rig(Path(folder))
