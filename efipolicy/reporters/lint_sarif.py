"""The report as SARIF 2.1.0 (OASIS), the form that GitHub's code scanning and editors read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from efipolicy import __version__
from efipolicy.errors import EfipolicyError
from efipolicy.model.finding import InputReport, Report, ReportedFinding
from efipolicy.plugin import RenderOptions
from efipolicy.reporters.lint_json import dump, region_json
from efipolicy.reporters.lint_machine import (
    error_name,
    error_span,
    error_text,
    legible,
)
from efipolicy.reporters.lint_summary import acceptance_text, counted
from efipolicy.reporters.sarif_places import SOURCE_ROOT, Places, location_of, message
from efipolicy.reporters.sarif_rules import (
    LEVELS,
    NOT_CHECKED,
    notification_descriptors,
    rule_descriptors,
)

if TYPE_CHECKING:
    pass

JsonObject = dict[str, Any]

_SCHEMA: Final = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)
_HOME: Final = "https://efipolicy.readthedocs.io/en/latest/"
_FINGERPRINT: Final = "efipolicy/v1"
"""Our own key: GitHub's upload warns of each ``primaryLocationLineHash`` it did not compute."""


def render_sarif(report: Report, options: RenderOptions) -> str:
    """One run. What went wrong is in its invocation, which then was not successful.

    What was accepted is there and suppressed; what could not be checked is a notification.
    """
    places = Places()
    for item in report.inputs:
        places.artifact(item.path)
    descriptors = rule_descriptors(report.findings, options.rules)
    results = _results(report, [descriptor["id"] for descriptor in descriptors], places)
    notes = [*(_error(error, places) for error in report.errors), *_not_checked(report, places)]
    invocation = {"executionSuccessful": not report.errors, "toolExecutionNotifications": notes}
    driver = {
        "name": "efipolicy",
        "version": __version__,
        "informationUri": _HOME,
        "rules": descriptors,
        "notifications": notification_descriptors(_numbered(notes)),
    }
    root = {"description": {"text": "The directory that efipolicy ran in."}}
    run = {
        "tool": {"driver": driver},
        "invocations": [invocation],
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {SOURCE_ROOT: root},
        "artifacts": _artifacts(report, places),
        "results": results,
        "properties": _run_properties(report),
    }
    return dump({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]})


def _results(report: Report, rules: list[str], places: Places) -> list[JsonObject]:
    """The findings; suppressions and states beside a baseline are told of all or of none."""
    indices = {rule: index for index, rule in enumerate(rules)}
    suppressing = any(item.accepted for item in report.findings)
    results = []
    for item in report.findings:
        result = _result(item, indices[item.rule], places)
        if suppressing:
            result["suppressions"] = _suppressions(item, places)
        if report.baseline:
            result["baselineState"] = _baseline_state(item)
        results.append(result)
    return results


def _numbered(notes: list[JsonObject]) -> list[str]:
    """The kinds of notifications, each of which is told its place among them."""
    kinds: dict[str, int] = {}
    for note in notes:
        descriptor = note["descriptor"]
        descriptor["index"] = kinds.setdefault(descriptor["id"], len(kinds))
    return list(kinds)


def _result(item: ReportedFinding, index: int, places: Places) -> JsonObject:
    result: JsonObject = {
        "ruleId": item.rule,
        "ruleIndex": index,
        "level": LEVELS[item.severity],
        "message": message(item.finding.message),
        "locations": [places.location(item.path, item.span)],
        "partialFingerprints": {_FINGERPRINT: item.fingerprint},
        "properties": {
            "confidence": item.confidence.value,
            "responsible": item.responsible.value,
            "requirements": list(item.requirements),
            "region": region_json(item.region),
            "help": legible(item.help),
            "pinned": legible(item.pinned) if item.pinned else None,
        },
    }
    related = list(_related(item, places))
    if related:
        result["relatedLocations"] = related
    if item.fix and item.fix.edits:
        result["fixes"] = [places.fix(item.fix)]
    return result


def _related(item: ReportedFinding, places: Places) -> Iterator[JsonObject]:
    for number, other in enumerate(item.finding.related, 1):
        located = other.subject.located
        span = located.span if located else None
        path = span.path if span else item.path
        yield {"id": number, **places.location(path, span, other.message)}


def _suppressions(item: ReportedFinding, places: Places) -> list[JsonObject]:
    """Why a finding does not count: accepted in its own file, in the configuration, a baseline."""
    accepted = item.accepted
    if accepted is None:
        return []
    span = accepted.located.span if accepted.located else None
    inside = span is not None and span.path == item.path
    suppression: JsonObject = {
        "kind": "inSource" if inside else "external",
        "status": "accepted",
        "justification": legible(acceptance_text(item)),
    }
    if span is not None:
        suppression["location"] = places.location(span.path, span)
    known = {"owner": accepted.owner, "until": accepted.until, "link": accepted.link}
    stated = {name: legible(value) for name, value in known.items() if value}
    return [{**suppression, **({"properties": stated} if stated else {})}]


def _baseline_state(item: ReportedFinding) -> str:
    """What somebody accepted was known before, and the rest is what the baseline lacks."""
    return "unchanged" if item.accepted else "new"


def _error(error: EfipolicyError, places: Places) -> JsonObject:
    return {
        "descriptor": {"id": error_name(error)},
        "level": "error",
        "message": message(error_text(error)),
        **({"locations": [places.location(error.path, error_span(error))]} if error.path else {}),
        "properties": {"status": int(error.status)},
    }


def _not_checked(report: Report, places: Places) -> Iterator[JsonObject]:
    """A note for each input in which some rules could not be judged."""
    for item in report.inputs:
        entries = item.checked.not_checked
        if entries:
            were = "was" if len(entries) == 1 else "were"
            text = f"{item.path}: {counted(len(entries), 'rule')} {were} not checked"
            file = {"artifactLocation": places.artifact(item.path)}
            yield {
                "descriptor": {"id": NOT_CHECKED},
                "level": "note",
                "message": message(text),
                "locations": [{"physicalLocation": file}],
                "properties": {
                    "notChecked": [
                        {"rule": entry.rule, "needs": legible(entry.needs)} for entry in entries
                    ]
                },
            }


def _artifacts(report: Report, places: Places) -> list[JsonObject]:
    """Every file that the run names; of those it was asked about, what became of them."""
    inputs = {item.path: item for item in report.inputs}
    return [
        {
            "location": location_of(path),
            **(
                {"roles": ["analysisTarget"], "properties": _input_properties(inputs[path])}
                if path in inputs
                else {}
            ),
        }
        for path in places.artifacts
    ]


def _input_properties(item: InputReport) -> JsonObject:
    platform = item.platform
    return {
        "kind": item.kind,
        "format": legible(item.format) if item.format else None,
        "status": "linted" if platform else "unreadable",
        "platform": legible(platform.name) if platform else None,
        "architecture": legible(platform.architecture) if platform else None,
        "passed": len(item.checked.passed),
        "failed": len(item.checked.failed),
        "notApplicable": len(item.checked.not_applicable),
        "notChecked": len(item.checked.not_checked),
    }


def _run_properties(report: Report) -> JsonObject:
    properties: JsonObject = {"today": report.today}
    if report.skipped:
        properties["skipped"] = [legible(path) for path in report.skipped]
    if report.baseline:
        fixed = [
            {name: legible(text) for name, text in entry._asdict().items()}
            for entry in report.baseline.fixed
        ]
        properties["baseline"] = {"path": legible(report.baseline.path), "fixed": fixed}
    return properties
