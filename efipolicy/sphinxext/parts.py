"""Parts of pages as document nodes: fact lines, pills, tables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TypeAlias

from docutils import nodes

from efipolicy.drawing.notation import counted
from efipolicy.model.finding import InputReport, ReportedFinding, Severity
from efipolicy.sphinxext.domain import reference
from efipolicy.sphinxext.elements import severity_mark
from efipolicy.sphinxext.installed import pills
from efipolicy.sphinxext.short_html import efi_literal, efi_row, efi_words

_WIDEST = 40
"""Characters of a column where a table is text; HTML finds its own widths."""

Cell: TypeAlias = str | nodes.Node | Sequence[nodes.Node]


def fact_line(*facts: tuple[str, Cell]) -> nodes.definition_list:
    """The facts under a heading, five at most: a name and a value each."""
    items = []
    for name, value in facts:
        definition = nodes.definition("", paragraph(value))
        items.append(nodes.definition_list_item("", nodes.term(name, name), definition))
    return nodes.definition_list("", *items, classes=["ep-facts"])


def paragraph(content: Cell, *, classes: Iterable[str] = ()) -> nodes.paragraph:
    """A paragraph of text or of inline nodes."""
    made = nodes.paragraph("", "", *inline(content), classes=list(classes))
    return plain(made)


def plain(made: nodes.paragraph) -> nodes.paragraph:
    """A text in which the two hyphens of an option stay two, which Sphinx makes a dash of."""
    if "--" in made.astext():
        made["support_smartquotes"] = False
    return made


def inline(content: Cell) -> list[nodes.Node]:
    """Text or nodes as a list of nodes."""
    if isinstance(content, str):
        return [nodes.Text(content)]
    return [content] if isinstance(content, nodes.Node) else list(content)


def literal(text: str) -> nodes.literal:
    """Text in the fixed font."""
    return efi_literal(text, text)


def quoted(text: str) -> list[nodes.Node]:
    """Text in which what stands in backquotes is literal."""
    parts = text.split("`")
    return [literal(part) if place % 2 else nodes.Text(part) for place, part in enumerate(parts)]


def separated(items: Iterable[nodes.Node], separator: str = ", ") -> list[nodes.Node]:
    """Nodes with a separator between them."""
    joined: list[nodes.Node] = []
    for item in items:
        if joined:
            joined.append(nodes.Text(separator))
        joined.append(item)
    return joined


def pill_line(findings: Sequence[ReportedFinding]) -> nodes.paragraph:
    """How many findings there are, and one pill a rule, the gravest first; links to the rules.

    A pill says how often its rule found something where that is more than once.
    """
    open_findings = [finding for finding in findings if not finding.accepted]
    counts = Counter((finding.severity, finding.rule) for finding in open_findings)
    if not counts:
        accepted = f" but {len(findings)} accepted" if findings else ""
        return paragraph(f"No finding{accepted}.", classes=["ep-pills"])
    ordered = sorted(counts, key=lambda key: (key[0].rank, key[1]))
    chips = [_pill(severity, rule, counts[severity, rule]) for severity, rule in ordered]
    totals = nodes.strong("", "", *separated(severity_counts(open_findings), ", "))
    return paragraph([totals, *separated([nodes.Text(":"), *chips], " ")], classes=["ep-pills"])


def severity_counts(findings: Sequence[ReportedFinding]) -> list[nodes.Node]:
    """How many findings of each severity are not accepted, each with its sign, the gravest first.

    None where nothing is left to do.
    """
    counts = Counter(finding.severity for finding in findings if not finding.accepted)
    return [
        severity_mark(severity, counted(counts[severity], severity.value, _many(severity)))
        for severity in Severity
        if counts[severity]
    ]


def _many(severity: Severity) -> str:
    return severity.value if severity is Severity.INFO else f"{severity.value}s"


def _pill(severity: Severity, rule: str, count: int) -> nodes.Node:
    text = pills().get(rule, rule)
    if count > 1:
        text += f" \N{MULTIPLICATION SIGN}{count}"
    classes = ["ep-chip", f"ep-chip-{severity.value}"]
    return reference("rule", rule, severity_mark(severity, text), classes=classes)


def table(
    heads: Sequence[str],
    rows: Iterable[Sequence[Cell]],
    *,
    ids: Sequence[str] = (),
    row_ids: Sequence[str | None] = (),
    title: str | None = None,
    classes: Iterable[str] = (),
) -> nodes.table:
    """A table of text and inline nodes. ``row_ids`` are the anchors of its rows."""
    head, body = _row(heads), nodes.tbody()
    for number, cells in enumerate(rows):
        row = _row(cells)
        if number < len(row_ids) and row_ids[number]:
            row["ids"].append(row_ids[number])
        body += row
    widths = [min(_WIDEST, max(map(_length, column))) for column in zip(head, *body, strict=True)]
    group = nodes.tgroup(cols=len(heads))
    group += [nodes.colspec(colwidth=width) for width in widths]
    group += [nodes.thead("", head), body]
    made = nodes.table("", classes=["ep-table", *classes], ids=list(ids))
    if title:
        made += nodes.title(title, title)
    made += group
    return made


def _length(cell: nodes.Element) -> int:
    """Characters of a cell as text, in which what is literal stands in quotes."""
    return len(cell.astext()) + 2 * len(list(cell.findall(nodes.literal)))


def _row(cells: Sequence[Cell]) -> nodes.row:
    words = (plain(efi_words("", "", *inline(cell))) for cell in cells)
    return efi_row("", *(nodes.entry("", each) for each in words))


def outcome(report: InputReport) -> str:
    """How many rules passed and failed, and how many could not be judged."""
    checked = report.checked
    parts = [
        f"{len(checked.passed)} passed",
        f"{len(checked.failed)} failed",
        f"{len(checked.not_checked)} not checked",
        f"{len(checked.not_applicable)} not applicable",
    ]
    total = sum(
        map(len, (checked.passed, checked.failed, checked.not_checked, checked.not_applicable))
    )
    return f"{counted(total, 'rule')}: {', '.join(parts)}"
