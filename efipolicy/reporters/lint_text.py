"""The report for people."""

from __future__ import annotations

from efipolicy.errors import EfipolicyError
from efipolicy.model.address import EFI_PAGE_SIZE, AddressRange, size_text
from efipolicy.model.finding import InputReport, Report, ReportedFinding, Severity
from efipolicy.plugin import RenderOptions
from efipolicy.reporters.folding import fold
from efipolicy.reporters.lint_summary import (
    acceptance_text,
    counted,
    input_facts,
    statistics_lines,
    summary_lines,
)
from efipolicy.reporters.snippet import Annotation, Style, margin_of, printable, render_snippet

_COLORS = {Severity.ERROR: "1;31", Severity.WARNING: "1;33", Severity.INFO: "1;36"}
_MOST_RELATED = 4


def render_text(report: Report, options: RenderOptions) -> str:
    """Findings input by input, then errors, then one line on each input and the counts."""
    style = Style(options.color)
    shown = [item for item in report.findings if not item.accepted or options.verbose]
    blocks = (
        []
        if options.statistics
        else [
            _finding(first, style, others, most=None if options.verbose else _MOST_RELATED)
            for first, others in fold(shown, whole=options.verbose)
        ]
    )
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
            lines.append(f"skipped {counted(len(report.skipped), 'file')} (-v lists them)")
        if options.statistics:
            lines += statistics_lines(report)
        lines += summary_lines(report)
        blocks.append("\n".join(lines))
    elif options.statistics:
        blocks += filter(None, ["\n".join(statistics_lines(report))])
    return "\n\n".join(blocks) + "\n" if blocks else ""


def _finding(
    item: ReportedFinding, style: Style, others: list[ReportedFinding], *, most: int | None
) -> str:
    """A finding, ``most`` of its related places, and a list of ``others`` that say the same."""
    color = _COLORS[item.severity]
    word = "accepted" if item.accepted else item.severity.value
    head = style.paint(f"{word}[{item.rule}]", color)
    mark = " [*]" if item.fix and item.fix.safety == "safe" and not item.accepted else ""
    lines = [f"{head}{mark}: {style.paint(printable(item.finding.message), '1')}"]
    margin = 1
    related = item.finding.related[:most]
    if item.span:
        place = f"{item.span.line}:{item.span.column}"
        annotations = [Annotation(item.span, "", primary=True)]
        annotations += [
            Annotation(located.span, printable(other.message))
            for other in related
            if (located := other.subject.located) and located.span.source is item.span.source
        ]
        margin = margin_of(annotations)
        lines.append(f"{' ' * margin}{style.paint('-->', '1;34')} {printable(item.path)}:{place}")
        lines += render_snippet(annotations, style, code=color)
    else:
        lines.append(f"{' ' * margin}{style.paint('-->', '1;34')} {printable(item.path)}")
    lines += [
        f"{' ' * margin} {style.paint('=', '1;34')} {style.paint(name, '1')}: {text}"
        for name, text in _notes(item, most)
    ]
    if others:
        bar = style.paint("=", "1;34")
        lines.append(f"{' ' * margin} {bar} {len(others)} more of the same (-v shows each):")
        lines += [f"{' ' * margin}     {_short(other)}" for other in others]
    return "\n".join(lines)


def _short(item: ReportedFinding) -> str:
    """A finding of which an equal one has been shown: its place and what it says."""
    place = f"{item.span.line}:{item.span.column}: " if item.span else ""
    return f"{place}{printable(item.finding.message)}"


def _notes(item: ReportedFinding, most: int | None) -> list[tuple[str, str]]:
    notes = []
    if item.region is not None:
        notes.append(("region", region_text(item.region)))
    related = item.finding.related[:most]
    for other in related:
        located = other.subject.located
        if located and not (item.span and located.span.source is item.span.source):
            notes.append(("see", printable(f"{located.span}: {other.message}")))
    more = len(item.finding.related) - len(related)
    if more > 0:
        notes.append(("note", f"and {more} more such places (-v shows each)"))
    if item.requirements:
        sources = f" ({'; '.join(item.sources)})" if item.sources else ""
        notes.append(("spec", f"{', '.join(item.requirements)}{sources}"))
    if item.confidence.value != "certain":
        notes.append(("confidence", item.confidence.value))
    if item.responsible.value != "firmware":
        notes.append(("responsible", item.responsible.value))
    if item.help:
        notes.append(("help", item.help))
    if item.pinned:
        pin = f"pinned by policy {printable(item.pinned)}: it cannot be silenced"
        notes.append(("note", pin))
    if item.accepted:
        notes.append(("accepted", printable(acceptance_text(item))))
    return notes


def region_text(region: AddressRange) -> str:
    """A range with its size, and its EFI pages when it is made of whole ones."""
    size = size_text(region.size)
    if region.size and region.size % EFI_PAGE_SIZE == 0:
        size += f", {counted(region.size // EFI_PAGE_SIZE, 'page')}"
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
    if item.platform is None:
        return f"not linted {printable(item.path)}"
    return f"linted {printable(item.path)}: {printable(', '.join(input_facts(item)))}"


def _not_checked_lines(report: Report) -> list[str]:
    return [
        f"not checked {printable(item.path)}: {entry.rule} needs {entry.needs}"
        for item in report.inputs
        for entry in item.checked.not_checked
    ]
