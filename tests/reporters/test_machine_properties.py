"""Whatever is in a report, every finding and every error is in each format exactly once."""

from __future__ import annotations

import os
from collections.abc import Iterable

from hypothesis import given, settings
from hypothesis import strategies as st

from efipolicy.model.finding import Report, ReportedFinding, Severity
from efipolicy.plugin import RenderOptions
from efipolicy.reporters.lint_github import escape_data, escape_property, render_github
from efipolicy.reporters.lint_gitlab import render_gitlab
from efipolicy.reporters.lint_junit import render_junit
from efipolicy.reporters.lint_machine import error_text, legible
from efipolicy.reporters.lint_sarif import render_sarif
from efipolicy.reporters.sarif_places import message, uri_of
from efipolicy.source.edit import apply_edits
from tests.reporters.machine_readers import (
    cut,
    github_commands,
    gitlab_entries,
    junit_suites,
    path_of,
    sarif_run,
    shown,
    unescaped,
)
from tests.reporters.random_reports import paths, reports, texts

PLAIN = RenderOptions()
more = settings(max_examples=60)


def words(report: Report, *, accepted: bool | None = None) -> list[str]:
    """What the findings say, all of them or those that are accepted or are not."""
    return [
        legible(item.finding.message)
        for item in report.findings
        if accepted is None or bool(item.accepted) is accepted
    ]


@more
@given(reports())
def test_sarif_has_every_finding_and_every_error_once(report: Report) -> None:
    run = sarif_run(render_sarif(report, PLAIN))
    assert [shown(result["message"]) for result in run["results"]] == words(report)
    (invocation,) = run["invocations"]
    notes = invocation["toolExecutionNotifications"]
    errors = [note for note in notes if note["level"] == "error"]
    assert [shown(note["message"]) for note in errors] == [error_text(e) for e in report.errors]
    assert invocation["executionSuccessful"] is not bool(errors)
    unchecked = [note for note in notes if note["level"] == "note"]
    assert len(unchecked) == sum(bool(item.checked.not_checked) for item in report.inputs)


@more
@given(reports())
def test_sarif_refers_to_what_is_there(report: Report) -> None:
    run = sarif_run(render_sarif(report, PLAIN))
    driver = run["tool"]["driver"]
    for result in run["results"]:
        assert driver["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
        for place in result["locations"] + result.get("relatedLocations", []):
            location = place["physicalLocation"]["artifactLocation"]
            artifact = run["artifacts"][location["index"]]["location"]
            assert artifact == {key: location[key] for key in location if key != "index"}
    for note in run["invocations"][0]["toolExecutionNotifications"]:
        descriptor = note["descriptor"]
        assert driver["notifications"][descriptor["index"]]["id"] == descriptor["id"]
    states = [("suppressions" in r, "baselineState" in r) for r in run["results"]]
    assert len(set(states)) <= 1  # SARIF 2.1.0, 3.27.23: on all results or on none
    for result, item in zip(run["results"], report.findings, strict=True):
        assert bool(result.get("suppressions")) is bool(item.accepted)


@more
@given(reports())
def test_regions_and_fixes_of_sarif_are_those_of_the_text(report: Report) -> None:
    run = sarif_run(render_sarif(report, PLAIN))
    for result, item in zip(run["results"], report.findings, strict=True):
        region = result["locations"][0]["physicalLocation"]["region"]
        if item.span is None:
            assert region == {"startLine": 1}
        else:
            assert cut(item.span.source.text, region) == (item.span.start, item.span.end)
        if item.fix is None:
            continue
        ((change,),) = [fix["artifactChanges"] for fix in result["fixes"]]
        text = item.fix.source.text
        fixed = text
        for one in reversed(change["replacements"]):
            start, end = cut(text, one["deletedRegion"])
            fixed = fixed[:start] + one["insertedContent"]["text"] + fixed[end:]
        assert fixed == apply_edits(text, item.fix.edits)


@more
@given(reports())
def test_gitlab_has_every_finding_that_counts_and_every_error_once(report: Report) -> None:
    entries = gitlab_entries(render_gitlab(report, PLAIN))
    told = [entry["description"] for entry in entries]
    assert told == [*map(error_text, report.errors), *words(report, accepted=False)]
    blockers = [entry for entry in entries if entry["severity"] == "blocker"]
    assert len(blockers) == len(report.errors)


@more
@given(reports())
def test_github_has_every_finding_that_counts_and_every_error_once(report: Report) -> None:
    commands = github_commands(render_github(report, PLAIN))
    messages = [command.message for command in commands]
    count = len(report.errors)
    assert messages[:count] == [error_text(error) for error in report.errors]
    open_findings = [item for item in report.findings if not item.accepted]
    assert len(messages) == count + len(open_findings)
    for command, item in zip(commands[count:], open_findings, strict=True):
        assert command.message.startswith(f"{legible(item.finding.message)}\n")
        assert command.properties["file"] == legible(item.path)
        assert command.properties["title"] == item.rule
        if item.span:
            assert command.properties["line"] == str(item.span.line)


@more
@given(reports())
def test_junit_has_every_finding_and_every_error_once(report: Report) -> None:
    suites = junit_suites(render_junit(report, PLAIN._replace(fail_on=Severity.INFO)))
    for tag, expected in (
        ("failure", words(report, accepted=False)),
        ("system-out", words(report, accepted=True)),
        ("error", [error_text(error) for error in report.errors]),
    ):
        bodies = "\n".join(one.text or "" for suite in suites for one in suite.iter(tag))
        for text in expected:
            # Its own mark, in angle brackets, tells each message from every other.
            assert bodies.count(text) == 1


@more
@given(reports(), st.sampled_from(Severity))
def test_a_test_fails_where_the_run_does(report: Report, fail_on: Severity) -> None:
    text = render_junit(report, PLAIN._replace(fail_on=fail_on))
    suites = junit_suites(text)
    bodies = [one.text or "" for suite in suites for one in suite.iter("failure")]
    told = [one.text or "" for suite in suites for one in suite.iter("system-out")]
    groups = [*(item.findings for item in report.inputs), *by_path(report.configuration)]
    cases = [{item.rule for item in found if fails(item, fail_on)} for found in groups]
    assert len(bodies) == sum(map(len, cases))
    for body in words(report, accepted=False):
        assert "\n".join([*bodies, *told]).count(body) == 1


def by_path(findings: Iterable[ReportedFinding]) -> Iterable[list[ReportedFinding]]:
    """Findings by the file they are about."""
    paths: dict[str, list[ReportedFinding]] = {}
    for item in findings:
        paths.setdefault(item.path, []).append(item)
    return paths.values()


def fails(item: ReportedFinding, fail_on: Severity) -> bool:
    """Whether a finding fails the run."""
    return not item.accepted and item.severity.rank <= fail_on.rank


@given(texts)
def test_what_github_is_told_comes_back(text: str) -> None:
    assert unescaped(escape_data(text)) == text
    assert unescaped(escape_property(text), ":,") == text
    assert "\n" not in escape_data(text)
    assert not {":", ",", "\n"} & set(escape_property(text))


@given(texts)
def test_what_sarif_is_told_is_shown(text: str) -> None:
    assert shown(message(text)) == legible(text)


@given(st.text())
def test_a_text_that_is_fit_stays_as_it_is(text: str) -> None:
    assert legible(legible(text)) == legible(text)
    if text.isprintable():
        assert legible(text) == text


@given(paths)
def test_a_uri_names_the_file_and_has_no_scheme_of_its_own(path: str) -> None:
    uri = uri_of(path)
    assert uri.isascii()
    assert ":" not in uri.removeprefix("file:///C:").removeprefix("file:")
    try:
        name = os.fsencode(path)
    except UnicodeEncodeError:
        return
    location = {"physicalLocation": {"artifactLocation": {"uri": uri}}}
    assert path_of(location).removeprefix(b"/") == name.removeprefix(b"/")
