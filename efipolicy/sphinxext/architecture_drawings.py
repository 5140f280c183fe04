"""The picture on the page of an architecture: the page tables of a platform that is known."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from docutils import nodes

from efipolicy.drawing.notation import address_text, groups_for
from efipolicy.drawing.page_table_regions import regions_svg
from efipolicy.drawing.page_tables import page_tables_svg
from efipolicy.drawing.svg import Form
from efipolicy.engine.planned import Planned
from efipolicy.engine.planning import NoStrategyError, PlanChoice, planned
from efipolicy.engine.whatif import region_translations
from efipolicy.model.address import size_text
from efipolicy.model.platform import Platform
from efipolicy.paging.regions import RegionTranslations
from efipolicy.paging.tables import PageTables
from efipolicy.plugin import Architecture, Strategy
from efipolicy.sphinxext.domain import reference
from efipolicy.sphinxext.elements import efi_figure, efi_fold
from efipolicy.sphinxext.installed import registry, shipped_platforms
from efipolicy.sphinxext.parts import Cell, literal, paragraph, table
from efipolicy.sphinxext.strategy_examples import example_platforms

_TIMES: Final = "\N{MULTIPLICATION SIGN}"


def platform_paths() -> list[str]:
    """Reference platforms first; those for worked examples where there are none.

    What is called broken is there to fail, so it comes last of the reference platforms.
    """
    shipped = sorted(shipped_platforms().items(), key=lambda item: ("broken" in item[0], item[0]))
    return [*(path for _, path in shipped), *example_platforms().values()]


def drawn_tables(architecture: Architecture, platform: Platform) -> list[nodes.Node]:
    """What an operating system makes of a platform: the picture, and the same as a table.

    Nothing where no strategy needs any table of it. Raises what planning raises.
    """
    for made, strategy in _plans(architecture, platform):
        tables, translations = made.page_tables(), region_translations(made)
        if tables is not None and tables.runs:
            return _figure(architecture, platform, strategy, tables)
        if translations is not None and translations.granules:
            return _figure(architecture, platform, strategy, translations)
    return []


def _figure(
    architecture: Architecture,
    platform: Platform,
    strategy: str,
    needed: PageTables | RegionTranslations,
) -> list[nodes.Node]:
    title = platform.title or platform.name
    figure_id = str(nodes.make_id(f"pt-architecture-{architecture.name}"))

    def drawn(form: Form) -> str:
        if isinstance(needed, PageTables):
            return page_tables_svg(needed, figure_id=figure_id, title=title, form=form)
        return regions_svg(needed, figure_id=figure_id, title=title, form=form)

    told = [
        nodes.Text("What "),
        reference("strategy", strategy, optional=True),
        nodes.Text(" makes of "),
        reference("platform", platform.name, nodes.Text(title), optional=True),
        nodes.Text(":"),
    ]
    figure = efi_figure(
        svg=drawn("inline"),
        standalone=drawn("standalone"),
        figure=figure_id,
        table=f"{figure_id}-leaves",
        label=f"Page tables of {title}",
    )
    rows = _leaf_rows(needed) if isinstance(needed, PageTables) else _granule_rows(needed)
    heads = ("virtual", "physical", "leaves", "access", "cache")
    leaves = table(heads, rows, ids=[f"{figure_id}-leaves"], title=f"Leaves: {title}")
    fold = efi_fold("", leaves, summary="The same as a table")
    return [paragraph(told), figure, fold]


def _leaf_rows(tables: PageTables) -> list[list[Cell]]:
    """Neighbouring leaves that are alike, a row each."""
    virtual = groups_for(tables.runs[-1].end - 1)
    physical = groups_for(max(run.frames.end for run in tables.runs))
    return [
        [
            literal(address_text(run.start, virtual)),
            literal(address_text(run.physical, physical)),
            f"{run.number_of_leaves} {_TIMES} {size_text(run.leaf_size)}",
            run.access,
            run.cache,
        ]
        for run in tables.runs
    ]


def _granule_rows(translations: RegionTranslations) -> list[list[Cell]]:
    """Neighbouring granules that are alike, a row each; nothing in them is protected."""
    return [
        [
            literal(address_text(run.virtual.start, 4)),
            literal(address_text(run.physical_start, 4)),
            f"{run.number_of_granules} {_TIMES} {size_text(run.granule)}",
            "RWX",
            run.cache,
        ]
        for run in translations.granules
    ]


def _plans(architecture: Architecture, platform: Platform) -> Iterator[tuple[Planned, str]]:
    """The plan of the strategy that is declared or evident, then those that fit, with their names.

    Of those that fit what is made for this architecture comes first.
    """
    try:
        made = planned(platform, registry(), PlanChoice())
    except NoStrategyError:
        pass
    else:
        declared = platform.mapping[0].strategy if platform.mapping else None
        chosen = declared or (made.choice.strategy if made.choice else None)
        if chosen:
            yield made, chosen
    for strategy in fitting_strategies(architecture):
        choice = PlanChoice(strategy=strategy.name)
        yield planned(platform, registry(), choice), strategy.name


def fitting_strategies(architecture: Architecture) -> list[Strategy]:
    """The strategies that fit: those made for it before those that fit everything."""
    fitting = (
        each
        for each in registry().strategies.values()
        if not each.architectures or architecture.name in each.architectures
    )
    return sorted(fitting, key=lambda each: (not each.architectures, each.name))
