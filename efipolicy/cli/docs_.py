"""``efipolicy docs``: a reference site about platforms, or its pages for a project of Sphinx."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Sequence

from efipolicy.api import (
    exit_status,
    only_these_plugins,
)
from efipolicy.cli import options as cli_options
from efipolicy.cli.reading import reading_options
from efipolicy.cli.running import complain, load_registry, tell
from efipolicy.cli.site_book import BookFile
from efipolicy.cli.site_folder import EmbeddingFolder, SiteFolder, on_terminal
from efipolicy.cli.site_inputs import JudgedInputs, site_platforms
from efipolicy.cli.site_judging import Judging
from efipolicy.errors import ExitStatus, UsageError
from efipolicy.model.finding import Severity
from efipolicy.plugin.registry import Registry
from efipolicy.reporters.site_content import SiteContent, SitePlatform, site_content
from efipolicy.reporters.site_sources import site_sources


def _parser() -> cli_options.Parser:
    parser = cli_options.Parser(
        "docs",
        "Write a reference site about platforms: -o DIR, --into PROJECT for its pages, or --pdf.",
        output=("DIR", "the folder of the site, a new one or one made before"),
    )
    parser.add_argument(
        "paths",
        nargs="+",
        metavar="FILE",
        help="platform files, captures, directories, globs, `-`",
    )
    parser.add_argument(
        "--into",
        metavar="PROJECT",
        help="write the pages into the Sphinx project with this conf.py",
    )
    parser.add_argument("--pdf", metavar="FILE", help="write a PDF, which LaTeX sets")
    parser.add_argument("--title", default="UEFI platforms", help="of the site")
    parser.add_argument("--policy", metavar="NAME|FILE", help="judge by this policy")
    parser.add_argument(
        "--all-rules",
        action="store_true",
        help="a page of every rule, not only of those that found",
    )
    parser.add_argument(
        "--fail-on",
        choices=[severity.value for severity in Severity],
        help="the least severity that makes the exit status 1 (none does)",
    )
    parser.add_argument("--jobs", type=_jobs, metavar="N", help="processes (one a processor)")
    parser.add_argument("--today", metavar="DATE", help="the day acceptances are looked at")
    cli_options.add_reading_options(parser)
    cli_options.add_configuration_options(parser)
    return parser


def _jobs(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 1024:
        raise argparse.ArgumentTypeError(f"{text}: expected a number from 1 to 1024")
    return int(text)


def run(arguments: Sequence[str]) -> int:
    """Lint the platforms, write the sources, build them, and return the exit status."""
    options, problem = _parser().parse(arguments)
    if problem:
        raise problem
    target = _target(options)
    registry = load_registry()
    registry.load_all()
    if options.into and options.policy and options.policy not in registry.policies:
        raise UsageError(f"--into wants the name of an installed policy, not {options.policy}")
    reading = reading_options(options, registry)
    inputs, judging = JudgedInputs(), Judging(options, target.root)
    report = judging.linted(
        options.paths,
        registry,
        reading,
        inputs,
        left_out=target.holds,
        progress=_progress(quiet=options.quiet),
    )
    folder = "efipolicy/" if options.into else ""
    platforms, files = site_platforms(inputs, report, reading, folder, quiet=options.quiet)
    pages = judging.page_options(report.today, once=not folder)
    platforms = [one._replace(options={**pages, **one.options}) for one in platforms]
    for path in report.skipped if options.verbose else ():
        tell(f"efipolicy: note: skipped: {path}")
    for error in report.errors:
        complain(str(error))
    status = max([ExitStatus.OK, *(error.status for error in report.errors)])
    if options.fail_on:
        status = exit_status(report, fail_on=Severity(options.fail_on))
    if not platforms:
        complain("there is no memory map to make pages of")
        return int(max(status, ExitStatus.INPUT))
    content = _content(judging.told, options, platforms, registry, folder)
    target.write(site_sources(content), files)
    if not isinstance(target, EmbeddingFolder):
        with only_these_plugins(registry.without_failed()):
            status = max(status, _built(target, options, platforms))
    if not options.quiet:
        print(target.told(len(platforms)))
    return int(status)


def _target(options: argparse.Namespace) -> SiteFolder | EmbeddingFolder | BookFile:
    """Where to write. Raises `UsageError` for what cannot be meant."""
    if [options.output, options.into, options.pdf].count(None) != 2:
        raise UsageError(
            "docs writes a site, -o DIR, or pages for a project, --into PROJECT, or --pdf FILE"
        )
    if options.output == "-":
        raise UsageError("a site is a folder, and no standard output takes it; name it: -o DIR")
    options.title = " ".join(options.title.split())
    if not options.title:
        raise UsageError("--title wants some text")
    if options.pdf is not None:
        return BookFile(options.pdf)
    return SiteFolder(options.output) if options.output else EmbeddingFolder(options.into)


_BLAMED = {"[efi.input]": ExitStatus.INPUT, "[efi.plugin]": ExitStatus.PLUGIN}


def _built(
    site: SiteFolder | BookFile, options: argparse.Namespace, platforms: Sequence[SitePlatform]
) -> ExitStatus:
    """Build the site and tell what could not be worked out, each at the input it is about."""
    jobs = options.jobs or os.cpu_count() or 1
    status = ExitStatus.OK
    paths = {one.name: one.report.path for one in platforms}
    told = site.build(options.title, jobs=jobs, loud=options.verbose, quiet=options.quiet)
    for line in told:
        place, _, what = line.partition(": WARNING: ")
        name = place.partition(f"{os.sep}platforms{os.sep}")[2].partition(".rst")[0]
        words, _, kind = what.rpartition(" ")
        complain(f"{paths[name]}: {words}" if name in paths and kind in _BLAMED else line)
        status = max(status, _BLAMED.get(kind, ExitStatus.INTERNAL))
    return status


def _progress(*, quiet: bool) -> Callable[[int, int], None] | None:
    if quiet or not on_terminal():
        return None

    def show(done: int, total: int) -> None:
        tell(f"\rlinting {done + 1} of {total}\x1b[K", end="\r\x1b[K" if done + 1 == total else "")

    return show


def _content(
    policy: str,
    options: argparse.Namespace,
    platforms: Sequence[SitePlatform],
    registry: Registry,
    folder: str,
) -> SiteContent:
    return site_content(
        options.title,
        policy,
        platforms,
        rules=registry.rules,
        strategies=registry.strategies,
        architectures=registry.architectures,
        all_rules=options.all_rules,
        folder=folder,
    )
