"""The fixture ``efipolicy`` for pytest, found by its entry point of group ``pytest11``.

.. code-block:: python

    def test_persistent_memory_is_reported(efipolicy):
        efipolicy.write("board.yaml", BOARD)
        assert efipolicy.lint("board.yaml").rules == ("acme/persistent-memory",)

Nothing of efipolicy is imported before a test asks for the fixture.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from efipolicy.testing.workspace import Workspace


@pytest.fixture
def efipolicy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """An empty working directory, and efipolicy run in it.

    Colours are off, no plugin is blocked and the day is that of the examples, whatever the tests
    run in.
    """
    from efipolicy.testing.workspace import QUIET_ENVIRONMENT, Workspace

    for name, value in QUIET_ENVIRONMENT.items():
        if value is None:
            monkeypatch.delenv(name, raising=False)
        else:
            monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    return Workspace(tmp_path)
