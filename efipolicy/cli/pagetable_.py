"""``efipolicy pagetable``: the page tables of a plan."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

from efipolicy.cli import options as cli_options
from efipolicy.cli.reading import read_one, tell_of_other_mappings
from efipolicy.cli.running import complain, load_registry, plugin_status
from efipolicy.cli.strategy_options import add_strategy_options, plan_choice
from efipolicy.engine.planned import Planned
from efipolicy.engine.planning import planned
from efipolicy.engine.table_problems import TablesJudged, tables_judged
from efipolicy.engine.whatif import region_translations
from efipolicy.errors import ExitStatus, UsageError
from efipolicy.model.platform import Platform
from efipolicy.paging.regions import RegionTranslations
from efipolicy.paging.tables import PageTables
from efipolicy.plugin import RenderOptions


def _nothing() -> dict[str, Any]:
    """The JSON of tables that were not built."""
    nothing: dict[str, Any] = {"strategy": None, "status": "impossible", "geometry": None}
    nothing |= {"page_size": None, "virtual_address_bits": None}
    nothing |= {"tables": {"total": 0}, "table_bytes": 0, "leaves": {}}
    nothing["access_bytes"] = dict.fromkeys(("R", "RW", "RX", "RWX"), 0)
    names = ("ranges", "overlaps", "refused", "unforeseen", "problems", "not_checked")
    return {**nothing, **{name: [] for name in names}}


def _parser() -> cli_options.Parser:
    parser = cli_options.Parser(
        "pagetable", "Print the page tables that hold the mapping a strategy installs."
    )
    parser.add_argument("file", metavar="FILE", help="a platform file, a capture or `-`")
    add_strategy_options(parser)
    cli_options.add_reading_options(parser)
    parser.add_argument(
        "--format", choices=("text", "json", "svg"), default="text", help="how to print"
    )
    return parser


def run(arguments: Sequence[str]) -> int:
    """Build, judge, print, and return the exit status."""
    with cli_options.errors_as_json(arguments, _nothing):
        options, problem = _parser().parse(arguments)
        if problem:
            raise problem
        choice = plan_choice(options)
        registry = load_registry()
        read = read_one(options.file, options, registry)
        tell_of_other_mappings(read, options)
        platform = read.platform
        made = planned(platform, registry, choice)
        tables = made.page_tables() or region_translations(made)
        if tables is None or (options.format == "svg" and not _is_drawable(tables)):
            name = made.architecture.title
            raise UsageError(
                f"--format svg: {name} maps by granules and has no tables to draw, and this plan "
                "uses no granule"
            )
        judged = tables_judged(made, platform, registry, path=read.path)
    text = _rendered(options, platform, made, tables, judged)
    text = cli_options.with_errors(text, options.format, registry, judged.errors)
    cli_options.write(text, options.output)
    for error in judged.errors:
        complain(str(error))
    status = plugin_status(registry)
    return int(ExitStatus.PLUGIN) if judged.errors else status


def _is_drawable(tables: PageTables | RegionTranslations) -> bool:
    """Whether there is something to draw: a call with translation off needs no granule."""
    return isinstance(tables, PageTables) or bool(tables.granules)


def _rendered(
    options: argparse.Namespace,
    platform: Platform,
    made: Planned,
    tables: PageTables | RegionTranslations,
    judged: TablesJudged,
) -> str:
    rendering = RenderOptions(
        color=cli_options.wants_color(options.color) and options.output is None,
        quiet=options.quiet,
        verbose=options.verbose,
    )
    if options.format == "svg":
        return _svg(f"{platform.title or platform.name}: {made.plan.strategy}", tables)
    json = options.format == "json"
    if not isinstance(tables, PageTables):
        from efipolicy.reporters.pagetable_regions import regions_json, regions_text

        if json:
            return regions_json(made, tables, judged, judged.errors)
        return regions_text(made, tables, judged, rendering)
    if json:
        from efipolicy.reporters.pagetable_json import pagetable_json

        return pagetable_json(made, tables, judged, judged.errors)
    from efipolicy.reporters.pagetable import pagetable_text

    return pagetable_text(made, tables, judged, rendering)


def _svg(title: str, tables: PageTables | RegionTranslations) -> str:
    """The picture of the tables, or of the granules where there are none."""
    if isinstance(tables, PageTables):
        from efipolicy.drawing.page_tables import page_tables_svg

        return page_tables_svg(tables, figure_id="page-tables", title=title, form="standalone")
    from efipolicy.drawing.page_table_regions import regions_svg

    return regions_svg(tables, figure_id="granules", title=title, form="standalone")
