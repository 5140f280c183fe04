"""``efipolicy plugins``: what is installed, who it came from, whether it is healthy."""

from __future__ import annotations

from collections.abc import Sequence

from efipolicy.cli import options as cli_options
from efipolicy.cli.running import complain, in_use, plugin_status
from efipolicy.errors import ExitStatus, PluginError
from efipolicy.plugin.registry import Registry
from efipolicy.reporters.plugins import Problems, plugins_json, plugins_text


def _parser() -> cli_options.Parser:
    parser = cli_options.Parser("plugins", "Print what is installed and whether it is healthy.")
    parser.add_argument(
        "--check",
        action="store_true",
        help="look at everything that the plugins contribute; status 4 if something is wrong",
    )
    cli_options.add_json_option(parser)
    return parser


def run(arguments: Sequence[str]) -> int:
    """Load every plugin, check it if asked to, print, and return the exit status."""
    with cli_options.errors_as_json(arguments, lambda: {"plugins": []}):
        options, problem = _parser().parse(arguments)
        if problem:
            raise problem
        registry = in_use(Registry())
        registry.load_all()
        problems, errors = _checked(registry) if options.check else (None, [])
    if options.format == "json":
        text = plugins_json(registry, problems, errors)
    else:
        text = plugins_text(registry, problems)
    cli_options.write(text, options.output)
    status = plugin_status(registry)
    for error in errors:
        complain(str(error))
    return max(status, int(ExitStatus.PLUGIN) if errors else 0)


def _checked(registry: Registry) -> tuple[Problems, list[PluginError]]:
    from efipolicy.cli.checking import errors_of, problems_of

    problems = problems_of(registry)
    return problems, errors_of(problems)
