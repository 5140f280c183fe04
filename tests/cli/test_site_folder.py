"""The folder of a site over several builds."""

from __future__ import annotations

from pathlib import Path

import pytest

from efipolicy.cli.site_folder import SiteFolder
from tests.cli.sites import leave_out
from tests.conftest import PLATFORMS, Run

_GOOD = ":orphan:\n\nOther\n=====\n\nText.\n"


def test_what_was_complained_of_is_told_again_by_the_next_build(tmp_path: Path) -> None:
    site = SiteFolder(str(tmp_path / "site"))
    sources = {"index.rst": "I\n=\n\nA :efi:rule:`no/body`.\n", "other.rst": _GOOD}
    site.write(sources, {})
    first = site.build("T", jobs=1, loud=False, quiet=True)
    assert len(first) == 1
    assert "no page describes the rule `no/body`" in first[0]
    written = (site.path / "other.html").stat().st_mtime_ns
    assert site.build("T", jobs=1, loud=False, quiet=True) == first
    assert (site.path / "other.html").stat().st_mtime_ns == written
    site.write({**sources, "index.rst": "I\n=\n\nWell.\n"}, {})
    assert site.build("T", jobs=1, loud=False, quiet=True) == []


def test_a_second_site_is_the_same_to_the_last_byte_and_time(folder: Path, run: Run) -> None:
    arguments = ("docs", PLATFORMS / "broken-x86_64.yaml", "-o", "site", "--jobs", "1")
    assert run(*arguments)[0] == 0

    def files() -> dict[Path, tuple[int, bytes]]:
        return {
            path: (path.stat().st_mtime_ns, path.read_bytes())
            for path in (folder / "site").rglob("*")
            if path.is_file()
            and not any(part.startswith(".") for part in path.parts[-2:])
            and ".efipolicy" not in path.parts
        }

    before = files()
    assert run(*arguments)[0] == 0
    after = files()
    assert [str(path) for path in after if after[path] != before.get(path)] == []
    assert before.keys() == after.keys()


def test_what_no_strategy_fits_is_told_beside_the_matrix(
    folder: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    leave_out(monkeypatch, "strategies/", "architectures/", "rules/")
    text = (PLATFORMS / "broken-x86_64.yaml").read_text()
    (folder / "one.yaml").write_text(text)
    other = text.replace("architecture: x86_64", "architecture: mips64")
    (folder / "two.yaml").write_text(other.replace("broken-x86_64", "foreign"))
    status, _, told = run("docs", "one.yaml", "two.yaml", "-o", "site", "--jobs", "1")
    assert status == 4, told
    landing = (folder / "site" / "index.html").read_text()
    assert "No strategy that is installed fits" in landing
    page = (folder / "site" / "platforms" / "foreign.html").read_text()
    assert "Not everything was looked at" in page
    assert "is not installed, so its rules were not checked" in page
