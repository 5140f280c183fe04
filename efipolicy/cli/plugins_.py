"""``efipolicy plugins``: what is installed, who it came from, whether it is healthy."""

from __future__ import annotations

from collections.abc import Sequence

from efipolicy.cli import options as cli_options
from efipolicy.cli.running import plugin_status
from efipolicy.plugin.registry import Registry
from efipolicy.reporters.plugins import plugins_json, plugins_text


def _parser() -> cli_options.Parser:
    parser = cli_options.Parser("plugins", "Print what is installed and whether it is healthy.")
    cli_options.add_json_option(parser)
    return parser


def run(arguments: Sequence[str]) -> int:
    """Load every plugin, print, and return the exit status."""
    with cli_options.errors_as_json(arguments, lambda: {"plugins": []}):
        options, problem = _parser().parse(arguments)
        if problem:
            raise problem
        registry = Registry()
        registry.load_all()
    render = plugins_json if options.format == "json" else plugins_text
    cli_options.write(render(registry), options.output)
    return plugin_status(registry)
