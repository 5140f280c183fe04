"""What there is to say of one finding or one error: place, lines, notes."""

from __future__ import annotations

import re

from efipolicy.errors import EfipolicyError
from efipolicy.model.finding import ReportedFinding
from efipolicy.named_tuple import NamedTuple
from efipolicy.reporters.lint_summary import acceptance_text
from efipolicy.reporters.lint_text import region_text
from efipolicy.reporters.snippet import Annotation, Style, printable, render_snippet
from efipolicy.source import InputError, SourceSpan


class Note(NamedTuple):
    """A line about a finding: what it tells, and the text."""

    name: str
    text: str


def place(span: SourceSpan | None) -> str:
    """Line and column, counted from 1; empty where the whole input is meant."""
    return f"{span.line}:{span.column}" if span else ""


def notes(item: ReportedFinding) -> list[Note]:
    """What belongs to a finding besides its message and its place."""
    told = []
    if item.region is not None:
        told.append(Note("region", region_text(item.region)))
    for other in item.finding.related:
        located = other.subject.located
        if not (located and item.span and located.span.source is item.span.source):
            at = f"{located.span}: " if located else ""
            told.append(Note("see", f"{at}{other.message}"))
    if item.requirements:
        sources = f" ({'; '.join(item.sources)})" if item.sources else ""
        told.append(Note("requirement", f"{', '.join(item.requirements)}{sources}"))
    if item.confidence.value != "certain":
        told.append(Note("confidence", item.confidence.value))
    if item.responsible.value != "firmware":
        told.append(Note("responsible", item.responsible.value))
    if item.help:
        told.append(Note("help", item.help))
    if item.fix and not item.accepted:
        option = "--fix" if item.fix.safety == "safe" else "--fix --unsafe"
        told.append(Note("fix", f"{item.fix.message} (`{option}`)"))
    if item.pinned:
        told.append(Note("pinned", f"by policy {item.pinned}: it cannot be silenced"))
    if item.accepted:
        told.append(Note("accepted", acceptance_text(item)))
    return told


def snippet(item: ReportedFinding, style: Style) -> list[str]:
    """The lines a finding is about, underlined; none for one that was read from no text."""
    if item.span is None:
        return []
    annotations = [Annotation(item.span, "", primary=True)]
    annotations += [
        Annotation(located.span, one_line(other.message))
        for other in item.finding.related
        if (located := other.subject.located) and located.span.source is item.span.source
    ]
    return render_snippet(annotations, style, code="1;31")[1:-1]


def error_snippet(error: EfipolicyError, style: Style) -> list[str]:
    """The line an error is about, underlined; none for one without a place."""
    span = error.span if isinstance(error, InputError) else None
    if span is None:
        return []
    return render_snippet([Annotation(span, "", primary=True)], style, code="1;31")[1:-1]


def error_place(error: EfipolicyError) -> str:
    """The path of an error with line and column where it has them; empty where it has neither."""
    span = error.span if isinstance(error, InputError) else None
    return str(span) if span else error.path or ""


def error_message(error: EfipolicyError) -> str:
    """The sentence of an error without its place."""
    return error.message if isinstance(error, InputError) else str(error)


def one_line(text: str) -> str:
    """Text without line ends, each character of it visible."""
    return printable(" ".join(text.split()))


def web_address(uri: str) -> str | None:
    """An address that may be linked to: http or https, and nothing that could end the link."""
    if not re.fullmatch(r"https?://[!-~]+", uri):
        return None
    return re.sub(r"""[()<>\[\]|\\"'`*_]""", lambda match: f"%{ord(match[0]):02X}", uri)
