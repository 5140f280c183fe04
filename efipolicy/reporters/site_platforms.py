"""The pages of platforms of a site, and their indices: of all, and by architecture."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from efipolicy.model.platform import UNKNOWN_ARCHITECTURE
from efipolicy.reporters.site_content import SiteContent, SitePlatform, by_architecture
from efipolicy.reporters.site_markup import (
    book_order,
    chip_line,
    counted,
    doc_link,
    escaped,
    page_text,
    platform_link,
    section_text,
    severity_marks,
    slug,
    table_text,
)

_PLATFORM_HEADS: Final = ("platform", "architecture", "descriptors", "findings")


def _platform_row(content: SiteContent, one: SitePlatform) -> list[str]:
    return [
        platform_link(content, one),
        escaped(one.platform.architecture),
        str(len(one.platform.memory_map.descriptors)),
        severity_marks(one.counted()),
    ]


def all_platforms(content: SiteContent) -> str:
    """The index of platforms, with links to those of one architecture."""
    rows = [_platform_row(content, one) for one in content.platforms]
    chips = chip_line(
        (
            doc_link(content, f"platforms/by-{slug(name)}", f"{name} ({len(members)})")
            for name, members in by_architecture(content).items()
        ),
        "By architecture: ",
    )
    pages = book_order(content, (f"platforms/{one.name}" for one in content.platforms))
    return page_text(
        "Platforms", chips, *([table_text(_PLATFORM_HEADS, rows)] if rows else []), pages
    )


def platform_pages(content: SiteContent) -> Iterator[tuple[str, str]]:
    """The page of each platform, which a directive makes of its file."""
    for one in content.platforms:
        options = {"name": one.name, **one.options}
        lines = [f".. efi:site-platform:: /{one.file}"]
        lines += [f"   :{name}: {value}" for name, value in options.items()]
        yield f"platforms/{one.name}.rst", page_text(one.title, "\n".join(lines), orphan=True)


def platform_facets(content: SiteContent) -> Iterator[tuple[str, str]]:
    """An index of the platforms of each architecture."""
    for name, members in by_architecture(content).items():
        title = f"Platforms: {name}"
        if name == UNKNOWN_ARCHITECTURE:
            title = "Platforms of an unknown architecture"
        rows = [_platform_row(content, one) for one in members]
        table = table_text(_PLATFORM_HEADS, rows)
        yield f"platforms/by-{slug(name)}.rst", page_text(title, table, orphan=True)


def platforms_of(content: SiteContent, architecture: str) -> str:
    """The part of an architecture's page about the platforms of the site that have it.

    It names them only: a finding less on one of them leaves the page as it is.
    """
    having = by_architecture(content)[architecture]
    told = f"{len(having)} of {counted(len(content.platforms), 'platform')}"
    links = ", ".join(platform_link(content, one) for one in having)
    return section_text("This site's platforms", f"{told}: {links}.")
