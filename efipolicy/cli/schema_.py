"""``efipolicy schema``: the JSON Schemas of the files people write."""

from __future__ import annotations

from collections.abc import Sequence

from efipolicy.cli import options as cli_options
from efipolicy.errors import ExitStatus
from efipolicy.formats.platform import ACCEPTANCE, platform_schema
from efipolicy.reporters.lint_json import dump

KINDS = ("platform", "policy", "configuration")


def _parser() -> cli_options.Parser:
    parser = cli_options.Parser("schema", "Print the JSON Schema of a kind of file.")
    parser.add_argument(
        "kind",
        nargs="?",
        choices=KINDS,
        default=KINDS[0],
        help="the platform file, a policy, or the configuration .efipolicy.yaml; "
        "the latter two know the installed rules and their options",
    )
    return parser


def run(arguments: Sequence[str]) -> int:
    """Print the schema, and return the exit status."""
    options, problem = _parser().parse(arguments)
    if problem:
        raise problem
    if options.kind == "platform":
        cli_options.write(dump(platform_schema()), options.output)
        return int(ExitStatus.OK)
    return _print_schema_of_settings(options.kind, options.output)


def _print_schema_of_settings(kind: str, output: str | None) -> int:
    from efipolicy.cli.running import load_registry, plugin_status
    from efipolicy.policy.configuration import configuration_schema
    from efipolicy.policy.loading import policy_schema

    registry = load_registry()
    rules = registry.rules.values()
    is_policy = kind == "policy"
    schema = policy_schema(rules) if is_policy else configuration_schema(ACCEPTANCE, rules)
    cli_options.write(dump(schema), output)
    return plugin_status(registry)
