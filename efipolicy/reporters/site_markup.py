"""The reStructuredText of a site: pages, tables, links, and text that means nothing but itself."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from efipolicy.model.finding import Severity
from efipolicy.reporters.site_content import SiteContent, SitePlatform

MARK: Final = ".. Written by efipolicy docs; a change is overwritten.\n\n"
"""How each of these pages starts, so that nobody else's file is ever replaced or removed."""


_SPECIAL: Final = re.compile(r"([\\`*_|:<>\[\]])")


_LIST_ITEM: Final = re.compile(r"[^\w\\]|\w+[.)]")
"""How a list, a comment or a directive starts."""


def escaped(text: str) -> str:
    """Text that means nothing to reStructuredText; white space of any kind is one blank."""
    shown = _SPECIAL.sub(r"\\\1", " ".join(text.split()))
    return f"\\{shown}" if _LIST_ITEM.match(shown) else shown


def heading_text(title: str, line: str) -> str:
    """A heading underlined by a character."""
    shown = escaped(title) or "?"
    # A wide character counts as two columns; a longer line does no harm.
    return f"{shown}\n{line * max(2 * len(shown), 4)}"


def page_text(title: str, *blocks: str, orphan: bool = False) -> str:
    """A page; an ``orphan`` is in no table of contents."""
    text = "\n\n".join([heading_text(title, "="), *filter(None, blocks)])
    return f"{':orphan:' + chr(10) * 2 if orphan else ''}{MARK}{text}\n"


def online_only(page: str) -> str:
    """A page of no use in a book, which has none of its own parts to search."""
    return page.replace(MARK, f"{MARK}.. rst-class:: ep-online\n\n", 1)


def section_text(title: str, *blocks: str) -> str:
    """A part of a page."""
    return "\n\n".join([heading_text(title, "-"), *blocks])


def counted(count: int, one: str, many: str = "") -> str:
    """``1 platform``, ``2 platforms``."""
    return f"{count} {one if count == 1 else many or one + 's'}"


def table_text(heads: Sequence[str], rows: Iterable[Sequence[str]], *classes: str) -> str:
    """A table whose cells are reStructuredText of one line."""
    lines = [
        ".. list-table::",
        "   :header-rows: 1",
        f"   :class: {' '.join(('ep-table', *classes))}",
        "",
    ]
    for row in (heads, *rows):
        for place, cell in enumerate(row):
            lines.append(f"   {'* -' if place == 0 else '  -'} {cell}".rstrip())
    return "\n".join(lines)


def doc_link(content: SiteContent, path: str, text: str) -> str:
    """A link to a page of the site, by its path without a suffix."""
    return f":doc:`{escaped(text)} </{content.folder}{path}>`"


def platform_link(content: SiteContent, one: SitePlatform) -> str:
    """A link to the page of a platform, with its title."""
    return doc_link(content, f"platforms/{one.name}", one.title)


def severity_marks(counts: Mapping[Severity, int]) -> str:
    """The counts with their shapes, the gravest first."""
    marks = [
        f":efi:severity:`{counted(counts[severity], severity.value, _many(severity))}"
        f" <{severity.value}>`"
        for severity in Severity
        if counts.get(severity)
    ]
    return " ".join(marks) or ":efi:severity:`clean <ok>`"


def _many(severity: Severity) -> str:
    return severity.value if severity is Severity.INFO else f"{severity.value}s"


def chip_line(links: Iterable[str], label: str) -> str:
    """A line of links to facets."""
    text = " \N{MIDDLE DOT} ".join(links)
    return f".. rst-class:: ep-facets\n\n{label}{text}" if text else ""


def slug(text: str) -> str:
    """A text as a part of the name of a file."""
    return re.sub(r"[^A-Za-z0-9_]+", "-", text).strip("-") or "other"


def book_order(content: SiteContent, names: Iterable[str]) -> str:
    """The pages that follow here where everything is one file; on a site tables lead to them."""
    lines = [f"   /{content.folder}{name}" for name in names]
    return "\n".join([".. efi:site-pages::", "", *lines]) if lines else ""
