"""Call what a plugin contributed, and keep its failures apart from ours."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from efipolicy.errors import EfipolicyError, PluginError


def failure(what: str, problem: Exception, *, path: str | None = None) -> PluginError:
    """The error for something of a plugin's that raised. ``what`` names it, as in "rule x/y"."""
    place = f"{path}: " if path else ""
    error = PluginError(f"{place}{what} failed: {type(problem).__name__}: {problem}")
    error.path = path
    return error


def call(
    what: str, function: Callable[..., Any], *arguments: Any, gives: type | tuple[type, ...]
) -> Any:
    """The result of a plugin's function.

    Raises `PluginError` when the function raises (unless it is an error of ours that it passes
    on) or gives something else than a ``gives``.
    """
    try:
        result = function(*arguments)
    except EfipolicyError:
        raise
    except Exception as problem:
        raise failure(what, problem) from problem
    if not isinstance(result, gives):
        expected = " or ".join(
            kind.__name__ for kind in (gives if isinstance(gives, tuple) else (gives,))
        )
        raise PluginError(f"{what} gave {type(result).__name__}, not {expected}")
    return result
