"""A plugin sees `efipolicy.plugin` and nothing else of the program."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import efipolicy_riscv64

SOURCES = sorted(Path(efipolicy_riscv64.__file__).parent.rglob("*.py"))


def imported(source: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(node.module or "")
    return names


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)
def test_it_imports_the_plugin_api_and_itself(source: Path) -> None:
    api = {"efipolicy.plugin", "efipolicy.plugin.paging"}
    strange = {
        name
        for name in imported(source) - api
        if name.split(".")[0] not in {*sys.stdlib_module_names, "efipolicy_riscv64"}
    }
    assert strange == set()


def test_what_is_about_entries_is_loaded_when_it_is_asked_for() -> None:
    code = (
        "import sys, efipolicy_riscv64 as p; "
        "list(p.efipolicy_architectures()), list(p.efipolicy_strategies()); "
        "assert 'efipolicy.plugin.paging' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)  # noqa: S603 - our own words
