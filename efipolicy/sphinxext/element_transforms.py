"""What becomes of our own nodes where there are no pictures, and how LaTeX gets them as PDF.

Everything but HTML has a caption in place of a picture, which says that the table has it all.
LaTeX has the picture in its printed form where ``rsvg-convert`` or CairoSVG can convert it.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util import logging

from efipolicy.drawing.stylesheet import literal_properties
from efipolicy.sphinxext.elements import efi_figure, efi_fold

logger = logging.getLogger(__name__)

_STYLE: Final = re.compile(r"<style>.*?</style>\n?", re.DOTALL)
_CLASS: Final = re.compile(r'\bclass="([^"]*)"')
_LINK: Final = re.compile(r'<a\b[^>]*>|</a>|\btabindex="[^"]*"')
_SECONDS: Final = 60
"""How long a converter may take over one picture."""


class WithoutPictures(SphinxPostTransform):
    """Put words in place of what only HTML can show."""

    default_priority = 8  # before Sphinx collects images
    formats: tuple[str, ...] = ("text", "man", "texinfo", "xml", "pseudoxml")

    def run(self, **_arguments: Any) -> None:
        """Replace pictures and folds, and unlink what led into a picture."""
        for fold in list(self.document.findall(efi_fold)):
            words = f"{fold['summary']}:"
            fold.replace_self([nodes.paragraph(words, words), *fold.children])
        for figure in list(self.document.findall(efi_figure)):
            figure.replace_self(self.instead(figure))
        self._unlink()

    def instead(self, figure: efi_figure) -> nodes.Node:
        """What stands in place of a picture: what it shows, and where to read it."""
        more = "The table that follows says the same." if figure.get("table") else "HTML shows it."
        words = f"Picture: {figure['label']}. {more}"
        return nodes.paragraph("", "", nodes.emphasis(words, words))

    def _unlink(self) -> None:
        """Leave only the words of links to rows of a picture that is not there."""
        known = {id for node in self.document.findall(nodes.Element) for id in _ids(node)}
        for link in list(self.document.findall(nodes.reference)):
            if link.get("internal") and link.get("refid") and link["refid"] not in known:
                link.replace_self(link.children)


class PicturesAsPdf(WithoutPictures):
    """Give LaTeX pictures as PDF, where anything can convert them."""

    formats = ("latex",)

    def run(self, **_arguments: Any) -> None:
        """Besides, make links to rows of tables work, which cannot be anchors in LaTeX."""
        for row in self.document.findall(nodes.row):
            first = next(iter(row.findall(nodes.paragraph)), None)
            if row["ids"] and first is not None:
                first.insert(0, nodes.target("", "", ids=row["ids"]))
                row["ids"] = []
        super().run()

    def instead(self, figure: efi_figure) -> nodes.Node:
        """The picture with its name; words where nothing can convert it."""
        svg = figure.get("print") or printed(figure.get("standalone") or figure["svg"])
        name = f"efi-{hashlib.sha256(svg.encode()).hexdigest()[:16]}.pdf"
        path = Path(self.env.doctreedir) / "efi-pictures" / name
        if not path.is_file() and not convert(svg, path):
            return super().instead(figure)
        uri = path.as_posix()
        self.env.images.add_file(self.config.root_doc, uri)
        image = nodes.image("", uri=uri, candidates={"*": uri}, alt=figure["label"])
        return nodes.figure("", image, nodes.caption("", figure["label"]), align="center")


def _ids(node: nodes.Element) -> list[str]:
    ids: list[str] = node["ids"]
    return ids


def printed(svg: str) -> str:
    """A picture with literal colours in place of classes, for converters that know no variables."""

    def literal(match: re.Match[str]) -> str:
        properties = literal_properties(match.group(1))
        return " ".join(
            f'{key}="{value.replace(chr(34), chr(39))}"' for key, value in properties.items()
        )

    grouped = _LINK.sub(_as_group, _STYLE.sub("", svg))
    return _CLASS.sub(literal, grouped)


def _as_group(match: re.Match[str]) -> str:
    if match.group().startswith("tabindex"):
        return ""
    return "</g>" if match.group() == "</a>" else "<g>"


@cache
def converter() -> str | None:
    """What converts SVG to PDF here: ``rsvg-convert``, else ``cairosvg``, else nothing."""
    if shutil.which("rsvg-convert"):
        return "rsvg-convert"
    try:
        import_module("cairosvg")
    except (ImportError, OSError):  # OSError: the package is there, libcairo is not
        logger.info("no rsvg-convert and no CairoSVG: captions stand in place of pictures")
        return None
    return "cairosvg"


def convert(svg: str, path: Path) -> bool:
    """Write a picture as PDF, unless nothing here can. Raises `ExtensionError` when it fails."""
    tool = converter()
    if tool is None:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    if tool == "cairosvg":
        import_module("cairosvg").svg2pdf(bytestring=svg.encode(), write_to=str(path))
        return True
    command = ["rsvg-convert", "-f", "pdf", "-o", str(path)]
    done = subprocess.run(  # noqa: S603 - a fixed program and a path of our own
        command, input=svg.encode(), capture_output=True, timeout=_SECONDS, check=False
    )
    if done.returncode:
        path.unlink(missing_ok=True)
        said = done.stderr.decode(errors="replace").strip()
        raise ExtensionError(f"rsvg-convert: {said}", modname=__name__)
    return True


def setup(app: Sphinx) -> None:
    """Register the transforms."""
    app.add_post_transform(WithoutPictures)
    app.add_post_transform(PicturesAsPdf)
