"""``efipolicy lint``: the main job."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from efipolicy.api import (
    InternalError,
    configuration_of,
    exit_status,
    lint_paths,
    selection_of,
)
from efipolicy.cli import options as cli_options
from efipolicy.cli.reading import reading_options
from efipolicy.cli.running import complain, in_background, load_registry, report_bug, tell
from efipolicy.errors import ExitStatus, PluginError, UsageError
from efipolicy.model.finding import Report, Severity
from efipolicy.plugin import RenderOptions, Reporter, Rule
from efipolicy.plugin.calling import call
from efipolicy.plugin.registry import Registry

if TYPE_CHECKING:
    from efipolicy.cli.fixing import Fixing
    from efipolicy.policy.configuration import Configuration


def _parser() -> cli_options.Parser:
    parser = cli_options.Parser("lint", "Lint platform files and captured memory maps.")
    parser.add_argument("paths", nargs="*", metavar="PATH", help="file, directory, glob or `-`")
    parser.add_argument(
        "--policy", action="append", default=[], metavar="NAME|FILE", help="which rules count"
    )
    parser.add_argument("--select", action="append", default=[], metavar="GLOB", help="only these")
    parser.add_argument("--ignore", action="append", default=[], metavar="GLOB", help="not these")
    parser.add_argument(
        "--preview", action="store_true", help="judge by rules that are new or stricter, too"
    )
    parser.add_argument(
        "--fail-on",
        choices=[severity.value for severity in Severity],
        help="the least severity that makes the exit status 1 (error)",
    )
    parser.add_argument(
        "--format",
        action="append",
        default=[],
        metavar="F[=FILE]",
        help="how to print (text, json, sarif, junit, github, gitlab, markdown, html); "
        "repeatable, all but one with a file",
    )
    parser.add_argument("--fix", action="store_true", help="fix platform files where it is safe")
    parser.add_argument(
        "--unsafe",
        action="store_true",
        help="with --fix or --diff: also where only someone who knows the platform can tell",
    )
    parser.add_argument(
        "--diff", action="store_true", help="change nothing; show what --fix would change"
    )
    parser.add_argument(
        "--statistics", action="store_true", help="count the findings of each rule, show none"
    )
    parser.add_argument("--baseline", metavar="FILE", help="accept the findings known there")
    parser.add_argument(
        "--write-baseline", metavar="FILE", help="make what is found now the known findings"
    )
    parser.add_argument("--today", metavar="DATE", help="the day acceptances are looked at")
    cli_options.add_reading_options(parser)
    cli_options.add_configuration_options(parser)
    return parser


Output = tuple[str, str | None]
"""The name of a format, and the file it goes to unless to the standard output."""


def run(arguments: Sequence[str]) -> int:
    """Lint, print, and return the exit status."""
    with cli_options.errors_as_json(arguments, lambda: _nothing(arguments)):
        options, problem = _parser().parse(arguments)
        if problem:
            raise problem
        outputs = [_output(text) for text in options.format] or [("text", None)]
        _refuse_one_place_for_two(outputs, options)
        registry = load_registry()
        reporters = [(_reporter(name, registry), file) for name, file in outputs]
        fixer = _fixer(options)
        configuration = _configuration(options)
        report = _report(options, registry, fixer, configuration)
        report, status = _known(report, options, registry)
    for error in report.errors:
        if isinstance(error, InternalError):
            tell(report_bug(error.problem))
    if fixer and options.diff:
        return fixer.print_differences(report, options.output)
    if fixer:
        report = report._replace(fixed=fixer.summary)
    return max(int(status), _print(report, reporters, options, fixer, registry.rules))


def _refuse_one_place_for_two(outputs: list[Output], options: argparse.Namespace) -> None:
    """Raise where two formats, or a format and the baseline, would be written to one place."""
    targets = [file or options.output for _, file in outputs]
    places = [None if target in (None, "-") else os.path.realpath(target) for target in targets]
    if len(set(places)) < len(places):
        raise UsageError("two formats for one output; give one a file: --format json=FILE")
    baseline = options.write_baseline
    if baseline and options.diff:
        raise UsageError("--diff changes nothing; write the baseline without it")
    if baseline and (baseline == "-" or os.path.realpath(baseline) in places):
        raise UsageError(f"--write-baseline {baseline}: the baseline wants a file of its own")


def _known(report: Report, options: argparse.Namespace, registry: Registry) -> tuple[Report, int]:
    """The report beside its baseline, and the status; writing one, no finding counts."""
    fail_on = Severity(options.fail_on)
    if options.baseline or options.write_baseline:
        from efipolicy.cli import baselining

        if options.baseline:
            report = baselining.compared(report, options.baseline, registry)
        if options.write_baseline:
            baselining.write(report, options.write_baseline, registry, quiet=options.quiet)
            return report, max([ExitStatus.OK, *(error.status for error in report.errors)])
    return report, exit_status(report, fail_on=fail_on)


def _fixer(options: argparse.Namespace) -> Fixing | None:
    """What fixes the inputs, if the command line asks for it."""
    if not (options.fix or options.unsafe or options.diff):
        return None
    from efipolicy.cli.fixing import fixer_of

    return fixer_of(options, formats=len(options.format))


def _nothing(arguments: Sequence[str]) -> dict[str, Any]:
    """The JSON of a lint that looked at nothing."""
    summary = {**{severity.value: 0 for severity in Severity}, "accepted": 0}
    today = cli_options.today_as_told(arguments)
    return {"inputs": [], "findings": [], "errors": [], "summary": summary, "today": today}


def _configuration(options: argparse.Namespace) -> Configuration | None:
    """The configuration, if there is one; what it says fills what the command line leaves open.

    Raises `UsageError` for what is wrong with it.
    """
    if options.config and options.isolated:
        raise UsageError("--config names a configuration and --isolated wants none")
    configuration = None if options.isolated else configuration_of(options.config)
    if configuration:
        if options.fail_on is None and configuration.fail_on:
            options.fail_on = configuration.fail_on.value
        if options.baseline is None and not options.write_baseline:
            options.baseline = configuration.baseline
    options.fail_on = options.fail_on or Severity.ERROR.value
    return configuration


def _report(
    options: argparse.Namespace,
    registry: Registry,
    fixer: Fixing | None,
    configuration: Configuration | None,
) -> Report:
    """What linting comes to, as the command line asks for it."""
    return lint_paths(
        options.paths or ["."],
        registry,
        selection_of(
            registry,
            policies=options.policy,
            select=options.select,
            ignore=options.ignore,
            preview=options.preview,
            configuration=configuration,
        ),
        today=cli_options.today(options.today),
        options=reading_options(options, registry),
        progress=_progress(quiet=options.quiet),
        fixer=fixer,
        acceptances=configuration.accept if configuration else (),
        configuration=configuration.path if configuration else None,
        exclude=configuration.excludes if configuration and configuration.exclude else None,
    )


def _print(
    report: Report,
    reporters: list[tuple[Reporter, str | None]],
    options: argparse.Namespace,
    fixer: Fixing | None,
    rules: Mapping[str, Rule],
) -> int:
    """Write the report in every format; a reporter that fails is told, the others go on."""
    status = ExitStatus.OK
    aside = fixer is not None and fixer.print_input()
    for reporter, file in reporters:
        target = file or options.output
        rendering = RenderOptions(
            color=options.color == "always"
            or (not (target or aside) and cli_options.wants_color(options.color)),
            quiet=options.quiet,
            verbose=options.verbose,
            statistics=options.statistics,
            fail_on=Severity(options.fail_on),
            rules=rules,
        )
        told = report
        if reporter.name != "text":  # people read it on standard error
            told = report._replace(errors=(*report.errors, *in_background()))
        try:
            text = call(f"reporter {reporter.name}", reporter.render, told, rendering, gives=str)
        except PluginError as problem:
            complain(str(problem))
            status = ExitStatus.PLUGIN
        else:
            if target or not aside:
                cli_options.write(text, target)
            else:
                tell(text, end="")
    return int(status)


def _output(text: str) -> Output:
    name, equals, file = text.partition("=")
    if equals and not file:
        raise UsageError(f"--format {text} names no file")
    return name, file or None


def _reporter(name: str, registry: Registry) -> Reporter:
    reporter = registry.reporters.get(name)
    if reporter is None:
        from efipolicy.plugin.elsewhere import nothing_of, whose

        known = nothing_of("reporters")
        if registry.reporters:
            known = ", ".join(sorted(registry.reporters)) + whose("reporters", name, registry)
        raise UsageError(f"unknown format `{name}`; known: {known}")
    return reporter


def _progress(*, quiet: bool) -> Callable[[int, int], None] | None:
    """Show how far a long run is, on a terminal and nowhere else."""
    if quiet or sys.stderr is None or not sys.stderr.isatty():
        return None

    def show(done: int, total: int) -> None:
        if total > 20:
            tell(f"\r{done}/{total}\x1b[K", end="" if done < total - 1 else "\r\x1b[K")

    return show
