"""What the head of a platform's page says: how many findings, and of which rules."""

from __future__ import annotations

from pathlib import Path

import pytest
from docutils import nodes

from efipolicy.model.finding import ReportedFinding, Severity
from efipolicy.model.platform import Acceptance
from efipolicy.sphinxext.elements import efi_severity
from efipolicy.sphinxext.installed import report_on
from efipolicy.sphinxext.parts import pill_line, severity_counts
from tests.conftest import PLATFORMS

FOUND = report_on(str(PLATFORMS / "broken-x86_64.yaml"), "recommended").inputs[0].findings


def accepted(finding: ReportedFinding) -> ReportedFinding:
    return finding._replace(accepted=Acceptance(rule=finding.rule, reason="known"))


def test_the_counts_of_findings_stand_before_their_pills():
    line = pill_line(FOUND)
    totals = line[0]
    assert isinstance(totals, nodes.strong)
    assert totals.astext() == "11 errors, 1 warning"
    marks = [node["severity"] for node in totals.findall(efi_severity)]
    assert marks == [Severity.ERROR.value, Severity.WARNING.value]
    assert line.astext().startswith("11 errors, 1 warning: ")


def test_what_is_accepted_is_not_counted():
    errors = [finding for finding in FOUND if finding.severity is Severity.ERROR]
    left = [accepted(errors[0]), *errors[1:3]]
    assert [node.astext() for node in severity_counts(left)] == ["2 errors"]


def test_a_page_without_findings_says_so_and_what_was_accepted():
    assert pill_line([]).astext() == "No finding."
    assert pill_line([accepted(FOUND[0])]).astext() == "No finding but 1 accepted."


def test_a_report_is_of_the_same_file_wherever_the_build_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    path = PLATFORMS / "hp-rx8620-ia64.yaml"
    report_on.cache_clear()
    assert Path(report_on(str(path), "recommended").inputs[0].path) == path
