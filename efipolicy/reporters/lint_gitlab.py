"""The report as GitLab's Code Quality report (GitLab Docs, Code Quality, report format)."""

from __future__ import annotations

from typing import Any, Final

from efipolicy.errors import EfipolicyError
from efipolicy.model.finding import Report, ReportedFinding, Severity
from efipolicy.plugin import RenderOptions
from efipolicy.reporters.lint_machine import error_name, error_span, error_text, legible
from efipolicy.source import SourceSpan

_SEVERITIES: Final = {
    Severity.ERROR: "critical",
    Severity.WARNING: "minor",
    Severity.INFO: "info",
}
_NOT_LOOKED_AT: Final = "blocker"


def render_gitlab(report: Report, _options: RenderOptions) -> str:
    """A list with an entry for each error and for each finding nobody accepted.

    GitLab compares the lists of two branches by the fingerprints. Ours say what a region is and
    not where it lies, and may be equal in two inputs of one platform: the path is made part of
    them, and a number of what would still be equal.
    """
    import json

    fingerprints = _Fingerprints()
    entries = [_error(error, fingerprints) for error in report.errors]
    entries += [_finding(item, fingerprints) for item in report.findings if not item.accepted]
    return json.dumps(entries, indent=2) + "\n"


class _Fingerprints:
    """Makes fingerprints that differ within a list and stay from one to the next."""

    def __init__(self) -> None:
        self.given: dict[tuple[str, ...], int] = {}

    def of(self, *words: str) -> str:
        """32 hexadecimal digits."""
        from hashlib import blake2b

        number = self.given[words] = self.given.get(words, -1) + 1
        text = "\0".join((*words, str(number)) if number else words)
        return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def _finding(item: ReportedFinding, fingerprints: _Fingerprints) -> dict[str, Any]:
    return _entry(
        item.rule,
        item.finding.message,
        _SEVERITIES[item.severity],
        fingerprints.of(item.path, item.fingerprint),
        _location(item.path, item.span),
    )


def _error(error: EfipolicyError, fingerprints: _Fingerprints) -> dict[str, Any]:
    name, text = error_name(error), error_text(error)
    path = error.path or "."
    fingerprint = fingerprints.of(path, name, text)
    return _entry(name, text, _NOT_LOOKED_AT, fingerprint, _location(path, error_span(error)))


def _entry(
    name: str, text: str, severity: str, fingerprint: str, location: dict[str, Any]
) -> dict[str, Any]:
    return {
        "description": legible(text),
        "check_name": legible(name),
        "fingerprint": fingerprint,
        "severity": severity,
        "location": location,
    }


def _location(path: str, span: SourceSpan | None) -> dict[str, Any]:
    """A place; what has none in its file is shown at the first line."""
    lines = {"begin": span.line, "end": span.end_line} if span else {"begin": 1, "end": 1}
    return {"path": legible(path), "lines": lines}
