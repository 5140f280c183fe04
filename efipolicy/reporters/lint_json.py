"""The report for programs: version 1 of the JSON of ``efipolicy lint``."""

from __future__ import annotations

import json
from typing import Any

from efipolicy.errors import EfipolicyError
from efipolicy.model.address import AddressRange
from efipolicy.model.finding import InputReport, Report, ReportedFinding, ReportedFix, Severity
from efipolicy.model.platform import Subject
from efipolicy.plugin import RenderOptions
from efipolicy.source import InputError, SourceSpan

JsonObject = dict[str, Any]


def render_json(report: Report, _options: RenderOptions) -> str:
    """One JSON object, indented, with a final line end."""
    open_findings = [item for item in report.findings if not item.accepted]
    summary: JsonObject = {
        severity.value: sum(1 for item in open_findings if item.severity is severity)
        for severity in Severity
    }
    summary["accepted"] = len(report.findings) - len(open_findings)
    return dump(
        {
            "version": 1,
            "inputs": [_input(item) for item in report.inputs],
            "findings": [_finding(item) for item in report.findings],
            "errors": [error_json(error) for error in report.errors],
            "summary": summary,
            "today": report.today,
            **_baseline(report),
        }
    )


def _baseline(report: Report) -> JsonObject:
    """What became of the baseline, where there was one."""
    if report.baseline is None:
        return {}
    fixed = [entry._asdict() for entry in report.baseline.fixed]
    return {"baseline": {"path": report.baseline.path, "fixed": fixed}}


def dump(value: JsonObject) -> str:
    """JSON as every command prints it: in ASCII, so that no encoding of an output can break it."""
    return json.dumps(value, indent=2) + "\n"


def region_json(region: AddressRange | None) -> JsonObject | None:
    """A range as two hexadecimal strings; the end is exclusive."""
    if region is None:
        return None
    return {"start": f"{region.start:#x}", "end": f"{region.end:#x}"}


def error_json(error: EfipolicyError) -> JsonObject:
    """An error, with its place where it has one."""
    input_error = error if isinstance(error, InputError) else None
    span = input_error.span if input_error else None
    return {
        "status": int(error.status),
        "path": error.path,
        "line": span.line if span else None,
        "column": span.column if span else None,
        "found": input_error.found if input_error else None,
        "expected": input_error.expected if input_error else None,
        "message": input_error.message if input_error else str(error),
    }


def _input(item: InputReport) -> JsonObject:
    platform = item.platform
    if platform is None:
        return {
            "path": item.path,
            "kind": item.kind,
            "format": item.format,
            "status": "unreadable",
            "platform": None,
            "architecture": None,
            "architecture_reason": None,
            "descriptors": 0,
            "extent": None,
            "origin": None,
            "skipped_lines": 0,
            "checked": _checked(item),
            "strategies": [],
        }
    reason = platform.architecture_reason
    return {
        "path": item.path,
        "kind": item.kind,
        "format": item.format,
        "status": "linted",
        "platform": platform.name,
        "architecture": platform.architecture,
        "architecture_reason": {"kind": reason.kind, "evidence": reason.evidence},
        "descriptors": len(platform.memory_map.descriptors),
        "extent": platform.memory_map.extent,
        "origin": platform.memory_map.origin,
        "skipped_lines": platform.capture.skipped_lines if platform.capture else 0,
        "checked": _checked(item),
        "strategies": [
            {"strategy": one.name, "status": one.status, "reason": one.reason}
            for one in item.strategies
        ],
    }


def _checked(item: InputReport) -> JsonObject:
    checked = item.checked
    return {
        "passed": len(checked.passed),
        "failed": len(checked.failed),
        "not_applicable": len(checked.not_applicable),
        "not_checked": [
            {"rule": entry.rule, "needs": entry.needs} for entry in checked.not_checked
        ],
    }


def _finding(item: ReportedFinding) -> JsonObject:
    accepted = item.accepted
    return {
        "rule": item.rule,
        "severity": item.severity.value,
        "confidence": item.confidence.value,
        "responsible": item.responsible.value,
        "message": item.finding.message,
        "path": item.path,
        **_place(item.span),
        "region": region_json(item.region),
        "requirements": list(item.requirements),
        "help_uri": item.help_uri,
        "related": [
            {**_start(other.subject, item.path), "message": other.message}
            for other in item.finding.related
        ],
        "fix": _fix(item.fix) if item.fix else None,
        "accepted": None
        if accepted is None
        else {"reason": accepted.reason, "owner": accepted.owner, "until": accepted.until},
        "fingerprint": item.fingerprint,
    }


def _fix(fix: ReportedFix) -> JsonObject:
    return {
        "safety": fix.safety,
        "message": fix.message,
        "edits": [
            {
                "path": fix.source.path,
                **_place(fix.source.span(edit.start, edit.end)),
                "replacement": edit.replacement,
            }
            for edit in fix.edits
        ],
    }


def _place(span: SourceSpan | None) -> JsonObject:
    return {
        "line": span.line if span else None,
        "column": span.column if span else None,
        "end_line": span.end_line if span else None,
        "end_column": span.end_column if span else None,
    }


def _start(subject: Subject, path: str) -> JsonObject:
    """Where a subject begins; ``path`` is for one that was read from no text."""
    span = subject.located.span if subject.located else None
    return {
        "path": span.path if span else path,
        "line": span.line if span else None,
        "column": span.column if span else None,
    }
