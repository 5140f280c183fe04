"""Books to look at: made of a project, read as text, as figures and as dots."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from sphinx.environment import BuildEnvironment

from efipolicy.sphinxext.elements import efi_figure
from tests.sphinxext.conftest import build_project

ADDRESS = re.compile(r"0x[0-9a-f]{4}(?:_[0-9a-f]{4})+")
CAPTION = re.compile(r"^ *Fig\. (\d+): ", re.MULTILINE)

Dot = tuple[int, int, int]


class Raster(NamedTuple):
    """A page as dots: rows of bytes, three a dot."""

    width: int
    height: int
    dots: bytes

    def line(self, y: int) -> bytes:
        """The bytes of a line."""
        return self.dots[3 * self.width * y : 3 * self.width * (y + 1)]

    def row(self, y: int) -> list[Dot]:
        """The dots of a line, from left to right."""
        line = self.line(y)
        return list(zip(line[::3], line[1::3], line[2::3], strict=True))


class Book:
    """A PDF, the figures of the documents it was made of, and what was said on the way."""

    def __init__(self, path: Path, env: BuildEnvironment, warnings: str, log: str) -> None:
        self.path = path
        self.warnings = warnings
        self.log = log
        self.figures = [
            part
            for name in sorted(env.found_docs)
            for figure in env.get_doctree(name).findall(efi_figure)
            for part in figure.get("print") or [figure.get("standalone") or figure["svg"]]
        ]

    @cached_property
    def pages(self) -> list[str]:
        """The text of each page as its layout has it."""
        return text_of(self.path).split("\f")

    @cached_property
    def page_of(self) -> dict[int, str]:
        """The text of the page by the number of each figure on it."""
        return {int(number): page for page in self.pages for number in CAPTION.findall(page)}

    def rasters(self, resolution: int, number: int | None = None) -> list[Raster]:
        """Every page as dots, or that of a number from 1 on."""
        only = () if number is None else ("-f", str(number), "-l", str(number))
        return rasters_of(self.path, resolution, *only)


def book_of(source: Path, target: Path) -> Book:
    """Build a project by the LaTeX builder and set it. Raises when either did not work."""
    built = build_project(source, target, builder="latex")
    tex = next(path for path in built.out.glob("*.tex") if path.stem != "sphinxmessages")
    log = set_by_latex(tex, engine=built.app.config.latex_engine)
    return Book(tex.with_suffix(".pdf"), built.app.env, built.warnings, log)


def set_by_latex(tex: Path, *, engine: str = "xelatex") -> str:
    """Run LaTeX as often as it wants; its log."""
    way = {"xelatex": "-pdfxe", "pdflatex": "-pdf"}[engine]
    command = ["latexmk", way, "-interaction=nonstopmode", "-halt-on-error", tex.name]
    done = subprocess.run(command, cwd=tex.parent, capture_output=True, check=False)
    log = tex.with_suffix(".log").read_text(encoding="utf-8", errors="replace")
    errors = [line for line in log.splitlines() if line.startswith("!")]
    assert done.returncode == 0, errors or done.stderr.decode(errors="replace")
    return log


def text_of(path: Path, *options: str) -> str:
    """What a reader can select and copy."""
    command = ["pdftotext", "-layout", *options, str(path), "-"]
    done = subprocess.run(command, check=True, capture_output=True)
    return done.stdout.decode()


def rasters_of(path: Path, resolution: int, *options: str) -> list[Raster]:
    """Every page of a PDF as dots."""
    command = ["pdftoppm", "-r", str(resolution), *options, str(path)]
    stream = subprocess.run(command, check=True, capture_output=True).stdout
    pages, place = [], 0
    header = re.compile(rb"P6\s+(\d+)\s+(\d+)\s+255\s")
    while place < len(stream):
        match = header.match(stream, place)
        assert match, "pdftoppm writes portable pixmaps"
        width, height = int(match[1]), int(match[2])
        place = match.end() + 3 * width * height
        pages.append(Raster(width, height, stream[match.end() : place]))
    return pages


def efipolicy(*arguments: str, path: str | None = None) -> subprocess.CompletedProcess[str]:
    """Run the command line in a process of its own, which looks for programs on this path."""
    env = dict(os.environ) if path is None else {**os.environ, "PATH": path}
    return subprocess.run(
        [sys.executable, "-m", "efipolicy", *arguments],
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
