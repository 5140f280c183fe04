"""The examples of a rule on its page: the file, what is printed of it, and a picture."""

from __future__ import annotations

from collections.abc import Sequence

from docutils import nodes

from efipolicy.drawing.findings import DrawnFinding
from efipolicy.drawing.larger_pages import LARGER_PAGE_SIZES
from efipolicy.drawing.memory_map import memory_map_excerpt_svg
from efipolicy.model.address import AddressRange
from efipolicy.model.finding import Finding
from efipolicy.model.memory_map import MemoryDescriptor
from efipolicy.plugin import Bad, Rule
from efipolicy.sphinxext.diagnostics import folded
from efipolicy.sphinxext.elements import efi_figure, efi_fold
from efipolicy.sphinxext.installed import pills, registry
from efipolicy.sphinxext.larger_pages import Marked, larger_page_nodes, larger_page_of
from efipolicy.sphinxext.parts import paragraph
from efipolicy.testing.examples import RuleCase, examples_of
from efipolicy.testing.shown import shown_example


def cases_of(rule: Rule) -> tuple[list[RuleCase], list[RuleCase]]:
    """The examples that fail and those that pass, in the order the rule gives them."""
    cases = examples_of([rule], architectures=registry().architectures)
    failing = [case for case in cases if isinstance(case.example, Bad)]
    return failing, [case for case in cases if case not in failing]


def excerpt(cases: Sequence[RuleCase]) -> list[nodes.Node]:
    """What the rule finds, drawn: the first example that fails and can be drawn."""
    for case in cases:
        drawn = larger_pages(case) or _memory_map(case)
        if drawn:
            return drawn
    return []


def larger_pages(case: RuleCase) -> list[nodes.Node]:
    """The larger pages of an example whose rule is about them; nothing for other rules."""
    rule, memory_map = case.rule, case.platform.memory_map
    page_size = _drawn_size(case)
    if page_size is None or not memory_map.descriptors:
        return []
    marked = [
        Marked(region, _drawn(rule, finding, index=None))
        for finding in case.findings()
        if (region := region_of(finding))
    ]
    fails = isinstance(case.example, Bad)
    said = "What {} finds" if fails else "What {} lets pass"
    return larger_page_nodes(
        memory_map,
        figure_id=f"lp-{nodes.make_id(str(case))}",
        title=said.format(rule.id),
        about=[found.region for found in marked],
        marked=marked,
        page_size=page_size,
    )


def _drawn_size(case: RuleCase) -> int | None:
    """The pages to draw: those of the kernel that an example declares, else the rule's."""
    size = larger_page_of(case.rule)
    declared = [kernel.page_size for kernel in case.platform.mapping or () if kernel.page_size]
    if size is None or not declared:
        return size
    return max(declared) if max(declared) in LARGER_PAGE_SIZES else None


def region_of(finding: Finding) -> AddressRange | None:
    """The addresses a finding is about, if it is about any."""
    if finding.region is not None:
        return finding.region
    return finding.subject.physical if isinstance(finding.subject, MemoryDescriptor) else None


def _memory_map(case: RuleCase) -> list[nodes.Node]:
    """The offending rows of a memory map among their neighbours."""
    rule, platform = case.rule, case.platform
    places = {id(entry): entry.index for entry in platform.memory_map.descriptors}
    found = [finding for finding in case.findings(platform) if id(finding.subject) in places]
    if not found:
        return []
    svg = memory_map_excerpt_svg(
        platform.memory_map,
        figure_id=f"mm-{rule.id.replace('/', '-')}",
        title=f"What {rule.id} finds",
        findings=[_drawn(rule, finding, index=places[id(finding.subject)]) for finding in found],
        memory_attributes_table=platform.memory_attributes_table,
    )
    return [efi_figure(svg=svg, label=f"Memory map: what {rule.id} finds")]


def _drawn(rule: Rule, finding: Finding, *, index: int | None) -> DrawnFinding:
    return DrawnFinding(
        severity=rule.severity,
        rule=rule.id,
        code=pills()[rule.id],
        message=finding.message,
        index=index,
    )


def failing(cases: Sequence[RuleCase]) -> list[nodes.Node]:
    """The first failing example, its picture being at the head of the page, and the others."""
    return _first_and_others(cases, "that fails", "that fail", picture_of_first=False)


def passing(cases: Sequence[RuleCase]) -> list[nodes.Node]:
    """The first passing example and the others."""
    if not cases:
        return [paragraph("There is no example that passes.")]
    made = _first_and_others(cases, "that passes", "that pass", picture_of_first=True)
    return [paragraph("The linter says nothing of it."), *made]


def _first_and_others(
    cases: Sequence[RuleCase], one: str, many: str, *, picture_of_first: bool
) -> list[nodes.Node]:
    """One example in full, and as many more as there are to be opened."""
    first, others = cases[0], cases[1:]
    made = [*(larger_pages(first) if picture_of_first else ()), *_example(first)]
    if others:
        inner = [node for case in others for node in (*larger_pages(case), *_example(case))]
        summary = f"{len(others)} more {one if len(others) == 1 else many}"
        made.append(efi_fold("", *inner, summary=summary))
    return made


def _example(case: RuleCase) -> list[nodes.Node]:
    shown = shown_example(case, registry())
    made = [code("text" if shown.yaml is None else "yaml", shown.text)]
    if shown.output:
        made.append(code("text", folded(shown.output)))
    return made


def code(language: str, text: str) -> nodes.Node:
    """A code block of a rule's page."""
    text = text.rstrip("\n")
    return nodes.literal_block(text, text, language=language, classes=["ep-code"])
