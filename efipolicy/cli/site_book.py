"""``efipolicy docs --pdf``: the pages about platforms as one PDF, set by LaTeX."""

from __future__ import annotations

import io
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, Final
from weakref import finalize

from efipolicy.cli.running import tell
from efipolicy.cli.site_folder import SiteError, StatusLine, on_terminal, write_changed
from efipolicy.drawing.latex_book import BOOK_SETTINGS
from efipolicy.errors import UsageError

_PROGRAMS: Final = {
    "latexmk": "apt install latexmk",
    "xelatex": "apt install texlive-xetex texlive-latex-extra fonts-dejavu",
}
"""What sets a book, and what installs it on Debian; elsewhere both are in TeX Live."""

_CONVERTERS: Final = (
    "a PDF needs rsvg-convert or CairoSVG for its pictures, and neither is installed; install one "
    "with `apt install librsvg2-bin` or `pip install 'efipolicy[pdf]'`"
)

_MISSING: Final = re.compile(r"^Missing character: There is no (\S+)", re.MULTILINE)


class BookFile:
    """A PDF of the pages about platforms; their sources live as long as this.

    Raises `UsageError` where something is missing that a PDF needs, or where none can be written.
    """

    def __init__(self, path: str) -> None:
        self.path = Path(path)
        if self.path.suffix.lower() != ".pdf":
            raise UsageError(f"--pdf writes a PDF, and {path} is no name of one: --pdf NAME.pdf")
        if self.path.is_dir() or not self.path.absolute().parent.is_dir():
            raise UsageError(f"{path} cannot be written: no file in a folder that exists")
        _require()
        self._folder = Path(mkdtemp(prefix="efipolicy-book-"))
        self._remove = finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
        self.root = self._folder / "source"

    def holds(self, path: str) -> bool:
        """Whether a path is what is written."""
        return Path(path).absolute() == self.path.absolute()

    def told(self, platforms: int) -> str:
        """What was done, in a line."""
        return f"{self.path}: {'1 platform' if platforms == 1 else f'{platforms} platforms'}"

    def write(self, sources: Mapping[str, str], files: Mapping[str, str]) -> None:
        """Write the sources of the pages."""
        write_changed(self.root, {**sources, **files})

    def build(self, title: str, *, jobs: int, loud: bool, quiet: bool) -> list[str]:
        """Make the PDF; what Sphinx complains of, a line each.

        Raises `SiteError` when there is none, with the first complaint of LaTeX's.
        """
        from sphinx.application import Sphinx
        from sphinx.errors import SphinxError
        from sphinx.util.console import nocolor
        from sphinx.util.docutils import docutils_namespace, patch_docutils

        nocolor()
        warnings = io.StringIO()
        shown: Any = StatusLine() if on_terminal() and not quiet else None
        folder = self._folder
        try:
            with patch_docutils(), docutils_namespace():
                app = Sphinx(
                    self.root,
                    None,
                    folder / "latex",
                    folder / "doctrees",
                    "latex",
                    confoverrides=_settings(title),
                    status=sys.stderr if loud else shown,
                    warning=warnings,
                    freshenv=True,
                    parallel=jobs,
                )
                app.build()
            if shown:
                shown.write("setting the PDF")
            self._set(folder / "latex")
        except SphinxError as problem:
            raise SiteError(f"the PDF could not be made: {problem}") from problem
        finally:
            if shown:
                shown.clear()
            self._remove()
        return [line for line in warnings.getvalue().splitlines() if line.strip()]

    def _set(self, folder: Path) -> None:
        """Run LaTeX as often as it wants, and take the PDF away."""
        command = ["latexmk", "-pdfxe", "-interaction=nonstopmode", "-halt-on-error", "book.tex"]
        done = subprocess.run(  # noqa: S603 - a fixed program and files of our own
            command, cwd=folder, capture_output=True, stdin=subprocess.DEVNULL, check=False
        )
        made, log = folder / "book.pdf", folder / "book.log"
        if done.returncode or not made.is_file():
            raise SiteError(f"LaTeX made no PDF: {_complaint(log, done.stderr)}{self._keep(log)}")
        missing = _missing_letters(log)
        if missing:
            tell(f"efipolicy: note: {self.path} leaves out what no font has: {' '.join(missing)}")
        partial = self.path.with_name(f".{self.path.name}.partial")
        try:
            shutil.copyfile(made, partial)
            os.replace(partial, self.path)
        except OSError as problem:
            partial.unlink(missing_ok=True)
            reason = (problem.strerror or str(problem)).lower()
            raise UsageError(f"cannot write {self.path}: {reason}") from problem

    def _keep(self, log: Path) -> str:
        """Keep a log where the PDF would be, and tell where, if it can be kept."""
        kept = self.path.with_suffix(".log")
        try:
            shutil.copyfile(log, kept)
        except OSError:
            return ""
        return f"; see {kept}"


def _missing_letters(log: Path) -> list[str]:
    """The characters that the fonts of a book do not have, in their order."""
    text = log.read_text(encoding="utf-8", errors="replace")
    return sorted(set(_MISSING.findall(text)))


def _require() -> None:
    """Raise `UsageError` for the first thing that a PDF needs and that is not installed."""
    if find_spec("sphinx") is None:
        raise UsageError(
            "a PDF needs sphinx, which is not installed; install it with "
            "`pip install 'efipolicy[docs]'`"
        )
    for program, remedy in _PROGRAMS.items():
        if shutil.which(program) is None:
            raise UsageError(
                f"a PDF needs {program}, which is not installed; install TeX Live, on Debian with "
                f"`{remedy}`"
            )
    if shutil.which("rsvg-convert") is None and find_spec("cairosvg") is None:
        raise UsageError(_CONVERTERS)


def _complaint(log: Path, said: bytes) -> str:
    """The first error in a log of LaTeX's; a package that is missing is told with its remedy."""
    text = log.read_text(encoding="utf-8", errors="replace") if log.is_file() else ""
    lines: Sequence[str] = [line[2:] for line in text.splitlines() if line.startswith("! ")]
    first = lines[0] if lines else said.decode(errors="replace").strip().rpartition("\n")[2]
    first = first.rstrip(". ")
    if "not found" in first and ".sty" in first:
        first += " (on Debian: apt install texlive-latex-extra texlive-xetex)"
    return first or "it gave no reason"


def _settings(title: str) -> dict[str, Any]:
    """The configuration of a book: what a conf.py would say."""
    return {
        "project": title,
        "author": "",
        "extensions": ["efipolicy.sphinxext"],
        "latex_documents": [("index", "book.tex", "", "", "howto")],
        "suppress_warnings": ["misc.highlighting_failure"],
        **BOOK_SETTINGS,
    }
