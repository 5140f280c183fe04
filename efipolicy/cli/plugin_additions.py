"""What ``new-plugin --into`` adds to a distribution that is there: modules, tests, and a hook."""

from __future__ import annotations

import ast
import os
import tomllib
from itertools import takewhile
from typing import Any

from efipolicy.cli.plugin_templates import Home, parts_of
from efipolicy.errors import UsageError
from efipolicy.named_tuple import NamedTuple

_WIDTH = 100
_API = "efipolicy.plugin"


class Additions(NamedTuple):
    """Files to write, paths and texts, and the module with the hooks as it is to be."""

    home: Home
    files: list[tuple[str, str]]
    module: tuple[str, str]
    hook: str


def additions_to(folder: str, kind: str, name: str) -> Additions:
    """What a contribution adds to the distribution in a folder. Nothing is written.

    Raises `UsageError` for a folder that holds no plugin, for a file that is there already, and
    where the hook has an answer.
    """
    home = _home(folder)
    inside = f"{home.folder}/__init__.py"
    files = dict(parts_of(kind, name, home))
    added = files.pop(inside)
    files.pop(f"{home.folder}/py.typed", None)
    # First the hook: where it has an answer, files of its own kind are there too, and tell less.
    there = _text(os.path.join(folder, inside))
    text, hook = _with_hook(os.path.join(folder, inside), there, added)
    for path in files:
        if os.path.lexists(os.path.join(folder, path)):
            raise UsageError(f"{os.path.join(folder, path)} is there, and nothing is overwritten")
    return Additions(home, list(files.items()), (inside, text), hook)


def _home(folder: str) -> Home:
    path = os.path.join(folder, "pyproject.toml")
    try:
        project = _table(tomllib.loads(_text(path)), "project")
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{path} cannot be read: {error}") from error
    points = _table(_table(project, "entry-points"), "efipolicy")
    if len(points) != 1:
        raise UsageError(f"{path} has {len(points)} entry points of group `efipolicy`, not one")
    module = str(*points.values())
    for place in (f"src/{module}", module):
        if os.path.isfile(os.path.join(folder, place, "__init__.py")):
            return Home(str(project.get("name", module)), module, place)
    raise UsageError(f"{folder} has no package `{module}`, which {path} names")


def _table(inside: dict[str, Any], name: str) -> dict[str, Any]:
    """A table in a table of TOML; an empty one where there is none."""
    found = inside.get(name)
    return found if isinstance(found, dict) else {}


def _text(path: str) -> str:
    try:
        with open(path, encoding="utf-8", newline="") as file:
            return file.read()
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is no UTF-8: {error.reason} at byte {error.start}") from error
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise UsageError(f"cannot read {path}: {reason}; --into takes a plugin's folder") from error


def _with_hook(path: str, there: str, added: str) -> tuple[str, str]:
    """A module with the hook of another one behind its own, and the name of that hook."""
    try:
        tree = ast.parse(there)
    except SyntaxError as error:
        raise UsageError(f"{path} cannot be read: {error}") from error
    new = ast.parse(added)
    (hook,) = (node for node in new.body if isinstance(node, ast.FunctionDef))
    if hook.name in _bound(tree):
        raise UsageError(
            f"`{hook.name}` has an answer in {path}: one function gives all of a kind, and --into "
            "adds the first; write the second beside it, and give both there"
        )
    text = there.replace("\r\n", "\n")
    for module in (_API, "collections.abc"):
        text = _importing(text, module, _imported(new, module))
    lines = added.splitlines()[hook.decorator_list[0].lineno - 1 : hook.end_lineno]
    text = "\n".join([text.rstrip("\n"), "", "", *lines, ""])
    return text.replace("\n", "\r\n") if "\r\n" in there else text, hook.name


def _bound(tree: ast.Module) -> set[str]:
    """The names that a module gives something to: functions, what it imports, what it assigns."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            names.add(node.name)
        elif isinstance(node, ast.alias):
            names.add(node.asname or node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
    return names


def _imported(tree: ast.Module, module: str) -> set[str]:
    """The names that a module has from another one as they are there."""
    return {
        alias.name
        for node in tree.body
        if isinstance(node, ast.ImportFrom) and node.module == module
        for alias in node.names
        if alias.asname is None
    }


def _importing(text: str, module: str, names: set[str]) -> str:
    """A module's text with names imported from another one, in the statement that is there.

    A statement that shares its lines with something else stays as it is, beside one of its own.
    """
    tree = ast.parse(text)
    missing = names - _imported(tree, module)
    if not missing:
        return text
    lines = text.split("\n")  # not splitlines: a form feed ends no line of Python's
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and node.module == module and _is_alone(node, lines):
            present = {alias.name for alias in node.names}
            lines[node.lineno - 1 : node.end_lineno] = _statement(module, missing | present)
            return "\n".join(lines)
    before = [
        node.end_lineno or 0
        for number, node in enumerate(tree.body)
        if _is_future(node) or (number == 0 and isinstance(node, ast.Expr))
    ]
    comments = len([*takewhile(lambda line: line.startswith("#"), lines)])
    place = max(before, default=comments)
    lines[place:place] = ["", *_statement(module, missing)]
    return "\n".join(lines)


def _is_alone(node: ast.ImportFrom, lines: list[str]) -> bool:
    """Whether the lines of an import hold nothing besides names: no comment, no other statement."""
    written = "".join(lines[node.lineno - 1 : node.end_lineno])
    plain = all(one.name != "*" and not one.asname for one in node.names)
    return plain and "#" not in written and ";" not in written


def _is_future(node: ast.stmt) -> bool:
    return isinstance(node, ast.ImportFrom) and node.module == "__future__"


def _statement(module: str, names: set[str]) -> list[str]:
    """An import, constants before classes and classes before functions, as the formatter has it."""
    ordered = sorted(names, key=lambda name: (not name.isupper(), not name[:1].isupper(), name))
    line = f"from {module} import {', '.join(ordered)}"
    if len(line) <= _WIDTH:
        return [line]
    return [f"from {module} import (", *(f"    {name}," for name in ordered), ")"]
