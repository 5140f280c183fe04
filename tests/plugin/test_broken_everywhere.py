"""Whatever a command does, and however it ends: a broken plugin is told once, and the rest is done.

The status is 4 whether or not the plugin mattered, and above those of the command itself but 5.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from efipolicy.cli import COMMANDS
from tests.conftest import MINIMAL, ROOT
from tests.plugin.broken_plugins import BROKEN, CASES
from tests.plugin.conftest import Process, Ran

LOADING = [case for case, broken in CASES.items() if broken.command.startswith("plugins")]
"""What fails before any command begins to work."""

BAD_METADATA = {"broken-encoding", "no-module-at-all", "utf-16-metadata"}
"""Beside these Python's own `importlib.metadata` may raise, and with it Sphinx."""

LOG = ROOT / "tests" / "captures" / "46-intel-laptop-linux-x86-fragment.txt"

DONE = {
    "lint good.yaml": "linted good.yaml",
    "lint good.yaml --format json": '"status": "linted"',
    "lint good.yaml --statistics": "no findings",
    "lint good.yaml --diff": "",
    "lint good.yaml --fix": "linted good.yaml",
    "lint good.yaml --write-baseline known.json": "",
    f"import {LOG}": "efipolicy: 1",
    "import good.yaml": "efipolicy: 1",
    "plan good.yaml --strategy identity": "SetVirtualAddressMap is not called",
    "plan good.yaml --strategy identity --format json": '"status": "ok"',
    "plan good.yaml --strategy identity --format svg": "<svg",
    "pagetable good.yaml --strategy identity": "tables  1 (PGD 1",
    "whatif good.yaml": "kexec: what becomes of firmware",
    "kexec good.yaml": "after freebsd-1to1",
    "kexec good.yaml --chain identity,identity": "identity",
    "where good.yaml 0x0": "0x0, physical",
    "verify log.txt map.txt --strategy x86-topdown": "x86-topdown: match",
    "diff good.yaml good.yaml": "",
    "docs good.yaml --into project": "written",
    "explain uefi/zero-pages": "uefi/zero-pages",
    "rules": "uefi/zero-pages",
    "rules --format json": '"uefi/zero-pages"',
    "plugins": "rules: ",
    "plugins --format json": '"uefi"',
    "plugins --check": "rules: ",
    "schema policy": "uefi/zero-pages",
    "schema configuration": "uefi/zero-pages",
    "new-plugin rules acme": "files in efipolicy-acme",
}
"""Command lines that work without broken plugins, and what shows that the work was done."""

REFUSED = {
    "lint missing.yaml": "missing.yaml",
    "lint good.yaml --policy nonsense": "unknown policy `nonsense`",
    "lint good.yaml --format nonsense": "unknown format `nonsense`",
    "lint good.yaml --from nonsense": "unknown capture format `nonsense`",
    "lint good.yaml --select nonsense/rule": "no rule",
    "lint good.yaml -o nowhere/report.txt": "cannot write nowhere/report.txt",
    "lint good.yaml --policy nonsense --format json": "unknown policy `nonsense`",
    "import missing.log": "missing.log",
    "plan good.yaml": "the platform declares no strategy",
    "plan good.yaml --strategy nonsense": "unknown strategy `nonsense`",
    "plan missing.yaml --format json": "missing.yaml",
    "pagetable missing.yaml": "missing.yaml",
    "whatif missing.yaml": "missing.yaml",
    "kexec missing.yaml": "missing.yaml",
    "where missing.yaml 0x0": "missing.yaml",
    "verify good.yaml missing.log": "missing.log",
    "diff good.yaml missing.yaml": "missing.yaml",
    "diff --boots good.yaml missing.yaml": "missing.yaml",
    "docs missing.yaml --into project": "there is no memory map",
    "docs good.yaml --into project --policy nonsense": "nonsense",
    "explain nonsense": "unknown rule `nonsense`",
    "rules nonsense": "no rule and no requirement matches `nonsense`",
    "new-plugin rules uefi": "the name `uefi` is taken",
}
"""Command lines that end with 2 or 3, and their own complaint."""


@pytest.fixture
def with_broken(process: Process, folder: Path) -> Process:
    """Run a command line beside every distribution that cannot be loaded."""
    boot = ROOT / "tests" / "recorded" / "x64-q35-2g-rig-ptdump"
    (folder / "good.yaml").write_text(MINIMAL)
    (folder / "project").mkdir()
    (folder / "project" / "conf.py").touch()
    for name in ("log.txt", "map.txt"):
        source = boot / name.replace("map", "runtime-map")
        (folder / name).write_text(source.read_text())

    def run(line: str) -> Ran:
        return process(line, *(BROKEN / case for case in met_by(line)))

    return run


def met_by(line: str) -> list[str]:
    """The broken distributions beside which a command line is tried."""
    return [case for case in LOADING if case not in BAD_METADATA or "-o site" not in line]


def assert_each_is_told_once(ran: Ran, line: str) -> None:
    assert ran.status == 4, ran
    assert "Traceback" not in ran.out + ran.err
    for case in met_by(line):
        named = CASES[case].name or f"plugin `{case}` (broken-{case} 1.0)"
        assert sum(f"{named} failed: " in line for line in ran.told) == 1, (case, ran)


def test_every_command_is_tried() -> None:
    tried = {line.split()[0] for line in DONE}
    assert tried == set(COMMANDS)


@pytest.mark.parametrize("line", DONE)
def test_a_command_does_its_work_beside_broken_plugins(line: str, with_broken: Process) -> None:
    ran = with_broken(line)
    assert DONE[line] in ran.out
    assert_each_is_told_once(ran, line)
    if "--format json" in line:
        json.loads(ran.out)


@pytest.mark.parametrize("line", REFUSED)
def test_a_command_that_is_refused_tells_of_broken_plugins_too(
    line: str, with_broken: Process
) -> None:
    ran = with_broken(line)
    assert REFUSED[line] in ran.out + ran.err
    assert_each_is_told_once(ran, line)


def test_a_site_has_its_pages_and_is_made_anew_when_a_plugin_is_repaired(
    process: Process, folder: Path
) -> None:
    (folder / "good.yaml").write_text(MINIMAL)
    (folder / "acme.py").write_text("raise OSError\n")
    info = folder / "acme-1.0.dist-info"
    info.mkdir()
    (info / "entry_points.txt").write_text("[efipolicy]\nacme = acme\n")
    line = "docs good.yaml -o site --jobs 1"
    beside = [folder, *(BROKEN / case for case in met_by(line))]
    ran = process(line, *beside)
    assert_each_is_told_once(ran, line)
    assert any("plugin `acme` (acme 1.0) failed: " in told for told in ran.told)
    assert "1 platform" in ran.out
    assert "1 platform" in (folder / "site" / "index.html").read_text()
    assert (folder / "site" / "platforms" / "minimal.html").is_file()
    kept = folder / "site" / ".efipolicy"
    maker, read = kept / "maker.json", kept / "doctrees" / "platforms" / "minimal.doctree"
    before = maker.read_text(), read.stat().st_mtime_ns
    (folder / "acme.py").write_text("EFIPOLICY_API = 1\n")
    ran = process(line, *beside)
    assert_each_is_told_once(ran, line)
    assert not any("plugin `acme`" in told for told in ran.told)
    assert maker.read_text() != before[0]
    assert read.stat().st_mtime_ns > before[1]


@pytest.mark.parametrize("case", ["broken-encoding", "utf-16-metadata"])
def test_where_sphinx_itself_cannot_go_on_it_is_said_why(
    case: str, process: Process, folder: Path
) -> None:
    (folder / "good.yaml").write_text(MINIMAL)
    ran = process("docs good.yaml -o site --jobs 1", BROKEN / case)
    assert ran.status == 4
    *_, last = ran.told
    assert "one has an entry_points.txt that Python cannot read (UnicodeDecodeError: " in last


RUNNING = {
    "raises-on-one-platform": [
        "lint broken.yaml",
        "diff broken.yaml broken.yaml",
        "docs broken.yaml --into project",
        "docs broken.yaml -o site --jobs 1",
    ],
    "choice-raises": ["lint broken.yaml", "plan broken.yaml", "pagetable broken.yaml"],
    "format-raises": [
        "lint log.txt",
        f"lint {LOG}",
        f"import {LOG}",
        f"where {LOG} 0x0",
        f"diff {LOG} {LOG}",
        f"plan {LOG} --strategy identity",
        f"docs {LOG} --into project",
    ],
    "strategy-raises": [
        "plan broken.yaml --strategy raising",
        "pagetable broken.yaml --strategy raising",
        "whatif broken.yaml",
        "kexec broken.yaml --chain raising,raising",
        "where broken.yaml 0x0 --strategy raising",
        "verify broken.yaml broken.yaml --strategy raising",
    ],
    "reporter-raises": [
        "lint broken.yaml --format teletype",
        "lint broken.yaml --format teletype=x",
    ],
}


@pytest.mark.parametrize(
    ("case", "line"), [(case, line) for case, lines in RUNNING.items() for line in lines]
)
def test_a_plugin_that_fails_at_work_is_told_by_every_command_that_asks_it(
    case: str, line: str, process: Process, folder: Path
) -> None:
    (folder / "project").mkdir()
    (folder / "project" / "conf.py").touch()
    ran = process(line, BROKEN / case)
    assert ran.status == 4, ran
    assert "Traceback" not in ran.out + ran.err
    assert any(f"plugin `{case}` (broken-{case} 1.0)" in told for told in ran.told), ran


READ = {
    f"import {LOG}": "efipolicy: 1",
    f"where {LOG} 0x0": "0x0, physical",
    f"plan {LOG} --strategy x86-topdown": "SetVirtualAddressMap",
    f"plan {LOG} --strategy x86-topdown --format json": '"mappings"',
    f"pagetable {LOG} --strategy x86-topdown": "tables ",
    f"whatif {LOG}": "x86-topdown",
    f"kexec {LOG}": "x86-topdown",
    f"lint {LOG}": "linted",
    f"docs {LOG} --into project": "written",
}


@pytest.mark.parametrize("line", READ)
def test_a_text_is_read_though_a_capture_format_fails(
    line: str, process: Process, folder: Path
) -> None:
    (folder / "project").mkdir()
    (folder / "project" / "conf.py").touch()
    ran = process(line, BROKEN / "format-raises")
    assert ran.status == 4
    assert READ[line] in ran.out
    assert sum("plugin `format-raises` (broken-format-raises 1.0)" in one for one in ran.told) == 1


def test_a_command_line_that_cannot_be_read_asks_no_plugin(with_broken: Process) -> None:
    for line in ("lint --bogus", "lnt", "--version"):
        ran = with_broken(line)
        assert ran.status in (0, 2)
        assert "failed" not in ran.err
