"""What differs, as version 1 of the JSON of ``efipolicy diff``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from efipolicy.engine.differing import Boot, Difference
from efipolicy.engine.hibernation import Hibernation
from efipolicy.errors import EfipolicyError
from efipolicy.model.finding import ReportedFinding
from efipolicy.model.memory_map import MemoryDescriptor
from efipolicy.reporters.lint_json import JsonObject, dump, error_json, region_json


def diff_json(difference: Difference, errors: Iterable[EfipolicyError] = ()) -> str:
    """One JSON object, indented, with a final line end."""
    return dump({**_difference(difference), **_errors(errors)})


def boots_json(
    boots: Sequence[Boot],
    differences: Sequence[Difference],
    verdict: Hibernation,
    errors: Iterable[EfipolicyError] = (),
) -> str:
    """One JSON object for many boots: each compared with the one before, and a verdict over all."""
    return dump(
        {
            "version": 1,
            "boots": [_boot(boot) for boot in boots],
            "pairs": [_difference(one) for one in differences],
            **_hibernation(verdict),
            **_errors(errors),
        }
    )


def _difference(one: Difference) -> JsonObject:
    return {
        "version": 1,
        "inputs": [_boot(one.old), _boot(one.new)],
        "regions": [
            {"change": change.kind, "old": _region(change.old), "new": _region(change.new)}
            for change in one.regions
        ],
        "findings": {
            "new": [_finding(finding) for finding in one.new_findings],
            "fixed": [_finding(finding) for finding in one.fixed],
        },
        "unjudged": [_finding(finding) for finding in one.unjudged],
        **_hibernation(one.hibernation),
    }


def _errors(errors: Iterable[EfipolicyError]) -> JsonObject:
    told = [error_json(error) for error in errors]
    return {"errors": told} if told else {}


def _hibernation(verdict: Hibernation) -> JsonObject:
    return {
        "hibernation": verdict.verdict,
        "why": [
            {
                "message": reason.message,
                "old": _region(reason.change.old) if reason.change else None,
                "new": _region(reason.change.new) if reason.change else None,
            }
            for reason in verdict.why
        ],
    }


def _boot(boot: Boot) -> JsonObject:
    platform = boot.report.platform
    located = boot.memory_map.located
    return {
        "path": boot.report.path,
        "line": located.span.line if located else None,
        "platform": platform.name if platform else None,
        "architecture": boot.architecture,
        "descriptors": len(boot.memory_map.descriptors),
        "extent": boot.memory_map.extent,
        "origin": boot.memory_map.origin,
    }


def _region(region: MemoryDescriptor | None) -> JsonObject | None:
    if region is None:
        return None
    span = region.located.span if region.located else None
    return {
        "type": region.type_name,
        "physical_start": f"{region.physical_start:#x}",
        "pages": region.number_of_pages,
        "attribute": None if region.attribute is None else f"{region.attribute:#x}",
        "path": span.path if span else None,
        "line": span.line if span else None,
    }


def _finding(item: ReportedFinding) -> JsonObject:
    span = item.span
    return {
        "rule": item.rule,
        "severity": item.severity.value,
        "confidence": item.confidence.value,
        "responsible": item.responsible.value,
        "message": item.finding.message,
        "path": item.path,
        "line": span.line if span else None,
        "column": span.column if span else None,
        "region": region_json(item.region),
        "requirements": list(item.requirements),
        "help_uri": item.help_uri,
        "fingerprint": item.fingerprint,
    }
