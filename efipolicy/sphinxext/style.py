"""The stylesheet of pages: that of inline pictures, and what our own parts of a page need."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from efipolicy.drawing.stylesheet import page_stylesheet

if TYPE_CHECKING:
    from sphinx.application import Sphinx

STYLESHEET = "efipolicy.css"

_PARTS = """\
@media (min-width:85em),(min-width:69em) and (max-width:82em){.content{width:47.5em}}
dl.ep-facts{display:grid;grid-template-rows:auto auto;grid-auto-flow:column;gap:.1em 2em;
justify-content:space-between;margin:1em 0;padding:.6em 0;border-block:1px solid var(--ep-rule)}
dl.ep-facts dt{font-size:.8em;font-weight:400;color:var(--ep-mut)}
dl.ep-facts dd{margin:0;font-weight:600}
dl.ep-facts dd p{margin:0}
@media (max-width:46em){dl.ep-facts{grid-template:none;grid-template-columns:auto 1fr;
grid-auto-flow:row;justify-content:start}}
section:has(>dl.ep-facts)>h1{font-size:2em;overflow-wrap:anywhere}
.ep-code pre,.ep-console pre{font-size:.72rem;padding-inline:.5rem}
.ep-shape{width:.95em;height:.95em;vertical-align:-.1em;margin-right:.3em}
.ep-c-error{color:var(--ep-error)}
.ep-c-warning{color:var(--ep-warning)}
.ep-c-info{color:var(--ep-info)}
.ep-c-ok{color:var(--ep-ok)}
code.literal:not(.docutils),table.ep-table code:not(.docutils){white-space:nowrap}
table.ep-table code{background:var(--color-inline-code-background);border-radius:.2em;
border:1px solid var(--color-background-border);padding:.1em .2em;
font-size:var(--font-size--small--2)}
table.ep-chain code{background:none;border:0;padding:0;font-size:1em;white-space:nowrap}
.ep-matrix a{text-decoration:none}
.ep-matrix td{white-space:nowrap}
.ep-c-ok,.ep-c-error,.ep-c-warning,.ep-c-info{white-space:nowrap}
.ep-chip{display:inline-block;border:1px solid;border-radius:1em;padding:0 .6em;line-height:1.6;
font:500 .8em/1.7 var(--font-stack--monospace,monospace);margin:.1em 0}
.ep-chip-error{color:var(--ep-error)}
.ep-chip-warning{color:var(--ep-warning)}
.ep-chip-info{color:var(--ep-info)}
.ep-facets,.ep-legend{font-size:.85em}
table.ep-site-matrix .ep-turned{writing-mode:vertical-rl;rotate:180deg;white-space:nowrap}
table.ep-table.ep-site-matrix th{vertical-align:bottom;padding-inline:.3em}
table.ep-table.ep-site-matrix td:not(:first-child){padding-inline:.2em;white-space:nowrap}
table.ep-site-matrix td .ep-shape{margin-right:.22em}
table.ep-site-matrix a,table.ep-site-matrix abbr{text-decoration:none}
.ep-pills a,.ep-pills a:visited{text-decoration:none}
.ep-caption{font-size:.8em;color:var(--ep-mut);margin-top:-.6em}
table.ep-table{width:auto;font-size:.85em;border:0;box-shadow:none;margin:0}
table.ep-conformance td,table.ep-conformance th{white-space:nowrap}
table.ep-conformance abbr{text-decoration:none;color:var(--ep-mut)}
table.ep-table th{font-weight:500;color:var(--ep-mut);text-align:left}
table.ep-table td,table.ep-table th{border-inline:0;vertical-align:top}
table.ep-data{font-size:.72em}
table.ep-data td:nth-child(3),table.ep-data td:nth-child(4){white-space:nowrap}
table.ep-data code{background:none;border:0;padding:0;font-size:1em}
table.ep-chain,table.ep-plan{font-size:.72em}
table.ep-plan td:nth-child(-n+3){white-space:nowrap}
table.ep-kexec td:first-child,table.ep-strategies td:first-child{white-space:nowrap}
table.ep-kexec code,table.ep-plan code{background:none;border:0;padding:0}
table.ep-kexec code,table.ep-plan code{font-size:1em}
table.ep-data td p,table.ep-table td p,table.ep-table th p{margin:0}
table.ep-data td:nth-child(5){text-align:right}
table.ep-rules td:first-child,table.ep-rules td:nth-child(2){min-width:13em}
table.ep-rules td:first-child code{overflow-wrap:anywhere;background:none;border:0;padding:0}
table.ep-rules td:nth-child(n+3){white-space:nowrap}
.ep-codes{font-size:.85em;color:var(--ep-mut);white-space:nowrap}
.ep-off{color:var(--ep-mut)}
.ep-count{color:var(--ep-mut);margin-top:-.4em}
tr:target>td{background:var(--ep-hov)}
details>summary{cursor:pointer;margin:.6em 0}
.ep-caption+details{font-size:.9em;margin-top:-.6em;margin-bottom:1em}
.ep-finding{margin-bottom:0}
.ep-finding+ul{margin-top:.2em;margin-bottom:.2em}
.ep-help{margin-top:0;font-size:.9em;color:var(--ep-mut)}
@media (max-width:46em){table.ep-types{font-size:.75em}
table.ep-types code{background:none;border:0;padding:0;font-size:.8em}
table.ep-types td:nth-child(2):not(:has(a)){overflow-wrap:anywhere;min-width:3em}
table.ep-types td:nth-child(3):not(:has(a)) code{overflow-wrap:anywhere;white-space:normal}
table.ep-types td:nth-child(3){min-width:5.6em}
table.ep-types td:nth-child(4){min-width:9em}
table.ep-types th,table.ep-types td{padding-inline:.2em}}
"""


def stylesheet() -> str:
    """All of it, as shipped with every HTML page."""
    return page_stylesheet() + _PARTS


def write_stylesheet(app: Sphinx) -> None:
    """Ship it, made of the same tokens as the pictures; a second time nothing is written."""
    if app.builder.format != "html":
        return
    path = Path(app.outdir) / "_static" / STYLESHEET
    text = stylesheet()
    if not path.is_file() or path.read_text(encoding="utf-8") != text:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")


def setup(app: Sphinx) -> None:
    """Ship the stylesheet with every HTML page."""
    app.connect("builder-inited", write_stylesheet)
    app.add_css_file(STYLESHEET)
