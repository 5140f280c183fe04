"""``efipolicy verify``: a prediction against what a kernel installed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from efipolicy.api import load_registry
from efipolicy.cli import options as cli_options
from efipolicy.cli.reading import read_one
from efipolicy.cli.running import plugin_status, tell
from efipolicy.cli.strategy_options import add_strategy_options, plan_choice
from efipolicy.engine.planning import planned
from efipolicy.engine.verifying import check_same_architecture, choice_for, verify
from efipolicy.plugin import RenderOptions
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
        choice = plan_choice(options)
        registry = load_registry()
        platform = read_one(options.file, options, registry).platform
        observed = read_one(options.observed, options, registry).platform
        check_same_architecture(platform, observed, options.observed)
        prediction = planned(platform, registry, choice_for(platform, observed, choice))
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
    cli_options.write(text, options.output)
    if found.status == "nothing-to-compare":
        tell(
            f"efipolicy: error: {options.observed}: found no address and no page table that a "
            "kernel installed, expected a runtime map, remap lines or a page-table dump"
        )
    return max(_STATUS[found.status], plugin_status(registry))
