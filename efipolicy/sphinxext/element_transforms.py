"""What becomes of our own nodes where there are no pictures, and how LaTeX gets them as PDF.

Text and manual pages have a caption in place of a picture, which says that the table has it all.
LaTeX has the picture in its printed form where ``rsvg-convert`` or CairoSVG can convert it, and
EPUB as it is.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any, Final

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util import logging

from efipolicy.sphinxext.elements import efi_figure, efi_fold, efi_severity
from efipolicy.sphinxext.latex_line_breaks import parents_of
from efipolicy.sphinxext.latex_tables import lay_out
from efipolicy.sphinxext.picture_conversion import convert, file_name, printed
from efipolicy.sphinxext.ticks import efi_tick

logger = logging.getLogger(__name__)


class efi_printed(nodes.General, nodes.Element):  # noqa: N801 - docutils names nodes so
    """A picture for LaTeX: the ``file`` it is, and its ``caption``."""


class WithoutPictures(SphinxPostTransform):
    """Put words in place of what only HTML can show."""

    default_priority = 8  # before Sphinx collects images
    formats: tuple[str, ...] = ("text", "man", "texinfo", "xml", "pseudoxml")

    def run(self, **_arguments: Any) -> None:
        """Replace pictures and folds, and unlink what led into a picture."""
        for short in list(self.document.findall(nodes.abbreviation)):
            if any("ep-cell" in parent["classes"] for parent in parents_of(short)):
                short.replace_self(short.children)  # of equal words, one would be explained
        for fold in list(self.document.findall(efi_fold)):
            words = f"{fold['summary']}:"
            glue = nodes.raw("", r"\nopagebreak", format="latex")
            fold.replace_self([nodes.paragraph(words, words), glue, *fold.children])
        for figure in list(self.document.findall(efi_figure)):
            figure.replace_self(self.instead(figure))
        self._unlink()

    def instead(self, figure: efi_figure) -> list[nodes.Node]:
        """What stands in place of a picture: what it shows, and where to read it."""
        more = "The table that follows says the same." if figure.get("table") else "HTML shows it."
        words = f"Picture: {figure['label']}. {more}"
        return [nodes.paragraph("", "", nodes.emphasis(words, words))]

    def _unlink(self) -> None:
        """Leave only the words of links to rows of a picture that is not there."""
        known = {id for node in self.document.findall(nodes.Element) for id in _ids(node)}
        for link in list(self.document.findall(nodes.reference)):
            if link.get("internal") and link.get("refid") and link["refid"] not in known:
                link.replace_self(link.children)


class PicturesInEpub(SphinxPostTransform):
    """Give a book for readers pictures that need none of a browser's stylesheets."""

    default_priority = 8
    builders = ("epub",)

    def run(self, **_arguments: Any) -> None:
        """Put printed pictures in place of those of pages; words stay of shapes in a line."""
        for figure in list(self.document.findall(efi_figure)):
            svg = printed(figure.get("standalone") or figure["svg"])
            text = f'<figure class="ep-figure">\n{svg}</figure>\n'
            figure.replace_self(nodes.raw("", text, format="html"))
        marks: list[nodes.Element] = [
            *self.document.findall(efi_severity),
            *self.document.findall(efi_tick),
        ]
        for mark in marks:
            words = nodes.inline("", "", *mark.children, classes=mark["classes"])
            mark.replace_self(words)


class PicturesAsPdf(WithoutPictures):
    """Give LaTeX pictures as PDF, where anything can convert them, and tables that fit a page."""

    formats = ("latex",)

    def run(self, **_arguments: Any) -> None:
        """Besides, make links to rows of tables work, which cannot be anchors in LaTeX."""
        for row in self.document.findall(nodes.row):
            first = next(iter(row.findall(nodes.paragraph)), None)
            if row["ids"] and first is not None:
                first.insert(0, nodes.target("", "", ids=row["ids"]))
                row["ids"] = []
        for node in list(self.document.findall(nodes.Element)):
            if {"ep-facets", "ep-online"} & {*node.get("classes", ())}:
                node.parent.remove(node)  # the same in parts, and how to search
        for tree in list(self.document.findall(nodes.compound)):
            if "ep-site-tree" in tree["classes"] and isinstance(tree.parent, nodes.section):
                _raise(tree)
        for facts in list(self.document.findall(nodes.definition_list)):
            if "ep-facts" in facts["classes"]:
                facts.replace_self(_in_one_line(facts))
        super().run()

    def instead(self, figure: efi_figure) -> list[nodes.Node]:
        """The picture with its name, in parts if it is tall; words where nothing can convert it."""
        drawn = figure.get("print") or [figure.get("standalone") or figure["svg"]]
        files = [self._file(printed(svg), figure["label"]) for svg in drawn]
        if not all(files):
            return super().instead(figure)
        parts = len(files)
        return [
            efi_printed(file=file, caption=_part(figure["label"], number, parts))
            for number, file in enumerate(files, 1)
        ]

    def _file(self, svg: str, label: str) -> str | None:
        """Where a picture is as PDF; ``None`` without a converter."""
        name = file_name(svg)
        path = Path(self.env.doctreedir) / "efi-pictures" / name
        return str(path) if path.is_file() or convert(svg, path, label) else None


class TablesThatFit(SphinxPostTransform):
    """Set tables for LaTeX once links are resolved, which lead from a single node each."""

    default_priority = 700
    formats = ("latex",)

    def run(self, **_arguments: Any) -> None:
        """Lay out every table of ours."""
        lay_out(self.document)


def _raise(tree: nodes.Element) -> None:
    """Make chapters beside a section of what stands at its end."""
    section = tree.parent
    section.remove(tree)
    section.parent.insert(section.parent.index(section) + 1, tree)


def _in_one_line(facts: nodes.definition_list) -> nodes.paragraph:
    """Names and values behind each other, which below each other would fill half a page."""
    line = nodes.paragraph()
    for item in facts.findall(nodes.definition_list_item):
        term, *definitions = item.children
        values = [node for one in definitions for node in one.findall(nodes.paragraph)]
        if len(line):
            line += nodes.Text(" \N{MIDDLE DOT} ")
        line += [nodes.strong("", term.astext()), nodes.Text(" ")]
        for value in values:
            line += value.children
    return line


def _part(label: str, number: int, parts: int) -> str:
    return label if parts == 1 else f"{label}, part {number} of {parts}"


def _ids(node: nodes.Element) -> list[str]:
    ids: list[str] = node["ids"]
    return ids


def _visit_printed(self: Any, node: efi_printed) -> None:
    """A figure that stays where it is, as wide as the text and never taller than a page."""
    size = r"width=\linewidth,height=.86\textheight,keepaspectratio"
    made = Path(node["file"])
    target = Path(self.builder.outdir) / made.name
    if not target.is_file():
        shutil.copyfile(made, target)
    self.body.append("\n\\begin{figure}[H]\n\\centering\n")
    self.body.append(rf"\includegraphics[{size}]{{{{{made.stem}}}.pdf}}")
    self.body.append(f"\n\\caption{{{self.encode(node['caption'])}}}\n\\end{{figure}}\n")
    raise nodes.SkipNode


_PLAIN_TEX: Final = {"\u2248": r"\ensuremath{\approx}", "\u2212": r"\ensuremath{-}"}
"""Characters of ours that pdfLaTeX does not know by itself."""


def _teach_pdflatex(_app: Sphinx, config: Config) -> None:
    """Let pdfLaTeX, which Sphinx takes where nothing else is said, write our characters."""
    if config.latex_engine != "pdflatex":
        return
    known = "".join(
        f"\\DeclareUnicodeCharacter{{{ord(letter):04X}}}{{{text}}}\n"
        for letter, text in _PLAIN_TEX.items()
    )
    elements = config.latex_elements
    config.latex_elements = {**elements, "preamble": known + elements.get("preamble", "")}


def setup(app: Sphinx) -> None:
    """Register the transforms."""
    app.add_node(efi_printed, latex=(_visit_printed, None))
    app.add_latex_package("pdflscape")
    app.add_post_transform(WithoutPictures)
    app.add_post_transform(PicturesAsPdf)
    app.add_post_transform(PicturesInEpub)
    app.add_post_transform(TablesThatFit)
    app.connect("config-inited", _teach_pdflatex)
