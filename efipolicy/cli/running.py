"""Choose the command, run it, and turn whatever happens into an exit status."""

from __future__ import annotations

import contextlib
import gc
import os
import sys
from importlib import import_module
from typing import TYPE_CHECKING, TextIO

from efipolicy import __version__
from efipolicy.cli import COMMANDS
from efipolicy.errors import EfipolicyError, ExitStatus, PluginError, UsageError

if TYPE_CHECKING:
    from efipolicy.plugin.registry import Registry

INTERRUPTED = 130

_in_use: list[Registry] = []
"""The plugins of the command that runs."""
_complaints: list[str] = []
"""What it has complained of."""


def run(arguments: list[str]) -> int:
    """Run the command that the arguments name. No exception leaves this function."""
    # A run is short and makes few cycles; looking for them while modules load costs milliseconds.
    gc.set_threshold(100_000)
    _in_use.clear()
    _complaints.clear()
    _leave_out_the_working_directory()
    debug = "--debug" in arguments
    if debug:
        _show_tracebacks(wanted=True)
    try:
        status = _dispatch(arguments)
        if sys.stdout is not None:
            sys.stdout.flush()
    except EfipolicyError as problem:
        if debug:
            raise
        for one in getattr(problem, "problems", [problem]):
            complain(str(one))
        status = max(int(problem.status), *map(_told, failures()), 0)
    except BrokenPipeError:
        discard(sys.stdout)
        status = int(ExitStatus.OK)
    except OSError as problem:
        if debug:
            raise
        discard(sys.stdout)
        complain(f"cannot write the output: {(problem.strerror or str(problem)).lower()}")
        status = max(int(ExitStatus.USAGE), *map(_told, failures()), 0)
    except KeyboardInterrupt:
        status = INTERRUPTED
    except Exception as problem:
        if debug:
            raise
        complain(report_bug(problem))
        status = int(ExitStatus.INTERNAL)
    finally:
        if debug:
            _show_tracebacks(wanted=False)
    return max(status, _status_of_the_background())


def _status_of_the_background() -> int:
    """4 if a thread of a plugin's failed so far, which is told already."""
    failed = in_background()
    status = int(ExitStatus.PLUGIN if failed else ExitStatus.OK)
    failed.clear()
    return status


def in_background() -> list[PluginError]:
    """What a thread of a plugin's raised, and is told already on standard error."""
    background = sys.modules.get("efipolicy.plugin.background")
    return getattr(background, "failures", [])


def _leave_out_the_working_directory() -> None:
    """Import nothing from where inputs lie only because a part of PYTHONPATH is empty.

    Python takes such a part for the working directory, and ``PYTHONPATH=$PYTHONPATH:/opt/acme`` has
    one where the variable was not set. A directory that is named stays, be it as a dot, and so
    does a checkout of ours. What Python itself imports as it starts comes before and is beyond us.
    """
    parts = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    if len(parts) < 2 or "" not in parts:
        return
    with contextlib.suppress(OSError):
        here = os.getcwd()
        named = {os.path.realpath(part) for part in parts if part}
        named.add(os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__)))))
        if os.path.realpath(here) not in named:
            sys.path[:] = [path for path in sys.path if path != here]


def _show_tracebacks(*, wanted: bool) -> None:
    """Whether what plugins raise is shown in full, besides its one line."""
    from efipolicy.plugin import calling

    calling.show_tracebacks = wanted


def discard(stream: TextIO) -> None:
    """Nobody takes what we print there; nothing more may be written, not even at shutdown."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _dispatch(arguments: list[str]) -> int:
    words = [word for word in arguments if word != "--debug"]
    if not words:
        tell(f"{usage()}\n", end="")
        return int(ExitStatus.USAGE)
    name = words[0]
    if name in ("-h", "--help", "help"):
        print(usage())
        return int(ExitStatus.OK)
    if name == "--version":
        print_version(words[1:])
        return int(ExitStatus.OK)
    if name not in COMMANDS:
        from efipolicy.source.shape import suggestion

        kind = "option" if name.startswith("-") else "command"
        known = ", ".join(COMMANDS)
        raise UsageError(f"unknown {kind} `{name}`; commands: {known}{suggestion(name, COMMANDS)}")
    module = import_module(f"efipolicy.cli.{name.replace('-', '_')}_")
    status: int = module.run(words[1:])
    return status


def usage() -> str:
    """The help of the program."""
    width = max(map(len, COMMANDS))
    commands = "\n".join(f"  {name:<{width}}  {text}" for name, text in COMMANDS.items())
    return (
        f"efipolicy {__version__}: lint UEFI memory maps and mapping policies\n\n"
        "usage: efipolicy COMMAND [OPTION...] [ARGUMENT...]\n\n"
        f"{commands}\n\n"
        "efipolicy COMMAND --help tells more; efipolicy --version prints the version\n"
        "exit status: 0 clean, 1 findings, 2 usage, 3 unreadable input, 4 plugin, 5 our bug"
    )


def print_version(options: list[str]) -> None:
    """Print the version, and with ``--verbose`` what efipolicy runs on."""
    print(f"efipolicy {__version__}")
    if any(option in ("-v", "--verbose") for option in options):
        from platform import python_implementation, python_version

        from efipolicy.source.yaml_parser import parser_in_use

        print(f"Python {python_version()} ({python_implementation()})")
        print(f"YAML parser {parser_in_use()}")


def load_registry() -> Registry:
    """The installed plugins, as of `efipolicy.api.load_registry`, for a command.

    Those that failed are told, and count for the exit status, whatever else ends the command.
    """
    from efipolicy.api import load_registry as load

    return in_use(load())


def in_use(registry: Registry) -> Registry:
    """The plugins as those of the command that runs: see `load_registry`."""
    _in_use.append(registry)
    return registry


def failures() -> list[PluginError]:
    """What failed in the plugins of the command that runs, and is not told yet."""
    errors = [error for registry in _in_use for error in registry.errors]
    return [error for error in errors if str(error) not in _complaints]


def plugin_status(registry: Registry) -> int:
    """Complain of every plugin that failed; the exit status that leaves."""
    return max([int(ExitStatus.OK), *map(_told, registry.errors)])


def _told(error: EfipolicyError) -> int:
    """Complain of an error; the exit status it means."""
    complain(str(error))
    return int(error.status)


def complain(message: str) -> None:
    """Print an error to standard error."""
    _complaints.append(message)
    tell(f"efipolicy: error: {message}")


def _on_one_line(message: str) -> str:
    """A message whose names, such as those of files, can neither end its line nor move a cursor."""
    if message.isprintable():
        return message
    return "".join(one if one.isprintable() else repr(one)[1:-1] for one in message)


def tell(line: str, *, end: str = "\n") -> None:
    """Print to standard error, when there is one that takes it.

    With the usual end it is one line, whatever it names.
    """
    if sys.stderr is None:
        return
    if end == "\n":
        line = _on_one_line(line)
    try:
        print(line, end=end, file=sys.stderr, flush=True)
    except (OSError, ValueError):
        discard(sys.stderr)


def report_bug(problem: Exception) -> str:
    """Write a traceback to a file, and say in one line that the fault is ours."""
    import tempfile
    from traceback import format_exception

    text = "".join(format_exception(problem))
    with tempfile.NamedTemporaryFile(
        "w", prefix="efipolicy-", suffix=".txt", delete=False, encoding="utf-8"
    ) as file:
        file.write(f"efipolicy {__version__}\nPython {sys.version}\n\n{text}")
    return f"internal error: {type(problem).__name__}: {problem} (report written to {file.name})"
