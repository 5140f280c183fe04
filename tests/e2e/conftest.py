"""Boots are tried when they are asked for: ``--boots quick`` or ``--boots all``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.e2e.booting import Rig

pytest.register_assert_rewrite("tests.e2e.checks")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Nothing is skipped: boots that were not asked for are no tests."""
    asked = {
        "test_boots.py": config.getoption("boots"),
        # What is being recorded anew makes the same checks, and cannot be read meanwhile.
        "test_recorded.py": not (config.getoption("boots") and config.getoption("refresh")),
        "test_more_boots.py": os.environ.get("EFIPOLICY_MORE_BOOTS"),
    }
    return None if asked.get(collection_path.name, True) else True


@pytest.fixture(scope="session")
def rig(pytestconfig: pytest.Config) -> Rig:
    """What boots share; downloads and consoles are kept where ``EFIPOLICY_BOOTS_FOLDER`` says."""
    from tests.e2e.booting import Rig  # needs qemu.qmp, which only boots need

    folder = os.environ.get("EFIPOLICY_BOOTS_FOLDER") or pytestconfig.rootpath / ".tox" / "boots"
    return Rig(Path(folder))
