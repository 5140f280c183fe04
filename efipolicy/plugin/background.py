"""What a plugin leaves behind that raises when nobody called it: threads, callbacks at exit.

Python would print a traceback and go on. Here it is one line as of any other failure, with the
plugin where the traceback leads through one, and it counts for the exit status for as long as the
status is not given. Loaded only when a third party's plugin is.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import suppress
from types import TracebackType
from typing import Any

from efipolicy.errors import PluginError
from efipolicy.plugin.calling import failure, note, one_line, owner_of, raised_at
from efipolicy.plugin.discovery import Plugin, entry_points

failures: list[PluginError] = []
"""What failed in the background and is told already, on standard error."""

_before = sys.unraisablehook
_before_of_threads = threading.excepthook
"""Whose hooks they were when ours came."""


def watch() -> None:
    """Take over from Python what nobody can catch; done once, and again does no harm."""
    global _before, _before_of_threads
    if threading.excepthook is not _of_a_thread:
        _before_of_threads, threading.excepthook = threading.excepthook, _of_a_thread
    if sys.unraisablehook is not _of_nobody:
        _before, sys.unraisablehook = sys.unraisablehook, _of_nobody


def _of_a_thread(raised: threading.ExceptHookArgs) -> None:
    """Tell of a thread that ended with an exception; one that ends itself is no failure.

    Of a plugin's is every thread of ours. Where efipolicy is a library others have theirs.
    """
    problem = raised.exc_value
    if problem is None or isinstance(problem, SystemExit):
        return
    plugin = _owner(_modules(problem.__traceback__))
    if plugin:
        note(problem, plugin)
    elif "efipolicy.cli.running" not in sys.modules:
        _before_of_threads(raised)
        return
    name = one_line(raised.thread.name) if raised.thread else "without a name"
    _tell(f"thread `{name}`", problem)


def _of_nobody(raised: Any) -> None:
    """Tell of what a plugin's callback at exit, or its ``__del__``, raised; else as before us.

    Which of the two it was stands in the words of the interpreter (``err_msg``) alone.
    """
    problem = raised.exc_value
    of_object = getattr(raised.object, "__module__", None)
    if problem is not None:
        plugin = _owner([*_modules(raised.exc_traceback), str(of_object)])
        if plugin:
            note(problem, plugin)
            at_exit = "atexit" in (raised.err_msg or "")
            _tell("callback at exit" if at_exit else "what is left", problem)
            return
    _before(raised)


def _tell(what: str, problem: BaseException) -> None:
    """Print the one line, and count it."""
    error = failure(what, problem)
    if owner_of(problem) is None:
        error = PluginError(f"{error}{raised_at(problem)}")
    failures.append(error)
    if sys.stderr is not None:
        with suppress(OSError, ValueError):  # nobody takes it
            sys.stderr.write(f"efipolicy: error: {error}\n")
            sys.stderr.flush()


def _modules(trace: TracebackType | None) -> Iterator[str]:
    """The modules through which a traceback leads."""
    while trace is not None:
        yield str(trace.tb_frame.f_globals.get("__name__"))
        trace = trace.tb_next


def _owner(modules: Iterable[str]) -> Plugin | None:
    """The plugin to which the first of the modules belongs that belongs to any."""
    plugins = [plugin for plugin in map(Plugin, entry_points()) if not plugin.built_in]
    for module in modules:
        within = [one for one in plugins if _package(one.entry_point.module) == _package(module)]
        # Of several in one package it is the one of the innermost module.
        within.sort(key=lambda one: _shared(one.entry_point.module, module), reverse=True)
        if within:
            return within[0]
    return None


def _package(module: str) -> str:
    return module.partition(".")[0]


def _shared(one: str, other: str) -> int:
    """How many names two dotted names begin with alike."""
    pairs = zip(one.split("."), other.split("."), strict=False)
    return next(
        (n for n, (a, b) in enumerate(pairs) if a != b), min(one.count("."), other.count(".")) + 1
    )
