"""The landing page of a site, and the one that tells how to search it."""

from __future__ import annotations

from typing import Final

from efipolicy.model.finding import Severity
from efipolicy.reporters.site_content import SiteContent, seen_on, summary_of
from efipolicy.reporters.site_markup import (
    counted,
    doc_link,
    escaped,
    page_text,
    section_text,
    table_text,
)

_SHOWN_FIRST: Final = 5


SEARCH: Final = """\
The search finds pages by words, by a part of a name such as ``RUNTIME`` of ``EFI_MEMORY_RUNTIME``,
and by an address in any spelling. It needs a script; these do not:

* :ref:`The general index <genindex>`: runtime regions by their address.
* :ref:`Rules by pack and by requirement <efi-ruleindex>`.
* :ref:`Everything by its kind <efi-index>`."""


def landing(content: SiteContent) -> str:
    """The landing page: how platforms stand, the matrix, what is seen most, and what is here."""
    kinds = [
        name
        for name, there in (
            ("platforms/index", True),
            ("rules/index", True),
            ("strategies/index", bool(content.strategies)),
            ("architectures/index", bool(content.architectures)),
            ("requirements", True),
            ("conformance", content.conforming),
            ("search-help", True),
        )
        if there
    ]
    tree = ".. rst-class:: ep-site-tree\n\n.. toctree::\n   :hidden:\n\n" + "\n".join(
        f"   {name}" for name in kinds
    )
    return page_text(
        content.title,
        _sentence(content),
        section_text("Which strategy maps which platform", ".. efi:site-matrix::"),
        section_text("Most seen", *_most_seen(content)),
        section_text("What is here", _kinds(content)),
        tree,
    )


def _sentence(content: SiteContent) -> str:
    """How many platforms there are and how they stand."""
    total = len(content.platforms)
    if not total:
        return "No platform could be read."
    counts = [one.counted() for one in content.platforms]
    bad = sum(1 for count in counts if count[Severity.ERROR])
    fair = sum(1 for count in counts if count[Severity.WARNING] and not count[Severity.ERROR])
    parts = [
        f"{bad} with errors" if bad else "none with an error",
        f"{fair} with warnings" if fair else "",
        f"{total - bad - fair} with neither" if total - bad - fair and bad + fair else "",
    ]
    told = ", ".join(filter(None, parts))
    policy = f"under the policy {escaped(content.policy)}"
    return f"UEFI memory maps of {counted(total, 'platform')}, judged {policy}: {told}."


def _most_seen(content: SiteContent) -> list[str]:
    seen = seen_on(content)
    ordered = sorted(seen, key=lambda rule: (-len(seen[rule]), rule))[:_SHOWN_FIRST]
    if not ordered:
        return ["No rule found anything."]
    total = len(content.platforms)
    rows = [
        [f":efi:rule:`{id}`", summary_of(content, id), f"{len(seen[id])} of {total}"]
        for id in ordered
    ]
    return [table_text(("rule", "what it finds", "seen on"), rows)]


def _kinds(content: SiteContent) -> str:
    """The kinds of pages, a sentence each."""
    items = [
        (doc_link(content, "platforms/index", "Platforms"), "findings, pictures, tables of each"),
        (doc_link(content, "rules/index", "Rules"), "what each finds, why it matters, what to do"),
    ]
    if content.strategies:
        told = "how operating systems choose virtual addresses"
        items.append((doc_link(content, "strategies/index", "Strategies"), told))
    if content.architectures:
        told = "page tables, entries bit by bit, granules"
        items.append((doc_link(content, "architectures/index", "Architectures"), told))
    told = "what is right, who demands it, what checks it"
    items.append((doc_link(content, "requirements", "Requirements"), told))
    if content.conforming:
        told = "how each platform stands to each requirement"
        items.append((doc_link(content, "conformance", "Conformance"), told))
    return "\n".join(f"* {link}: {said}." for link, said in items)
