"""``efipolicy explain``: the page of a rule."""

from __future__ import annotations

from collections.abc import Sequence

from efipolicy.api import load_registry
from efipolicy.cli import options as cli_options
from efipolicy.cli.running import plugin_status
from efipolicy.errors import UsageError
from efipolicy.reporters.rule_page import rule_page


def _parser() -> cli_options.Parser:
    parser = cli_options.Parser("explain", "Print the page of a rule.")
    parser.add_argument("rule", metavar="RULE", help="its id, pack/kebab-name")
    return parser


def run(arguments: Sequence[str]) -> int:
    """Print the page, and return the exit status."""
    options, problem = _parser().parse(arguments)
    if problem:
        raise problem
    registry = load_registry()
    rule = registry.rules.get(options.rule)
    if rule is None:
        from efipolicy.source.shape import suggestion

        raise UsageError(f"unknown rule `{options.rule}`{suggestion(options.rule, registry.rules)}")
    cli_options.write(rule_page(rule), options.output)
    return plugin_status(registry)
