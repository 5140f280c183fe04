"""``efipolicy schema``: the JSON Schema of the platform file."""

from __future__ import annotations

from collections.abc import Sequence

from efipolicy.cli import options as cli_options
from efipolicy.errors import ExitStatus
from efipolicy.formats.platform import platform_schema
from efipolicy.reporters.lint_json import dump


def _parser() -> cli_options.Parser:
    return cli_options.Parser("schema", "Print the JSON Schema of the platform file.")


def run(arguments: Sequence[str]) -> int:
    """Print the schema, and return the exit status."""
    options, problem = _parser().parse(arguments)
    if problem:
        raise problem
    cli_options.write(dump(platform_schema()), options.output)
    return int(ExitStatus.OK)
