"""The hooks, their words, and what a plugin may see."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest

import efipolicy.plugin as api
from efipolicy.plugin import hookspecs
from efipolicy.plugin.registry import _KINDS
from tests.conftest import ROOT

HOOKS = {
    name: value
    for name, value in vars(hookspecs).items()
    if name.startswith("efipolicy_") and callable(value)
}


ABOUT_A_PLATFORM = {"efipolicy_strategy_choices": ("platform", "declared")}
"""The hooks that are asked about something; the others are asked what there is."""


def test_every_kind_of_contribution_has_its_hook_and_no_other_hook_exists() -> None:
    collected = {name.removeprefix("efipolicy_") for name in HOOKS if name not in ABOUT_A_PLATFORM}
    assert collected == set(_KINDS)


@pytest.mark.parametrize("name", HOOKS)
def test_a_hook_asks_one_question_and_shows_how_to_answer(name: str) -> None:
    hook = HOOKS[name]
    asked = ABOUT_A_PLATFORM.get(name, ())
    assert tuple(inspect.signature(hook).parameters) == asked
    page = inspect.cleandoc(hook.__doc__ or "")
    assert page.splitlines()[0].startswith(("Which", "In which"))
    assert f"def {name}({', '.join(asked)}):" in page


@pytest.mark.parametrize("name", HOOKS)
def test_the_example_of_a_hook_is_valid_python(name: str) -> None:
    page = inspect.cleandoc(HOOKS[name].__doc__ or "")
    example = page.partition(".. code-block:: python")[2]
    compile(inspect.cleandoc(example), name, "exec")


@pytest.mark.parametrize("name", HOOKS)
def test_every_hook_is_in_the_reference(name: str) -> None:
    """The page asks the extension for every hook there is; hold what it answers."""
    from efipolicy.sphinxext.reference_pages import hooks

    assert ".. efi:hooks::" in (ROOT / "docs" / "reference" / "hooks.rst").read_text()
    assert name in {hook for hook, _ in hooks()}


def test_the_plugin_api_lists_all_it_offers() -> None:
    public = {
        name
        for name, value in vars(api).items()
        if not name.startswith("_") and not inspect.ismodule(value)
    }
    assert public == set(api.__all__)
    assert api.__all__ == sorted(
        api.__all__, key=lambda name: (not name.isupper(), not name[0].isupper(), name)
    )


def test_the_strangers_plugin_imports_nothing_but_the_plugin_api() -> None:
    import ast

    for path in (ROOT / "tests" / "fixtures" / "efipolicy-stranger").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("efipolicy"):
                assert node.module in ("efipolicy.plugin", "efipolicy_stranger")


def test_the_wheel_and_the_checkout_hold_the_same_plugins() -> None:
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    packages = project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    shelves = [p for shelf in ("plugins", "policies") for p in (ROOT / shelf).iterdir()]
    assert {Path(p).name for p in packages} == {"efipolicy"} | {
        path.name for path in shelves if (path / "__init__.py").exists()
    }
    modules = set(project["project"]["entry-points"]["efipolicy"].values())
    assert {path.name for path in shelves} <= modules
