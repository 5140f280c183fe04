"""``efipolicy kexec``: what becomes of firmware when kernels follow each other."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

from efipolicy.cli import options as cli_options
from efipolicy.cli.reading import UnreadableError, read_one
from efipolicy.cli.running import complain, load_registry, plugin_status
from efipolicy.cli.strategy_options import plan_choice
from efipolicy.engine.kexec import simulate
from efipolicy.engine.kexec_chains import declared_beside, declared_chain
from efipolicy.engine.kexec_spelled import spelled_chain
from efipolicy.engine.kexec_state import ChainKernel
from efipolicy.engine.kexec_words import pages_and_bits
from efipolicy.engine.planning import PlanChoice, declaration_errors
from efipolicy.errors import ExitStatus, PluginError, UsageError
from efipolicy.model.chain import ChainReport
from efipolicy.model.platform import Platform
from efipolicy.plugin import RenderOptions
from efipolicy.plugin.registry import Registry


def _nothing() -> dict[str, Any]:
    """The JSON of a chain that was not judged."""
    return {"verdict": None, "hops": [], "assumptions": []}


def _parser() -> cli_options.Parser:
    parser = cli_options.Parser(
        "kexec",
        "Print what becomes of runtime services along a chain of kernels, or after any strategy "
        "with any other.",
    )
    parser.add_argument("file", metavar="FILE", help="a platform file, a capture or `-`")
    wanted = parser.add_mutually_exclusive_group()
    wanted.add_argument(
        "--chain",
        metavar="S1,S2",
        help="strategies in order, each with options as S:NAME=VALUE,NAME=VALUE; also of a kernel: "
        "channel, loader, skip_svam, kind, memory, page_size, virtual_address_bits",
    )
    wanted.add_argument(
        "--matrix", action="store_true", help="the whole matrix, whatever chain the file declares"
    )
    parser.add_argument("--page-size", metavar="SIZE", help="of all kernels, as 64K")
    parser.add_argument("--va-bits", type=int, metavar="BITS", help="of all kernels")
    cli_options.add_reading_options(parser)
    parser.add_argument(
        "--format", choices=("text", "json", "svg"), default="text", help="how to print"
    )
    parser.set_defaults(strategy=None, option=[])
    return parser


def run(arguments: Sequence[str]) -> int:
    """Judge, print, and return the exit status."""
    with cli_options.errors_as_json(arguments, _nothing):
        options, problem = _parser().parse(arguments)
        if problem:
            raise problem
        choice = plan_choice(options)
        registry = load_registry()
        platform = read_one(options.file, options, registry).platform
        wrong = declaration_errors(platform, registry)
        if wrong:
            raise UnreadableError([*wrong])
        text, verdict, failures = _judged(options, platform, registry, choice)
    text = cli_options.with_errors(text, options.format, registry, failures)
    cli_options.write(text, options.output)
    for failure in failures:
        complain(str(failure))
    status = plugin_status(registry)
    if failures or status:
        return int(ExitStatus.PLUGIN)
    return int(ExitStatus.OK if verdict == "ok" else ExitStatus.FINDINGS)


def _judged(
    options: argparse.Namespace, platform: Platform, registry: Registry, choice: PlanChoice
) -> tuple[str, str, tuple[PluginError, ...]]:
    """What is printed, the verdict (``ok`` for a matrix), and what failed."""
    json = options.format == "json"
    rendering = RenderOptions(
        color=cli_options.wants_color(options.color) and options.output is None,
        quiet=options.quiet,
        verbose=options.verbose,
    )
    kernels = None
    beside: tuple[str, ...] = ()
    if options.chain is not None:
        kernels = spelled_chain(options.chain, platform, registry, choice)
    elif not options.matrix:
        kernels = declared_chain(platform, registry, choice)
        beside = tuple(declared_beside(platform))
    if kernels:
        report = simulate(platform, kernels)
        pages = pages_and_bits([(one.name, one.planned) for one in kernels])
        report = report._replace(assumptions=(*beside, *pages, *report.assumptions))
        if options.format == "svg":
            return _svg(platform, kernels, report), report.verdict, ()
        if json:
            from efipolicy.reporters.kexec_json import chain_json

            return chain_json(report), report.verdict, ()
        from efipolicy.reporters.kexec import chain_text

        return chain_text(report, rendering), report.verdict, ()
    if options.format == "svg":
        raise UsageError(
            "--format svg draws a chain, not the matrix; say the chain with --chain S1,S2"
        )
    from efipolicy.engine.kexec_matrix import matrix

    made = matrix(platform, registry, choice)
    if json:
        from efipolicy.reporters.kexec_json import matrix_json

        return matrix_json(made, made.errors), "ok", made.errors
    from efipolicy.reporters.kexec import matrix_text

    return matrix_text(made, rendering), "ok", made.errors


def _svg(platform: Platform, kernels: Sequence[ChainKernel], report: ChainReport) -> str:
    """The picture of a chain; of a long one a picture for each hop, one below the other."""
    from efipolicy.drawing.kexec_chain import describe_kexec_chain, kexec_chain_svg

    figures = describe_kexec_chain(platform, kernels, report)
    return kexec_chain_svg(figures, figure_id="kexec-chain", form="standalone")
