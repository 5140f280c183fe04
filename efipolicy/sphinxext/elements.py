"""Document nodes of our own and how builders write them.

Only HTML shows pictures; every other builder has the table that follows each of them.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.osutil import relative_uri

from efipolicy.drawing.findings import draw_severity
from efipolicy.drawing.kexec_chain_verdict import draw_tick
from efipolicy.drawing.svg import SvgWriter
from efipolicy.model.finding import Severity
from efipolicy.sphinxext.installed import RULE_LINK
from efipolicy.sphinxext.short_html import in_cell

_RULE_LINK = re.compile(rf'href="{RULE_LINK}([^"]+)"')


class efi_figure(nodes.General, nodes.Element):  # noqa: N801 - docutils names nodes so
    """A picture: ``svg`` for the page, ``standalone`` for a file of its own, ``table`` below it."""


class efi_severity(nodes.Inline, nodes.TextElement):  # noqa: N801
    """A severity: its shape where shapes can be shown, and its text."""


class efi_fold(nodes.General, nodes.Element):  # noqa: N801
    """Content that a page shows when its ``summary`` is opened."""


def severity_mark(severity: Severity, text: str | None = None) -> efi_severity:
    """The shape of a severity with its name or another text."""
    word = severity.value if text is None else text
    return efi_severity(word, word, severity=severity.value, classes=[f"ep-c-{severity.value}"])


def _visit_figure(self: Any, node: efi_figure) -> None:
    builder = self.builder
    domain = builder.env.get_domain("efi")

    def link(match: re.Match[str]) -> str:
        target = domain.targets.get(("rule", match.group(1)))
        if target is None:
            return ""
        uri = builder.get_relative_uri(self.docnames[0], target.docname)
        return f'href="{escape(uri)}"'

    label = quoteattr(node["label"])
    self.body.append(f'<div class="ep-figure" role="region" tabindex="0" aria-label={label}>\n')
    self.body.append(_RULE_LINK.sub(link, node["svg"]))
    self.body.append("</div>\n")
    if node.get("standalone"):
        self.body.append(_caption(self, node))
    raise nodes.SkipNode


def _caption(self: Any, node: efi_figure) -> str:
    """The line under a picture: where its table is, and the picture as a file."""
    builder = self.builder
    domain = builder.env.get_domain("efi")
    name = domain.picture_file(node["figure"], node["standalone"])
    folder = Path(builder.outdir) / builder.imagedir
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(node["standalone"], encoding="utf-8", newline="\n")
    page = builder.get_target_uri(self.docnames[0])
    uri = relative_uri(page, f"{builder.imagedir}/{name}")
    table = (
        f'<a href="#{escape(node["table"])}">Data table</a> \N{MIDDLE DOT} '
        if node["table"]
        else ""
    )
    return f'<p class="ep-caption">{table}<a href="{escape(uri)}">SVG</a></p>\n'


def _visit_severity_html(self: Any, node: efi_severity) -> None:
    self.body.append(self.starttag(node, "span", ""))
    self.body.append(shape_html(self, node, node["severity"]))


def _depart_severity_html(self: Any, _node: efi_severity) -> None:
    self.body.append("</span>")


def shape_html(self: Any, node: nodes.Element, name: str) -> str:
    """The shape of a severity, or ``ok``, where a translator to HTML writes a node.

    In cells of tables, which may have a thousand, it is drawn once a page and used from there.
    """
    if not in_cell(node):
        return _shape(name, _drawn(name))
    known = self.__dict__.setdefault("efi_shapes", set())
    if name in known:
        return _shape(name, f'<use href="#ep-shape-{name}"/>')
    known.add(name)
    return _shape(name, f'<g id="ep-shape-{name}">{_drawn(name)}</g>')


def _shape(name: str, drawn: str) -> str:
    """A picture of one text line."""
    side = 16 if name == "ok" else 12
    view = f"0 0 {side} {side}"
    return f'<svg class="ep-shape" viewBox="{view}" aria-hidden="true">{drawn}</svg>'


@cache
def _drawn(name: str) -> str:
    svg = SvgWriter("inline")
    if name == "ok":
        draw_tick(svg, 8, 8, 8)
    else:
        draw_severity(svg, Severity(name), 6, 6)
    return "".join(svg.lines)


def _visit_fold_html(self: Any, node: efi_fold) -> None:
    self.body.append(self.starttag(node, "details"))
    self.body.append(f"<summary>{escape(node['summary'])}</summary>\n")


def _depart_fold_html(self: Any, _node: efi_fold) -> None:
    self.body.append("</details>\n")


def _skip(_self: Any, _node: nodes.Node) -> None:
    raise nodes.SkipNode


def _pass(_self: Any, _node: nodes.Node) -> None:
    """Write the content alone."""


def setup(app: Sphinx) -> None:
    """Register the nodes with every builder Sphinx brings."""
    skip, pass_on = (_skip, None), (_pass, _pass)
    app.add_node(
        efi_figure,
        html=(_visit_figure, None),
        latex=skip,
        text=skip,
        man=skip,
        texinfo=skip,
    )
    app.add_node(
        efi_severity,
        html=(_visit_severity_html, _depart_severity_html),
        latex=pass_on,
        text=pass_on,
        man=pass_on,
        texinfo=pass_on,
    )
    app.add_node(
        efi_fold,
        html=(_visit_fold_html, _depart_fold_html),
        latex=pass_on,
        text=pass_on,
        man=pass_on,
        texinfo=pass_on,
    )
