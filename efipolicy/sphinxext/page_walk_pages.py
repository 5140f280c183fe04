"""``efi:page-walk``: what a processor makes of an address, drawn and as a table."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import cast

from docutils import nodes
from docutils.parsers.rst import directives

from efipolicy.drawing.notation import address_text
from efipolicy.drawing.page_walk import entry_text, page_walk_ends, page_walk_svg, step_words
from efipolicy.drawing.svg import Form
from efipolicy.engine.locating import whereabouts
from efipolicy.engine.planned import Planned
from efipolicy.engine.walkers import walker_of
from efipolicy.engine.walking import Walked
from efipolicy.errors import EfipolicyError
from efipolicy.model.platform import Platform
from efipolicy.paging.walker import WalkStep
from efipolicy.sphinxext.elements import efi_figure
from efipolicy.sphinxext.parts import Cell, literal, paragraph, separated, table
from efipolicy.sphinxext.plan_directive import PlanDirective


class EfiPageWalk(PlanDirective):
    """``.. efi:page-walk:: name-or-path``: the walk of an address through a strategy's tables.

    ``:address:`` is physical or virtual, as `whereabouts` reads it; of a physical address each
    virtual one is walked. The other options choose the strategy as in ``efi:page-tables``.
    """

    option_spec = {  # noqa: RUF012 - docutils reads it so
        **PlanDirective.option_spec,
        "address": directives.unchanged_required,
    }

    def run(self) -> list[nodes.Node]:
        """A figure and a table for each walk."""
        address = self._address()
        platform = cast(Platform, self.linted().platform)
        try:
            made = self.planned(platform)
            walks = list(walks_of(platform, made, address))
        except EfipolicyError as problem:
            raise self.error(str(problem)) from problem
        if not walks:
            where = f"{made.plan.strategy} maps nothing of {platform.name} at {address:#x}"
            raise self.error(f"{where}, and nothing is walked there")
        stated = self.options.get("option", "").split()
        return [node for walked in walks for node in walk_nodes(platform, made, walked, stated)]

    def _address(self) -> int:
        text = self.options.get("address", "nothing")
        try:
            address = int(text, 0)
        except ValueError:
            address = -1
        if address < 0 or address >> 64:
            raise self.error(f":address: found `{text}`, expected one such as 0x7f5e_c000")
        return address


def walks_of(platform: Platform, made: Planned, address: int) -> Iterator[Walked]:
    """The walks of an address, physical or virtual, through the tables of a plan.

    None where nothing maps it, or nobody says how the architecture's entries look. Raises
    `PluginError` when the architecture's plugin fails.
    """
    plan, geometry = made.plan, made.geometry
    walker = walker_of(made, platform)
    for found in whereabouts(platform, address, plan=plan, geometry=geometry, walker=walker):
        yield from found.walks


def walk_nodes(
    platform: Platform, made: Planned, walked: Walked, stated: Iterable[str] = ()
) -> list[nodes.Node]:
    """The figure of a walk, a row for each entry that is read, and what it comes to.

    Options that are ``stated`` of the strategy tell the figure from one without them.
    """
    if walked.trouble:
        return [paragraph(f"{walked.address:#x} {walked.trouble}")]
    strategy = made.plan.strategy
    words = (platform.name, strategy, *stated, f"{walked.address:x}")
    slug = nodes.make_id("-".join(words))
    figure_id, table_id = f"walk-{slug}", f"walked-{slug}"
    title = f"Page walk of {address_text(walked.address, 2)}"

    def drawn(form: Form) -> str:
        facts = f"{platform.title or platform.name} \N{MIDDLE DOT} {strategy}"
        return page_walk_svg(
            walked, made.geometry, figure_id=figure_id, title=title, facts=facts, form=form
        )

    figure = efi_figure(
        svg=drawn("inline"),
        standalone=drawn("standalone"),
        figure=figure_id,
        table=table_id,
        label=f"{title} by {strategy}",
    )
    rows = [_row(step) for step in walked.steps]
    rows += [["", "", "", sentence, ""] for sentence in page_walk_ends(walked)]
    heads = ("level", "index", "entry", "says", "fields")
    return [figure, table(heads, rows, ids=[table_id], title=f"Entries: {title}")]


def _row(step: WalkStep) -> list[Cell]:
    fields = [nodes.Text(words) for words in _fields(step)]
    return [
        step.level.name,
        str(step.number),
        literal(entry_text(step)),
        step_words(step),
        separated(fields, "; "),
    ]


def _fields(step: WalkStep) -> Iterator[str]:
    """The fields that are set, each with what its value means."""
    for one in step.decoded.fields:
        if one.value:
            value = "" if one.field.bits == 1 else f" = {one.value:#x}"
            yield f"{one.field.name}{value}" + (f": {one.meaning}" if one.meaning else "")
