"""``efipolicy explain``: the page of a rule."""

from __future__ import annotations

from collections.abc import Sequence

from efipolicy.api import load_registry
from efipolicy.cli import options as cli_options
from efipolicy.cli.running import plugin_status
from efipolicy.errors import UsageError
from efipolicy.plugin import Rule
from efipolicy.plugin.registry import Registry
from efipolicy.policy.selection import rules_by_name
from efipolicy.reporters.rule_page import PageExample, related_rules, rule_page


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
    rule = rules_by_name(registry.rules.values()).get(options.rule)
    if rule is None:
        from efipolicy.source.shape import suggestion

        raise UsageError(f"unknown rule `{options.rule}`{suggestion(options.rule, registry.rules)}")
    cli_options.write(_page(rule, registry), options.output)
    return plugin_status(registry)


def _page(rule: Rule, registry: Registry) -> str:
    """The page with the examples as files, and what linting them prints."""
    from efipolicy.policy.requirements import load_requirements
    from efipolicy.testing.examples import examples_of
    from efipolicy.testing.shown import shown_example

    requirements, _ = load_requirements(registry.requirements)
    shown = [shown_example(case, registry) for case in examples_of([rule])]
    return rule_page(
        rule,
        examples=[PageExample(one.fails, one.text, one.output) for one in shown],
        statements={entry.code: entry.statement for entry in requirements},
        related=related_rules(rule, registry.rules.values()),
    )
