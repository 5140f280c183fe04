"""Names that a terminal would obey: they end no line and move no cursor; JSON has them exactly."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.conftest import MINIMAL, Run

EVIL = "a\nb\x1b[31m\r\x9bc\u2028\u202e.yaml"
SHOWN = r"a\nb\x1b[31m\r\x9bc\u2028\u202e.yaml"


@pytest.mark.parametrize(
    "words",
    [
        ("plan", EVIL, "--strategy", "identity"),
        ("pagetable", EVIL),
        ("whatif", EVIL),
        ("kexec", EVIL),
        ("import", EVIL),
        ("where", EVIL, "0x0"),
        ("verify", EVIL, EVIL),
        ("diff", EVIL, "other.yaml"),
        ("plan", "other.yaml", "--strategy", EVIL),
        ("lint", "other.yaml", "--policy", EVIL),
        ("lint", "other.yaml", "--format", EVIL),
        ("lint", "other.yaml", "-o", f"nowhere/{EVIL}"),
        ("lint", "other.yaml", f"--{EVIL}"),
        ("explain", EVIL),
        ("rules", EVIL),
        ("new-plugin", "rules", EVIL),
        (EVIL,),
    ],
)
def test_an_error_about_a_name_stays_on_its_line(
    words: tuple[str, ...], folder: Path, run: Run
) -> None:
    (folder / "other.yaml").write_text(MINIMAL)
    status, _, err = run(*words)
    assert status in (2, 3)
    assert SHOWN in err
    assert err.endswith("\n")
    assert all(line.startswith("efipolicy: error: ") for line in err[:-1].split("\n"))
    assert err.replace("\n", "").isprintable()


def test_a_note_about_a_name_stays_on_its_line(folder: Path, run: Run) -> None:
    (folder / EVIL).write_text(MINIMAL)
    status, _, err = run("lint", EVIL, "--write-baseline", "a\nb.json")
    assert status == 0
    assert r"a\nb.json: 0 known findings" in err


@pytest.mark.parametrize(
    "words",
    [("where", EVIL, "0x0"), ("diff", EVIL, EVIL), ("lint", EVIL), ("lint", EVIL, "-v")],
)
def test_text_shows_no_name_that_a_terminal_obeys(
    words: tuple[str, ...], folder: Path, run: Run
) -> None:
    (folder / EVIL).write_text(MINIMAL.replace("0x0, pages", "0x7, pages"))
    _, out, _ = run(*words)
    assert "\x1b" not in out
    assert "\nb" not in out
    assert "\r" not in out


def test_json_has_the_name_as_it_is(folder: Path, run: Run) -> None:
    (folder / EVIL).write_text(MINIMAL)
    _, out, _ = run("lint", EVIL, "--format", "json")
    assert json.loads(out)["inputs"][0]["path"] == EVIL
    status, out, _ = run("plan", f"no {EVIL}", "--format", "json")
    assert status == 3
    assert json.loads(out)["errors"][0]["path"] == f"no {EVIL}"


def test_a_name_that_can_be_shown_is_shown_as_it_is(folder: Path, run: Run) -> None:
    status, _, err = run("plan", "früh 図 'a\\n'.yaml")
    assert status == 3
    assert "efipolicy: error: früh 図 'a\\n'.yaml: found " in err
