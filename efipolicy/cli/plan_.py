"""``efipolicy plan``: the mapping a strategy installs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from efipolicy.api import load_registry
from efipolicy.cli import options as cli_options
from efipolicy.cli.reading import read_one
from efipolicy.cli.running import plugin_status
from efipolicy.engine.planning import PlanChoice, plan
from efipolicy.errors import UsageError
from efipolicy.formats.platform_values import page_size_bytes
from efipolicy.reporters.plan import plan_json, plan_text


def _nothing() -> dict[str, Any]:
    """The JSON of a plan that was not made."""
    nothing: dict[str, Any] = {"strategy": None, "options": {}, "status": "impossible"}
    return {**nothing, "mappings": [], "extra": [], "svam": None, "call": None, "problems": []}


def _parser() -> cli_options.Parser:
    parser = cli_options.Parser("plan", "Print the mapping a strategy installs.")
    parser.add_argument("file", metavar="FILE", help="a platform file, a capture or `-`")
    parser.add_argument("--strategy", metavar="S", help="replaces the declared one and its options")
    parser.add_argument(
        "--option", action="append", default=[], metavar="NAME=VALUE", help="of the strategy"
    )
    parser.add_argument("--page-size", metavar="SIZE", help="the operating system's page, as 64K")
    parser.add_argument("--va-bits", type=int, metavar="BITS", help="width of a virtual address")
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
        choice = PlanChoice(
            strategy=options.strategy,
            options=dict(_named_value(text) for text in options.option),
            page_size=_page_size(options.page_size),
            virtual_address_bits=options.va_bits,
        )
        made = plan(platform, registry, choice)
    render = plan_json if options.format == "json" else plan_text
    cli_options.write(render(made), options.output)
    return plugin_status(registry)


def _named_value(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise UsageError(f"--option {text}: expected NAME=VALUE")
    return name, value


def _page_size(text: str | None) -> int | None:
    if text is None:
        return None
    try:
        return page_size_bytes(text)
    except ValueError:
        raise UsageError(f"--page-size {text}: expected 4K, 8K, 16K, 64K or bytes") from None
