"""``efi:findings``: what the linter says of a platform, as a table."""

from __future__ import annotations

from collections.abc import Sequence

from docutils import nodes

from efipolicy.model.finding import InputReport, ReportedFinding
from efipolicy.sphinxext.domain import reference
from efipolicy.sphinxext.elements import severity_mark
from efipolicy.sphinxext.installed import descriptor_index
from efipolicy.sphinxext.parts import Cell, outcome, paragraph, quoted, table
from efipolicy.sphinxext.platform_directive import PlatformDirective


class EfiFindings(PlatformDirective):
    """``.. efi:findings:: name-or-path``: a row for each finding, the gravest first."""

    def run(self) -> list[nodes.Node]:
        """What was found and how much was checked, and the table where there is a finding."""
        return findings_nodes(self.linted())


def findings_nodes(report: InputReport) -> list[nodes.Node]:
    """The outcome in a sentence, and the findings by severity, then in the order of the file."""
    told: list[nodes.Node] = [paragraph(outcome(report) + ".")]
    if report.findings:
        ordered = sorted(report.findings, key=lambda found: found.severity.rank)
        heads = ("severity", "rule", "where", "found", "what to do")
        told.append(table(heads, _rows(ordered, report), classes=["ep-findings"]))
    return told


def _rows(findings: Sequence[ReportedFinding], report: InputReport) -> list[list[Cell]]:
    return [
        [
            severity_mark(found.severity, found.severity.value),
            reference("rule", found.rule),
            _where(found, report),
            quoted(_message(found)),
            quoted(f"{found.help[:1].upper()}{found.help[1:]}."),
        ]
        for found in findings
    ]


def _where(finding: ReportedFinding, report: InputReport) -> str:
    """The descriptor, and the line of the file."""
    index = descriptor_index(finding, report)
    places = [] if index is None else [f"mem{index}"]
    if finding.span is not None:
        places.append(f"line {finding.span.line}")
    return ", ".join(places)


def _message(finding: ReportedFinding) -> str:
    message = finding.finding.message
    if finding.accepted:
        return f"{message} (accepted: {finding.accepted.reason})"
    return message
