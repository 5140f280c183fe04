"""``efipolicy docs`` judges by the configuration as ``efipolicy lint`` does."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.cli.sites import leave_out
from tests.conftest import MINIMAL, PLATFORMS, Run

BROKEN = (PLATFORMS / "broken-x86_64.yaml").read_text(encoding="utf-8")


@pytest.fixture
def project(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory with a platform in it that has findings of many kinds.

    A site has no pages of strategies and architectures, which no configuration changes.
    """
    leave_out(monkeypatch, "strategies/", "architectures/")
    (folder / "broken.yaml").write_text(BROKEN)
    return folder


def counted(folder: Path, page: str = "site/platforms/broken-x86_64.html") -> set[str]:
    """The rules whose pills the page of a platform has."""
    text = (folder / page).read_text()
    pills = re.search(r'<p class="ep-pills">(.*?)</p>', text, re.DOTALL)
    assert pills
    return set(re.findall(r'href="\.\./rules/([a-z0-9_/-]+)\.html', pills.group(1)))


def linted(run: Run, *arguments: str) -> set[str]:
    found = json.loads(run("lint", "broken.yaml", "--format", "json", *arguments)[1])["findings"]
    return {one["rule"] for one in found if not one["accepted"]}


@pytest.mark.parametrize(
    "text",
    [
        "ignore: ['uefi/*']",
        "policy: uefi",
        "accept: [{rule: uefi/overlapping-descriptors, reason: known to all}]",
    ],
)
def test_a_site_shows_what_a_lint_finds(project: Path, run: Run, text: str) -> None:
    everything = linted(run, "--isolated")
    (project / ".efipolicy.yaml").write_text(f"{text}\n")
    wanted = linted(run)
    assert wanted != everything
    assert run("docs", "broken.yaml", "-o", "site", "--jobs", "1")[0] == 0
    assert counted(project) == wanted


def test_isolated_and_another_configuration_are_what_counts_then(project: Path, run: Run) -> None:
    (project / ".efipolicy.yaml").write_text("policy: nobody\n")
    (project / "other.yaml").write_text("ignore: ['uefi/*']\n")
    assert run("docs", "broken.yaml", "-o", "site")[0] == 2
    assert run("docs", "broken.yaml", "-o", "site", "--isolated", "--config", "x")[0] == 2
    assert run("docs", "broken.yaml", "-o", "site", "--config", "other.yaml")[0] == 0
    assert counted(project) == linted(run, "--config", "other.yaml")


def test_a_changed_configuration_changes_the_pages(project: Path, run: Run) -> None:
    (project / ".efipolicy.yaml").write_text("ignore: ['uefi/*']\n")
    run("docs", "broken.yaml", "-o", "site", "--jobs", "1")
    before = counted(project)
    (project / ".efipolicy.yaml").write_text("ignore: ['uefi/overlap*']\n")
    run("docs", "broken.yaml", "-o", "site", "--jobs", "1")
    assert counted(project) == linted(run) != before


def test_known_findings_are_accepted_and_do_not_fail(project: Path, run: Run) -> None:
    assert run("docs", "broken.yaml", "-o", "site", "--fail-on", "error")[0] == 1
    run("lint", "broken.yaml", "--write-baseline", "known.json", "-q")
    (project / ".efipolicy.yaml").write_text("baseline: known.json\n")
    done = run("docs", "broken.yaml", "-o", "site", "--fail-on", "error", "--jobs", "1")
    assert done[0] == 0
    assert counted(project) == linted(run)


def test_what_the_configuration_excludes_has_no_page(project: Path, run: Run) -> None:
    (project / ".efipolicy.yaml").write_text("exclude: [left]\n")
    (project / "left").mkdir()
    (project / "left" / "m.yaml").write_text(MINIMAL)
    run("docs", ".", "-o", "site", "--jobs", "1")
    assert [path.stem for path in (project / "site" / "platforms").glob("b*.html")] != []
    assert not (project / "site" / "platforms" / "minimal.html").exists()


def test_pages_for_a_project_name_the_configuration(project: Path, run: Run) -> None:
    (project / ".efipolicy.yaml").write_text("ignore: ['uefi/*']\n")
    (project / "doc").mkdir()
    (project / "doc" / "conf.py").write_text('extensions = ["efipolicy.sphinxext"]\n')
    assert run("docs", "broken.yaml", "--into", "doc")[0] == 0
    page = (project / "doc" / "efipolicy" / "platforms" / "broken-x86_64.rst").read_text()
    assert "   :config: /../.efipolicy.yaml\n" in page


def test_the_help_says_that_a_site_is_a_folder(
    run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        run("docs", "--help")
    told = capsys.readouterr().out
    assert "--output DIR" in told
    assert "--config FILE" in told
