"""``efipolicy diff``: what differs between two inputs, or from boot to boot."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

from efipolicy.api import ReadInput
from efipolicy.cli import options as cli_options
from efipolicy.cli.comparing import Comparison, comparison, expanded, named_boots
from efipolicy.cli.reading import UnreadableError
from efipolicy.cli.running import complain, load_registry, plugin_status, tell
from efipolicy.engine.differing import Boot, Difference, boots_in, difference, over_all
from efipolicy.errors import EfipolicyError, ExitStatus, UsageError
from efipolicy.formats.inputs import STDIN
from efipolicy.reporters.lint_summary import counted
from efipolicy.source import ForeignInputError, InputError

_UNTOLD = {"hibernation": "unknown", "why": []}


def _nothing(arguments: Sequence[str]) -> dict[str, Any]:
    """The JSON of a comparison that was not made."""
    if "--boots" in arguments:
        return {"boots": [], "pairs": [], **_UNTOLD}
    return {"regions": [], "findings": {"new": [], "fixed": []}, **_UNTOLD}


def _parser() -> cli_options.Parser:
    parser = cli_options.Parser(
        "diff", "Print what differs between two platforms, captures or boots."
    )
    parser.add_argument(
        "paths",
        nargs="+",
        metavar="PATH",
        help="OLD and NEW: platform files, captures or `-`; with --boots any number of logs, "
        "in the order of the boots, or directories of them",
    )
    parser.add_argument(
        "--boots",
        action="store_true",
        help="compare each boot with the one before, be it in the same log",
    )
    parser.add_argument(
        "--policy", action="append", default=[], metavar="NAME|FILE", help="which rules count"
    )
    parser.add_argument("--select", action="append", default=[], metavar="GLOB", help="only these")
    parser.add_argument("--ignore", action="append", default=[], metavar="GLOB", help="not these")
    parser.add_argument("--today", metavar="DATE", help="the day acceptances are looked at")
    cli_options.add_reading_options(parser)
    cli_options.add_configuration_options(parser)
    cli_options.add_json_option(parser)
    return parser


def run(arguments: Sequence[str]) -> int:
    """Compare, print, and return the exit status."""
    with cli_options.errors_as_json(arguments, lambda: _nothing(arguments)):
        options, problem = _parser().parse(arguments)
        if problem:
            raise problem
        _check(options)
        registry = load_registry()
        compare = _of_boots if options.boots else _of_two
        text, differs, errors = compare(comparison(options, registry))
    text = cli_options.with_errors(text, options.format, registry, errors)
    cli_options.write(text, options.output)
    for error in errors:
        complain(str(error))
    status = ExitStatus.FINDINGS if differs else ExitStatus.OK
    return max(int(status), plugin_status(registry), *(int(e.status) for e in errors), 0)


def _check(options: argparse.Namespace) -> None:
    if options.paths.count(STDIN) > 1:
        raise UsageError("the standard input can be read once; `-` stands for one input")
    if not options.boots and len(options.paths) != 2:
        raise UsageError(
            f"diff compares two inputs, OLD and NEW, not {len(options.paths)}; "
            "--boots compares any number"
        )
    if options.config and options.isolated:
        raise UsageError("--config names a configuration and --isolated wants none")


_Outcome = tuple[str, bool, list[EfipolicyError]]


def _of_two(asked: Comparison) -> _Outcome:
    """What to print of OLD and NEW, whether they differ, and what went wrong."""
    inputs, errors = [], []
    for path in asked.options.paths:
        read, problems = asked.read(path)
        errors += problems
        if read:
            inputs.append(read)
    if len(inputs) < 2:
        raise UnreadableError(errors)
    boots = []
    for read in inputs:
        boot, problems = asked.judge(read, read.platform, read.path)
        boots.append(boot)
        errors += problems
        if len(boots_in(read.platform)) > 1 and not asked.options.quiet:
            tell(f"efipolicy: note: {read.path} holds several boots; --boots compares them")
    old, new = boots
    errors += _without_a_map(old, new)
    found = difference(old, new, asked.registry.rules)
    if asked.options.format == "json":
        from efipolicy.reporters.diff_json import diff_json

        return diff_json(found, errors), bool(found), errors
    from efipolicy.reporters.diff import diff_text

    return diff_text(found, asked.rendering), bool(found), errors


def _without_a_map(*boots: Boot) -> list[EfipolicyError]:
    """An error for each input that has no memory map. Findings are compared all the same."""
    paths = [boot.report.path for boot in boots if not boot.memory_map.descriptors]
    expected = "one, to compare the regions"
    if len(paths) == len(boots):
        expected = "one; there is nothing to compare"
    return [InputError(path, "no memory map", expected) for path in dict.fromkeys(paths)]


def _of_boots(asked: Comparison) -> _Outcome:
    """What to print of many boots, whether any differs from the one before, what went wrong."""
    boots: list[Boot] = []
    errors: list[EfipolicyError] = []
    skipped = 0
    for path, named in expanded(asked.options.paths, errors):
        read, problems = asked.read(path)
        if not named and _has_no_map(read, problems):
            skipped += 1
            continue
        errors += problems
        if read and not read.platform.memory_map.descriptors:
            errors.append(InputError(read.path, "no memory map", "the memory map of a boot"))
        elif read:
            for platform, name in named_boots(read):
                boot, failures = asked.judge(read, platform, name)
                boots.append(boot)
                errors += failures
    if skipped and not asked.options.quiet:
        tell(f"efipolicy: note: skipped {counted(skipped, 'file')} without a memory map")
    if len(boots) < 2:
        raise UnreadableError([*errors, *_too_few(boots, asked.options.paths, errors)])
    rules = asked.registry.rules
    pairs = [difference(old, new, rules) for old, new in pairwise(boots)]
    return _told(asked, boots, pairs, errors)


def _too_few(
    boots: list[Boot], paths: list[str], errors: list[EfipolicyError]
) -> Iterator[InputError]:
    """An error about the only boot; without any, one for each argument that has none yet."""
    expected = "two boots or more"
    if boots:
        yield InputError(boots[0].report.path, "one boot", expected)
        return
    told = [os.path.join(error.path or "", "") for error in errors]
    for path in dict.fromkeys(paths):
        folder = os.path.join(path, "")
        if path != STDIN and not any(one.startswith(folder) for one in told):
            yield InputError(path, "no boot", expected)


def _has_no_map(read: ReadInput | None, problems: list[EfipolicyError]) -> bool:
    """Whether a file of a directory is about something else, and not a map that is damaged."""
    if read is None:
        return all(isinstance(problem, ForeignInputError) for problem in problems)
    return not read.platform.memory_map.descriptors


def _told(
    asked: Comparison, boots: list[Boot], pairs: list[Difference], errors: list[EfipolicyError]
) -> _Outcome:
    verdict = over_all(pairs)
    differs = any(pairs)
    if asked.options.format == "json":
        from efipolicy.reporters.diff_json import boots_json

        return boots_json(boots, pairs, verdict, errors), differs, errors
    from efipolicy.reporters.diff import boots_text

    return boots_text(boots, pairs, verdict, asked.rendering), differs, errors
