"""Say in one line why a plugin could not be loaded, and what helps. Loaded only when one failed."""

from __future__ import annotations

import inspect
import re
from typing import Any

from pluggy import PluginValidationError

from efipolicy.errors import PluginError
from efipolicy.named_tuple import NamedTuple
from efipolicy.plugin import hookspecs
from efipolicy.plugin.calling import ending, one_line, raised_at
from efipolicy.plugin.discovery import EntryPoint
from efipolicy.plugin.levels import LevelError
from efipolicy.source.shape import suggestion

HOOKS = {
    name: tuple(inspect.signature(value).parameters)
    for name, value in vars(hookspecs).items()
    if name.startswith("efipolicy_") and callable(value)
}
"""The hooks, and what each is asked about."""

_MISSING_NAME = re.compile(r"cannot import name '(\w+)' from '(efipolicy[\w.]*)'")


class Reason(NamedTuple):
    """What went wrong, and what helps where something better is known than to block the plugin."""

    text: str
    remedy: str | None = None


def reason(problem: BaseException, point: EntryPoint, module: Any = None) -> Reason:
    """Why a plugin failed to load or to answer, from what it raised."""
    if isinstance(problem, LevelError):
        return Reason(str(problem), problem.remedy)
    if isinstance(problem, PluginError):
        return Reason(one_line(problem))
    if isinstance(problem, PluginValidationError) and module is not None:
        for mistake in hook_mistakes(module):
            return Reason(mistake)
    if isinstance(problem, ImportError):
        return _import(problem, point)
    if not isinstance(problem, Exception):
        return Reason(ending(problem))
    return Reason(f"{type(problem).__name__}: {one_line(problem)}{raised_at(problem)}")


def _import(problem: ImportError, point: EntryPoint) -> Reason:
    missing = _MISSING_NAME.search(str(problem))
    if missing:
        return Reason(
            f"it imports `{missing[1]}` from {missing[2]}, which this efipolicy does not have",
            f"upgrade efipolicy or {point.distribution}",
        )
    name = problem.name
    if isinstance(problem, ModuleNotFoundError) and name:
        if point.module == name or point.module.startswith(f"{name}."):
            return Reason(
                f"its entry point names the module `{point.module}`, which does not exist",
                f"install {point.distribution} again or remove it",
            )
        if name.partition(".")[0] == "efipolicy":
            return Reason(
                f"it imports {name}, which this efipolicy does not have",
                f"upgrade efipolicy or {point.distribution}",
            )
        return Reason(
            f"it needs the module `{name}`, which is not installed{raised_at(problem)}",
            f"install that, or {point.distribution} again with its dependencies",
        )
    return Reason(f"{type(problem).__name__}: {one_line(problem)}{raised_at(problem)}")


def hook_mistakes(module: Any) -> list[str]:
    """What is wrong with the hooks of a module, each in a sentence."""
    mistakes = []
    for name, function in list(vars(module).items()):
        marked: Any = getattr(function, "efipolicy_impl", None)
        if not isinstance(marked, dict):
            mistakes += _unmarked(name, function)
            continue
        hook = marked.get("specname") or name
        if hook not in HOOKS:
            if not marked.get("optionalhook"):
                mistakes.append(f"unknown hook '{hook}'{suggestion(hook, HOOKS)}")
            continue
        if not inspect.isroutine(function):
            mistakes.append(_no_function(name, function))
            continue
        if marked.get("wrapper") or marked.get("hookwrapper"):
            mistakes.append(f"its hook {hook} is a wrapper; hooks of efipolicy are only answered")
        mistakes += _arguments(hook, function)
    return mistakes


def _unmarked(name: str, value: object) -> list[str]:
    """What is wrong with something of a module that is no marked hook; mostly nothing is."""
    if name in HOOKS:
        if inspect.isroutine(value):
            return [f"its function {name} is not marked with @hookimpl"]
        return [_no_function(name, value)]
    if name.startswith("efipolicy_") and inspect.isroutine(value):
        hint = suggestion(name, HOOKS)
        return [f"its function {name} is no hook and not marked with @hookimpl{hint}"]
    return []


def _no_function(name: str, value: object) -> str:
    kind = "class" if isinstance(value, type) else type(value).__name__
    return f"its {name} is a {kind}, not a function marked with @hookimpl"


def _arguments(hook: str, function: Any) -> list[str]:
    offered = HOOKS[hook]
    wrong = [name for name in inspect.signature(function).parameters if name not in offered]
    if not wrong:
        return []
    asked = ", ".join(f"`{name}`" for name in wrong)
    may = ", ".join(f"`{name}`" for name in offered) or "no argument at all"
    return [f"its hook {hook} takes {asked}; it may take {may}{suggestion(wrong[0], offered)}"]
