"""The sources of a site about platforms: reStructuredText by its path, made of a lint's reports.

What the pages show is worked out by the directives of ``efipolicy.sphinxext`` when Sphinx reads
them; here stands which pages there are, and what only all platforms together tell. The text is the
same for the same inputs, so that a second build reads again only the pages that changed. Each kind
of page is made in a module of its own: ``site_landing``, ``site_platforms``, ``site_rules`` and
``site_subjects``, of ``site_content`` by means of ``site_markup``.
"""

from __future__ import annotations

from typing import Final

from efipolicy.reporters.site_content import SiteContent
from efipolicy.reporters.site_landing import SEARCH, landing
from efipolicy.reporters.site_markup import online_only, page_text
from efipolicy.reporters.site_platforms import (
    all_platforms,
    platform_facets,
    platform_pages,
    platforms_of,
)
from efipolicy.reporters.site_rules import all_rules, rule_facets, rule_pages
from efipolicy.reporters.site_subjects import all_architectures, all_strategies, conformance

_REQUIREMENTS: Final = (
    "What is right, who demands it, and which rules check it. Where no rule does, it is said why."
)
_REQUIREMENTS_BODY: Final = ".. efi:requirements::"


def site_sources(content: SiteContent) -> dict[str, str]:
    """The text of every page by its path among the sources."""
    pages = {
        "index.rst": landing(content),
        "platforms/index.rst": all_platforms(content),
        "rules/index.rst": all_rules(content),
        "requirements.rst": page_text("Requirements", _REQUIREMENTS, _REQUIREMENTS_BODY),
        "search-help.rst": online_only(page_text("Find something", SEARCH)),
        **dict(platform_pages(content)),
        **dict(rule_pages(content)),
        **dict(platform_facets(content)),
        **dict(rule_facets(content)),
    }
    if content.strategies:
        pages["strategies/index.rst"] = all_strategies(content)
        for name in content.strategies:
            body = f".. efi:strategy:: {name}"
            pages[f"strategies/{name}.rst"] = page_text(name, body, orphan=True)
    if content.architectures:
        pages["architectures/index.rst"] = all_architectures(content)
        for name in content.architectures:
            body = f".. efi:architecture:: {name}"
            having = platforms_of(content, name)
            pages[f"architectures/{name}.rst"] = page_text(name, body, having, orphan=True)
    if content.conforming:
        pages["conformance.rst"] = conformance(content)
    return {f"{content.folder}{path}": text for path, text in pages.items()}
