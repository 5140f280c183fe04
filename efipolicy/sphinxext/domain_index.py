"""Indices of the ``efi`` domain: rules by pack and by code, and everything by its kind."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, cast

from sphinx.domains import Index, IndexEntry

from efipolicy.sphinxext.domain_names import KINDS

if TYPE_CHECKING:
    from efipolicy.sphinxext.domain_data import DescribedObjects, Target

Content = tuple[list[tuple[str, list[IndexEntry]]], bool]


class RuleIndex(Index):
    """``efi-ruleindex``: the rules of each pack, then those that check each requirement."""

    name = "ruleindex"
    localname = "Rule index"
    shortname = "rules"

    def generate(self, docnames: Iterable[str] | None = None) -> Content:
        """A group a pack and a group a family of codes, both in the order of the alphabet."""
        packs: dict[str, list[IndexEntry]] = {}
        families: dict[str, list[IndexEntry]] = {}
        for name, target in _of_kind(self, "rule", docnames):
            pack = name.partition("/")[0] if "/" in name else "no pack"
            packs.setdefault(pack, []).append(_entry(name, target, ", ".join(target.codes)))
            for code in target.codes:
                group = families.setdefault(code.rpartition("-")[0] or code, [])
                group.append(_entry(code, target, name))
        # A pack and a family of codes may differ in nothing but their case: pages in HTML make an
        # anchor of each heading, so one of them says what it is.
        groups = [
            *((_as_id(pack), rows) for pack, rows in sorted(packs.items())),
            *(
                (_as_id(f"codes {family}"), sorted(rows, key=lambda row: (row.name, row.extra)))
                for family, rows in sorted(families.items())
            ),
        ]
        return groups, False


class EfiIndex(Index):
    """``efi-index``: everything that is described, by its kind."""

    name = "index"
    localname = "Index of platforms, rules, types and attributes"
    shortname = "index"

    def generate(self, docnames: Iterable[str] | None = None) -> Content:
        """A group a kind; regions are left to the pages of their platforms."""
        groups = [
            (
                words,
                [_entry(name, target) for name, target in _of_kind(self, kind, docnames)],
            )
            for kind, words in KINDS.items()
            if kind != "region"
        ]
        return [(_as_id(words), entries) for words, entries in groups if entries], False


def _as_id(heading: str) -> str:
    """A heading of which pages in HTML can make an id, in which no plain blank may be."""
    return heading.replace(" ", "\N{NO-BREAK SPACE}")


def _of_kind(index: Index, kind: str, docnames: Iterable[str] | None) -> list[tuple[str, Target]]:
    domain = cast("DescribedObjects", index.domain)
    kept = None if docnames is None else set(docnames)
    return [
        (name, target)
        for (of, name), target in sorted(domain.targets.items())
        if of == kind and (kept is None or target.docname in kept)
    ]


def _entry(name: str, target: Target, extra: str = "") -> IndexEntry:
    anchor = target.anchor or target.heading
    return IndexEntry(name, 0, target.docname, anchor, extra, "", target.title)
