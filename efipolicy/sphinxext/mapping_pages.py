"""``efi:mapping``: where a strategy puts the regions of a platform, drawn and as a table."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.util.docutils import SphinxDirective

from efipolicy.drawing.findings import DrawnFinding
from efipolicy.drawing.mapping import MappingPicture, describe_mapping, mapping_svg
from efipolicy.drawing.mapping_regions import MappedRegion
from efipolicy.drawing.notation import address_text
from efipolicy.drawing.svg import Form
from efipolicy.engine.planned import Planned
from efipolicy.engine.planning import PlanChoice, planned
from efipolicy.errors import EfipolicyError
from efipolicy.model.address import size_text
from efipolicy.model.efi import type_name
from efipolicy.model.platform import Platform
from efipolicy.sphinxext.elements import efi_figure, efi_fold
from efipolicy.sphinxext.installed import (
    drawn_findings,
    registry,
    report_on,
    shipped_platforms,
)
from efipolicy.sphinxext.parts import Cell, literal, table

_OPEN_ROWS = 80


class EfiMapping(SphinxDirective):
    """``.. efi:mapping:: name-or-path``: the picture of a mapping and its data table.

    Findings of the recommended policy about mapped regions stand beside them.
    ``:strategy:`` names the strategy, else the platform's own is drawn; each line of ``:option:``
    is a ``NAME=VALUE`` of it. With ``:folded:`` the table is hidden at first.
    """

    required_arguments = 1
    final_argument_whitespace = True
    option_spec = {  # noqa: RUF012 - docutils reads it so
        "strategy": directives.unchanged_required,
        "option": directives.unchanged_required,
        "folded": directives.flag,
    }

    def run(self) -> list[nodes.Node]:
        """The figure and the table. The page is read again when the platform changes."""
        name = self.arguments[0]
        path = shipped_platforms().get(name)
        if path is None:
            _, path = self.env.relfn2path(name)
        self.env.note_dependency(path)
        if not os.path.isfile(path):
            known = ", ".join(shipped_platforms())
            raise self.error(f"`{name}` is neither a file nor a reference platform ({known})")
        report = report_on(path, "recommended")
        read = report.inputs[0] if report.inputs else None
        if read is None or read.platform is None:
            raise self.error("; ".join(str(error) for error in report.errors))
        try:
            return mapping_nodes(
                read.platform,
                self.options.get("strategy"),
                options=self._options(),
                findings=drawn_findings(read),
                folded="folded" in self.options,
            )
        except EfipolicyError as problem:
            raise self.error(str(problem)) from problem

    def _options(self) -> dict[str, str]:
        """The options of the strategy, one a line."""
        stated: dict[str, str] = {}
        for line in self.options.get("option", "").splitlines():
            name, equals, value = line.strip().partition("=")
            if not name or not equals:
                raise self.error(f"`{line.strip()}` in :option:, expected NAME=VALUE")
            stated[name] = value
        return stated


def mapping_nodes(
    platform: Platform,
    strategy: str | None,
    *,
    options: Mapping[str, str] | None = None,
    findings: Sequence[DrawnFinding] = (),
    folded: bool = False,
) -> list[nodes.Node]:
    """What a strategy makes of a platform, as a picture and the table that says the same.

    Without ``strategy`` it is the one that the platform declares. ``findings`` are those about the
    descriptors of its map. Raises what planning raises, as for a strategy that does not fit.
    """
    choice = PlanChoice(strategy=strategy, options=dict(options or {}))
    made = planned(platform, registry(), choice)
    return plan_nodes(platform, made, options=options, findings=findings, folded=folded)


def plan_nodes(
    platform: Platform,
    made: Planned,
    *,
    options: Mapping[str, str] | None = None,
    findings: Sequence[DrawnFinding] = (),
    folded: bool = False,
) -> list[nodes.Node]:
    """The picture and the table of a plan that was made. ``folded`` hides the table at first."""
    stated = [f"{name}-{value}" for name, value in (options or {}).items()]
    slug = nodes.make_id("-".join([platform.name, made.plan.strategy, *stated]))
    figure_id, table_id = f"mp-{slug}", f"v-{slug}"
    title = f"Mapping \N{MIDDLE DOT} {platform.title or platform.name}"

    def drawn(form: Form) -> str:
        return mapping_svg(
            made.plan,
            platform.memory_map,
            figure_id=figure_id,
            title=title,
            facts=f"{platform.architecture} \N{MIDDLE DOT} {made.plan.strategy}",
            findings=findings if form == "inline" else [replace(f, href=None) for f in findings],
            table_id=table_id if form == "inline" else None,
            form=form,
        )

    figure = efi_figure(
        svg=drawn("inline"),
        standalone=drawn("standalone"),
        figure=figure_id,
        table=table_id,
        label=f"Mapping of {platform.title or platform.name} by {made.plan.strategy}",
    )
    picture = describe_mapping(made.plan, platform.memory_map, findings=findings)
    shown = _table(picture, platform, made, figure_id, table_id)
    if len(picture.regions) > _OPEN_ROWS:
        return [figure, efi_fold("", shown, summary=f"All {len(picture.regions)} regions")]
    return [figure, efi_fold("", shown, summary="The same as a table") if folded else shown]


def _table(
    picture: MappingPicture, platform: Platform, made: Planned, figure_id: str, table_id: str
) -> nodes.table:
    """A row for each region by physical address; the first of each ribbon is where it links to."""
    rows: list[list[Cell]] = []
    row_ids: list[str | None] = []
    for place, ribbon in enumerate(picture.ribbons):
        for number, region in enumerate(ribbon.regions):
            rows.append(_row(region, picture, f"{figure_id}-{place}"))
            row_ids.append(None if number else f"{table_id}-{place}")
    heads = (
        "physical",
        "end",
        "virtual",
        "end",
        "size",
        "type",
        "access",
        "cache",
        "placed",
        "mem",
    )
    name = platform.title or platform.name
    return table(
        heads,
        rows,
        ids=[table_id],
        row_ids=row_ids,
        title=f"Mapping of {name} by {made.plan.strategy}",
        classes=["ep-data", "ep-plan"],
    )


def _row(region: MappedRegion, picture: MappingPicture, anchor: str) -> list[Cell]:
    start = literal(address_text(region.physical.start, picture.physical_groups))
    virtual: list[Cell] = [region.missing or "", ""]
    if region.virtual is not None:
        ends = (region.virtual.start, region.virtual.end)
        virtual = [literal(address_text(one, picture.virtual_groups)) for one in ends]
    return [
        nodes.reference("", "", start, internal=True, refid=anchor),
        literal(address_text(region.physical.end, picture.physical_groups)),
        *virtual,
        size_text(region.physical.size),
        type_name(region.type),
        region.access or "",
        region.cache or "",
        "" if region.order is None else str(region.order),
        ", ".join(str(index) for index in region.descriptors),
    ]
