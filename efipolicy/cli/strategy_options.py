"""Options by which a command line chooses a strategy, its options and the page tables."""

from __future__ import annotations

import argparse

from efipolicy.cli import options as cli_options
from efipolicy.engine.planning import PlanChoice
from efipolicy.errors import UsageError
from efipolicy.formats.platform_values import page_size_bytes


def add_strategy_options(parser: cli_options.Parser) -> None:
    """Which strategy, and for which page tables."""
    parser.add_argument("--strategy", metavar="S", help="replaces the declared one and its options")
    parser.add_argument(
        "--option", action="append", default=[], metavar="NAME=VALUE", help="of the strategy"
    )
    parser.add_argument("--page-size", metavar="SIZE", help="the operating system's page, as 64K")
    parser.add_argument("--va-bits", type=int, metavar="BITS", help="width of a virtual address")


def plan_choice(options: argparse.Namespace) -> PlanChoice:
    """What these options say. Raises `UsageError` for what they cannot mean."""
    return PlanChoice(
        strategy=options.strategy,
        options=dict(_named_value(text) for text in options.option),
        page_size=_page_size(options.page_size),
        virtual_address_bits=options.va_bits,
    )


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
