"""``efipolicy lint``: the main job."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from typing import Any

from efipolicy.api import InternalError, exit_status, lint_paths, load_registry, selection_of
from efipolicy.cli import options as cli_options
from efipolicy.cli.reading import reading_options
from efipolicy.cli.running import complain, report_bug, tell
from efipolicy.errors import ExitStatus, PluginError, UsageError
from efipolicy.model.finding import Report, Severity
from efipolicy.plugin import RenderOptions, Reporter
from efipolicy.plugin.calling import call
from efipolicy.plugin.registry import Registry


def _parser() -> cli_options.Parser:
    parser = cli_options.Parser("lint", "Lint platform files and captured memory maps.")
    parser.add_argument("paths", nargs="*", metavar="PATH", help="file, directory, glob or `-`")
    parser.add_argument(
        "--policy", action="append", default=[], metavar="NAME|FILE", help="which rules count"
    )
    parser.add_argument("--select", action="append", default=[], metavar="GLOB", help="only these")
    parser.add_argument("--ignore", action="append", default=[], metavar="GLOB", help="not these")
    parser.add_argument(
        "--fail-on",
        choices=[severity.value for severity in Severity],
        default=Severity.ERROR.value,
        help="the least severity that makes the exit status 1",
    )
    parser.add_argument(
        "--format",
        action="append",
        default=[],
        metavar="F[=FILE]",
        help="how to print (text, json); repeatable, all but one with a file",
    )
    parser.add_argument("--today", metavar="DATE", help="the day acceptances are looked at")
    cli_options.add_reading_options(parser)
    return parser


Output = tuple[str, str | None]
"""The name of a format, and the file it goes to unless to the standard output."""


def run(arguments: Sequence[str]) -> int:
    """Lint, print, and return the exit status."""
    with cli_options.errors_as_json(arguments, _nothing):
        options, problem = _parser().parse(arguments)
        if problem:
            raise problem
        outputs = [_output(text) for text in options.format] or [("text", None)]
        if sum(1 for _, file in outputs if file is None) > 1:
            raise UsageError("two formats for one output; give one a file: --format json=FILE")
        registry = load_registry()
        reporters = [(_reporter(name, registry), file) for name, file in outputs]
        report = _report(options, registry)
    for error in report.errors:
        if isinstance(error, InternalError):
            tell(report_bug(error.problem))
    status = exit_status(report, fail_on=Severity(options.fail_on))
    return max(int(status), _print(report, reporters, options))


def _nothing() -> dict[str, Any]:
    """The JSON of a lint that looked at nothing."""
    summary = {**{severity.value: 0 for severity in Severity}, "accepted": 0}
    today = cli_options.clock()
    return {"inputs": [], "findings": [], "errors": [], "summary": summary, "today": today}


def _report(options: argparse.Namespace, registry: Registry) -> Report:
    """What linting comes to, as the command line asks for it."""
    return lint_paths(
        options.paths or ["."],
        registry,
        selection_of(
            registry, policies=options.policy, select=options.select, ignore=options.ignore
        ),
        today=cli_options.today(options.today),
        options=reading_options(options, registry),
        progress=_progress(quiet=options.quiet),
    )


def _print(
    report: Report, reporters: list[tuple[Reporter, str | None]], options: argparse.Namespace
) -> int:
    """Write the report in every format; a reporter that fails is told, the others go on."""
    status = ExitStatus.OK
    for reporter, file in reporters:
        target = file or options.output
        rendering = RenderOptions(
            color=not target and cli_options.wants_color(options.color),
            quiet=options.quiet,
            verbose=options.verbose,
        )
        try:
            text = call(f"reporter {reporter.name}", reporter.render, report, rendering, gives=str)
        except PluginError as problem:
            complain(str(problem))
            status = ExitStatus.PLUGIN
        else:
            cli_options.write(text, target)
    return int(status)


def _output(text: str) -> Output:
    name, equals, file = text.partition("=")
    if equals and not file:
        raise UsageError(f"--format {text} names no file")
    return name, file or None


def _reporter(name: str, registry: Registry) -> Reporter:
    reporter = registry.reporters.get(name)
    if reporter is None:
        from efipolicy.source.shape import suggestion

        known = ", ".join(sorted(registry.reporters))
        hint = suggestion(name, registry.reporters)
        raise UsageError(f"unknown format `{name}`; known: {known}{hint}")
    return reporter


def _progress(*, quiet: bool) -> Callable[[int, int], None] | None:
    """Show how far a long run is, on a terminal and nowhere else."""
    if quiet or sys.stderr is None or not sys.stderr.isatty():
        return None

    def show(done: int, total: int) -> None:
        if total > 20:
            tell(f"\r{done}/{total}\x1b[K", end="" if done < total - 1 else "\r\x1b[K")

    return show
