"""The worked example on the page of a strategy: its plan of a small memory map, and the tables."""

from __future__ import annotations

import os
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Final

from docutils import nodes

from efipolicy.api import ReadingOptions, open_source, read_source
from efipolicy.drawing.notation import address_text, counted, groups_for
from efipolicy.engine.handing_over import handover_errors
from efipolicy.engine.planned import Planned
from efipolicy.engine.planning import PlanChoice, declaration_errors, planned
from efipolicy.model.address import size_text
from efipolicy.model.efi import type_name
from efipolicy.model.mapping import Mapping, PlanProblem
from efipolicy.model.platform import MappingDeclaration, Platform
from efipolicy.named_tuple import NamedTuple
from efipolicy.plugin import Strategy
from efipolicy.sphinxext.domain import reference
from efipolicy.sphinxext.elements import efi_fold
from efipolicy.sphinxext.installed import registry, shipped_platforms
from efipolicy.sphinxext.mapping_pages import plan_nodes
from efipolicy.sphinxext.page_table_figures import needed_tables, page_table_figure
from efipolicy.sphinxext.parts import Cell, literal, paragraph, table

_OPEN_ROWS: Final = 40


class Example(NamedTuple):
    """A small platform, the path of its file, and what a strategy makes of it."""

    path: str
    platform: Platform
    made: Planned


def example_platforms() -> dict[str, str]:
    """The paths of the small platforms that plugins bring to work examples with, by name."""
    folders = {Path(path).parent.parent / "examples" for path in registry().policies.values()}
    paths = sorted(path for folder in folders for path in folder.glob("*.yaml"))
    return {path.stem: str(path) for path in paths}


@cache
def example_of(strategy: Strategy) -> Example | None:
    """What a strategy makes of the first platform that fits; ``None`` where no platform does.

    Examples come before reference platforms, and x86_64 before other architectures. Raises what
    planning raises.
    """
    candidates = [*reversed(example_platforms().values()), *shipped_platforms().values()]
    for path in candidates:
        platform = platform_at(path)
        if not strategy.architectures or platform.architecture in strategy.architectures:
            made = planned(platform, registry(), PlanChoice(strategy=strategy.name))
            return Example(path, platform, made)
    return None


@cache
def platform_at(path: str) -> Platform:
    """The platform that a file is about, as far as the installed plugins know what it names.

    A mapping of a strategy that is not installed, and a hand-over likewise, are left out, as if
    the file did not declare them. Raises `EfipolicyError` where it cannot be read.
    """
    read, errors = read_source(open_source(path), registry(), ReadingOptions())
    if read is None:
        raise errors[0]
    if not errors:
        return read.platform
    known = _without_absent(read.platform)
    wrong = [*declaration_errors(known, registry()), *handover_errors(known, registry())]
    if known is read.platform or wrong:
        raise errors[0]
    return known


def _without_absent(platform: Platform) -> Platform:
    """The platform without what it declares of plugins that are not installed."""
    strategies, handovers = registry().strategies, registry().handovers
    mapping = tuple(
        declared
        for declared in platform.mapping or ()
        if all(one.strategy is None or one.strategy in strategies for one in _kernels(declared))
    )
    if len(mapping) < len(platform.mapping or ()):
        platform = replace(platform, mapping=mapping or None)
    if platform.handover and platform.handover.variant not in (None, *handovers):
        platform = replace(platform, handover=None)
    return platform


def _kernels(declared: MappingDeclaration) -> tuple[MappingDeclaration, ...]:
    return (declared, *declared.kexec)


def example_mapping(example: Example | None) -> list[nodes.Node]:
    """Where the strategy puts the regions of the small platform, drawn, and its table folded."""
    if example is None:
        return []
    return plan_nodes(example.platform, example.made, folded=True)


def example_nodes(strategy: Strategy, example: Example | None) -> list[nodes.Node]:
    """How to reproduce it, the plan as a table, what is open in it, and its page tables drawn."""
    if example is None:
        return []
    file = os.path.basename(example.path)
    with open(example.path, encoding="utf-8") as source:
        text = source.read()
    command = f"efipolicy plan {file} --strategy {strategy.name}"
    return [
        paragraph("As drawn above, with every option at its default, on the platform file below:"),
        nodes.literal_block(command, command, language="console"),
        efi_fold("", nodes.literal_block(text, text, language="yaml"), summary=file),
        *_status(example),
        *_plan(strategy, example),
        *_pictures(strategy, example),
    ]


_STATUSES: Final = {
    "ok": "Every address is known.",
    "incomplete": "The plan is incomplete: not every address can be told.",
    "impossible": "The plan is impossible: the strategy cannot do this.",
    "assumption": "The plan is an assumption.",
}


def _status(example: Example) -> list[nodes.Node]:
    plan = example.made.plan
    svam = "SetVirtualAddressMap is not called."
    if plan.svam is not None:
        svam = f"SetVirtualAddressMap is told {counted(len(plan.svam), 'entry', 'entries')}."
    told: list[nodes.Node] = [paragraph(f"{_STATUSES[plan.status]} {svam}")]
    if plan.problems:
        items = [nodes.list_item("", paragraph(_problem(each))) for each in plan.problems]
        told.append(nodes.bullet_list("", *items))
    return told


def _problem(problem: PlanProblem) -> list[nodes.Node]:
    return [
        reference("rule", problem.rule, optional=True),
        nodes.Text(f": {problem.message}" + (f" at {problem.region}" if problem.region else "")),
    ]


def _plan(strategy: Strategy, example: Example) -> list[nodes.Node]:
    """The mappings in placement order, and what is mapped besides."""
    plan = example.made.plan
    everything = (*plan.mappings, *plan.extra)
    virtual = groups_for(max((m.virtual_start or 0 for m in everything), default=0))
    physical = groups_for(max((m.physical.end for m in everything), default=0))
    heads = ("virtual", "physical", "size", "type", "access", "cache", "from")
    made: list[nodes.Node] = []
    for title, mappings in (("Mappings", plan.mappings), ("Mapped besides", plan.extra)):
        if not mappings:
            continue
        rows = [_row(mapping, virtual, physical) for mapping in mappings]
        shown = table(heads, rows, title=f"{title}: {strategy.name}", classes=["ep-plan"])
        few = len(rows) <= _OPEN_ROWS
        made.append(shown if few else efi_fold("", shown, summary=f"All {len(rows)} rows"))
    return made


def _row(mapping: Mapping, virtual: int, physical: int) -> list[Cell]:
    start = mapping.virtual_start
    entries = ", ".join(f"mem{index}" for index in mapping.descriptors)
    return [
        "not known" if start is None else literal(address_text(start, virtual)),
        literal(address_text(mapping.physical.start, physical)),
        size_text(mapping.physical.size),
        type_name(mapping.type),
        mapping.access,
        mapping.cache,
        mapping.why or entries,
    ]


def _pictures(strategy: Strategy, example: Example) -> list[nodes.Node]:
    """The tables as they stay after the boot, or the regions where there are none."""
    needed = needed_tables(example.made)
    title = f"{example.platform.title or example.platform.name}: {strategy.name}"
    return page_table_figure(needed, figure_id=f"pt-{strategy.name}", title=title) if needed else []
