"""The indices of strategies and architectures of a site, and its page of conformance."""

from __future__ import annotations

from efipolicy.reporters.site_content import SiteContent, by_architecture
from efipolicy.reporters.site_markup import book_order, escaped, page_text, table_text


def all_strategies(content: SiteContent) -> str:
    """The index of the strategies that fit a platform of the site."""
    rows = [
        [
            f":efi:strategy:`{name}`",
            escaped(each.title),
            escaped(", ".join(sorted(each.architectures)) or "all"),
        ]
        for name, each in content.strategies.items()
    ]
    told = "Ways of choosing virtual addresses for runtime services that fit these platforms."
    pages = book_order(content, (f"strategies/{name}" for name in content.strategies))
    heads = ("strategy", "what it is", "architectures")
    return page_text("Strategies", told, table_text(heads, rows), pages)


def all_architectures(content: SiteContent) -> str:
    """The index of architectures, and how many platforms have each."""
    groups = by_architecture(content)
    rows = [
        [f":efi:architecture:`{name}`", escaped(each.title), str(len(groups[name]))]
        for name, each in content.architectures.items()
    ]
    pages = book_order(content, (f"architectures/{name}" for name in content.architectures))
    return page_text(
        "Architectures", table_text(("architecture", "what it is", "platforms"), rows), pages
    )


def conformance(content: SiteContent) -> str:
    """The page of requirement by platform."""
    told = (
        "How each platform stands to each requirement under the policy ``strict``. What a file "
        "does not state is *not checked* and never called passed."
    )
    files = "\n".join(f"   /{one.file}" for one in content.platforms)
    return page_text("Conformance", told, f".. efi:conformance::\n{files}")
