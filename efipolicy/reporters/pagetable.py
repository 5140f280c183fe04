"""Page tables for people: how many, what they hold, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from efipolicy.engine.planned import Planned
from efipolicy.engine.table_problems import TablesJudged, all_problems
from efipolicy.engine.whatif import status_of
from efipolicy.model.address import size_text
from efipolicy.model.mapping import Access, Mapping, PlanProblem
from efipolicy.paging.tables import LeafRun, Overlap, PageTables, Refusal
from efipolicy.plugin import RenderOptions
from efipolicy.reporters.lint_summary import counted
from efipolicy.reporters.pagetable_boxes import boxes
from efipolicy.reporters.pagetable_ranges import leaves_text, ranges, size_name, what, whole
from efipolicy.reporters.snippet import Style

_COLUMNS: Final = ("virtual", "physical", "size", "leaves", "access", "cache", "marks", "what")
_MARKS: Final = _COLUMNS.index("marks")
_ACCESSES: Final[tuple[Access, ...]] = ("RWX", "RW", "RX", "R")
_MOST: Final = 8


def pagetable_text(
    made: Planned, tables: PageTables, judged: TablesJudged, options: RenderOptions
) -> str:
    """What the tables come to, the ranges they map, and what is wrong.

    Quiet output has no ranges, verbose output every table and the indices of descriptors.
    """
    style = Style(options.color)
    lines = [*_head(made, tables, style)]
    if options.verbose:
        lines += ["", *boxes(tables)]
    if not options.quiet:
        lines += ["", *_ranges(tables, style, verbose=options.verbose)]
    told = [
        refusal_line("refused", refusal, tables.mappings[refusal.mapping])
        for refusal in tables.refused
    ]
    told += _overlaps(tables, options)
    told += endings(made, judged, options, style)
    return text_of(lines, told)


def text_of(lines: list[str], told: list[str]) -> str:
    """What is there, and apart from it what is to be said of it."""
    return "\n".join([*lines, "", *told] if told else lines) + "\n"


def head(made: Planned, status: str) -> str:
    """The first line: which plan, for which page tables."""
    geometry = made.geometry
    pages = f"pages of {size_name(geometry.page_size)}"
    bits = f"addresses of {geometry.virtual_address_bits} bits"
    return f"{made.plan.strategy}: {status}, in {geometry.name} ({pages}, {bits})"


def endings(
    made: Planned, judged: TablesJudged, options: RenderOptions, style: Style
) -> Iterator[str]:
    """The last lines: what the tables do not show, and what is wrong."""
    for one in made.plan.unforeseen:
        pages = _pages(one.number_of_pages)
        yield f"not shown: {one.why}: {pages} {one.access}, nobody knows beforehand where"
    yield from _problems(all_problems(made, judged), options, style)
    if not options.quiet:
        for entry in judged.not_checked:
            yield f"not checked: {entry.rule}, for want of {entry.needs}"


def _pages(counts: Sequence[int]) -> str:
    """How many EFI pages something may have."""
    if len(counts) == 1:
        return counted(counts[0], "page")
    return f"{', '.join(map(str, counts[:-1]))} or {counts[-1]} pages"


def _head(made: Planned, tables: PageTables, style: Style) -> Iterator[str]:
    yield head(made, status_of(made.plan, tables))
    yield ""
    levels = ", ".join(f"{name} {count}" for name, count in tables.tables.items())
    yield f"tables  {tables.total} ({levels}), {size_text(tables.table_bytes)}"
    yield f"leaves  {leaves_text(tables.leaves) or 'none'}"
    bytes_with = {access: tables.bytes_with(access) for access in _ACCESSES}
    shown = [f"{size_text(size)} {access}" for access, size in bytes_with.items() if size]
    if bytes_with["RWX"]:
        shown[0] = style.paint(f"{shown[0]} (writable and executable)", "31")
    yield f"access  {', '.join(shown) or 'none'}"


def _ranges(tables: PageTables, style: Style, *, verbose: bool) -> Iterator[str]:
    """The leaves as a table; neighbours that continue each other are one row."""
    together = list(ranges(tables.runs, across_mappings=True))
    if not together:
        yield "nothing is mapped"
        return
    digits = max(len(str(whole(runs).number_of_leaves)) for runs in together)
    rows = [_COLUMNS, *(_row(runs, tables, digits, verbose=verbose) for runs in together)]
    if not any(row[_MARKS] for row in rows[1:]):
        rows = [(*row[:_MARKS], *row[_MARKS + 1 :]) for row in rows]
    yield from columns(rows, style)


def columns(rows: Sequence[tuple[str, ...]], style: Style) -> Iterator[str]:
    """The rows with their cells aligned, but for the last; the first is the head."""
    access = rows[0].index("access")
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        cells[-1] = row[-1]
        if row[access] == "RWX":
            cells[access] = style.paint(cells[access], "31")
        yield "  ".join(cells).rstrip()


def _row(
    runs: Sequence[LeafRun], tables: PageTables, digits: int, *, verbose: bool
) -> tuple[str, ...]:
    run = whole(runs)
    return (
        f"{run.start:#018x}",
        f"{run.physical:#018x}",
        size_text(run.end - run.start),
        f"{run.number_of_leaves:>{digits}} x {size_name(run.leaf_size)}",
        run.access,
        run.cache,
        ", ".join(_marks(run)),
        what((tables.mappings[one.mapping] for one in runs), verbose=verbose),
    )


def _marks(run: LeafRun) -> Iterator[str]:
    """What else is special about leaves."""
    if run.contiguous:
        yield "contiguous"
    if run.encrypted:
        yield "encrypted"
    if run.misaligned:
        yield "frame misaligned"


def refusal_line(word: str, refusal: Refusal, mapping: Mapping) -> str:
    """A mapping that is not there, and why."""
    label = what([mapping], verbose=True)
    return f"{word}: {label}, {mapping.physical} at {mapping.virtual}: {refusal.reason}"


def _overlaps(tables: PageTables, options: RenderOptions) -> Iterator[str]:
    """Where two mappings meet, and which of them is on top."""
    shown = len(tables.overlaps) if options.verbose else _MOST
    for overlap in tables.overlaps[:shown]:
        yield _overlap(overlap, tables)
    if hidden := len(tables.overlaps[shown:]):
        yield f"overlap: and {hidden} more (-v shows each)"


def _overlap(overlap: Overlap, tables: PageTables) -> str:
    earlier, later = (tables.mappings[index] for index in overlap[1:])
    below, above = what([earlier], verbose=True), what([later], verbose=True)
    return f"overlap: {overlap.virtual}: {below}; then, on top of it, {above}"


def _problems(
    problems: Sequence[PlanProblem], options: RenderOptions, style: Style
) -> Iterator[str]:
    """Each problem, those of a rule together; of many only the first ones."""
    by_rule: dict[str, list[PlanProblem]] = {}
    for problem in problems:
        by_rule.setdefault(problem.rule, []).append(problem)
    for rule, found in by_rule.items():
        shown = len(found) if options.verbose else _MOST
        yield from (_problem(problem, style) for problem in found[:shown])
        if hidden := len(found[shown:]):
            yield f"{_name(rule, style)}: and {hidden} more (-v shows each)"


def _problem(problem: PlanProblem, style: Style) -> str:
    """A problem as ``plan`` prints it; its place only where the message does not say it."""
    line = f"{_name(problem.rule, style)}: {problem.message}"
    place = str(problem.region) if problem.region else ""
    return line if place in problem.message else f"{line} at {place}"


def _name(rule: str, style: Style) -> str:
    return style.paint(f"problem[{rule}]", "31")
