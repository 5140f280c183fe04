"""``efipolicy whatif``: every strategy with every page size and address width."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from efipolicy.cli import options as cli_options
from efipolicy.cli.reading import UnreadableError, read_one
from efipolicy.cli.running import complain, load_registry, plugin_status
from efipolicy.cli.strategy_options import plan_choice
from efipolicy.engine.planning import declaration_errors
from efipolicy.engine.whatif import what_if
from efipolicy.errors import ExitStatus
from efipolicy.plugin import RenderOptions
from efipolicy.reporters.whatif import whatif_json, whatif_text


def _nothing() -> dict[str, Any]:
    return {"rows": []}


def _parser() -> cli_options.Parser:
    parser = cli_options.Parser(
        "whatif", "Print what every strategy comes to with every page size and address width."
    )
    parser.add_argument("file", metavar="FILE", help="a platform file, a capture or `-`")
    parser.add_argument("--strategy", metavar="S", help="only this one")
    parser.add_argument(
        "--option", action="append", default=[], metavar="NAME=VALUE", help="of that strategy"
    )
    parser.add_argument("--page-size", metavar="SIZE", help="only pages of this size, as 64K")
    parser.add_argument("--va-bits", type=int, metavar="BITS", help="only addresses this wide")
    cli_options.add_reading_options(parser)
    cli_options.add_json_option(parser)
    return parser


def run(arguments: Sequence[str]) -> int:
    """Plan every combination, print, and return the exit status."""
    with cli_options.errors_as_json(arguments, _nothing):
        options, problem = _parser().parse(arguments)
        if problem:
            raise problem
        choice = plan_choice(options)
        registry = load_registry()
        platform = read_one(options.file, options, registry).platform
        wrong = declaration_errors(platform, registry)
        if wrong:
            raise UnreadableError([*wrong])
        rows, failures = what_if(platform, registry, choice)
    rendering = RenderOptions(
        color=cli_options.wants_color(options.color) and options.output is None,
        quiet=options.quiet,
        verbose=options.verbose,
    )
    json = options.format == "json"
    text = whatif_json(rows, failures) if json else whatif_text(rows, rendering)
    text = cli_options.with_errors(text, options.format, registry, failures)
    cli_options.write(text, options.output)
    for failure in failures:
        complain(str(failure))
    status = plugin_status(registry)
    return int(ExitStatus.PLUGIN) if failures else status
