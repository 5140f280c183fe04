"""Each id once on a page: Furo wraps each table, and gives the wrapper the ids of the table."""

from __future__ import annotations

from typing import Any, Final

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform

_WRAPPERS: Final = {"table-wrapper", "math-wrapper"}
"""The classes of what lets wide tables and formulas scroll (Furo 2025.12.19, __init__.py)."""


class UniqueIds(SphinxPostTransform):
    """Take from a wrapper the ids that it shares with what it wraps (HTML, 3.2.6)."""

    default_priority = 600  # after Furo's own, which has 500
    formats = ("html",)

    def run(self, **_arguments: Any) -> None:
        """Leave each id with the table, where the caption and its permanent link are."""
        for wrapper in self.document.findall(nodes.container):
            if _WRAPPERS.isdisjoint(wrapper["classes"]):
                continue
            inner = {each for node in wrapper.children for each in _ids(node)}
            wrapper["ids"] = [each for each in _ids(wrapper) if each not in inner]


def _ids(node: nodes.Node) -> list[str]:
    return list(node["ids"]) if isinstance(node, nodes.Element) else []


def setup(app: Sphinx) -> None:
    """Register the transform; under a theme that wraps nothing it changes nothing."""
    app.add_post_transform(UniqueIds)
