"""``efi:site-pages``: pages that a site leads to by tables, and a book has to have in order.

A site of hundreds of platforms names them in tables, not in the tree at the side of every page. A
builder that makes one file of everything follows trees alone, and would leave the pages out.
"""

from __future__ import annotations

from typing import Final

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

_AFTER_COLLECTORS: Final = 900
"""Sphinx's own collect at 500, and would show a tree on the page that has it."""


class efi_site_pages(nodes.General, nodes.Element):  # noqa: N801 - docutils names nodes so
    """The pages that follow in a book: ``pages`` of ``parent``."""


class EfiSitePages(SphinxDirective):
    """``.. efi:site-pages::``: the names of pages, a line each, which follow here in a book."""

    has_content = True

    def run(self) -> list[nodes.Node]:
        """A place for the tree; a name that starts with a slash is of the whole project."""
        names = filter(None, map(str.strip, self.content))
        pages = [self.env.relfn2path(name)[0].lstrip("/") for name in names]
        return [efi_site_pages("", pages=pages, parent=self.env.docname)]


def plant_trees(_app: Sphinx, document: nodes.document) -> None:
    """Make trees of the places once Sphinx has collected those that are shown on pages."""
    for place in list(document.findall(efi_site_pages)):
        pages = place["pages"]
        tree = addnodes.toctree(
            "",
            entries=[(None, name) for name in pages],
            includefiles=pages,
            parent=place["parent"],
            maxdepth=-1,
            caption=None,
            rawcaption="",
            glob=False,
            hidden=True,
            includehidden=False,
            numbered=0,
            titlesonly=False,
        )
        place.replace_self(nodes.compound("", tree, classes=["toctree-wrapper"]))


def setup(app: Sphinx) -> None:
    """Register the directive and the node."""
    app.add_node(efi_site_pages)
    app.add_directive_to_domain("efi", "site-pages", EfiSitePages)
    app.connect("doctree-read", plant_trees, priority=_AFTER_COLLECTORS)
