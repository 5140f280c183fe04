"""The picture on the page of an architecture: the page tables of a platform that is known."""

from __future__ import annotations

from collections.abc import Iterator

from docutils import nodes

from efipolicy.engine.planned import Planned
from efipolicy.engine.planning import NoStrategyError, PlanChoice, planned
from efipolicy.model.platform import Platform
from efipolicy.plugin import Architecture, Strategy
from efipolicy.sphinxext.domain import reference
from efipolicy.sphinxext.installed import registry, shipped_platforms
from efipolicy.sphinxext.page_table_figures import needed_tables, page_table_figure
from efipolicy.sphinxext.parts import paragraph
from efipolicy.sphinxext.strategy_examples import example_platforms


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
        needed = needed_tables(made)
        if needed:
            told = _told(platform, strategy)
            figure_id = str(nodes.make_id(f"pt-architecture-{architecture.name}"))
            title = platform.title or platform.name
            return [told, *page_table_figure(needed, figure_id=figure_id, title=title)]
    return []


def _told(platform: Platform, strategy: str) -> nodes.paragraph:
    told = [
        nodes.Text("What "),
        reference("strategy", strategy, optional=True),
        nodes.Text(" makes of "),
        reference(
            "platform", platform.name, nodes.Text(platform.title or platform.name), optional=True
        ),
        nodes.Text(":"),
    ]
    return paragraph(told)


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
