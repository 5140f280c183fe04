"""The sign that all is well, beside the severities that say it is not."""

from __future__ import annotations

from typing import Any

from docutils import nodes
from sphinx.application import Sphinx

from efipolicy.sphinxext.elements import shape_html


class efi_tick(nodes.Inline, nodes.TextElement):  # noqa: N801 - docutils names nodes so
    """A disc with a tick where shapes can be shown, and its text."""


def tick(text: str) -> efi_tick:
    """The sign with a text."""
    return efi_tick(text, text, classes=["ep-c-ok"])


def _visit_html(self: Any, node: efi_tick) -> None:
    self.body.append(self.starttag(node, "span", ""))
    self.body.append(shape_html(self, node, "ok"))


def _depart_html(self: Any, _node: efi_tick) -> None:
    self.body.append("</span>")


def _pass(_self: Any, _node: nodes.Node) -> None:
    """Write the text alone."""


def setup(app: Sphinx) -> None:
    """Register the node with every builder Sphinx brings."""
    plain = (_pass, _pass)
    html = (_visit_html, _depart_html)
    app.add_node(efi_tick, html=html, latex=plain, text=plain, man=plain, texinfo=plain)
