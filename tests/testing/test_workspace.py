"""The fixture ``efipolicy``: files, runs, and what they say."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from efipolicy.testing.workspace import Outcome, Workspace

BOARD = """\
efipolicy: 1
platform: {name: board, architecture: x86_64}
memory_map:
  descriptors:
    - {type: EfiConventionalMemory, physical_start: 0x0, pages: 0, attribute: [WB]}
    - {type: EfiLoaderData, physical_start: 0x1000, pages: 1, attribute: [WB]}
"""
GOOD = BOARD.replace("pages: 0,", "pages: 1,")


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    monkeypatch.chdir(tmp_path)
    return Workspace(tmp_path)


def test_findings_are_values(workspace: Workspace) -> None:
    workspace.write("boards/board.yaml", BOARD)
    outcome = workspace.lint("boards/board.yaml", "--fail-on", "warning")
    assert outcome.status == 1
    assert outcome.rules == ("uefi/zero-pages",)
    (finding,) = outcome.findings
    assert (finding.severity, finding.path, finding.line) == ("error", "boards/board.yaml", 5)
    assert finding.requirements == ("UEFI-MAP-003",)
    assert not finding.accepted
    assert repr(finding) == (
        "<error uefi/zero-pages at boards/board.yaml:5: EfiConventionalMemory at 0x0 has no pages>"
    )


def test_a_clean_file_has_no_findings_and_says_what_was_not_checked(workspace: Workspace) -> None:
    workspace.write("board.yaml", GOOD)
    outcome = workspace.lint("board.yaml")
    assert (outcome.status, outcome.findings) == (0, ())
    assert outcome.not_checked["uefi/mat-entry-of-other-type"] == "memory_attributes_table"


def test_text_is_what_a_pipe_would_get(workspace: Workspace) -> None:
    workspace.write("board.yaml", BOARD)
    outcome = workspace.run("lint", "board.yaml")
    assert "uefi/zero-pages" in outcome.out
    assert "\x1b" not in outcome.out


def test_standard_input_is_read(workspace: Workspace) -> None:
    assert workspace.lint("-", stdin=BOARD).rules == ("uefi/zero-pages",)
    assert workspace.lint("-", stdin=BOARD.encode()).rules == ("uefi/zero-pages",)


def test_a_fix_changes_the_file(workspace: Workspace) -> None:
    workspace.write("board.yaml", BOARD)
    workspace.run("lint", "--fix", "board.yaml")
    assert "pages: 0," not in workspace.read("board.yaml")


def test_a_failure_is_a_status_with_words(workspace: Workspace) -> None:
    outcome = workspace.run("lint", "nothing.yaml")
    assert outcome.status == 3
    assert "nothing.yaml" in outcome.out
    unknown = workspace.run("no-such-command")
    assert unknown.status == 2
    assert "unknown command" in unknown.err
    assert workspace.run("--help").status == 0


def test_an_outcome_shows_all_that_was_printed() -> None:
    outcome = Outcome(("lint", "board.yaml"), 3, "", "efipolicy: error: cannot read\n")
    assert repr(outcome) == (
        "<`efipolicy lint board.yaml` ended with status 3\n"
        "stderr:\n"
        "    efipolicy: error: cannot read>"
    )


def test_what_is_no_json_is_shown(workspace: Workspace) -> None:
    workspace.write("board.yaml", BOARD)
    with pytest.raises(AssertionError, match="no JSON"):
        _ = workspace.run("lint", "board.yaml").json
    with pytest.raises(AssertionError, match="no report of findings"):
        _ = workspace.run("plugins", "--format", "json").findings


def test_streams_and_folder_are_as_before(workspace: Workspace, tmp_path: Path) -> None:
    before = sys.stdin, sys.stdout, sys.stderr, Path.cwd()
    elsewhere = Workspace(tmp_path / "other")
    elsewhere.write("board.yaml", BOARD)
    assert elsewhere.lint("board.yaml").rules == ("uefi/zero-pages",)
    assert (sys.stdin, sys.stdout, sys.stderr, Path.cwd()) == before


def test_nothing_is_written_outside_the_folder(workspace: Workspace) -> None:
    with pytest.raises(ValueError, match="lies outside"):
        workspace.write("../board.yaml", BOARD)


def test_a_workspace_lists_its_files(workspace: Workspace, tmp_path: Path) -> None:
    assert repr(workspace) == f"<Workspace {tmp_path}: empty>"
    workspace.write("b/c.yaml", b"")
    workspace.write("a.yaml", "")
    assert repr(workspace) == f"<Workspace {tmp_path}: a.yaml, b/c.yaml>"


OF_A_STRANGER = '''
import os

def test_the_fixture_finds(efipolicy, tmp_path):
    efipolicy.write("board.yaml", """{board}""")
    assert efipolicy.lint("board.yaml").rules == ("uefi/zero-pages",)
    assert os.getcwd() == str(tmp_path)
    assert "EFIPOLICY_PLUGINS" not in os.environ

def test_each_test_has_its_own_folder(efipolicy):
    assert efipolicy.run("lint", "board.yaml").status == 3
'''


def test_a_stranger_s_tests_have_the_fixture(tmp_path: Path) -> None:
    (tmp_path / "test_stranger.py").write_text(OF_A_STRANGER.replace("{board}", BOARD))
    environment = {**os.environ, "EFIPOLICY_PLUGINS": "-linux", "PYTEST_PLUGINS": ""}
    known = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", tmp_path],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "2 passed" in known.stdout, known.stdout + known.stderr


def test_the_plugin_costs_nothing_where_nobody_asks_for_it() -> None:
    script = (
        "import sys, pytest; before = {*sys.modules}\n"
        "import efipolicy.testing.pytest_plugin\n"
        "print(sorted({*sys.modules} - before))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == str(
        ["efipolicy", "efipolicy.testing", "efipolicy.testing.pytest_plugin"]
    )
