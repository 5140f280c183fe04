"""What each strategy makes of a platform: a table, and the page tables of the native one."""

from __future__ import annotations

import os
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import replace
from typing import Final, cast

from docutils import nodes

from efipolicy.drawing.mapping import mapping_svg
from efipolicy.drawing.mapping_alike import places_of
from efipolicy.drawing.mapping_foot import notes_of
from efipolicy.drawing.notation import counted
from efipolicy.engine.kexec import verdict_to_itself
from efipolicy.engine.planned import Planned
from efipolicy.engine.planning import NoStrategyError, PlanChoice, planned
from efipolicy.engine.whatif import WhatIf, row
from efipolicy.errors import EfipolicyError
from efipolicy.model.address import size_text
from efipolicy.model.finding import InputReport, Severity
from efipolicy.model.mapping import MappingPlan
from efipolicy.model.platform import Platform
from efipolicy.named_tuple import NamedTuple
from efipolicy.plugin import Strategy
from efipolicy.sphinxext.domain import reference
from efipolicy.sphinxext.elements import efi_figure, efi_fold, severity_mark
from efipolicy.sphinxext.installed import drawn_findings, registry
from efipolicy.sphinxext.kexec_pages import verdict_mark
from efipolicy.sphinxext.mapping_pages import plan_nodes
from efipolicy.sphinxext.page_table_figures import needed_tables, page_table_figure
from efipolicy.sphinxext.parts import Cell, literal, paragraph, table
from efipolicy.sphinxext.ticks import tick

_OPEN_ROWS: Final = 40


class Attempt(NamedTuple):
    """A strategy and what it makes of a platform, or why it makes nothing of it."""

    strategy: Strategy
    made: Planned | None
    problem: EfipolicyError | None


def native_plan(platform: Platform) -> Planned | None:
    """What the strategy makes of it that the platform declares, or that its origin tells.

    ``None`` where nobody says which, or its architecture is not installed.
    """
    if platform.architecture not in registry().architectures:
        return None
    try:
        return planned(platform, registry(), PlanChoice())
    except NoStrategyError:
        return None


def fitting(platform: Platform) -> Iterator[Strategy]:
    """The strategies for the platform's architecture, by name; none where it is not installed."""
    if platform.architecture not in registry().architectures:
        return
    for _, strategy in sorted(registry().strategies.items()):
        if not strategy.architectures or platform.architecture in strategy.architectures:
            yield strategy


def plans_of(platform: Platform, native: Planned | None) -> list[Attempt]:
    """What each strategy that fits makes of the platform, the native one first."""
    attempts: list[Attempt] = []
    for strategy in fitting(platform):
        if native is not None and native.plan.strategy == strategy.name:
            attempts.insert(0, Attempt(strategy, native, None))
            continue
        try:
            attempts.append(Attempt(strategy, plan_of(platform, strategy), None))
        except EfipolicyError as problem:
            attempts.append(Attempt(strategy, None, problem))
    return attempts


def strategies_table(
    platform: Platform, attempts: Sequence[Attempt], native: Planned | None
) -> list[nodes.Node]:
    """A row for each strategy that fits: each cell leads to its page."""
    rows = [_row(platform, attempt, native) for attempt in attempts]
    heads = ("strategy", "maps", "page tables", "W^X", "kexec to itself")
    return [table(heads, rows, classes=["ep-matrix"])] if rows else []


def mapping_section(
    report: InputReport, attempts: Sequence[Attempt], native: Planned | None
) -> list[nodes.Node]:
    """The mapping of the native strategy with its table, and those of the others, each folded.

    The others have no table: a dozen of them would be most of the page and of the time it takes.
    Those that give every region the same address share a picture.
    """
    platform = cast(Platform, report.platform)
    shown: list[nodes.Node] = []
    others: dict[Hashable, list[MappingPlan]] = {}
    for _, made, _ in attempts:
        if made is None or not any(one.runtime for one in made.plan.mappings):
            continue
        if made is native:
            shown += plan_nodes(platform, made, findings=drawn_findings(report), folded=True)
        else:
            places = places_of(made.plan, platform.memory_map)
            others.setdefault(places, []).append(made.plan)
    file = os.path.basename(report.path)
    return [*shown, *(_other_mapping(platform, alike, file) for alike in others.values())]


def _other_mapping(platform: Platform, plans: Sequence[MappingPlan], file: str) -> efi_fold:
    """The picture of one or more of many mappings, and how to get the table of each."""
    names = [plan.strategy for plan in plans]
    title = platform.title or platform.name
    figure_id = f"mo-{nodes.make_id(f'{platform.name}-{names[0]}')}"
    who = names[0] if len(names) == 1 else counted(len(names), "strategy", "strategies")
    svg = mapping_svg(
        plans[0],
        platform.memory_map,
        figure_id=figure_id,
        title=f"Mapping \N{MIDDLE DOT} {title}",
        facts=f"{platform.architecture} \N{MIDDLE DOT} {who}",
        notes=None if len(plans) == 1 else (),
        alike=plans[1:],
    )
    by = " and ".join([", ".join(names[:-1]), names[-1]] if names[1:] else names)
    label = f"Mapping of {title} by {by}"
    picture = efi_figure(svg=svg, standalone="", figure=figure_id, table="", label=label)
    if len(plans) == 1:
        told: nodes.Node = paragraph([nodes.Text("As a table: "), _command(plans[0], file)])
        return efi_fold("", picture, told, summary=f"Mapping by {by}")
    items = [
        nodes.list_item("", paragraph([nodes.Text(_notes(plan)), _command(plan, file)]))
        for plan in plans
    ]
    told = nodes.bullet_list("", *items)
    return efi_fold("", picture, told, summary=f"Mapping by {by}, at the same addresses")


def _notes(plan: MappingPlan) -> str:
    """What tells a mapping from others at the same addresses."""
    notes = " ".join([*plan.placement.notes, *notes_of(plan)])
    return f"{plan.strategy}: {notes}{' ' if notes else ''}As a table: "


def _command(plan: MappingPlan, file: str) -> nodes.literal:
    return literal(f"efipolicy plan {file} --strategy {plan.strategy}")


def plan_of(platform: Platform, strategy: Strategy) -> Planned:
    """The plan with the options that the platform declares for a strategy, else its defaults.

    Raises what planning raises.
    """
    declared = next((m for m in platform.mapping or () if m.strategy == strategy.name), None)
    if declared is None:
        return planned(platform, registry(), PlanChoice(strategy=strategy.name))
    return planned(replace(platform, mapping=(declared,)), registry(), PlanChoice())


def _row(platform: Platform, attempt: Attempt, native: Planned | None) -> list[Cell]:
    strategy, made, problem = attempt
    name = strategy.name
    head: list[nodes.Node] = [reference("strategy", name, nodes.Text(name), optional=True)]
    if made is None:
        return [head, severity_mark(Severity.ERROR, str(problem)), "", "", ""]
    if made is native:
        head.append(nodes.Text(" (native)"))
    try:
        seen = row(made)
        verdict = verdict_to_itself(platform, made, strategy.kexec)
        if seen.status == "incomplete" and not _mapped(platform, made):
            verdict = None  # nothing is known of any region that a kernel could carry over
    except EfipolicyError as failure:
        return [head, severity_mark(Severity.ERROR, str(failure)), "", "", ""]
    return [
        head,
        _linked(name, _maps(platform, made, seen)),
        _linked(name, _tables(made, seen)),
        _linked(name, _protected(seen)),
        _linked(name, verdict_mark(verdict) if verdict else nodes.Text("not known")),
    ]


def _linked(name: str, shown: nodes.Node) -> nodes.Node:
    return reference("strategy", name, shown, classes=["ep-cell"], optional=True)


def _maps(platform: Platform, made: Planned, seen: WhatIf) -> nodes.Node:
    """How many of the runtime descriptors have an address that some table can hold."""
    text = f"{_mapped(platform, made)} of {len(platform.memory_map.runtime)}"
    if seen.status == "ok":
        return tick(text)
    severity = Severity.ERROR if seen.status == "impossible" else Severity.INFO
    return severity_mark(severity, f"{text}, {seen.status}")


def _mapped(platform: Platform, made: Planned) -> int:
    tables = made.page_tables()
    refused = {refusal.mapping for refusal in tables.refused} if tables else set()
    everything = tables.mappings if tables else (*made.plan.mappings, *made.plan.extra)
    mapped = {
        index
        for place, one in enumerate(everything)
        if one.virtual_start is not None and place not in refused
        for index in one.descriptors
    }
    return sum(one.index in mapped for one in platform.memory_map.runtime)


def _tables(made: Planned, seen: WhatIf) -> nodes.Node:
    total = sum(seen.tables.values())
    if total:
        tables = made.page_tables()
        size = f", {size_text(tables.table_bytes)}" if tables else ""
        return nodes.Text(f"{total}{size}")
    granules = sum(seen.leaves.values())
    return nodes.Text(counted(granules, "granule") if granules else "none")


def _protected(seen: WhatIf) -> nodes.Node:
    if seen.write_execute_bytes:
        return severity_mark(Severity.ERROR, f"{size_text(seen.write_execute_bytes)} RWX")
    if not sum(seen.leaves.values()):
        return nodes.Text("nothing mapped")
    return tick("kept")


def page_table_nodes(platform: Platform, made: Planned) -> list[nodes.Node]:
    """The native strategy's page tables, or its regions where there are none, and its tables."""
    needed = needed_tables(made)
    title = f"{platform.title or platform.name}: {made.plan.strategy}"
    figure_id = f"pt-{nodes.make_id(platform.name)}"
    return page_table_figure(needed, figure_id=figure_id, title=title) if needed else []
