"""``efipolicy verify``: a prediction against what a kernel installed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from efipolicy.cli import options as cli_options
from efipolicy.cli.reading import read_all, tell_of_other_mappings
from efipolicy.cli.running import load_registry, plugin_status, tell
from efipolicy.cli.strategy_options import add_strategy_options, plan_choice
from efipolicy.engine.planning import planned
from efipolicy.engine.verification import Verification
from efipolicy.engine.verifying import (
    check_same_architecture,
    check_same_width,
    choice_for,
    verify,
    with_shown_tables,
)
from efipolicy.errors import UsageError
from efipolicy.plugin import RenderOptions
from efipolicy.reporters.lint_summary import counted
from efipolicy.reporters.verify import verify_json, verify_text

_STATUS = {"match": 0, "mismatch": 1, "nothing-to-compare": 3}


def _nothing() -> dict[str, Any]:
    """The JSON of a comparison that was not made."""
    nothing: dict[str, Any] = {"strategy": None, "status": "nothing-to-compare", "compared": 0}
    return {**nothing, "mismatches": [], "explained": []}


def _parser() -> cli_options.Parser:
    parser = cli_options.Parser(
        "verify", "Compare the mapping a strategy predicts with what a kernel installed."
    )
    parser.add_argument("file", metavar="FILE", help="a platform file, a capture or `-`")
    parser.add_argument(
        "observed",
        metavar="OBSERVED",
        help="a runtime map, a log with remap lines or a page-table dump; may be FILE itself",
    )
    add_strategy_options(parser)
    cli_options.add_reading_options(parser)
    cli_options.add_json_option(parser)
    return parser


def run(arguments: Sequence[str]) -> int:
    """Compare, print, and return the exit status."""
    with cli_options.errors_as_json(arguments, _nothing):
        options, problem = _parser().parse(arguments)
        if problem:
            raise problem
        if options.file == options.observed == "-":
            raise UsageError("FILE and OBSERVED cannot both be the standard input")
        choice = plan_choice(options)
        registry = load_registry()
        inputs = read_all([options.file, options.observed], options, registry)
        tell_of_other_mappings(inputs[0], options)
        platform, observed = (read.platform for read in inputs)
        check_same_architecture(platform, observed, options.observed)
        platform = with_shown_tables(platform, observed)
        prediction = planned(platform, registry, choice_for(platform, observed, choice))
        check_same_width(prediction, observed, options.observed)
        found = verify(prediction, platform, observed)
    strategy = prediction.plan.strategy
    if options.format == "json":
        text = verify_json(found, strategy)
    else:
        rendering = RenderOptions(
            color=cli_options.wants_color(options.color) and options.output is None,
            quiet=options.quiet,
            verbose=options.verbose,
        )
        text = verify_text(found, strategy, rendering)
    text = cli_options.with_errors(text, options.format, registry)
    cli_options.write(text, options.output)
    if found.status == "nothing-to-compare":
        path = options.file if found.partial else options.observed
        tell(f"efipolicy: error: {path}: {_nothing_to_compare(found)}")
    return max(_STATUS[found.status], plugin_status(registry))


def _nothing_to_compare(found: Verification) -> str:
    """What an input holds instead of something that can be compared."""
    if found.partial:
        return "found no more than a part of a memory map, expected the whole, to predict from"
    if found.left_out:
        rows = counted(found.left_out, "page-table row")
        return (
            f"found {rows} of the kernel's own memory and none of firmware's, expected a dump of "
            "the tables for EFI"
        )
    return (
        "found no address and no page table that a kernel installed, expected a runtime map, "
        "remap lines or a page-table dump"
    )
