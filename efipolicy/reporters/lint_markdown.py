"""The report as Markdown: a comment on a pull request, a summary of a job.

What GitHub and GitLab show of it is no longer than a comment may be; see `markdown_length`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from efipolicy.errors import EfipolicyError
from efipolicy.model.finding import Report, ReportedFinding
from efipolicy.plugin import RenderOptions
from efipolicy.reporters.folding import fold
from efipolicy.reporters.lint_notes import (
    error_message,
    error_place,
    error_snippet,
    notes,
    one_line,
    place,
    snippet,
)
from efipolicy.reporters.lint_outline import (
    Group,
    Unchecked,
    groups,
    rule_counts,
    severity_counts,
    unchecked,
    verdict,
)
from efipolicy.reporters.lint_summary import acceptance_text, counted, input_facts
from efipolicy.reporters.markdown_length import Block, Row, fit
from efipolicy.reporters.markdown_text import (
    code,
    fenced,
    html_code,
    inline,
    link,
    row,
    table_head,
)
from efipolicy.reporters.snippet import Style

_MOST_PATHS = 3
# What is kept first of a report that is too long. Of findings that are alike the first are enough.
_RANKS = {"headline": 0, "error": 1, "finding": 2, "input": 6, "gap": 7, "accepted": 8, "more": 9}
_ALIKE = 12
_PLAIN = Style(False)
_NONE = "\N{EN DASH}"


def render_markdown(report: Report, options: RenderOptions) -> str:
    """Headline, errors, a table of findings for each input, and the rest folded.

    Quiet leaves out what has no finding or error; verbose folds no findings that are alike.
    """
    blocks = [_headline(report), *_errors(report)]
    if options.statistics:
        blocks += _statistics(report)
    else:
        for group in groups(report):
            blocks += _group(group, verbose=options.verbose)
        blocks += _accepted(report)
    if not options.quiet:
        blocks += [*_inputs(report), *_unchecked(report), *_fixed(report), *_skipped(report)]
    return fit(blocks)


def _headline(report: Report) -> Block:
    told = verdict(report)
    sentences = "; ".join(told.told)
    below = f"\n{inline(sentences[0].upper() + sentences[1:])}.\n" if sentences else ""
    return Block(f"## efipolicy: {told.headline}\n{below}")


def _errors(report: Report) -> Iterator[Block]:
    """What could not be read or failed, then the lines it is about."""
    if not report.errors:
        return
    rows = tuple(
        Row(row([_where(error), inline(error_message(error))]), _RANKS["error"], "error")
        for error in report.errors
    )
    yield Block(f"### Not read or not judged\n\n{table_head('Where', 'Why')}", rows)
    lines = [(error, error_snippet(error, _PLAIN)) for error in report.errors]
    details = tuple(
        Row(f"{_where(error)}\n\n{fenced(shown)}\n\n", _RANKS["more"], "source excerpt")
        for error, shown in lines
        if shown
    )
    if details:
        yield _folded("The lines in question", details)


def _where(error: EfipolicyError) -> str:
    where = error_place(error)
    return code(where) if where else "the program"


def _group(group: Group, *, verbose: bool) -> Iterator[Block]:
    """The findings of an input, and what else there is to say of each."""
    if not group.open:
        return
    shown = list(fold(group.open, whole=verbose))
    alike = {id(other) for _, others in shown for other in others}
    rows = tuple(
        Row(
            row(
                [
                    f"**{item.severity.value}**"
                    if item.severity.rank == 0
                    else item.severity.value,
                    place(item.span) or _NONE,
                    inline(item.finding.message),
                    link(item.rule, item.help_uri),
                ]
            ),
            (_ALIKE if id(item) in alike else _RANKS["finding"]) + item.severity.rank,
            "finding",
        )
        for item in group.open
    )
    title = f"### {code(group.path)}: {severity_counts(group.open)}"
    yield Block(f"{title}\n\n{table_head('Severity', 'Place', 'Finding', 'Rule')}", rows)
    details = tuple(
        Row(_detail(first, others), _RANKS["more"] + first.severity.rank, "explanation")
        for first, others in shown
    )
    yield _folded(f"What to know of {html_code(group.path)}", details)


def _detail(item: ReportedFinding, others: Sequence[ReportedFinding]) -> str:
    """A finding with its lines and notes, and where ``others`` say the same."""
    at = place(item.span)
    # As plain text, column 100 of a line would end as an emoji: `5:100:`.
    where = f" at {code(at)}" if at else ""
    head = f"**{item.severity.value}**{where}: {inline(item.finding.message)}"
    parts = [head, ""]
    if lines := snippet(item, _PLAIN):
        parts += [fenced(lines), ""]
    told = [f"- {note.name}: {inline(note.text)}" for note in notes(item)]
    told.append(f"- rule: {code(item.rule)}")
    if others:
        told.append(f"- {len(others)} more of the same in the table")
    return "\n".join([*parts, *told, "", ""])


def _folded(summary: str, rows: tuple[Row, ...]) -> Block:
    """Rows that are Markdown of their own behind a summary, which is HTML."""
    head = f"<details>\n<summary>{summary}</summary>\n\n"
    return Block(head, rows, "</details>\n")


def _folded_table(summary: str, heads: Sequence[str], rows: tuple[Row, ...]) -> Block:
    head = f"<details>\n<summary>{summary}</summary>\n\n{table_head(*heads)}"
    return Block(head, rows, "\n</details>\n")


def _accepted(report: Report) -> Iterator[Block]:
    rows = tuple(
        Row(
            row(
                [
                    item.severity.value,
                    code(f"{item.path}:{place(item.span)}" if item.span else item.path),
                    inline(item.finding.message),
                    link(item.rule, item.help_uri),
                    inline(acceptance_text(item)),
                ]
            ),
            _RANKS["accepted"],
            "accepted finding",
        )
        for item in report.findings
        if item.accepted
    )
    if rows:
        heads = ("Severity", "Place", "Finding", "Rule", "Accepted because")
        yield _folded_table(counted(len(rows), "accepted finding"), heads, rows)


def _statistics(report: Report) -> Iterator[Block]:
    rows = tuple(
        Row(
            row([str(number), one.severity.value, link(one.rule, one.help_uri)]),
            _RANKS["finding"] + one.severity.rank,
            "rule",
        )
        for number, one in rule_counts(report)
    )
    if rows:
        yield Block(f"### Findings by rule\n\n{table_head('Findings', 'Severity', 'Rule')}", rows)


def _inputs(report: Report) -> Iterator[Block]:
    rows = []
    for group in groups(report):
        if group.item is None:
            continue
        checked = group.item.checked
        cells = [code(group.path), inline(", ".join(input_facts(group.item)))]
        cells.append(severity_counts(group.open) or _NONE)
        cells += [str(len(checked.passed)), str(len(checked.not_checked))]
        rows.append(Row(row(cells), _RANKS["input"], "input line"))
    if rows:
        heads = ("Input", "What it is", "Findings", "Checks passed", "Not checked")
        yield _folded_table(counted(len(rows), "input"), heads, tuple(rows))


def _unchecked(report: Report) -> Iterator[Block]:
    gaps = unchecked(report)
    if not gaps:
        return
    total = sum(len(item.checked.not_checked) for item in report.inputs)
    several = len(report.inputs) > 1
    heads = ("Not stated", "Rules that need it", *(["Inputs"] if several else []))
    rows = tuple(
        Row(
            row(
                [
                    inline(one.needs),
                    ", ".join(map(code, one.rules)),
                    *([_paths(one, report)] if several else []),
                ]
            ),
            _RANKS["gap"],
            "missing fact",
        )
        for one in gaps
    )
    yield _folded_table(f"{counted(total, 'check')} not made, and why", heads, rows)


def _paths(one: Unchecked, report: Report) -> str:
    if len(one.paths) == sum(1 for item in report.inputs if item.platform):
        return "all"
    shown = ", ".join(map(code, one.paths[:_MOST_PATHS]))
    more = len(one.paths) - _MOST_PATHS
    return f"{shown} and {more} more" if more > 0 else shown


def _fixed(report: Report) -> Iterator[Block]:
    """What of the baseline is there no more."""
    if report.baseline is None or not report.baseline.fixed:
        return
    rows = tuple(
        Row(row([code(one.platform), inline(one.message), code(one.rule)]), _RANKS["accepted"],
            "gone finding")
        for one in report.baseline.fixed
    )  # fmt: skip
    summary = f"{counted(len(rows), 'finding')} of {html_code(report.baseline.path)} gone"
    yield _folded_table(summary, ("Platform", "Finding", "Rule"), rows)


def _skipped(report: Report) -> Iterator[Block]:
    rows = tuple(
        Row(f"- {code(one_line(path))}\n", _RANKS["more"], "skipped file")
        for path in report.skipped
    )
    if rows:
        yield Block(
            f"<details>\n<summary>{counted(len(rows), 'file')} skipped</summary>\n\n",
            rows,
            "\n</details>\n",
        )
