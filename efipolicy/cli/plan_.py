"""``efipolicy plan``: the mapping a strategy installs."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from typing import Any

from efipolicy.cli import options as cli_options
from efipolicy.cli.reading import read_one, tell_of_other_mappings
from efipolicy.cli.running import load_registry, plugin_status, tell
from efipolicy.cli.strategy_options import add_strategy_options, plan_choice
from efipolicy.engine.planned import Planned
from efipolicy.engine.planning import planned
from efipolicy.errors import UsageError
from efipolicy.model.platform import Platform
from efipolicy.plugin.registry import Registry
from efipolicy.reporters.plan import plan_json, plan_text


def _nothing() -> dict[str, Any]:
    """The JSON of a plan that was not made."""
    nothing: dict[str, Any] = {"strategy": None, "options": {}, "status": "impossible"}
    return {**nothing, "mappings": [], "extra": [], "svam": None, "call": None, "problems": []}


def _parser() -> cli_options.Parser:
    parser = cli_options.Parser("plan", "Print the mapping a strategy installs.")
    parser.add_argument("file", metavar="FILE", help="a platform file, a capture or `-`")
    add_strategy_options(parser)
    parser.add_argument(
        "--seeds",
        type=_number_of_seeds,
        metavar="N",
        help="make the layouts of N seeds, and print the room they leave and the first that fails",
    )
    cli_options.add_reading_options(parser)
    parser.add_argument(
        "--format", choices=("text", "json", "svg"), default="text", help="how to print"
    )
    return parser


def _number_of_seeds(text: str) -> int:
    if not text.isdecimal() or not text.isascii() or len(text) > 18 or not int(text):
        raise argparse.ArgumentTypeError(f"{text}: expected a number of seeds, at least 1")
    return int(text)


def run(arguments: Sequence[str]) -> int:
    """Plan, print, and return the exit status."""
    with_seeds = any(word.partition("=")[0] == "--seeds" for word in arguments)
    with cli_options.errors_as_json(arguments, _no_seeds if with_seeds else _nothing):
        options, problem = _parser().parse(arguments)
        if problem:
            raise problem
        registry = load_registry()
        text = (_plan if options.seeds is None else _layouts)(options, registry)
    text = cli_options.with_errors(text, options.format, registry)
    cli_options.write(text, options.output)
    return plugin_status(registry)


def _plan(options: argparse.Namespace, registry: Registry) -> str:
    platform = _platform(options, registry)
    made = planned(platform, registry, plan_choice(options))
    if options.format == "svg":
        return _svg(platform, made)
    render = plan_json if options.format == "json" else plan_text
    return render(made.plan, registry.strategies[made.plan.strategy].options, made.choice)


def _platform(options: argparse.Namespace, registry: Registry) -> Platform:
    read = read_one(options.file, options, registry)
    tell_of_other_mappings(read, options)
    return read.platform


def _svg(platform: Platform, made: Planned) -> str:
    """The picture of the mapping, with a stylesheet of its own."""
    from efipolicy.drawing.mapping import mapping_svg

    return mapping_svg(
        made.plan,
        platform.memory_map,
        figure_id="mapping",
        title=platform.title or platform.name,
        facts=f"{platform.architecture} \N{MIDDLE DOT} {made.plan.strategy}",
        form="standalone",
    )


def _layouts(options: argparse.Namespace, registry: Registry) -> str:
    from efipolicy.engine.seeds import try_seeds
    from efipolicy.reporters.seeds import seeds_json, seeds_text

    if options.format == "svg":
        raise UsageError("--format svg: many layouts are no picture; leave out --seeds")
    platform = _platform(options, registry)
    progress = _progress(quiet=options.quiet)
    tried = try_seeds(platform, registry, plan_choice(options), options.seeds, progress=progress)
    return seeds_json(tried) if options.format == "json" else seeds_text(tried)


def _no_seeds() -> dict[str, Any]:
    """The JSON of layouts that were not made."""
    headroom = {"min": None, "median": None, "max": None}
    return {"strategy": None, "seeds": 0, "headroom": headroom, "first_failure": None}


def _progress(*, quiet: bool) -> Callable[[int, int], None] | None:
    """Show how far many seeds are, on a terminal and nowhere else."""
    if quiet or sys.stderr is None or not sys.stderr.isatty():
        return None

    def show(done: int, total: int) -> None:
        tell(f"\r{done}/{total}\x1b[K", end="" if done < total else "\r\x1b[K")

    return show
