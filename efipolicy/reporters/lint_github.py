"""The report as annotations of GitHub Actions.

The runner takes a line such as ``::error file=a.yaml,line=3::message`` of a step's output for a
command, and shows it beside the line of a pull request. Properties and message have their own
escapes (GitHub Docs, Workflow commands; ``command.ts`` of ``@actions/core``).
"""

from __future__ import annotations

from typing import Final

from efipolicy.errors import EfipolicyError
from efipolicy.model.finding import Report, ReportedFinding, Severity
from efipolicy.plugin import RenderOptions
from efipolicy.reporters.lint_machine import error_name, error_span, error_text, legible
from efipolicy.reporters.lint_summary import statistics_lines, summary_lines
from efipolicy.source import SourceSpan

_COMMANDS: Final = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "notice"}


def render_github(report: Report, options: RenderOptions) -> str:
    """An annotation for each error and each finding nobody accepted, then the counts.

    Errors come first, since GitHub shows ten annotations of a kind and step. With statistics the
    findings are counted and not annotated.
    """
    lines = [_error(error) for error in report.errors]
    if options.statistics:
        lines += [_log_line(line) for line in statistics_lines(report)]
    else:
        lines += [_finding(item) for item in report.findings if not item.accepted]
    if not options.quiet:
        lines += [_log_line(line) for line in summary_lines(report)]
    return "".join(f"{line}\n" for line in lines)


def escape_data(text: str) -> str:
    """A message as the runner reads it back."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def escape_property(text: str) -> str:
    """The value of a property as the runner reads it back."""
    return escape_data(text).replace(":", "%3A").replace(",", "%2C")


def _finding(item: ReportedFinding) -> str:
    help_ = f"To do: {item.help}\n" if item.help else ""
    message = f"{item.finding.message}\n{help_}{item.help_uri}"
    return _command(_COMMANDS[item.severity], item.path, item.span, item.rule, message)


def _error(error: EfipolicyError) -> str:
    return _command("error", error.path, error_span(error), error_name(error), error_text(error))


def _command(
    command: str, path: str | None, span: SourceSpan | None, title: str, message: str
) -> str:
    """A workflow command. Columns are told within one line only: GitHub has no others."""
    values: list[tuple[str, str | int]] = [("file", legible(path))] if path else []
    if path and span:
        values += [("line", span.line), ("endLine", span.end_line)]
        if span.line == span.end_line:
            values += [("col", span.column), ("endColumn", span.end_column)]
    values.append(("title", legible(title)))
    properties = ",".join(f"{name}={escape_property(str(value))}" for name, value in values)
    return f"::{command} {properties}::{escape_data(legible(message))}"


def _log_line(line: str) -> str:
    """A line of the log that is no command, whatever it quotes; ``##[`` is the older spelling."""
    return f"efipolicy: {legible(' '.join(line.split())).replace('##[', '## [')}"
