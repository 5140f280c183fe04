"""Call what a plugin contributed, and keep its failures apart from ours."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from efipolicy.errors import EfipolicyError, PluginError

if TYPE_CHECKING:
    from efipolicy.plugin.discovery import Plugin

_LONGEST = 300
_SILENT = "no message"

show_tracebacks = False
"""Whether the traceback of what a plugin raised goes to standard error: ``--debug`` sets it."""


def one_line(problem: BaseException | str) -> str:
    """What an exception says, on one line and of bearable length, whatever its author did."""
    try:
        text = " ".join(str(problem).split())
    except Exception:  # noqa: BLE001 - an exception of a stranger's may not even print
        text = ""
    text = "".join(
        letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text
    )
    return f"{text[:_LONGEST]}..." if len(text) > _LONGEST else text or _SILENT


def raised_at(problem: BaseException) -> str:
    """Where in a plugin's code an exception was raised, in brackets; nothing where nobody knows."""
    own = os.path.dirname(os.path.dirname(__file__)) + os.sep
    standard = os.path.dirname(os.__file__)
    trace = problem.__traceback__
    place = ""
    while trace is not None:
        file = trace.tb_frame.f_code.co_filename
        folder = os.path.dirname(file)
        library = folder == standard or folder.startswith(os.path.join(standard, "importlib"))
        if not library and not file.startswith(("<", own)):
            place = f" ({os.path.basename(file)}, line {trace.tb_lineno})"
        trace = trace.tb_next
    return place


def ending(problem: BaseException) -> str:
    """The sentence about a plugin that raised what would end the program."""
    said = one_line(problem)
    words = "" if said == _SILENT else f" ({said})"
    name = type(problem).__name__
    return f"it raised {name}{words}, which would end the program{raised_at(problem)}"


def failure(what: str, problem: BaseException, *, path: str | None = None) -> PluginError:
    """The error for something of a plugin's that raised. ``what`` names it, as in "rule x/y".

    A third party's is told with its plugin, distribution and version, and how to go on without it.
    """
    place = f"{path}: " if path else ""
    reason = f"{type(problem).__name__}: {one_line(problem)}"
    plugin = owner_of(problem)
    if plugin is None:
        error = PluginError(f"{place}{what} failed: {reason}")
    else:
        if isinstance(problem, EfipolicyError):
            reason = one_line(problem)
        else:
            reason += raised_at(problem)
        error = PluginError(f"{place}{what} of {plugin.owner} failed: {reason}; {plugin.remedy}")
    error.path = path
    error.__cause__ = problem
    tell_traceback(problem)
    return error


def note(problem: BaseException, plugin: Plugin) -> None:
    """Note on an exception whose it is, for `owner_of`."""
    with suppress(Exception):
        problem.__dict__["efipolicy_plugin"] = plugin


def owner_of(problem: BaseException) -> Plugin | None:
    """The third party's plugin that raised, where `note` did."""
    return getattr(problem, "efipolicy_plugin", None)


def tell_traceback(problem: BaseException) -> None:
    """Print where a plugin raised, if `show_tracebacks` says so."""
    if show_tracebacks:
        import traceback

        traceback.print_exception(problem)


def call(
    what: str, function: Callable[..., Any], *arguments: Any, gives: type | tuple[type, ...]
) -> Any:
    """The result of a plugin's function.

    Raises `PluginError` when the function raises (unless it is an error of ours that it passes
    on) or gives something else than a ``gives``.
    """
    try:
        result = function(*arguments)
    except EfipolicyError as problem:
        if owner_of(problem):
            raise failure(what, problem) from problem
        raise
    except Exception as problem:
        raise failure(what, problem) from problem
    if not isinstance(result, gives):
        expected = " or ".join(
            kind.__name__ for kind in (gives if isinstance(gives, tuple) else (gives,))
        )
        raise PluginError(f"{what} gave {type(result).__name__}, not {expected}")
    return result
