"""The picture of the memory map of an input in a report, and the table that says the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from efipolicy.drawing.findings import DrawnFinding, pill_codes
from efipolicy.drawing.ladder import LadderRow
from efipolicy.drawing.memory_map import describe_memory_map, memory_map_svg, row_anchors
from efipolicy.drawing.notation import address_text, groups_for
from efipolicy.model.finding import InputReport, ReportedFinding
from efipolicy.model.memory_map import MemoryDescriptor
from efipolicy.model.platform import ConfigurationTable, Platform
from efipolicy.reporters.html_text import code, folded, here, plain, table
from efipolicy.reporters.lint_notes import one_line
from efipolicy.reporters.lint_summary import acceptance_text, counted

MOST_ROWS: Final = 1000
"""Rows of a picture that still shows something; machines have up to some five hundred."""


def memory_map_html(item: InputReport, number: int, anchors: Mapping[int, str]) -> str:
    """The figure and its table, empty for an input without descriptors.

    ``number`` is that of the input on the page; ``anchors`` are the ids of findings, by the `id` of
    the finding.
    """
    platform = item.platform
    if platform is None or not platform.memory_map.descriptors:
        return ""
    findings = _drawn(item, platform, anchors)
    rows = describe_memory_map(
        platform.memory_map,
        findings=findings,
        memory_attributes_table=platform.memory_attributes_table,
    )
    table_html = _descriptors(platform, findings, number, rows)
    if len(rows) > MOST_ROWS:
        told = f"No picture: of {len(rows)} rows it would show nothing."
        return f'<p class="facts">{told}</p>\n{table_html}'
    svg = memory_map_svg(
        platform.memory_map,
        figure_id=f"mm-{number}",
        title=f"Memory map \N{MIDDLE DOT} {one_line(platform.title or platform.name)}",
        findings=findings,
        memory_attributes_table=platform.memory_attributes_table,
        table_id=f"d-{number}",
        part=rows,
    )
    label = plain(f"Memory map of input {number}: {item.path}")
    return (
        f'<div class="ep-figure" tabindex="0" role="region" aria-label="{label}">\n{svg}</div>\n'
        f"{table_html}"
    )


def _drawn(item: InputReport, platform: Platform, anchors: Mapping[int, str]) -> list[DrawnFinding]:
    codes = pill_codes((finding.rule, finding.requirements) for finding in item.findings)
    indices = {id(one): one.index for one in platform.memory_map.descriptors}
    return [
        DrawnFinding(
            severity=finding.severity,
            rule=finding.rule,
            code=codes[finding.rule],
            message=one_line(finding.finding.message),
            index=_index(finding, platform, indices),
            href=f"#{anchors[id(finding)]}",
            accepted=one_line(acceptance_text(finding)) if finding.accepted else None,
        )
        for finding in item.findings
    ]


def _index(finding: ReportedFinding, platform: Platform, indices: Mapping[int, int]) -> int | None:
    """The index of the descriptor that a finding is about, or of the one it lies in."""
    subject = finding.finding.subject
    if isinstance(subject, MemoryDescriptor):
        if id(subject) in indices:
            return indices[id(subject)]
        holder = platform.memory_map.at(subject.physical_start)
    elif isinstance(subject, ConfigurationTable):
        holder = platform.memory_map.at(subject.address)
    else:
        return None
    return holder.index if holder else None


def _descriptors(
    platform: Platform, findings: Sequence[DrawnFinding], number: int, drawn: Sequence[LadderRow]
) -> str:
    memory_map = platform.memory_map
    anchors = row_anchors(drawn, f"mm-{number}") if len(drawn) <= MOST_ROWS else {}
    about: dict[int, list[str]] = {}
    for finding in findings:
        if finding.index is not None and finding.href:
            about.setdefault(finding.index, []).append(
                f'<a href="{finding.href}">{finding.severity.value} {plain(finding.code)}</a>'
            )
    groups = groups_for(memory_map.end)
    seen: set[int] = set()
    rows = []
    for one in memory_map.descriptors:
        # Of two with one index the first has the id: an id stands for one row.
        name = "" if one.index in seen else f' id="d-{number}-{one.index}"'
        seen.add(one.index)
        cells = [
            one.type_name,
            code(address_text(one.physical.start, groups)),
            code(address_text(one.physical.end, groups)),
            str(one.number_of_pages),
            _attribute(one),
            " ".join(about.get(one.index, ())),
        ]
        anchor = anchors.get(one.index)
        index = here(str(one.index), anchor) if anchor else str(one.index)
        first = f'<th scope="row">{index}</th>'
        rows.append(f"<tr{name}>{first}{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>")
    heads = ("mem", "type", "start", "end", "pages", "attribute", "findings")
    caption = f"Descriptors of input {number}: {platform.title or platform.name}"
    summary = f"All {counted(len(rows), 'descriptor')}" if len(rows) > 1 else "The descriptor"
    return folded(summary, table(heads, rows, caption=caption, kind="regions"))


def _attribute(one: MemoryDescriptor) -> str:
    if one.attribute is None:
        return "not stated"
    return f"{code(f'{one.attribute:#x}')} {plain(one.attribute_text.replace('|', ' '))}"
