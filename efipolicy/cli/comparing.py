"""The inputs of ``efipolicy diff``: read, judged as ``lint`` does it, taken apart into boots."""

from __future__ import annotations

import argparse
import os

from efipolicy.api import (
    ReadInput,
    configuration_of,
    missing_architecture,
    open_source,
    read_source,
    selection_of,
)
from efipolicy.cli import options as cli_options
from efipolicy.cli.reading import reading_options
from efipolicy.engine.differing import Boot, boots_in
from efipolicy.engine.linting import lint
from efipolicy.engine.planning import planner_of
from efipolicy.errors import EfipolicyError, PluginError
from efipolicy.formats.inputs import STDIN, Inputs
from efipolicy.model.platform import Acceptance, Platform
from efipolicy.named_tuple import NamedTuple
from efipolicy.plugin import RenderOptions
from efipolicy.plugin.registry import Registry
from efipolicy.policy import Selection
from efipolicy.source import InputError


class Comparison(NamedTuple):
    """What the command line says of a comparison. ``today`` is an ISO date."""

    options: argparse.Namespace
    registry: Registry
    selection: Selection
    acceptances: tuple[Acceptance, ...]
    today: str

    def read(self, path: str) -> tuple[ReadInput | None, list[EfipolicyError]]:
        """An input, if it can be read, and everything that is wrong with it."""
        options = reading_options(self.options, self.registry)
        try:
            source = open_source(
                path, stdin_name=options.stdin_name, descriptor_size=options.descriptor_size
            )
        except InputError as problem:
            return None, [problem]
        read, problems = read_source(source, self.registry, options)
        if read:
            architecture = read.platform.architecture
            missing = missing_architecture(architecture, read.path, self.registry)
            problems += [missing] if missing else []
        return read, problems

    @property
    def rendering(self) -> RenderOptions:
        """How the text is to look."""
        options = self.options
        color = options.color == "always" or (
            not options.output and cli_options.wants_color(options.color)
        )
        return RenderOptions(color=color, quiet=options.quiet, verbose=options.verbose)

    def judge(
        self, read: ReadInput, platform: Platform, name: str
    ) -> tuple[Boot, list[EfipolicyError]]:
        """A boot of an input, linted, and what failed meanwhile."""
        failed: list[PluginError] = []
        report, failures = lint(
            platform,
            self.registry.rules.values(),
            self.registry.architectures,
            self.selection,
            path=read.path,
            kind=read.kind,
            format=read.format,
            today=self.today,
            planner=planner_of(platform, self.registry, failed),
            acceptances=self.acceptances,
        )
        return Boot(name, report), [*failures, *failed]


def comparison(options: argparse.Namespace, registry: Registry) -> Comparison:
    """The comparison that was asked for. Raises `UsageError` for what does not exist."""
    configuration = None if options.isolated else configuration_of(options.config)
    selection = selection_of(
        registry,
        policies=options.policy,
        select=options.select,
        ignore=options.ignore,
        configuration=configuration,
    )
    acceptances = configuration.accept if configuration else ()
    today = cli_options.today(options.today)
    return Comparison(options, registry, selection, acceptances, today)


def named_boots(read: ReadInput) -> list[tuple[Platform, str]]:
    """The boots of an input, each with a name that tells it from the others of the same text."""
    platforms = boots_in(read.platform)
    if len(platforms) == 1:
        return [(platforms[0], read.path)]
    return [(one, f"{read.path}:{_line(one)}") for one in platforms]


def _line(platform: Platform) -> int:
    located = platform.memory_map.located
    return located.span.line if located else 1


def expanded(paths: list[str], errors: list[EfipolicyError]) -> list[tuple[str, bool]]:
    """The logs that the arguments name, each with whether it was named itself.

    A directory that is an input itself, such as one of sysfs, is one boot.
    """
    found: list[tuple[str, bool]] = []
    for path in paths:
        inputs = Inputs([path])
        if path != STDIN and os.path.isdir(path) and _is_an_input(path):
            found.append((path, True))
        else:
            found += inputs.found.items()
            errors += inputs.errors
    return found


def _is_an_input(folder: str) -> bool:
    try:
        open_source(folder)
    except InputError:
        return False
    return True
