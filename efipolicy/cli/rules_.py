"""``efipolicy rules``: which rules are installed, what they check, and what no rule checks."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase

from efipolicy.cli import options as cli_options
from efipolicy.cli.running import complain, in_use, plugin_status
from efipolicy.errors import ExitStatus, UsageError
from efipolicy.plugin.registry import Registry
from efipolicy.policy.coverage import Coverage, citations_of, coverage
from efipolicy.policy.requirements import load_requirements
from efipolicy.reporters.rules import (
    RuleBook,
    requirements_text,
    rules_json,
    rules_text,
    summary_text,
)


def _parser() -> cli_options.Parser:
    parser = cli_options.Parser(
        "rules", "Print the installed rules, the requirements they check, and those none checks."
    )
    cli_options.add_json_option(parser)
    parser.add_argument(
        "--requirements", action="store_true", help="print the requirements, not the rules"
    )
    parser.add_argument(
        "glob",
        nargs="*",
        metavar="GLOB",
        help="rule ids or requirement codes; what belongs to a match is shown with it",
    )
    return parser


def run(arguments: Sequence[str]) -> int:
    """Join rules and registers, print, and return the exit status."""
    with cli_options.errors_as_json(arguments, lambda: {"rules": [], "requirements": []}):
        options, problem = _parser().parse(arguments)
        if problem:
            raise problem
        registry = in_use(Registry())
        registry.load_all()
        book = _chosen(rule_book(registry), options.glob, registry)
    if options.requirements:
        book = book._replace(rules=())
    if options.format == "json":
        text = rules_json(book)
    elif options.quiet:
        text = summary_text(book)
    else:
        render = requirements_text if options.requirements else rules_text
        text = render(book, verbose=options.verbose)
    cli_options.write(text, options.output)
    plugin_status(registry)
    for error in book.errors[len(registry.errors) :]:
        complain(str(error))
    return int(ExitStatus.PLUGIN if book.errors else ExitStatus.OK)


def rule_book(registry: Registry) -> RuleBook:
    """Everything there is to print; the plugins' errors come first, then those of registers."""
    requirements, mistakes = load_requirements(registry.requirements)
    return RuleBook(
        rules=tuple(registry.rules.values()),
        owners={id: registry.owner("rules", id) for id in registry.rules},
        coverage=coverage(requirements, citations_of(registry)),
        errors=(*registry.errors, *mistakes),
    )


def _chosen(book: RuleBook, globs: Sequence[str], registry: Registry) -> RuleBook:
    """The rules and requirements that globs name, and with each what belongs to it.

    Raises `UsageError` for a glob that names nothing.
    """
    if not globs:
        return book
    covered = book.coverage.covered
    names = {name: rule.id for rule in book.rules for name in (*rule.aliases, rule.id)}
    names |= {item.requirement.code: item.requirement.code for item in covered}
    named: set[str] = set()
    for glob in globs:
        matches = {meant for name, meant in names.items() if fnmatchcase(name, glob)}
        if not matches:
            from efipolicy.plugin.elsewhere import whose
            from efipolicy.policy.checking import name_hint
            from efipolicy.source.shape import suggestion

            similar = name_hint(glob, book.rules) or suggestion(glob, names)
            hint = whose("rules", glob, registry, similar=similar)
            raise UsageError(f"no rule and no requirement matches `{glob}`{hint}")
        named |= matches
    wanted = tuple(item for item in covered if named & {item.requirement.code, *item.by})
    checking = {id for item in wanted if item.requirement.code in named for id in item.by}
    rules = tuple(rule for rule in book.rules if rule.id in named | checking)
    return book._replace(rules=rules, coverage=Coverage(wanted), chosen=True)
