"""``efi:mapping``: where a strategy puts the regions of a platform, drawn and as a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import cast

from docutils import nodes
from docutils.parsers.rst import directives

from efipolicy.drawing.findings import DrawnFinding
from efipolicy.drawing.mapping import MappingPicture, describe_mapping, mapping_svg
from efipolicy.drawing.mapping_regions import MappedRegion
from efipolicy.drawing.notation import address_text
from efipolicy.drawing.svg import Form
from efipolicy.engine.planned import Planned
from efipolicy.errors import EfipolicyError
from efipolicy.model.address import size_text
from efipolicy.model.efi import type_name
from efipolicy.model.platform import Platform
from efipolicy.sphinxext.elements import efi_figure, efi_fold
from efipolicy.sphinxext.installed import drawn_findings
from efipolicy.sphinxext.parts import Cell, literal, table
from efipolicy.sphinxext.plan_directive import PlanDirective

_OPEN_ROWS = 80


class EfiMapping(PlanDirective):
    """``.. efi:mapping:: name-or-path``: the picture of a mapping and its data table.

    Findings about mapped regions stand beside them. The options choose the strategy; with
    ``:folded:`` the table is hidden at first.
    """

    option_spec = {  # noqa: RUF012 - docutils reads it so
        **PlanDirective.option_spec,
        "folded": directives.flag,
    }

    def run(self) -> list[nodes.Node]:
        """The figure and the table."""
        read = self.linted()
        platform = cast(Platform, read.platform)
        try:
            return plan_nodes(
                platform,
                self.planned(platform),
                options=self.stated(),
                findings=drawn_findings(read),
                folded="folded" in self.options,
            )
        except EfipolicyError as problem:
            raise self.error(str(problem)) from problem


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
