"""Text and elements of a page: everything from an input is escaped here and nowhere else."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from html import escape

from efipolicy.model.finding import Severity
from efipolicy.reporters.lint_notes import one_line, web_address

_QUOTED = re.compile(r"`([^`]+)`")
_COLOR = re.compile("\x1b\\[([0-9;]+)m")
_CLASSES = {"1;31": "here", "1;34": "aside"}

_DISC = "M8 2.2a5.8 5.8 0 1 0 .01 0z"
_SHAPES = {
    "error": (
        "M5.7 2.5h4.6l3.2 3.2v4.6l-3.2 3.2h-4.6l-3.2-3.2v-4.6z",
        "M5.8 5.8l4.4 4.4m0-4.4l-4.4 4.4",
    ),
    "warning": ("M8 2.2l6.2 11.3h-12.4z", "M8 6.2v3.4m0 1.9v.4"),
    "info": (_DISC, "M8 7.2v3.8m0-6.4v.4"),
    "incomplete": (_DISC, "M5.2 8h5.6"),
    "clean": (_DISC, "M5.2 8.2l2 2 3.6-4"),
}


def plain(text: str) -> str:
    """Text of one line, escaped for an element or an attribute."""
    return escape(one_line(text))


def prose(text: str) -> str:
    """A sentence, escaped; what stands between backticks is code."""
    return _QUOTED.sub(r"<code>\1</code>", plain(text))


def code(text: str) -> str:
    """Text of one line as code."""
    return f"<code>{plain(text)}</code>"


def link(text: str, uri: str) -> str:
    """Code that leads to a page; only code where the address is none of the web."""
    address = web_address(uri)
    return f'<a href="{escape(address)}">{code(text)}</a>' if address else code(text)


def here(html: str, anchor: str) -> str:
    """What leads to a place of the same page."""
    return f'<a href="#{anchor}">{html}</a>'


def source_lines(lines: Sequence[str], label: str) -> str:
    """Lines of an input with what is underlined, whose colours are those of a terminal.

    No line of an input holds an escape character of its own: it was made printable before.
    """
    shown = _COLOR.sub(_span, escape("\n".join(lines)))
    return (
        f'<pre tabindex="0" role="group" aria-label="{plain(label)}"><code>{shown}</code></pre>\n'
    )


def _span(match: re.Match[str]) -> str:
    name = _CLASSES.get(match[1])
    return f'<span class="{name}">' if name else "</span>"


def shape(kind: str) -> str:
    """The shape that stands for a severity or a verdict; the word beside it says the same."""
    outline, sign = _SHAPES[kind]
    return (
        f'<svg class="shape {kind}" viewBox="0 0 16 16" aria-hidden="true">'
        f'<path class="ground" d="{outline}"/><path class="sign" d="{sign}"/></svg>'
    )


def severity(one: Severity) -> str:
    """A severity: its shape and its word."""
    return f'<span class="severity {one.value}">{shape(one.value)}{one.value}</span>'


def table(heads: Sequence[str], rows: Iterable[str], *, caption: str, kind: str) -> str:
    """A table that scrolls in a box of its own; heads and rows are HTML.

    The ``caption`` names it, and no other table of the page.
    """
    name = plain(caption)
    head = "".join(f'<th scope="col">{one}</th>' for one in heads)
    body = "\n".join(rows)
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{name}">\n'
        f'<table class="{kind}"><caption>{name}</caption>\n'
        f"<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody></table></div>\n"
    )


def row(cells: Sequence[str]) -> str:
    """A row of a table; its first cell is its head."""
    first, *others = cells
    return f'<tr><th scope="row">{first}</th>{"".join(f"<td>{cell}</td>" for cell in others)}</tr>'


def folded(summary: str, content: str) -> str:
    """What is shown when it is asked for, and on paper."""
    return f"<details><summary>{summary}</summary>\n{content}</details>\n"
