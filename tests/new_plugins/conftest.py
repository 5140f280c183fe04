"""Building, installing and testing what ``new-plugin`` writes takes more than the other tests need.

``tox run -e new-plugins`` has it; where it is not installed, these are no tests.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest

NEEDED = ("furo", "hatchling", "mypy", "pip", "ruff")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Nothing is skipped: what cannot run here is no test here."""
    return True if any(find_spec(name) is None for name in NEEDED) else None
