"""SARIF, JUnit XML, GitHub's annotations and GitLab's Code Quality, from the command line."""

from __future__ import annotations

import io
import json
import re
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion

from efipolicy import __version__
from efipolicy.api import InternalError, lint_paths, selection_of
from efipolicy.errors import PluginError, UsageError
from efipolicy.model.finding import (
    Confidence,
    Finding,
    InputReport,
    Report,
    ReportedFinding,
    Responsible,
    Severity,
)
from efipolicy.plugin import RenderOptions
from efipolicy.plugin.registry import Registry
from efipolicy.reporters.lint_github import render_github
from efipolicy.reporters.lint_gitlab import render_gitlab
from efipolicy.reporters.lint_junit import render_junit
from efipolicy.reporters.lint_sarif import render_sarif
from efipolicy.reporters.sarif_rules import rule_descriptors
from efipolicy.source import InputError, SourceText
from efipolicy.testing import factories
from tests.conftest import MINIMAL, PLATFORMS, ROOT, Run
from tests.reporters.machine_readers import (
    cut,
    github_commands,
    gitlab_entries,
    junit_suites,
    sarif_run,
    shown,
)

RENDERERS: dict[str, Any] = {
    "sarif": render_sarif,
    "junit": render_junit,
    "github": render_github,
    "gitlab": render_gitlab,
}
FORMATS = sorted(RENDERERS)
CAPTURE = "10-ami-sandybridge-efishell-v2.txt"
SELECTED = (
    "uefi/zero-pages",
    "uefi/overlapping-descriptors",
    "uefi/runtime-bit-on-acpi-memory",
    "uefi/runtime-region-without-cacheability",
    "uefi/unassigned-memory-type",
    "capture/architecture-unknown",
    "uefi/acpi-table-outside-acpi-memory",
)
EMPTY = "    - {type: EfiConventionalMemory, physical_start: 0x20000, pages: 0, attribute: [WB]}\n"
ACCEPT = "accept:\n  - {rule: uefi/zero-pages, reason: 'a {known} one', owner: me}\n"


@pytest.fixture
def files(folder: Path) -> Path:
    """A capture of a real machine, a broken platform file, and one that cannot be read."""
    (folder / CAPTURE).write_bytes((ROOT / "tests" / "captures" / CAPTURE).read_bytes())
    (folder / "broken.yaml").write_bytes((PLATFORMS / "broken-x86_64.yaml").read_bytes())
    wrong = MINIMAL.replace("pages", "pagess").replace("x86_64", "x86_64, uefi: 2.10")
    (folder / "wrong, 50%.yaml").write_text(wrong)
    return folder


@pytest.mark.parametrize("form", FORMATS)
def test_a_report_is_the_recorded_one(
    files: Path, registry: Registry, snapshot: SnapshotAssertion, form: str
) -> None:
    selection = selection_of(registry, select=SELECTED)
    names = [CAPTURE, "broken.yaml", "wrong, 50%.yaml", "missing.txt"]
    report = lint_paths(names, registry, selection, today="2026-01-01")
    text = RENDERERS[form](report, RenderOptions())
    assert text.replace(f'"version": "{__version__}"', '"version": "VERSION"') == snapshot


def printed(run: Run, form: str, *arguments: object, status: int) -> str:
    ended, out, err = run("lint", *arguments, "--format", form)
    assert ended == status, out + err
    return out


@pytest.mark.parametrize("form", FORMATS)
def test_each_format_ends_with_the_status_of_the_others(files: Path, run: Run, form: str) -> None:
    (files / "good.yaml").write_text(MINIMAL)
    assert printed(run, form, "good.yaml", status=0)
    assert printed(run, form, "broken.yaml", status=1)
    assert printed(run, form, "broken.yaml", "missing.txt", status=3)


def test_several_formats_are_written_at_once(files: Path, run: Run) -> None:
    asked = [word for form in FORMATS for word in ("--format", f"{form}=out.{form}")]
    status, out, _ = run("lint", "broken.yaml", *asked, "--format", "text")
    assert status == 1
    assert out.startswith("error[")
    assert sarif_run(Path("out.sarif").read_text("utf-8"))["results"]
    assert junit_suites(Path("out.junit").read_text("utf-8"))
    assert github_commands(Path("out.github").read_text("utf-8"))
    assert gitlab_entries(Path("out.gitlab").read_text("utf-8"))


def test_a_run_in_which_something_could_not_be_read_never_looks_clean(
    files: Path, run: Run
) -> None:
    asked = ("missing.txt",)
    sarif = sarif_run(printed(run, "sarif", *asked, status=3))
    assert sarif["results"] == []
    assert sarif["invocations"][0]["executionSuccessful"] is False
    (suite,) = junit_suites(printed(run, "junit", *asked, status=3))
    assert suite.attrib["errors"] == "1"
    (entry,) = gitlab_entries(printed(run, "gitlab", *asked, status=3))
    assert (entry["severity"], entry["location"]["path"]) == ("blocker", "missing.txt")
    (command,) = github_commands(printed(run, "github", *asked, status=3))
    assert (command.name, command.properties["file"]) == ("error", "missing.txt")


def test_without_anything_to_tell_the_formats_are_empty_and_sound() -> None:
    nothing = Report(inputs=(), errors=(), today="2026-01-01")
    options = RenderOptions(quiet=True)
    run = sarif_run(render_sarif(nothing, options))
    assert (run["results"], run["tool"]["driver"]["rules"]) == ([], [])
    assert run["invocations"][0]["executionSuccessful"] is True
    assert junit_suites(render_junit(nothing, options)) == []
    assert gitlab_entries(render_gitlab(nothing, options)) == []
    assert render_github(nothing, options) == ""


def test_errors_that_are_about_no_input_are_told_too() -> None:
    wrong = (
        PluginError("acme failed: no licence"),
        UsageError("no such thing"),
        InternalError("a.yaml", ValueError("oops")),
    )
    report = Report(inputs=(), errors=wrong, today="2026-01-01")
    run = sarif_run(render_sarif(report, RenderOptions()))
    notes = run["invocations"][0]["toolExecutionNotifications"]
    kinds = ["plugin-failure", "usage-error", "internal-error"]
    assert [note["descriptor"]["id"] for note in notes] == kinds
    assert "locations" not in notes[0]
    assert [
        one["check_name"] for one in gitlab_entries(render_gitlab(report, RenderOptions()))
    ] == kinds
    suites = junit_suites(render_junit(report, RenderOptions()))
    assert [(one.attrib["name"], one.attrib["errors"]) for one in suites] == [
        ("efipolicy", "2"),
        ("a.yaml", "1"),
    ]
    commands = github_commands(render_github(report, RenderOptions()))
    assert [one.properties["title"] for one in commands] == kinds
    assert "file" not in commands[0].properties


def test_what_is_accepted_is_told_with_its_reason_where_there_is_room(
    folder: Path, run: Run
) -> None:
    (folder / "p.yaml").write_text(MINIMAL + EMPTY + ACCEPT)
    asked = ("p.yaml", "--select", "uefi/zero-pages")
    (result,) = sarif_run(printed(run, "sarif", *asked, status=0))["results"]
    (suppression,) = result["suppressions"]
    assert (suppression["kind"], suppression["status"]) == ("inSource", "accepted")
    assert suppression["justification"] == "a {known} one by me"
    assert suppression["location"]["physicalLocation"]["region"]["startLine"] == 8
    assert "baselineState" not in result
    (suite,) = junit_suites(printed(run, "junit", *asked, status=0))
    assert (suite.attrib["failures"], suite.attrib["skipped"]) == ("0", "1")
    (told,) = suite.iter("system-out")
    assert "accepted: a {known} one by me" in (told.text or "")
    assert gitlab_entries(printed(run, "gitlab", *asked, status=0)) == []
    out = printed(run, "github", *asked, status=0)
    assert github_commands(out) == []
    assert "efipolicy: no findings, 1 accepted in 1 input\n" in out


def test_a_baseline_tells_what_is_new_and_what_is_fixed(folder: Path, run: Run) -> None:
    (folder / "p.yaml").write_text(MINIMAL + EMPTY)
    run("lint", "p.yaml", "--write-baseline", "known.json")
    asked = ("p.yaml", "--baseline", "known.json", "--select", "uefi/zero-pages")
    (known,) = sarif_run(printed(run, "sarif", *asked, status=0))["results"]
    assert known["baselineState"] == "unchanged"
    assert known["suppressions"][0]["kind"] == "external"
    assert known["suppressions"][0]["justification"] == "in the baseline known.json"
    (folder / "p.yaml").write_text(MINIMAL + EMPTY.replace("ConventionalMemory", "LoaderData"))
    sarif = sarif_run(printed(run, "sarif", *asked, status=1))
    assert [one["baselineState"] for one in sarif["results"]] == ["new"]
    (gone,) = sarif["properties"]["baseline"]["fixed"]
    assert gone["rule"] == "uefi/zero-pages"


def test_a_finding_about_the_configuration_is_in_every_format(folder: Path, run: Run) -> None:
    (folder / "p.yaml").write_text(MINIMAL)
    (folder / ".efipolicy.yaml").write_text("accept:\n  - {rule: uefi/zero-pages, reason: so}\n")
    asked = ("p.yaml", "--fail-on", "info")
    (result,) = sarif_run(printed(run, "sarif", *asked, status=1))["results"]
    place = result["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == ".efipolicy.yaml"
    (entry,) = gitlab_entries(printed(run, "gitlab", *asked, status=1))
    assert entry["location"]["path"] == ".efipolicy.yaml"
    (command,) = github_commands(printed(run, "github", *asked, status=1))
    assert command.properties["file"] == ".efipolicy.yaml"
    suites = junit_suites(printed(run, "junit", *asked, status=1))
    failed = [one.attrib["name"] for one in suites if one.attrib["failures"] == "1"]
    assert failed == [".efipolicy.yaml"]


def test_the_fixes_of_sarif_are_those_that_are_made(folder: Path, run: Run) -> None:
    (folder / "p.yaml").write_text(MINIMAL + EMPTY)
    asked = ("p.yaml", "--select", "uefi/zero-pages")
    (result,) = sarif_run(printed(run, "sarif", *asked, status=1))["results"]
    (fix,) = result["fixes"]
    assert fix["properties"]["safety"] == "safe"
    text = (folder / "p.yaml").read_text()
    for one in reversed(fix["artifactChanges"][0]["replacements"]):
        start, end = cut(text, one["deletedRegion"])
        text = text[:start] + one["insertedContent"]["text"] + text[end:]
    run("lint", *asked, "--fix")
    assert text == (folder / "p.yaml").read_text()


def test_sarif_shows_a_rules_page_and_without_it_what_the_finding_knows(
    files: Path, registry: Registry
) -> None:
    selection = selection_of(registry, select=["uefi/zero-pages"])
    report = lint_paths(["broken.yaml"], registry, selection, today="2026-01-01")
    rule = registry.rules["uefi/zero-pages"]
    with_rules: Any = SimpleNamespace(rules=registry.rules)
    (full,) = sarif_run(render_sarif(report, with_rules))["tool"]["driver"]["rules"]
    assert full["shortDescription"]["text"] == rule.summary
    assert rule.summary in full["fullDescription"]["text"]
    assert len(full["fullDescription"]["text"]) <= 1024
    (bare,) = sarif_run(render_sarif(report, RenderOptions()))["tool"]["driver"]["rules"]
    assert bare["shortDescription"]["text"] == "Zero pages."
    for descriptor in (full, bare):
        assert descriptor["name"] == "ZeroPages"
        assert f"To do: {rule.help}." in descriptor["help"]["text"]
        assert "UEFI-MAP" in descriptor["help"]["markdown"]


def test_every_installed_rule_can_be_described_within_what_github_takes(registry: Registry) -> None:
    findings = [
        item._replace(rule=id)
        for id, item in zip(registry.rules, many(len(registry.rules)).findings, strict=True)
    ]
    descriptors = rule_descriptors(findings, registry.rules)
    assert len(descriptors) == len(registry.rules)
    for one in descriptors:
        description = one["fullDescription"]["text"]
        assert len(one["shortDescription"]["text"]) <= len(description) <= 1024
        assert description.endswith((".", "…"))
        assert "``" not in one["help"]["markdown"]
        assert "::\n" not in one["help"]["markdown"]
        assert one["name"].isidentifier()
        assert len(one["properties"]["tags"]) <= 20


def test_what_was_not_checked_is_told(folder: Path, run: Run) -> None:
    (folder / "p.yaml").write_text(MINIMAL)
    asked = ("p.yaml", "--select", "uefi/unsorted-mat", "--select", "uefi/zero-pages")
    (note,) = sarif_run(printed(run, "sarif", *asked, status=0))["invocations"][0][
        "toolExecutionNotifications"
    ]
    assert shown(note["message"]) == "p.yaml: 1 rule was not checked"
    (entry,) = note["properties"]["notChecked"]
    assert entry["rule"] == "uefi/unsorted-mat"
    assert entry["needs"].startswith("memory_attributes_table")
    (suite,) = junit_suites(printed(run, "junit", *asked, status=0))
    (skipped,) = suite.iter("skipped")
    assert skipped.attrib["message"].startswith("not checked: needs memory_attributes_table")
    assert "1 not checked for want of" in printed(run, "github", *asked, status=0)


def test_statistics_and_quiet_concern_the_log_and_nothing_that_is_read_by_programs(
    folder: Path, run: Run
) -> None:
    (folder / "p.yaml").write_text(MINIMAL + EMPTY)
    asked = ("p.yaml", "--select", "uefi/zero-pages")
    for form in ("sarif", "junit", "gitlab"):
        plain = printed(run, form, *asked, status=1)
        assert printed(run, form, *asked, "--statistics", "-q", status=1) == plain
    counted = printed(run, "github", *asked, "--statistics", "-q", status=1)
    assert counted == "efipolicy: 1 error [*] uefi/zero-pages\n"
    quiet = printed(run, "github", *asked, "-q", status=1)
    assert len(github_commands(quiet)) == len(quiet.splitlines()) == 1


def test_standard_input_has_the_name_it_is_given(
    run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def piped() -> None:
        text = io.TextIOWrapper(io.BytesIO((MINIMAL + EMPTY).encode()))
        monkeypatch.setattr(sys, "stdin", text)

    asked = ("-", "--select", "uefi/zero-pages")
    piped()
    (result,) = sarif_run(printed(run, "sarif", *asked, status=1))["results"]
    assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "%3Cstdin%3E"
    piped()
    named = (*asked, "--stdin-filename", "boards/a b.yaml")
    (command,) = github_commands(printed(run, "github", *named, status=1))
    assert command.properties["file"] == "boards/a b.yaml"


@pytest.mark.parametrize("name", [b"\xff.yaml", b"a\nb::c,d%.yaml", b"\xf0\x9f\x98\x80.yaml"])
def test_files_of_any_name_can_be_told(folder: Path, run: Run, name: bytes) -> None:
    path = Path(str(folder)) / name.decode("utf-8", "surrogateescape")
    try:
        path.write_text(MINIMAL + EMPTY)
    except OSError:
        pytest.skip("no file may be called so here")
    asked = (".", "--select", "uefi/zero-pages")
    (result,) = sarif_run(printed(run, "sarif", *asked, status=1))["results"]
    assert result["locations"]
    assert len(gitlab_entries(printed(run, "gitlab", *asked, status=1))) == 1
    assert len(github_commands(printed(run, "github", *asked, status=1))) == 1
    assert len(junit_suites(printed(run, "junit", *asked, status=1))) == 1


def test_two_boots_of_one_platform_have_fingerprints_of_their_own(folder: Path, run: Run) -> None:
    for name in ("one.yaml", "two.yaml"):
        (folder / name).write_text(MINIMAL + EMPTY)
    entries = gitlab_entries(printed(run, "gitlab", ".", "--select", "uefi/zero-pages", status=1))
    assert [entry["location"]["path"] for entry in entries] == ["one.yaml", "two.yaml"]


def many(count: int) -> Report:
    """A report of one input with many findings."""
    source = SourceText("big.log", "efi: mem00: something\n" * count)
    platform = factories.platform("EfiConventionalMemory 0x0 16 WB")
    findings = tuple(
        ReportedFinding(
            finding=Finding(platform.memory_map.descriptors[0], f"finding {number}"),
            rule=f"acme/rule-{number % 100}",
            severity=Severity.ERROR,
            confidence=Confidence.CERTAIN,
            responsible=Responsible.FIRMWARE,
            requirements=(),
            sources=(),
            help="fix it",
            help_uri="https://example.org",
            region=None,
            path="big.log",
            span=source.span(number * 22 + 5, number * 22 + 10),
            fingerprint=f"{number:032x}",
        )
        for number in range(count)
    )
    one = InputReport("big.log", "capture", "linux-x86", platform, findings=findings)
    return Report(inputs=(one,), errors=(), today="2026-01-01")


def test_ten_thousand_findings_and_as_many_errors_are_all_there() -> None:
    wrong = tuple(InputError("big.log", f"error {number}", "none") for number in range(10_000))
    report = many(10_000)._replace(errors=wrong)
    options = RenderOptions()
    assert len(json.loads(render_sarif(report, options))["runs"][0]["results"]) == 10_000
    assert len(json.loads(render_gitlab(report, options))) == 20_000
    assert len(github_commands(render_github(report, options))) == 20_000
    (suite,) = junit_suites(render_junit(report, options))
    lines = "\n".join(one.text or "" for one in suite.iter("failure")).split("\n")
    assert sum(": error: finding " in line for line in lines) == 10_000
    assert len(list(suite.iter("error"))) == 10_000


CI = ROOT / "docs" / "howto" / "ci"


@pytest.mark.parametrize(
    ("file", "written"),
    [
        ("github-code-scanning.yml", ["efipolicy.sarif"]),
        ("github-annotations.yml", []),
        ("gitlab-reports.yml", ["codequality.json", "junit.xml"]),
        ("Jenkinsfile", ["junit.xml", "efipolicy.sarif"]),
    ],
)
def test_the_jobs_of_the_guide_run_and_write_what_they_hand_over(
    folder: Path, run: Run, file: str, written: list[str]
) -> None:
    text = (CI / file).read_text("utf-8")
    (command,) = re.findall(r"efipolicy (lint [^'\n]+)", text)
    (folder / "platforms").mkdir()
    (folder / "platforms" / "board.yaml").write_text(MINIMAL)
    assert run(*command.split())[0] == 0
    for name in written:
        assert (folder / name).stat().st_size
        assert text.count(name) == 2
    (folder / "platforms" / "board.yaml").write_text(MINIMAL + EMPTY)
    assert run(*command.split())[0] == 1


def test_the_help_of_lint_names_every_format_that_comes_with_efipolicy(
    run: Run, registry: Registry, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        run("lint", "--help")
    out = " ".join(capsys.readouterr().out.split())
    listed = re.search(r"how to print \(([^)]*)\)", out)
    assert listed
    own = [name for name in registry.reporters if registry.owner("reporters", name).built_in]
    assert sorted(listed[1].split(", ")) == sorted(own)
