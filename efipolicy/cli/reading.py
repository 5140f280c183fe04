"""Read the one input of a command that takes just one."""

from __future__ import annotations

import argparse

from efipolicy.api import ReadingOptions, ReadInput, open_source, read_source
from efipolicy.cli.options import known_architecture, known_format
from efipolicy.cli.running import tell
from efipolicy.errors import EfipolicyError, PluginError
from efipolicy.plugin.registry import Registry


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


def read_one(path: str, options: argparse.Namespace, registry: Registry) -> ReadInput:
    """The input. Raises `UnreadableError` with everything that is wrong with it.

    A capture format that failed counts, whether or not another could read the text. A declared
    mapping that means nothing is the business of who plans it.
    """
    reading = reading_options(options, registry)
    source = open_source(
        path, stdin_name=reading.stdin_name, descriptor_size=reading.descriptor_size
    )
    read, problems = read_source(source, registry, reading)
    if read is None:
        raise UnreadableError(problems)
    failures = [problem for problem in problems if isinstance(problem, PluginError)]
    if failures:
        raise UnreadableError([*failures])
    if not options.quiet:
        _tell_of_other_boots(path, read)
    return read


def _tell_of_other_boots(path: str, read: ReadInput) -> None:
    """Say that a text holds maps of the firmware that nobody asks about."""
    capture = read.platform.capture
    others = [one for one in capture.other_maps if one.origin == "firmware"] if capture else []
    if others:
        maps = "1 further memory map" if len(others) == 1 else f"{len(others)} further memory maps"
        tell(f"efipolicy: note: {path} holds {maps}; the first is used")
