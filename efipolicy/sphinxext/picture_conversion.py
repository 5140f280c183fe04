"""Pictures as paper wants them: literal colours for classes, and PDF by whatever converts here."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Final

from sphinx.errors import ExtensionError
from sphinx.util import logging

from efipolicy.drawing.stylesheet import literal_properties

logger = logging.getLogger(__name__)

_STYLE: Final = re.compile(r"<style>.*?</style>\n?", re.DOTALL)
_CLASS: Final = re.compile(r'\bclass="([^"]*)"')
_LINK: Final = re.compile(r'<a\b[^>]*>|</a>|\btabindex="[^"]*"')
_ID: Final = re.compile(r' id="[^"]*"')
_GLUED: Final = re.compile(r" (?=</?tspan)|(?<=</tspan>) |(?<=<tspan>) ")
"""Blanks at the ends of parts of a text, which librsvg leaves out."""

_SECONDS: Final = 60
"""How long a converter may take over one picture."""


def file_name(svg: str) -> str:
    """The name of the PDF of a printed picture: another picture has another."""
    return f"efi-{hashlib.sha256(svg.encode()).hexdigest()[:16]}.pdf"


def printed(svg: str) -> str:
    """A picture with literal colours in place of classes, for converters that know no variables."""

    def literal(match: re.Match[str]) -> str:
        properties = literal_properties(match.group(1))
        return " ".join(
            f'{key}="{value.replace(chr(34), chr(39))}"' for key, value in properties.items()
        )

    grouped = _LINK.sub(_as_group, _STYLE.sub("", svg))
    return _GLUED.sub("\N{NO-BREAK SPACE}", _CLASS.sub(literal, grouped))


def _as_group(match: re.Match[str]) -> str:
    if match.group().startswith("tabindex"):
        return ""
    if match.group() == "</a>":
        return "</g>"
    row = _ID.search(match.group())
    return f"<g{row.group()}>" if row else "<g>"


_REMEDY: Final = "install librsvg2-bin (rsvg-convert), or pip install 'efipolicy[pdf]' (CairoSVG)"


@cache
def converter() -> str | None:
    """What converts SVG to PDF here: ``rsvg-convert``, else ``cairosvg``, else nothing.

    Where there is nothing, a warning says what to install, once.
    """
    if shutil.which("rsvg-convert"):
        return "rsvg-convert"
    try:
        import_module("cairosvg")
    except (ImportError, OSError) as problem:  # OSError: the package is there, libcairo is not
        told = str(problem).partition("\n")[0]
        logger.warning(
            "words stand in place of pictures, which nothing here converts to PDF (%s): %s",
            told,
            _REMEDY,
            type="efi",
            subtype="converter",
        )
        return None
    return "cairosvg"


def convert(svg: str, path: Path, label: str) -> bool:
    """Write a picture as PDF, unless nothing here can. Raises `ExtensionError` when it fails."""
    tool = converter()
    if tool is None:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    by = _by_librsvg if tool == "rsvg-convert" else _by_cairosvg
    problem = by(svg, partial)
    if problem is not None or not partial.is_file() or not partial.stat().st_size:
        partial.unlink(missing_ok=True)
        told = problem or "it wrote nothing"
        raise ExtensionError(f"{tool} did not convert the picture {label}: {told}")
    partial.replace(path)
    return True


def _by_librsvg(svg: str, path: Path) -> str | None:
    """Convert by a program; what it complained of, if it did not work."""
    command = ["rsvg-convert", "-f", "pdf", "-o", str(path)]
    try:
        done = subprocess.run(  # noqa: S603 - a fixed program and a path of our own
            command, input=svg.encode(), capture_output=True, timeout=_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as problem:
        return str(problem)
    if not done.returncode:
        return None
    said = " ".join(done.stderr.decode(errors="replace").split())
    return said or f"it ended with status {done.returncode}"


def _by_cairosvg(svg: str, path: Path) -> str | None:
    """Convert by a library; what it complained of, if it did not work."""
    try:
        import_module("cairosvg").svg2pdf(bytestring=svg.encode(), write_to=str(path))
    except Exception as problem:  # noqa: BLE001 - whatever it raises is about this picture
        return f"{type(problem).__name__}: {problem}"
    return None
