"""``efipolicy docs --pdf``: what can be told without LaTeX. What LaTeX makes is in tests/pdf."""

from __future__ import annotations

import gc
import sys
from pathlib import Path

import pytest

from efipolicy.cli import main
from tests.cli.sites import leave_out
from tests.conftest import ROOT

SMALL = str(ROOT / "tests" / "roots" / "pages" / "small.yaml")


@pytest.fixture
def programs(tmp_path, monkeypatch):
    """A machine with these programs, by default nothing but Python, and no CairoSVG.

    A book has the pages of its platforms alone.
    """
    leave_out(monkeypatch, "strategies/", "architectures/", "rules/")

    def put(*names: str, text: str = f"#!{sys.executable}\n") -> None:
        folder = tmp_path / "bin"
        folder.mkdir()
        for name in names:
            (folder / name).write_text(text)
            (folder / name).chmod(0o755)
        monkeypatch.setenv("PATH", str(folder))
        monkeypatch.setattr(
            "efipolicy.cli.site_book.find_spec", lambda name: None if name == "cairosvg" else name
        )

    return put


ALL = ("latexmk", "xelatex", "rsvg-convert")


@pytest.mark.parametrize(
    ("missing", "remedy"),
    [
        ("latexmk", "apt install latexmk"),
        ("xelatex", "apt install texlive-xetex texlive-latex-extra fonts-dejavu"),
        ("rsvg-convert", "apt install librsvg2-bin` or `pip install 'efipolicy[pdf]'"),
    ],
)
def test_what_is_missing_is_told_with_what_installs_it(tmp_path, programs, capsys, missing, remedy):
    programs(*(name for name in ALL if name != missing))
    assert main(["docs", SMALL, "--pdf", str(tmp_path / "a.pdf")]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"efipolicy: error: a PDF needs {missing}")
    assert remedy in line
    assert not (tmp_path / "a.pdf").exists()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--pdf", "a.txt"], "--pdf NAME.pdf"),
        (["--pdf", "."], "--pdf NAME.pdf"),
        (["--pdf", ""], "--pdf NAME.pdf"),
        (["--pdf", "nowhere/a.pdf"], "nowhere/a.pdf cannot be written"),
        (["--pdf", "a.pdf", "-o", "site"], "-o DIR, or pages for a project"),
        (["--pdf", "a.pdf", "--into", "."], "-o DIR, or pages for a project"),
    ],
)
def test_what_cannot_be_meant_is_told(tmp_path, monkeypatch, programs, capsys, arguments, told):
    programs(*ALL)
    monkeypatch.chdir(tmp_path)
    assert main(["docs", SMALL, *arguments]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert told in line
    assert [path.name for path in tmp_path.iterdir()] == ["bin"]


CONVERTER = "#!/bin/sh\necho %PDF-1.7 > $4\n"
"""Not this Python, which takes a while to start: a book has many pictures."""


def latexmk(folder: Path, text: str) -> None:
    """Put another program in place of the one that sets books."""
    (folder / "bin" / "latexmk").write_text(f"#!{sys.executable}\n{text}\n")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "open('book.log', 'w').write('! File `tabulary.sty\\' not found.\\n'); exit(1)",
            "File `tabulary.sty' not found (on Debian: apt install texlive-latex-extra",
        ),
        ("exit('first\\nno such engine')", "LaTeX made no PDF: no such engine"),
        ("exit(0)", "LaTeX made no PDF: it gave no reason"),
    ],
)
def test_the_complaint_of_latex_is_told_and_its_log_kept(tmp_path, programs, capsys, text, told):
    programs(*ALL, text=CONVERTER)
    latexmk(tmp_path, text)
    assert main(["docs", SMALL, "--pdf", str(tmp_path / "a.pdf"), "--jobs", "1"]) == 5
    (line,) = capsys.readouterr().err.splitlines()
    assert told in line
    assert (tmp_path / "a.log").exists() == ("book.log" in text)
    assert line.endswith(f"; see {tmp_path / 'a.log'}") == ("book.log" in text)
    assert not (tmp_path / "a.pdf").exists()


def test_characters_that_no_font_has_are_named(tmp_path, programs, capsys):
    programs(*ALL, text=CONVERTER)
    line = "Missing character: There is no 服 in font DejaVu Serif/OT:script=latn!"
    made = f"open('book.log', 'w').write({line!r}); open('book.pdf', 'w').write('made')"
    latexmk(tmp_path, made)
    target = tmp_path / "a.pdf"
    assert main(["docs", SMALL, "--pdf", str(target), "--jobs", "1"]) == 0
    told = capsys.readouterr()
    assert told.out == f"{target}: 1 platform\n"
    assert told.err == f"efipolicy: note: {target} leaves out what no font has: 服\n"
    assert target.read_text() == "made"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.pdf", "bin"]


@pytest.mark.parametrize("path", ["nowhere.yaml", SMALL])
def test_no_sources_of_a_book_stay(tmp_path, programs, monkeypatch, path):
    programs(*ALL, text=CONVERTER)
    latexmk(tmp_path, "exit('no such engine')")
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    assert main(["docs", path, "--pdf", str(tmp_path / "a.pdf"), "--jobs", "1"]) > 0
    gc.collect()  # an error knows where it was raised, and so what was to be written
    assert [left.name for left in temporary.iterdir()] == []
