"""Take what a third party contributes: check it, and remember whose it is when it fails.

Loaded only when a third party's plugin is installed; efipolicy's own are held to the same by its
tests. Whatever a plugin raises, `SystemExit` included, is an exception of one plugin, and what it
prints to standard output never reaches the report that is written there.
"""

from __future__ import annotations

import io
import os
import signal
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, redirect_stdout, suppress
from types import FrameType
from typing import TYPE_CHECKING, Any, TypeVar

from efipolicy.errors import EfipolicyError, PluginError
from efipolicy.paging.entries import EntryFormats
from efipolicy.plugin.calling import call, ending, note, one_line
from efipolicy.plugin.sound import (
    BrokenPromiseError,
    shown,
    sound_findings,
    sound_judgement,
    sound_plan,
    sound_reading,
    sound_seeded,
    sound_text,
)

if TYPE_CHECKING:
    from efipolicy.plugin.discovery import Plugin

T = TypeVar("T")
Sound = Callable[[Any], Any]


class Guarded:
    """A function of a plugin's that tells whose it is when it fails.

    ``sound`` takes the result and raises `BrokenPromiseError` for one that breaks the promise.
    Other attributes are the function's own.
    """

    __slots__ = ("_function", "_plugin", "_sound")

    def __init__(self, function: Callable[..., Any], plugin: Plugin, sound: Sound) -> None:
        self._function = function
        self._plugin = plugin
        self._sound = sound

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        """What the function gives.

        Raises what the function raises, with the plugin noted; `PluginError` for what no plugin may
        do.
        """
        try:
            return quietly(lambda: self._sound(self._function(*arguments, **named)))
        except KeyboardInterrupt:
            raise
        except BaseException as problem:
            if isinstance(problem, Exception):
                # What is wrong with an input a plan may say in our words; a rule has findings.
                ours = isinstance(problem, EfipolicyError) and self._sound is not sound_findings
                if not ours or isinstance(problem, BrokenPromiseError):
                    note(problem, self._plugin)
                raise
            error = leaving(problem)
            note(error, self._plugin)
            raise error from problem

    def __getattr__(self, name: str) -> Any:
        return getattr(self._function, name)


def leaving(problem: BaseException) -> PluginError:
    """The error for a plugin that tried to end the program."""
    return BrokenPromiseError(ending(problem))


def quietly(function: Callable[[], T]) -> T:
    """What a function gives, which is to print nothing to standard output.

    Raises `BrokenPromiseError` for one that does, or that leaves something behind which fails when
    nobody looks, so that Python could but print a traceback, and for one that raises
    `KeyboardInterrupt` though nobody interrupted.
    """
    written = io.BytesIO()
    heard = io.TextIOWrapper(written, encoding="utf-8", errors="replace", write_through=True)
    with _lost() as lost, _past_python(), redirect_stdout(heard), _only_users_interrupt():
        result = function()
    said = b"" if written.closed else written.getvalue()
    if said:
        text = one_line(said.decode("utf-8", "replace"))
        raise BrokenPromiseError(
            f"it printed `{text[:60]}` to standard output, which holds the report "
            f"(standard error is free)"
        )
    if lost:
        raise BrokenPromiseError(f"what it left behind raised {lost[0]}")
    return result


_interrupts: list[int] = []
"""The signals by which a user asked to stop while a plugin was at work."""


def _interrupt(number: int, frame: FrameType | None) -> None:
    """Do what Python does at SIGINT, and remember that it came."""
    _interrupts.append(number)
    signal.default_int_handler(number, frame)


@contextmanager
def _only_users_interrupt() -> Iterator[None]:
    """Let `KeyboardInterrupt` through where a signal came, and blame the plugin where none did.

    Where somebody else handles the signal, be it the plugin, nobody knows, and it is let through. A
    plugin that catches it does not keep the user from stopping.
    """
    first = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if first:
        _handle_interrupts(_interrupt)
    before = len(_interrupts)
    try:
        yield
    except KeyboardInterrupt as problem:
        ours = signal.getsignal(signal.SIGINT) is _interrupt
        if not ours or len(_interrupts) > before:
            raise
        raise leaving(problem) from problem
    except BaseException as problem:
        if len(_interrupts) > before:
            raise KeyboardInterrupt from problem
        raise
    else:
        if len(_interrupts) > before:
            raise KeyboardInterrupt
    finally:
        if first and signal.getsignal(signal.SIGINT) is _interrupt:
            _handle_interrupts(signal.default_int_handler)


def _handle_interrupts(handler: Callable[[int, FrameType | None], Any]) -> None:
    with suppress(ValueError):  # only the main thread may
        signal.signal(signal.SIGINT, handler)


def loading(function: Callable[[], T]) -> T:
    """What a function gives that imports a plugin or asks a hook: as `quietly`, and more.

    It is to leave the working directory, by which inputs are found, and the path on which modules
    are, and not to lower the limit of recursion, by which all else works; all are put back. What is
    added to the path stays. Raises `BrokenPromiseError`.
    """
    from efipolicy.plugin.background import watch

    watch()
    limit, folder = sys.getrecursionlimit(), _working_directory()
    path, places = sys.path, [*sys.path]
    try:
        result = quietly(function)
    finally:
        lowered, moved = sys.getrecursionlimit(), _working_directory()
        if lowered < limit:
            sys.setrecursionlimit(limit)
        if moved != folder and folder:
            os.chdir(folder)
        there: object = sys.path
        taken = [one for one in places if not (isinstance(there, list) and one in there)]
        if taken:
            sys.path = path
            path[:] = places
    if taken:
        raise BrokenPromiseError(
            f"it took {len(taken)} places out of sys.path, where modules are found"
        )
    if lowered < limit:
        raise BrokenPromiseError(f"it lowered the limit of recursion to {lowered}")
    if moved != folder and folder:
        raise BrokenPromiseError(f"it changed the working directory to {moved or 'none'}")
    return result


def _working_directory() -> str:
    try:
        return os.getcwd()
    except OSError:  # it was removed
        return ""


@contextmanager
def _lost() -> Iterator[list[str]]:
    """What is raised where nobody can catch it, such as in ``__del__``, in a line each."""
    raised: list[str] = []
    hook = sys.unraisablehook
    sys.unraisablehook = lambda lost: raised.append(
        lost.exc_type.__name__
        if lost.exc_value is None
        else f"{lost.exc_type.__name__}: {one_line(lost.exc_value)}"
    )
    try:
        yield raised
    finally:
        sys.unraisablehook = hook


@contextmanager
def _past_python() -> Iterator[None]:
    """Let what C code and started programs print go to standard error, not into the report."""
    stdout = sys.__stdout__
    if stdout is None or sys.stdout is not stdout:
        yield  # it is somebody's already: a test's, or that of a plugin we are within
        return
    try:
        stdout.flush()
        kept = os.dup(1)
    except (OSError, ValueError):  # it is closed
        yield
        return
    try:
        if sys.__stderr__ is not None:
            os.dup2(2, 1)
        else:  # there is none, and what has its number now is something else
            with open(os.devnull, "wb") as nowhere:
                os.dup2(nowhere.fileno(), 1)
        yield
    finally:
        with suppress(OSError, ValueError):
            stdout.flush()
        os.dup2(kept, 1)
        os.close(kept)


def guarded(kind: str, value: Any, plugin: Plugin) -> Any:
    """A contribution whose functions tell whose they are when they fail."""
    from dataclasses import replace

    functions: Iterable[tuple[str, Sound]] = _FUNCTIONS.get(kind, ())
    changes = {
        name: Guarded(function, plugin, sound)
        for name, sound in functions
        if (function := getattr(value, name)) is not None
    }
    if kind == "strategies" and value.layouts is not None:
        changes["layouts"] = Guarded(
            value.layouts, plugin, lambda layouts: Guarded(layouts, plugin, sound_seeded)
        )
    if kind == "architectures" and value.entry_formats is not None:
        changes["entry_formats"] = Guarded(
            value.entry_formats, plugin, lambda formats: _described(formats, value.name, plugin)
        )
    return replace(value, **changes) if changes else value


def _described(given: object, architecture: str, plugin: Plugin) -> EntryFormats:
    """The entries of an architecture, whose words for a fault come from its plugin as well.

    They are asked for deep in a walk, where nobody knows the plugin. Raises `BrokenPromiseError`.
    """
    if not isinstance(given, EntryFormats):
        raise BrokenPromiseError(f"it gave {shown(given)}, not EntryFormats")
    words = Guarded(given.describe, plugin, sound_text)
    what = f"the describe of architecture {architecture}"
    return given._replace(describe=lambda fault: str(call(what, words, fault, gives=str)))


_FUNCTIONS: dict[str, tuple[tuple[str, Sound], ...]] = {
    "strategies": (("plan", sound_plan),),
    "handovers": (("judge", sound_judgement),),
    "rules": (("check", sound_findings),),
    "formats": (("read", sound_reading),),
    "reporters": (("render", sound_text),),
}
