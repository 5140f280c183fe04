"""``efi:larger-page``: what the larger pages of an operating system hold, as picture and table."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from typing import cast

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.util.docutils import SphinxDirective

from efipolicy.api import selection_of
from efipolicy.drawing.findings import DrawnFinding
from efipolicy.drawing.larger_page_svg import larger_pages_svg
from efipolicy.drawing.larger_pages import (
    LARGER_PAGE_SIZES,
    RULED_PAGE_SIZE,
    describe_larger_pages,
    pages_worth_drawing,
    words,
)
from efipolicy.drawing.notation import address_text, groups_for
from efipolicy.drawing.svg import Form
from efipolicy.engine.linting import lint
from efipolicy.model.address import EFI_PAGE_SIZE, AddressRange, size_text
from efipolicy.model.finding import InputReport
from efipolicy.model.memory_map import MemoryDescriptor, MemoryMap
from efipolicy.model.platform import Platform
from efipolicy.named_tuple import NamedTuple
from efipolicy.plugin import Rule
from efipolicy.sphinxext.elements import efi_figure, efi_fold
from efipolicy.sphinxext.installed import (
    drawn_findings,
    registry,
    report_on,
    shipped_platforms,
    today,
)
from efipolicy.sphinxext.parts import Cell, literal, table
from efipolicy.testing.examples import ExampleError, RuleCase, examples_of
from efipolicy.testing.factories import platform as platform_of

_SIZES = {size_text(size).replace(" KiB", "K"): size for size in LARGER_PAGE_SIZES}


def _page_size(word: str) -> int:
    """A size of page as the platform file writes it. Raises `ValueError` for any other."""
    if word not in _SIZES:
        raise ValueError(f"`{word}` is none of {', '.join(_SIZES)}")
    return _SIZES[word]


class Marked(NamedTuple):
    """A finding, and the addresses it is about."""

    region: AddressRange
    finding: DrawnFinding


class EfiLargerPage(SphinxDirective):
    """``.. efi:larger-page:: [name-or-path]``: larger pages of a platform, or of a few lines.

    Without an argument the content is descriptors, ``TYPE START PAGES [BITS…]`` each. ``:at:``
    names the addresses whose pages are drawn, by default those in which regions end;
    ``:page-size:`` is 64K or 16K; ``:title:`` stands above the picture. ``:policy:`` is the policy
    that judges, ``recommended`` without it; its findings about larger pages are marked.
    """

    optional_arguments = 1
    final_argument_whitespace = True
    has_content = True
    option_spec = {  # noqa: RUF012 - docutils reads it so
        "title": directives.unchanged_required,
        "at": directives.unchanged_required,
        "page-size": _page_size,
        "policy": directives.unchanged_required,
    }

    def run(self) -> list[nodes.Node]:
        """The figure, and the table that says the same in words."""
        report = self._report()
        memory_map = cast(Platform, report.platform).memory_map
        page_size = self.options.get("page-size", RULED_PAGE_SIZE)
        try:
            about = [
                AddressRange(int(word, 0), int(word, 0) + 1)
                for word in self.options.get("at", "").split()
            ]
        except ValueError as problem:
            raise self.error(f"in `:at:`, {problem}") from problem
        serial = self.env.new_serialno("efi-larger-page")
        return larger_page_nodes(
            memory_map,
            figure_id=f"lp-{nodes.make_id(self.env.docname)}-{serial}",
            title=self.options.get("title", "What the larger pages hold"),
            about=about,
            marked=_marked(report),
            page_size=page_size,
            document=True,
        )

    def _report(self) -> InputReport:
        policy = self.options.get("policy", "recommended")
        if self.arguments:
            name = self.arguments[0]
            path = shipped_platforms().get(name) or self.env.relfn2path(name)[1]
            self.env.note_dependency(path)
            if not os.path.isfile(path):
                raise self.error(f"`{name}` is neither a file nor a reference platform")
            report = report_on(path, policy)
            if not report.inputs or report.inputs[0].platform is None:
                raise self.error("; ".join(map(str, report.errors)))
            return report.inputs[0]
        try:
            platform = platform_of(*filter(None, self.content), architecture="arm64")
        except ValueError as problem:
            raise self.error(str(problem)) from problem
        rules = [rule for rule in registry().rules.values() if larger_page_of(rule)]
        selection = selection_of(registry(), policies=[policy])
        judged, _ = lint(
            platform, rules, registry().architectures, selection, path="lines", today=today()
        )
        return judged


def _marked(report: InputReport) -> list[Marked]:
    """The findings of a report that are about larger pages."""
    return [
        Marked(reported.region, drawn)
        for reported, drawn in zip(report.findings, drawn_findings(report), strict=True)
        if reported.region and larger_page_of(registry().rules[reported.rule])
    ]


def larger_page_nodes(
    memory_map: MemoryMap,
    *,
    figure_id: str,
    title: str,
    about: Sequence[AddressRange] = (),
    marked: Sequence[Marked] = (),
    page_size: int = RULED_PAGE_SIZE,
    document: bool = False,
) -> list[nodes.Node]:
    """The picture of the pages that tell most; as a ``document`` with its table and a file."""
    starts = pages_worth_drawing(memory_map, about, page_size)
    by_page = {
        start: [found.finding for found in marked if _touches(found, start, page_size)]
        for start in starts
    }

    def drawn(form: Form) -> str:
        links = form == "inline"
        return larger_pages_svg(
            memory_map,
            starts,
            figure_id=figure_id,
            title=title,
            page_size=page_size,
            findings={
                start: [found if links else replace(found, href=None) for found in findings]
                for start, findings in by_page.items()
            },
            form=form,
        )

    figure = efi_figure(svg=drawn("inline"), label=title)
    if not document:
        return [figure]
    figure["standalone"], figure["figure"] = drawn("standalone"), figure_id
    figure["table"] = ""  # it follows
    made = _table(memory_map, starts, page_size, title)
    return [figure, efi_fold("", made, summary="The same as a table")]


def _touches(marked: Marked, start: int, page_size: int) -> bool:
    return marked.region.overlaps(AddressRange(start, start + page_size))


def _table(memory_map: MemoryMap, starts: Sequence[int], page_size: int, title: str) -> nodes.table:
    pages = describe_larger_pages(memory_map, starts, page_size)
    groups = groups_for(memory_map.end)
    rows: list[list[Cell]] = [
        [
            literal(address_text(run.range.start, groups)),
            literal(address_text(run.range.end, groups)),
            size_text(run.range.size),
            run.descriptors[0].type_name if len(run.descriptors) == 1 else run.name,
            words(run.offers) if run.descriptors else "",
            page.sentence() if run is page.runs[0] else "",
        ]
        for page in pages
        for run in page.runs
    ]
    heads = ("start", "end", "size", "type", "offers", "the page")
    return table(heads, rows, title=title, classes=["ep-pages"])


@cache
def larger_page_of(rule: Rule) -> int | None:
    """The size of page, in bytes, by which a rule's verdict repeats; ``None`` for most rules.

    A rule is about larger pages when it matters where in such a page memory lies. That is tried
    out on its own examples: moved by a whole page they come to the same, and moved by less one of
    them does not. So a rule need not say it, and cannot say it wrongly.
    """
    known = registry().architectures
    size = max(
        (
            size
            for name in rule.architectures & known.keys()
            for size in known[name].geometries
            if EFI_PAGE_SIZE < size <= RULED_PAGE_SIZE
        ),
        default=None,
    )
    if size is None:
        return None
    cases = examples_of([rule], architectures=known)
    less = [EFI_PAGE_SIZE << shift for shift in range((size // EFI_PAGE_SIZE).bit_length() - 1)]
    unmoved = [_verdict(case, 0) for case in cases]
    if unmoved != [_verdict(case, size) for case in cases]:
        return None
    moved = ([_verdict(case, distance) for case in cases] for distance in less)
    return size if any(verdicts != unmoved for verdicts in moved) else None


def _verdict(case: RuleCase, distance: int) -> int | None:
    """How often a rule finds something in its example, moved by a distance in bytes."""
    try:
        return len(case.findings(_moved(case.platform, distance)))
    except ExampleError:
        return None


def _moved(platform: Platform, distance: int) -> Platform:
    def all_of(descriptors: tuple[MemoryDescriptor, ...]) -> tuple[MemoryDescriptor, ...]:
        return tuple(replace(d, physical_start=d.physical_start + distance) for d in descriptors)

    memory_map = platform.memory_map
    memory_map = replace(memory_map, descriptors=all_of(memory_map.descriptors))
    table = platform.memory_attributes_table
    if table is not None:
        table = replace(table, entries=all_of(table.entries))
    return replace(platform, memory_map=memory_map, memory_attributes_table=table)
