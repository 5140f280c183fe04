"""``efi:platform``, ``efi:platforms`` and ``efi:memory-map``: pages of platforms."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import cast

from docutils import nodes
from sphinx import addnodes
from sphinx.util.docutils import SphinxDirective

from efipolicy.drawing.findings import DrawnFinding
from efipolicy.drawing.memory_map import (
    describe_memory_map,
    highest_address,
    memory_map_svg,
    row_anchors,
    runtime_bytes,
)
from efipolicy.drawing.memory_map_parts import memory_map_print_svgs
from efipolicy.drawing.notation import address_text, counted, groups_for
from efipolicy.drawing.svg import Form
from efipolicy.errors import EfipolicyError
from efipolicy.model.address import size_text
from efipolicy.model.finding import InputReport, NotChecked, ReportedFinding
from efipolicy.model.platform import Platform
from efipolicy.sphinxext.domain import EfipolicyDomain, reference
from efipolicy.sphinxext.elements import efi_figure, efi_fold, severity_mark
from efipolicy.sphinxext.installed import (
    descriptor_index,
    drawn_findings,
    report_on,
    shipped_platforms,
)
from efipolicy.sphinxext.kexec_pages import platform_chain
from efipolicy.sphinxext.parts import (
    Cell,
    fact_line,
    literal,
    outcome,
    paragraph,
    pill_line,
    quoted,
    separated,
    severity_counts,
    table,
)
from efipolicy.sphinxext.platform_directive import PlatformDirective
from efipolicy.sphinxext.platform_strategies import (
    mapping_section,
    native_plan,
    page_table_nodes,
    plans_of,
    strategies_table,
)

_OPEN_ROWS = 80


class EfiMemoryMap(PlatformDirective):
    """``.. efi:memory-map:: name-or-path``: the picture of a memory map and its data table."""

    def run(self) -> list[nodes.Node]:
        """The figure and the table."""
        return memory_map_nodes(self.linted())


class EfiPlatform(PlatformDirective):
    """``.. efi:platform:: name-or-path``: the page of a platform."""

    def run(self) -> list[nodes.Node]:
        """Conclusion first, then the pictures, the findings, the table, and how to reproduce."""
        report = self.linted()
        platform = cast(Platform, report.platform)
        domain = cast(EfipolicyDomain, self.env.get_domain("efi"))
        domain.note("platform", platform.name, anchor="", title=platform.title or platform.name)
        table_id = f"d-{nodes.make_id(platform.name)}"
        domain.note_regions(platform.name, platform.memory_map.descriptors, table_id)
        figure, *data = memory_map_nodes(report)
        try:
            native = native_plan(platform)
            attempts = plans_of(platform, native)
            computed = [
                ("Mapping", mapping_section(report, attempts, native)),
                ("Page tables", page_table_nodes(platform, native) if native else []),
                ("Kexec", platform_chain(report, native)),
            ]
            strategies = strategies_table(platform, attempts, native)
        except EfipolicyError as problem:
            raise self.error(str(problem)) from problem
        return [
            pill_line(report.findings),
            fact_line(*_facts(platform)),
            *strategies,
            _section("Memory map", figure),
            *[_section(title, *content) for title, content in computed if content],
            _section("Findings", *_findings(report)),
            _section("Descriptors", *data),
            *_source(report),
            _section("Reproduce", *_reproduce(report)),
        ]


class EfiPlatforms(SphinxDirective):
    """``.. efi:platforms::``: the reference platforms and what the linter says of each."""

    def run(self) -> list[nodes.Node]:
        """A table of platform, architecture, descriptors and findings."""
        rows: list[list[Cell]] = []
        for name, path in shipped_platforms().items():
            self.env.note_dependency(path)
            report = report_on(path, "recommended").inputs[0]
            platform = report.platform
            if platform is None:
                raise self.error(f"the reference platform {name} cannot be read")
            rows.append(
                [
                    reference("platform", name, nodes.Text(platform.title or name)),
                    platform.architecture,
                    str(len(platform.memory_map.descriptors)),
                    separated(severity_counts(report.findings)) or "none",
                ]
            )
        return [table(("platform", "architecture", "descriptors", "findings"), rows)]


def _section(title: str, *content: nodes.Node) -> nodes.section:
    name = nodes.make_id(title)
    return nodes.section("", nodes.title(title, title), *content, ids=[name], names=[name])


def _facts(platform: Platform) -> list[tuple[str, Cell]]:
    memory_map = platform.memory_map
    runtime = memory_map.runtime
    mat = platform.memory_attributes_table
    return [
        ("architecture", _architecture(platform)),
        ("descriptors", str(len(memory_map.descriptors))),
        ("runtime", f"{len(runtime)}, {size_text(runtime_bytes(memory_map))}"),
        ("highest address", highest_address(memory_map)),
        (
            "memory attributes table",
            "not stated" if mat is None else counted(len(mat.entries), "entry", "entries"),
        ),
    ]


def _architecture(platform: Platform) -> Cell:
    name = platform.architecture
    return reference("architecture", name, nodes.Text(name), optional=True)


def memory_map_nodes(report: InputReport) -> list[nodes.Node]:
    """The picture of a platform's memory map, and the table that says the same in words."""
    platform = cast(Platform, report.platform)
    figure_id = f"mm-{nodes.make_id(platform.name)}"
    findings = drawn_findings(report)
    title = platform.title or platform.name
    table_id = f"d-{nodes.make_id(platform.name)}"

    def drawn(form: Form) -> str:
        return memory_map_svg(
            platform.memory_map,
            figure_id=figure_id,
            title=f"Memory map \N{MIDDLE DOT} {title}",
            findings=findings if form == "inline" else [replace(f, href=None) for f in findings],
            memory_attributes_table=platform.memory_attributes_table,
            table_id=table_id if form == "inline" else None,
            form=form,
        )

    figure = efi_figure(
        svg=drawn("inline"),
        standalone=drawn("standalone"),
        figure=figure_id,
        table=table_id,
        label=f"Memory map of {title}",
    )
    parts = memory_map_print_svgs(
        platform.memory_map,
        figure_id=figure_id,
        title=f"Memory map \N{MIDDLE DOT} {title}",
        findings=findings,
        memory_attributes_table=platform.memory_attributes_table,
    )
    if len(parts) > 1:
        figure["print"] = parts
    return [figure, _index(platform, table_id), _data_table(report, findings, figure_id, table_id)]


def _index(platform: Platform, table_id: str) -> addnodes.index:
    """An entry for each runtime region, so that a search finds its address as logs print it."""
    title = platform.title or platform.name
    entries = [
        (
            "single",
            f"{descriptor.physical_start:#x}; {descriptor.type_name} of {title}",
            f"{table_id}-{descriptor.index}",
            "",
            None,
        )
        for descriptor in platform.memory_map.runtime
    ]
    return addnodes.index(entries=entries)


def _data_table(
    report: InputReport, findings: Sequence[DrawnFinding], figure_id: str, table_id: str
) -> nodes.Node:
    platform = cast(Platform, report.platform)
    memory_map = platform.memory_map
    rows = describe_memory_map(
        memory_map,
        findings=findings,
        memory_attributes_table=platform.memory_attributes_table,
    )
    anchors = row_anchors(rows, figure_id)
    by_index: dict[int, list[DrawnFinding]] = {}
    for finding in findings:
        if finding.index is not None:
            by_index.setdefault(finding.index, []).append(finding)
    groups = groups_for(memory_map.end)
    cells: list[list[Cell]] = []
    for descriptor in memory_map.descriptors:
        index = str(descriptor.index)
        cells.append(
            [
                nodes.reference(index, index, internal=True, refid=anchors[descriptor.index]),
                descriptor.type_name,
                literal(address_text(descriptor.physical.start, groups)),
                literal(address_text(descriptor.physical.end, groups)),
                str(descriptor.number_of_pages),
                _attribute(descriptor.attribute, descriptor.attribute_text),
                separated(_finding_mark(found) for found in by_index.get(descriptor.index, ())),
            ]
        )
    heads = ("mem", "type", "start", "end", "pages", "attribute", "findings")
    made = table(
        heads,
        cells,
        ids=[table_id],
        row_ids=_once(f"{table_id}-{descriptor.index}" for descriptor in memory_map.descriptors),
        title=f"Descriptors of {platform.title or platform.name}",
        classes=["ep-data"],
    )
    if len(cells) <= _OPEN_ROWS:
        return made
    return efi_fold("", made, summary=f"All {len(cells)} descriptors")


def _once(names: Iterable[str]) -> list[str | None]:
    """The names, with ``None`` for one that was there before: an id stands for one row."""
    seen: set[str] = set()
    once: list[str | None] = []
    for name in names:
        once.append(None if name in seen else name)
        seen.add(name)
    return once


def _attribute(word: int | None, text: str) -> Cell:
    if word is None:
        return "not stated"
    return [literal(f"{word:#x}"), nodes.Text(f" {text.replace('|', ' ')}")]


def _finding_mark(finding: DrawnFinding) -> nodes.Node:
    return reference("rule", finding.rule, severity_mark(finding.severity, finding.code))


def _findings(report: InputReport) -> list[nodes.Node]:
    """The findings grouped by rule, the gravest first, and what was and was not checked."""
    groups: dict[str, list[ReportedFinding]] = {}
    ordered = sorted(report.findings, key=lambda found: (found.severity.rank, found.rule))
    for finding in ordered:
        groups.setdefault(finding.rule, []).append(finding)
    told: list[nodes.Node] = [paragraph(outcome(report) + ".")]
    for rule, found in groups.items():
        severity = found[0].severity
        head = [severity_mark(severity), nodes.Text(" "), reference("rule", rule)]
        told.append(paragraph(head, classes=["ep-finding"]))
        items = [nodes.list_item("", paragraph(_message(item, report))) for item in found]
        told.append(nodes.bullet_list("", *items))
        help_text = f"{found[0].help[:1].upper()}{found[0].help[1:]}."
        told.append(paragraph(help_text, classes=["ep-help"]))
    wanting = report.checked.not_checked
    if wanting:
        summary = f"{counted(len(wanting), 'rule')} not checked, for want of a fact"
        told.append(efi_fold("", _wanting(wanting), summary=summary))
    return told


def _wanting(wanting: Iterable[NotChecked]) -> nodes.bullet_list:
    """What was not stated with the rules that need it, what most of them need first."""
    rules: dict[str, list[str]] = {}
    for item in wanting:
        rules.setdefault(item.needs, []).append(item.rule)
    ordered = sorted(rules.items(), key=lambda one: (-len(one[1]), one[0]))
    items = []
    for needs, names in ordered:
        links = separated(reference("rule", name) for name in names)
        told = [literal(needs), nodes.Text(": "), *links]
        items.append(nodes.list_item("", paragraph(told)))
    return nodes.bullet_list("", *items)


def _message(finding: ReportedFinding, report: InputReport) -> Cell:
    index = descriptor_index(finding, report)
    place = "" if index is None else f"mem{index}: "
    message = f"{place}{finding.finding.message}"
    if finding.accepted:
        message += f" (accepted: {finding.accepted.reason})"
    return message


def _source(report: InputReport) -> list[nodes.Node]:
    """Where the map comes from, as the comment at the head of the file tells it."""
    told: list[str] = []
    with open(report.path, encoding="utf-8") as source:
        for line in source:
            if not line.startswith("#"):
                break
            told.append(line[1:].strip())
    text = " ".join(told).strip()
    return [_section("Source", paragraph(quoted(text)))] if text else []


def _reproduce(report: InputReport) -> list[nodes.Node]:
    """The command that says the same, and the file."""
    file = os.path.basename(report.path)
    command = f"efipolicy lint {file}"
    with open(report.path, encoding="utf-8") as source:
        text = source.read()
    shown = nodes.literal_block(command, command, language="console")
    raw = nodes.literal_block(text, text, language="yaml")
    return [
        paragraph(f"Save the file below as {file}, and:"),
        shown,
        efi_fold("", raw, summary=f"{file}, {counted(text.count(chr(10)), 'line')}"),
    ]
