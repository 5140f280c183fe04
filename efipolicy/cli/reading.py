"""Read the one input of a command that takes just one."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence

from efipolicy.api import (
    ReadingOptions,
    ReadInput,
    missing_architecture,
    open_source,
    read_source,
)
from efipolicy.cli.options import known_architecture, known_format
from efipolicy.cli.running import complain, tell
from efipolicy.errors import EfipolicyError, ExitStatus, PluginError
from efipolicy.plugin.registry import Registry
from efipolicy.source import InputError


class UnreadableError(EfipolicyError):
    """All the reasons why an input cannot be read, each on its line."""

    def __init__(self, problems: list[EfipolicyError]) -> None:
        self.problems = problems
        self.status = max(problem.status for problem in problems)
        super().__init__("\n".join(str(problem) for problem in problems))


def reading_options(options: argparse.Namespace, registry: Registry) -> ReadingOptions:
    """What the command line says of inputs, checked against what is installed."""
    return ReadingOptions(
        architecture=known_architecture(options.arch, registry),
        format=known_format(options.from_format, registry),
        descriptor_size=options.descriptor_size,
        stdin_name=options.stdin_filename,
    )


def read_all(
    paths: Sequence[str], options: argparse.Namespace, registry: Registry
) -> list[ReadInput]:
    """The inputs, to be planned. Raises `UnreadableError` with what is wrong with all of them."""
    inputs: list[ReadInput] = []
    problems: dict[str, EfipolicyError] = {}
    for path in paths:
        try:
            inputs.append(read_one(path, options, registry))
        except UnreadableError as unreadable:
            problems |= {str(problem): problem for problem in unreadable.problems}
        except InputError as problem:
            problems[str(problem)] = problem
    if problems:
        raise UnreadableError([*problems.values()])
    return inputs


def read_one(
    path: str, options: argparse.Namespace, registry: Registry, *, to_plan: bool = True
) -> ReadInput:
    """The input. Raises `UnreadableError` with everything that is wrong with it.

    An architecture that is not installed is wrong where the input is wanted ``to_plan``; else
    `architecture_status` tells of it. A capture format that failed where another could read the
    text is noted among the errors of the registry. A declared mapping that means nothing is the
    business of who plans it.
    """
    reading = reading_options(options, registry)
    source = open_source(
        path, stdin_name=reading.stdin_name, descriptor_size=reading.descriptor_size
    )
    read, problems = read_source(source, registry, reading)
    if read is None:
        raise UnreadableError(problems)
    note_failures(problems, registry)
    missing = missing_architecture(read.platform.architecture, read.path, registry, so="")
    if missing and to_plan:
        raise UnreadableError([missing])
    if not options.quiet:
        _tell_of_other_boots(path, read)
    return read


def note_failures(problems: Iterable[EfipolicyError], registry: Registry) -> None:
    """Note the failures of plugins, so that they are told and count though the work goes on."""
    for problem in problems:
        if isinstance(problem, PluginError):
            registry.note_failure(problem)


def architecture_status(read: ReadInput, registry: Registry, *, so: str) -> int:
    """0, or 4 where no plugin knows the architecture, which is said; ``so`` says what follows."""
    missing = missing_architecture(read.platform.architecture, read.path, registry, so=so)
    if missing is None:
        return int(ExitStatus.OK)
    complain(str(missing))
    return int(missing.status)


def _tell_of_other_boots(path: str, read: ReadInput) -> None:
    """Say that a text holds maps of the firmware that nobody asks about."""
    capture = read.platform.capture
    others = [one for one in capture.other_maps if one.origin == "firmware"] if capture else []
    if others:
        maps = "1 further memory map" if len(others) == 1 else f"{len(others)} further memory maps"
        tell(f"efipolicy: note: {path} holds {maps}; the first is used")


def tell_of_other_mappings(read: ReadInput, options: argparse.Namespace) -> None:
    """Say that a platform declares further mappings, of which a command on one does not speak."""
    first, *others = read.platform.mapping or (None,)
    if first and others and options.strategy is None and not options.quiet:
        system = f", of {first.os}" if first.os else ""
        tell(
            f"efipolicy: note: {read.path} declares {len(others) + 1} mappings; this is the "
            f"first{system} (--strategy chooses another)"
        )
