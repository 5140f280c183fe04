"""Literals, links, rows and cells of tables that take few bytes in HTML.

A page about a platform has a thousand of them; Sphinx writes each with as much markup as text.
Every builder but HTML sees plain literals and paragraphs.
"""

from __future__ import annotations

from typing import Any
from xml.sax.saxutils import escape

from docutils import nodes
from sphinx.application import Sphinx


class efi_literal(nodes.literal):  # noqa: N801 - docutils names nodes so
    """A literal, which HTML keeps on one line if it is one word."""

    tagname = "literal"


class efi_words(nodes.paragraph):  # noqa: N801
    """The only paragraph of a cell, which HTML writes without marking it as one."""

    tagname = "paragraph"


class efi_span(nodes.inline):  # noqa: N801
    """What stands in a link, which HTML marks only if it has a class."""

    tagname = "inline"


class efi_row(nodes.row):  # noqa: N801
    """A row of a table; nothing in HTML depends on whether its number is odd."""

    tagname = "row"


def _visit_literal(self: Any, node: efi_literal) -> None:
    """One word is marked by little more than its tag, which the stylesheet does the rest for."""
    text = node.astext()
    if " " in text or node["classes"] or node["ids"]:
        self.visit_literal(node)
        return
    names = [] if in_cell(node) else ["literal"]
    if not text.startswith("0x"):
        names.append("notranslate")
    marked = f' class="{" ".join(names)}"' if names else ""
    self.body.append(f"<code{marked}>{escape(text)}</code>")
    raise nodes.SkipNode


def in_cell(node: nodes.Node) -> bool:
    """Whether it stands in a cell of ours, links and the like around it not counted."""
    above = node.parent
    while isinstance(above, nodes.Element) and isinstance(above, nodes.Inline):
        above = above.parent
    return isinstance(above, efi_words)


def _depart_literal(self: Any, node: efi_literal) -> None:
    self.depart_literal(node)


def _nothing(_self: Any, _node: nodes.Node) -> None:
    """Write the content alone."""


def _visit_span(self: Any, node: efi_span) -> None:
    if node["classes"]:
        self.body.append(self.starttag(node, "span", ""))


def _depart_span(self: Any, node: efi_span) -> None:
    if node["classes"]:
        self.body.append("</span>")


def _visit_row(self: Any, node: Any) -> None:
    self.body.append(self.starttag(node, "tr", ""))
    node.column = 0


def _depart_row(self: Any, _node: efi_row) -> None:
    self.body.append("</tr>\n")


def setup(app: Sphinx) -> None:
    """Register how HTML writes them."""
    app.add_node(efi_literal, html=(_visit_literal, _depart_literal))
    app.add_node(efi_words, html=(_nothing, _nothing))
    app.add_node(efi_span, html=(_visit_span, _depart_span))
    app.add_node(efi_row, html=(_visit_row, _depart_row))
