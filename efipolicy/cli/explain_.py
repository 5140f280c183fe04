"""``efipolicy explain``: the page of a rule."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from efipolicy.cli import options as cli_options
from efipolicy.cli.running import load_registry, plugin_status
from efipolicy.errors import UsageError
from efipolicy.model.finding import Finding
from efipolicy.model.memory_map import MemoryDescriptor
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
        raise UsageError(f"unknown rule `{options.rule}`{_hint(options.rule, registry)}")
    cli_options.write(_page(rule, registry), options.output)
    return plugin_status(registry)


def _hint(name: str, registry: Registry) -> str:
    """What somebody may have meant: the rules that check a requirement, or a rule of that name."""
    checking = [rule.id for rule in registry.rules.values() if name.upper() in rule.requirements]
    if checking:
        return f", which is a requirement; it is checked by {', '.join(checking)}"
    from efipolicy.plugin.elsewhere import whose

    return whose("rules", name, registry)


def _page(rule: Rule, registry: Registry) -> str:
    """The page with the examples as files, and what linting them prints."""
    from efipolicy.policy.requirements import load_requirements
    from efipolicy.testing.examples import examples_of
    from efipolicy.testing.shown import shown_example

    requirements, _ = load_requirements(registry.requirements)
    cases = examples_of([rule])
    shown = [shown_example(case, registry) for case in cases]
    return rule_page(
        rule,
        examples=[PageExample(one.fails, one.text, one.output) for one in shown],
        statements={entry.code: entry.statement for entry in requirements},
        related=related_rules(rule, registry.rules.values()),
        at=_address(next((case.findings() for case in cases if case.expected), [])),
    )


def _address(findings: Iterable[Finding]) -> int | None:
    """Where the first finding that is about a region has it."""
    for finding in findings:
        subject = finding.subject
        own = subject.physical if isinstance(subject, MemoryDescriptor) else None
        region = finding.region or own
        if region is not None:
            return region.start
    return None
