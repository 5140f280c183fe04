"""The report for people."""

from __future__ import annotations

from collections import Counter

from efipolicy.errors import EfipolicyError
from efipolicy.model.address import EFI_PAGE_SIZE, AddressRange, size_text
from efipolicy.model.finding import InputReport, Report, ReportedFinding, Severity
from efipolicy.plugin import RenderOptions
from efipolicy.reporters.snippet import Annotation, Style, margin_of, printable, render_snippet

_COLORS = {Severity.ERROR: "1;31", Severity.WARNING: "1;33", Severity.INFO: "1;36"}
_MOST_RELATED = 4


def render_text(report: Report, options: RenderOptions) -> str:
    """Findings input by input, then errors, then one line on each input and the counts."""
    style = Style(options.color)
    blocks = [
        _finding(finding, style)
        for finding in report.findings
        if not finding.accepted or options.verbose
    ]
    blocks += [_error(error, style) for error in report.errors]
    if not options.quiet:
        lines = [_input_line(item) for item in report.inputs]
        if options.verbose:
            lines += [
                f"skipped {printable(path)}: neither a platform file nor a capture"
                for path in report.skipped
            ]
            lines += _not_checked_lines(report)
        elif report.skipped:
            lines.append(f"skipped {_count(len(report.skipped), 'file')} (-v lists them)")
        lines += _summary(report)
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks) + "\n" if blocks else ""


def _finding(item: ReportedFinding, style: Style) -> str:
    color = _COLORS[item.severity]
    word = "accepted" if item.accepted else item.severity.value
    head = style.paint(f"{word}[{item.rule}]", color)
    lines = [f"{head}: {style.paint(printable(item.finding.message), '1')}"]
    margin = 1
    related = item.finding.related
    if item.span:
        place = f"{item.span.line}:{item.span.column}"
        annotations = [Annotation(item.span, "", primary=True)]
        annotations += [
            Annotation(located.span, printable(other.message))
            for other in related[:_MOST_RELATED]
            if (located := other.subject.located) and located.span.source is item.span.source
        ]
        margin = margin_of(annotations)
        lines.append(f"{' ' * margin}{style.paint('-->', '1;34')} {printable(item.path)}:{place}")
        lines += render_snippet(annotations, style, code=color)
    else:
        lines.append(f"{' ' * margin}{style.paint('-->', '1;34')} {printable(item.path)}")
    lines += [
        f"{' ' * margin} {style.paint('=', '1;34')} {style.paint(name, '1')}: {text}"
        for name, text in _notes(item)
    ]
    return "\n".join(lines)


def _notes(item: ReportedFinding) -> list[tuple[str, str]]:
    notes = []
    if item.region is not None:
        notes.append(("region", region_text(item.region)))
    more = len(item.finding.related) - _MOST_RELATED
    if more > 0:
        notes.append(("note", f"and {more} more such places"))
    if item.requirements:
        sources = f" ({'; '.join(item.sources)})" if item.sources else ""
        notes.append(("spec", f"{', '.join(item.requirements)}{sources}"))
    if item.confidence.value != "certain":
        notes.append(("confidence", item.confidence.value))
    if item.responsible.value != "firmware":
        notes.append(("responsible", item.responsible.value))
    if item.help:
        notes.append(("help", item.help))
    if item.accepted:
        by = f" by {item.accepted.owner}" if item.accepted.owner else ""
        until = f" until {item.accepted.until}" if item.accepted.until else ""
        notes.append(("accepted", f"{item.accepted.reason}{by}{until}"))
    return notes


def region_text(region: AddressRange) -> str:
    """A range with its size, and its EFI pages when it is made of whole ones."""
    size = size_text(region.size)
    if region.size and region.size % EFI_PAGE_SIZE == 0:
        size += f", {_count(region.size // EFI_PAGE_SIZE, 'page')}"
    return f"{region} ({size})"


def _error(error: EfipolicyError, style: Style) -> str:
    from efipolicy.source import InputError

    head = style.paint("error", "1;31")
    if not isinstance(error, InputError):
        return f"{head}: {printable(str(error))}"
    place = printable(str(error.span) if error.span else error.path)
    lines = [f"{head}: {printable(error.message)}"]
    if not error.span:
        return f"{lines[0]}\n  {style.paint('-->', '1;34')} {place}"
    annotations = [Annotation(error.span, "", primary=True)]
    margin = margin_of(annotations)
    lines.append(f"{' ' * margin}{style.paint('-->', '1;34')} {place}")
    return "\n".join(lines + render_snippet(annotations, style, code="1;31")[:-1])


def _input_line(item: InputReport) -> str:
    platform = item.platform
    if platform is None:
        return f"not linted {printable(item.path)}"
    reason = platform.architecture_reason
    known = [f"{_count(len(platform.memory_map.descriptors), 'descriptor')}"]
    if platform.memory_map.descriptors:
        extent = platform.memory_map.extent
        known.append(
            "whole map"
            if extent == "whole"
            else f"{extent} extent"
            if extent == "unknown"
            else "part of a map"
        )
        if platform.memory_map.origin != "firmware":
            known.append(f"origin {platform.memory_map.origin}")
    if platform.memory_attributes_table is not None:
        entries = len(platform.memory_attributes_table.entries)
        known.append(f"memory attributes table of {entries}")
    architecture = platform.architecture
    if reason.kind != "stated":
        architecture += f" ({reason.kind}: {reason.evidence})"
    known.append(f"architecture {architecture}")
    if platform.capture and platform.capture.other_maps:
        known.append(f"{_count(len(platform.capture.other_maps), 'further map')} not judged")
    return f"linted {printable(item.path)}: {item.format}, {', '.join(known)}"


def _not_checked_lines(report: Report) -> list[str]:
    return [
        f"not checked {printable(item.path)}: {entry.rule} needs {entry.needs}"
        for item in report.inputs
        for entry in item.checked.not_checked
    ]


def _summary(report: Report) -> list[str]:
    open_findings = [finding for finding in report.findings if not finding.accepted]
    accepted = len(report.findings) - len(open_findings)
    by_severity = Counter(finding.severity for finding in open_findings)
    if open_findings:
        counts = ", ".join(
            _count(
                by_severity[severity],
                severity.value,
                plural="info" if severity is Severity.INFO else None,
            )
            for severity in Severity
            if by_severity[severity]
        )
        outcome = f"{_count(len(open_findings), 'finding')} ({counts})"
    else:
        outcome = "no findings"
    if accepted:
        outcome += f", {accepted} accepted"
    linted = sum(1 for item in report.inputs if item.platform)
    # Nothing found where nothing was looked at is no result.
    outcome = f"{outcome} in {_count(linted, 'input')}" if linted else "nothing linted"
    unread = sum(1 for item in report.inputs if not item.platform)
    if unread:
        outcome += f"; {_count(unread, 'input')} not understood"
    return [outcome, _checks(report)]


def _checks(report: Report) -> str:
    """What passed, and what was not checked and why: the last line."""
    checked = [item.checked for item in report.inputs]
    needs = Counter(
        need
        for outcome in checked
        for entry in outcome.not_checked
        for need in entry.needs.split(", ")
    )
    line = (
        f"checks: {sum(len(c.passed) for c in checked)} passed, "
        f"{sum(len(c.failed) for c in checked)} failed, "
        f"{sum(len(c.not_applicable) for c in checked)} not applicable, "
        f"{sum(len(c.not_checked) for c in checked)} not checked"
    )
    if needs:
        reasons = "; ".join(f"{need} ({count})" for need, count in needs.most_common())
        line += f" for want of {reasons}"
    return line


def _count(number: int, noun: str, *, plural: str | None = None) -> str:
    return f"{number} {noun if number == 1 else plural or noun + 's'}"
