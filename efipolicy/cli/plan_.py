"""``efipolicy plan``: the mapping a strategy installs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from efipolicy.api import load_registry
from efipolicy.cli import options as cli_options
from efipolicy.cli.reading import read_one
from efipolicy.cli.running import plugin_status
from efipolicy.cli.strategy_options import add_strategy_options, plan_choice
from efipolicy.engine.planning import plan
from efipolicy.reporters.plan import plan_json, plan_text


def _nothing() -> dict[str, Any]:
    """The JSON of a plan that was not made."""
    nothing: dict[str, Any] = {"strategy": None, "options": {}, "status": "impossible"}
    return {**nothing, "mappings": [], "extra": [], "svam": None, "call": None, "problems": []}


def _parser() -> cli_options.Parser:
    parser = cli_options.Parser("plan", "Print the mapping a strategy installs.")
    parser.add_argument("file", metavar="FILE", help="a platform file, a capture or `-`")
    add_strategy_options(parser)
    cli_options.add_reading_options(parser)
    cli_options.add_json_option(parser)
    return parser


def run(arguments: Sequence[str]) -> int:
    """Plan, print, and return the exit status."""
    with cli_options.errors_as_json(arguments, _nothing):
        options, problem = _parser().parse(arguments)
        if problem:
            raise problem
        registry = load_registry()
        platform = read_one(options.file, options, registry).platform
        choice = plan_choice(options)
        made = plan(platform, registry, choice)
    render = plan_json if options.format == "json" else plan_text
    cli_options.write(render(made, registry.strategies[made.strategy].options), options.output)
    return plugin_status(registry)
