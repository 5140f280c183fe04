"""The pages of rules of a site, and their indices: of all, by severity, by pack."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from efipolicy.reporters.site_content import (
    SiteContent,
    by_pack,
    by_severity,
    gravest,
    seen_on,
    summary_of,
)
from efipolicy.reporters.site_markup import (
    book_order,
    chip_line,
    counted,
    doc_link,
    page_text,
    platform_link,
    section_text,
    slug,
    table_text,
)


def rule_pages(content: SiteContent) -> Iterator[tuple[str, str]]:
    """The page of each rule, and on which platforms of the site it found something."""
    seen = seen_on(content)
    for id in content.rules:
        body = [f".. efi:rule:: {id}"]
        on = seen.get(id, [])
        told = f"{len(on)} of {counted(len(content.platforms), 'platform')}"
        links = ", ".join(platform_link(content, one) for one in on)
        body.append(
            section_text("Seen on this site's platforms", f"{told}{': ' * bool(on)}{links}.")
        )
        yield f"rules/{id}.rst", page_text(id, *body, orphan=True)


def _rule_table(content: SiteContent, ids: Iterable[str]) -> str:
    seen = seen_on(content)
    ordered = sorted(ids, key=lambda rule: (-len(seen.get(rule, ())), rule))
    rows = [
        [
            f":efi:rule:`{id}`",
            summary_of(content, id),
            f":efi:severity:`{gravest(content, id)}`",
            str(len(seen.get(id, ()))),
        ]
        for id in ordered
    ]
    return table_text(("rule", "what it finds", "severity", "seen on"), rows, "ep-rules")


def all_rules(content: SiteContent) -> str:
    """The index of rules, the most seen first, with links to those of one severity or pack."""
    chips = [
        chip_line(
            (
                doc_link(content, f"rules/by-{kind}-{slug(name)}", f"{name} ({len(rules)})")
                for name, rules in groups.items()
            ),
            f"By {kind}: ",
        )
        for kind, groups in (("severity", by_severity(content)), ("pack", by_pack(content)))
    ]
    if not content.rules:
        return page_text("Rules", "No rule found anything on these platforms.")
    told = "The rules that found something, the most seen first."
    if not all(id in seen_on(content) for id in content.rules):
        told = "All installed rules, the most seen first."
    pages = book_order(content, (f"rules/{id}" for id in content.rules))
    return page_text("Rules", told, *chips, _rule_table(content, content.rules), pages)


def rule_facets(content: SiteContent) -> Iterator[tuple[str, str]]:
    """An index of the rules of each severity and of each pack."""
    for kind, groups in (("severity", by_severity(content)), ("pack", by_pack(content))):
        for name, rules in groups.items():
            shown = rules & content.rules.keys()
            page = page_text(f"Rules: {name}", _rule_table(content, shown), orphan=True)
            yield f"rules/by-{kind}-{slug(name)}.rst", page
