"""The plugin as efipolicy finds it, and what it may import."""

from __future__ import annotations

import ast
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import efipolicy_acme64 as plugin

if TYPE_CHECKING:
    from efipolicy.testing import Workspace

SOURCES = sorted(Path(plugin.__file__).parent.rglob("*.py"))


def test_it_is_installed_and_healthy(efipolicy: Workspace) -> None:
    plugins = efipolicy.run("plugins", "--format", "json").json["plugins"]
    (ours,) = (one for one in plugins if one["name"] == "acme64")
    assert ours["distribution"] == "efipolicy-acme64"
    assert (ours["status"], ours["api_level"]) == ("ok", plugin.EFIPOLICY_API)


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)
def test_it_imports_the_plugin_api_and_itself(source: Path) -> None:
    names: set[str] = set()
    for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(node.module or "")
    api = {name for name in names if name.startswith("efipolicy.plugin")}
    known = {*sys.stdlib_module_names, "efipolicy_acme64"}
    assert {name for name in names - api if name.split(".")[0] not in known} == set()
