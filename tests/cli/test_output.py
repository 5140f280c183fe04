"""How much is printed, and where to."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import MINIMAL, Run

ROW = "    - {{type: EfiConventionalMemory, physical_start: {:#x}, pages: 0, attribute: [WB]}}\n"


@pytest.fixture
def file(folder: Path) -> Path:
    """A platform file with a thousand equal faults."""
    path = folder / "p.yaml"
    path.write_text(MINIMAL + "".join(ROW.format(0x10000 + n * 0x1000) for n in range(1000)))
    return path


def test_many_equal_findings_are_one_with_a_list(file: Path, run: Run) -> None:
    out = run("lint", "p.yaml", "--select", "uefi/zero-pages")[1]
    assert out.count("error[uefi/zero-pages]") == 1
    assert "999 more of the same (-v shows each):" in out
    assert ": EfiConventionalMemory at 0x3f7000 has no pages\n" in out
    assert "1000 findings (1000 errors) in 1 input" in out
    out = run("lint", "p.yaml", "--select", "uefi/zero-pages", "-v")[1]
    assert out.count("error[uefi/zero-pages]") == 1000


def test_statistics_are_printed_however_quiet_the_rest_is(file: Path, run: Run) -> None:
    options = ("p.yaml", "--statistics", "--select", "uefi/zero-pages")
    line = "1000  error    [*] uefi/zero-pages\n"
    assert run("lint", *options, "-q")[1] == line
    assert line in run("lint", *options)[1]
    assert "has no pages" not in run("lint", *options)[1]
    file.write_text(MINIMAL)
    assert run("lint", *options, "-q")[1] == ""


@pytest.mark.parametrize(
    "line",
    [
        "--format text --format json",
        "--format text=- --format json",
        "--format json=out.txt --format text=out.txt",
        "--format json=out.txt --format text -o ./out.txt",
    ],
)
def test_two_formats_never_go_to_one_place(file: Path, run: Run, line: str) -> None:
    status, _, err = run("lint", "p.yaml", *line.split())
    assert status == 2
    assert "two formats for one output" in err


def test_each_format_may_have_its_place(file: Path, run: Run) -> None:
    line = "--format text -o report.txt --format json=report.json"
    status, out, _ = run("lint", "p.yaml", *line.split())
    assert (status, out) == (1, "")
    assert Path("report.txt").read_text().startswith(("error", "info", "warning"))
    assert Path("report.json").read_text().startswith("{")


def test_a_file_has_colours_where_somebody_insists(
    file: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    run("lint", "p.yaml", "-o", "plain.txt")
    run("lint", "p.yaml", "-o", "coloured.txt", "--color", "always")
    assert "\x1b[" not in Path("plain.txt").read_text()
    assert "\x1b[" in Path("coloured.txt").read_text()
    assert "\x1b[" in run("lint", "p.yaml")[1]
    assert "\x1b[" not in run("lint", "p.yaml", "--color", "never")[1]
