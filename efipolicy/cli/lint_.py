"""``efipolicy lint``: the main job."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence

from efipolicy.api import exit_status, lint_paths, load_registry, selection_of
from efipolicy.cli import options as cli_options
from efipolicy.cli.reading import reading_options
from efipolicy.cli.running import report_bug
from efipolicy.errors import EfipolicyError, UsageError
from efipolicy.model.finding import Report, Severity
from efipolicy.plugin import RenderOptions, Reporter
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


def run(arguments: Sequence[str]) -> int:
    """Lint, print, and return the exit status."""
    options, problem = _parser().parse(arguments)
    outputs = [_output(text) for text in options.format] or [("text", None)]
    today = cli_options.today(options.today)
    try:
        if problem:
            raise problem
        registry = load_registry()
        if sum(1 for _, file in outputs if file is None) > 1:
            raise UsageError("two formats for one output; give one a file: --format json=FILE")
        selection = selection_of(
            registry,
            policies=options.policy,
            select=options.select,
            ignore=options.ignore,
        )
        reading = reading_options(options, registry)
        reporters = [(_reporter(name, registry), file) for name, file in outputs]
        report = lint_paths(
            options.paths or ["."],
            registry,
            selection,
            today=today,
            options=reading,
            progress=_progress(quiet=options.quiet),
        )
    except EfipolicyError as refusal:
        if options.debug or not any(name == "json" for name, _ in outputs):
            raise
        report = Report(inputs=(), errors=(refusal,), today=today)
        reporters = _json_only(outputs)
    for error in report.errors:
        bug = getattr(error, "problem", None)
        if isinstance(bug, Exception):
            print(report_bug(bug), file=sys.stderr)
    rendering = RenderOptions(
        color=cli_options.wants_color(options.color),
        quiet=options.quiet,
        verbose=options.verbose,
    )
    for reporter, file in reporters:
        target = file or options.output
        plain = RenderOptions(quiet=options.quiet, verbose=options.verbose)
        text = reporter.render(report, plain if target else rendering)
        cli_options.write(text, target)
    return int(exit_status(report, fail_on=Severity(options.fail_on)))


def _json_only(outputs: list[tuple[str, str | None]]) -> list[tuple[Reporter, str | None]]:
    from efipolicy.reporters.lint_json import render_json

    reporter = Reporter(name="json", title="for programs, versioned", render=render_json)
    return [(reporter, file) for name, file in outputs if name == "json"]


def _output(text: str) -> tuple[str, str | None]:
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
            print(
                f"\r{done}/{total}\x1b[K",
                end="" if done < total - 1 else "\r\x1b[K",
                file=sys.stderr,
            )

    return show
