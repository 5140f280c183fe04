"""Options that commands share, and what they write to."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NoReturn

from efipolicy.cli.running import failures, in_background
from efipolicy.errors import EfipolicyError, PluginError, UsageError
from efipolicy.plugin.registry import Registry


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors are ours to report."""

    def __init__(
        self,
        command: str,
        description: str,
        *,
        output: tuple[str, str] = ("FILE", "write there, not to stdout"),
    ) -> None:
        super().__init__(
            prog=f"efipolicy {command}",
            description=description,
            allow_abbrev=False,
            # Without a width argparse imports shutil, and compression with it, to ask the terminal.
            formatter_class=lambda prog: argparse.HelpFormatter(prog, width=100),
        )
        self.add_argument("-o", "--output", metavar=output[0], help=output[1])
        self.add_argument(
            "--color",
            choices=("auto", "always", "never"),
            default="auto",
            help="colour the output (NO_COLOR and FORCE_COLOR are honoured)",
        )
        self.add_argument("-q", "--quiet", action="store_true", help="print less")
        self.add_argument("-v", "--verbose", action="store_true", help="print more")
        self.add_argument("--debug", action="store_true", help="show a traceback on an error")

    def error(self, message: str) -> NoReturn:
        """Raise what argparse would print."""
        raise UsageError(f"{message} (see {self.prog} --help)")

    def parse(self, arguments: Sequence[str]) -> tuple[argparse.Namespace, UsageError | None]:
        """The options, and an error for what is not one of them.

        The error is returned, so that a command that was asked for JSON can tell it in JSON.
        """
        options, unknown = self.parse_known_args(arguments)
        if not unknown:
            return options, None
        from efipolicy.source.shape import suggestion

        known = [name for action in self._actions for name in action.option_strings]
        word = unknown[0].partition("=")[0]
        hint = suggestion(word, known) if word.startswith("-") else ""
        return options, UsageError(f"unknown argument `{word}`{hint} (see {self.prog} --help)")


def add_reading_options(parser: argparse.ArgumentParser) -> None:
    """How captures are read."""
    parser.add_argument("--arch", metavar="A", help="the architecture of captures")
    parser.add_argument(
        "--from", dest="from_format", metavar="FORMAT", help="read captures as this"
    )
    parser.add_argument(
        "--descriptor-size",
        type=_descriptor_size,
        metavar="N",
        help="bytes from one descriptor to the next in raw memory",
    )
    parser.add_argument(
        "--stdin-filename", metavar="NAME", default="<stdin>", help="the name to show for `-`"
    )


def _descriptor_size(text: str) -> int:
    """At least the 40 bytes of EFI_MEMORY_DESCRIPTOR, a multiple of 8 (UEFI 2.10, 7.2.3)."""
    try:
        size = int(text, 0)
    except ValueError:
        size = 0
    if not 40 <= size <= 4096 or size % 8:
        raise argparse.ArgumentTypeError(
            f"{text}: expected a multiple of 8 from 40 to 4096, in bytes"
        )
    return size


def add_configuration_options(parser: argparse.ArgumentParser) -> None:
    """Which configuration counts."""
    parser.add_argument(
        "--config", metavar="FILE", help="this configuration, not the nearest .efipolicy.yaml"
    )
    parser.add_argument("--isolated", action="store_true", help="no configuration at all")


def add_json_option(parser: argparse.ArgumentParser) -> None:
    """Text for people or JSON for programs."""
    parser.add_argument("--format", choices=("text", "json"), default="text", help="how to print")


@contextmanager
def errors_as_json(arguments: Sequence[str], empty: Callable[[], dict[str, Any]]) -> Iterator[None]:
    """Tell an error in JSON too, if JSON was asked for, and let it go on to the exit status.

    ``empty`` makes the command's JSON with nothing in it, to which the errors are added. The
    arguments are read as they stand, since it may be they that are wrong.
    """
    try:
        yield
    except EfipolicyError as error:
        wanted = [text.partition("=") for text in _values_of(arguments, "--format")]
        for name, _, file in wanted:
            if name == "json":
                from efipolicy.reporters.lint_json import dump, error_json

                problems = [*getattr(error, "problems", [error]), *failures(), *in_background()]
                errors = {"errors": [error_json(problem) for problem in problems]}
                outputs = [*_values_of(arguments, "--output"), *_values_of(arguments, "-o")]
                target = file or (outputs[-1] if outputs else None)
                write(dump({"version": 1, **empty(), **errors}), target)
        raise


def with_errors(
    text: str, form: str, registry: Registry, others: Sequence[EfipolicyError] = ()
) -> str:
    """What a command prints; where that is JSON, what failed in plugins meanwhile is in it too.

    ``form`` is the format that was asked for. ``others`` are errors the registry does not know.
    """
    errors = [*others, *registry.errors, *in_background()]
    if form != "json" or not errors:
        return text
    import json

    from efipolicy.reporters.lint_json import dump, error_json

    value = json.loads(text)
    told = value.setdefault("errors", [])
    told += [one for one in map(error_json, errors) if one not in told]
    return dump(value)


def _values_of(arguments: Sequence[str], option: str) -> list[str]:
    """The values given to an option, as ``--option value`` or ``--option=value``."""
    values = []
    for place, word in enumerate(arguments):
        if word == option and place + 1 < len(arguments):
            values.append(arguments[place + 1])
        elif word.startswith(f"{option}="):
            values.append(word[len(option) + 1 :])
    return values


def known_architecture(name: str | None, registry: Registry) -> str | None:
    """The name, when it is installed. Raises `PluginError` otherwise."""
    if name is not None and name not in registry.architectures:
        from efipolicy.plugin.elsewhere import not_installed

        raise PluginError(not_installed(name, registry))
    return name


def known_format(name: str | None, registry: Registry) -> str | None:
    """The name of a capture format or dialect. Raises `UsageError` for an unknown one."""
    if name is None:
        return None
    dialects = (dialect for form in registry.formats.values() for dialect in form.dialects)
    known = list(dict.fromkeys((*registry.formats, *dialects)))
    if name not in known:
        from efipolicy.plugin.elsewhere import nothing_of, whose

        told = nothing_of("formats")
        if known:
            told = ", ".join(known) + whose("formats", name, registry)
        raise UsageError(f"unknown capture format `{name}`; known: {told}")
    return name


def wants_color(choice: str) -> bool:
    """Whether to colour: what was asked for, else the environment, else only on a terminal."""
    if choice != "auto":
        return choice == "always"
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return sys.stdout is not None and sys.stdout.isatty()


def write(text: str, path: str | None) -> None:
    """Write to a file, or to standard output. Raises `UsageError` for a file that cannot be."""
    if path is None or path == "-":
        if sys.stdout is not None:
            reconfigure: Any = getattr(sys.stdout, "reconfigure", None)
            if reconfigure:
                reconfigure(errors="backslashreplace")
            sys.stdout.write(text)
        return
    try:
        with open(path, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(text)
    except OSError as problem:
        reason = (problem.strerror or str(problem)).lower()
        raise UsageError(f"cannot write {path}: {reason}") from problem


def today(stated: str | None) -> str:
    """The day it is: what was stated, else SOURCE_DATE_EPOCH, else the clock. An ISO date."""
    from datetime import UTC, date, datetime

    try:
        if stated is not None:
            return date.fromisoformat(stated).isoformat()
    except ValueError as problem:
        raise UsageError(
            f"not a date: {stated or '(nothing)'} (write it as 2027-03-31)"
        ) from problem
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    try:
        if epoch:
            return datetime.fromtimestamp(int(epoch), UTC).date().isoformat()
    except (ValueError, OverflowError, OSError) as problem:
        raise UsageError(
            f"SOURCE_DATE_EPOCH={epoch} is no day (it counts seconds since 1970)"
        ) from problem
    return datetime.now(UTC).date().isoformat()


def today_as_told(arguments: Sequence[str]) -> str:
    """The day for who reports that something is wrong, be it what the day was stated as."""
    stated = _values_of(arguments, "--today")
    for attempt in (stated[-1] if stated else None, None):
        try:
            return today(attempt)
        except UsageError:
            continue
    from datetime import UTC, datetime

    return datetime.now(UTC).date().isoformat()
