"""The report as one page: a file that needs no other, no network and no script."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from efipolicy.errors import EfipolicyError
from efipolicy.model.finding import Report, ReportedFinding, Severity
from efipolicy.plugin import RenderOptions
from efipolicy.reporters.html_map import memory_map_html
from efipolicy.reporters.html_style import stylesheet
from efipolicy.reporters.html_text import (
    code,
    folded,
    here,
    link,
    plain,
    prose,
    row,
    severity,
    shape,
    source_lines,
    table,
)
from efipolicy.reporters.lint_notes import (
    error_message,
    error_place,
    error_snippet,
    notes,
    place,
    snippet,
)
from efipolicy.reporters.lint_outline import (
    Group,
    groups,
    rule_counts,
    severity_counts,
    unchecked,
    verdict,
)
from efipolicy.reporters.lint_summary import counted, input_facts
from efipolicy.reporters.snippet import Style

_MOST_PATHS = 3
_PAINTED = Style(True)


def render_html(report: Report, options: RenderOptions) -> str:
    """The page: the outcome, errors, the inputs, then each with its findings and its picture.

    Quiet leaves out pictures and what has no finding; statistics count findings in place of them.
    """
    told = verdict(report)
    every = list(groups(report))
    anchors = {id(one): f"f-{number}" for number, one in enumerate(report.findings, 1)}
    parts = [_head(told.headline), _outcome(report), _errors(report)]
    if options.statistics:
        parts.append(_statistics(report))
    if not options.quiet:
        parts.append(_inputs(every, whole=not options.statistics))
    if not options.statistics:
        for number, group in enumerate(every, 1):
            hindered = any(error.path == group.path for error in report.errors)
            parts.append(_group(group, number, anchors, quiet=options.quiet, hindered=hindered))
    if not options.quiet:
        parts += [_unchecked(report), _baseline(report), _skipped(report)]
    page = "".join([*parts, _foot(report)])
    # In ASCII, so that no encoding of an output can break it.
    return page.encode("ascii", "xmlcharrefreplace").decode("ascii")


def _head(headline: str) -> str:
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>efipolicy: {plain(headline)}</title>\n"
        f"<style>\n{stylesheet()}</style>\n</head>\n<body>\n<main>\n"
    )


def _foot(report: Report) -> str:
    from efipolicy import __version__

    told = f"efipolicy {plain(__version__)}, acceptances as of {plain(report.today)}"
    return f"<footer>{told}</footer>\n</main>\n</body>\n</html>\n"


def _outcome(report: Report) -> str:
    told = verdict(report)
    sentences = "; ".join(told.told)
    below = (
        f'<p class="outcome">{prose(sentences[0].upper() + sentences[1:])}.</p>\n'
        if sentences
        else ""
    )
    return f"<h1>{shape(told.kind)}{plain(told.headline)}</h1>\n{below}"


def _errors(report: Report) -> str:
    """What could not be read or failed, with the line it is about."""
    if not report.errors:
        return ""
    told = "".join(_error(number, error) for number, error in enumerate(report.errors, 1))
    return f'<section id="errors">\n<h2>Not read or not judged</h2>\n{told}</section>\n'


def _error(number: int, error: EfipolicyError) -> str:
    lines = error_snippet(error, _PAINTED)
    where = error_place(error)
    return (
        f'<article class="error" id="e-{number}">\n'
        f"<h3>{severity(Severity.ERROR)}: {prose(error_message(error))}</h3>\n"
        + (f'<p class="where">{code(where)}</p>\n' if where else "")
        + (source_lines(lines, f"Lines of error {number}") if lines else "")
        + "</article>\n"
    )


def _inputs(every: Sequence[Group], *, whole: bool) -> str:
    """The table of inputs; each leads to its part of the page where there is one."""
    rows = []
    for number, group in enumerate(every, 1):
        if group.item is None:
            continue
        checked = group.item.checked
        name = code(group.path)
        if not group.item.platform:
            unread = f"{shape('error')}{name}: not read"
            rows.append(row([unread, *["\N{EN DASH}"] * (len(Severity) + 4)]))
            continue
        counts = [sum(one.severity is each for one in group.open) for each in Severity]
        cells = [
            here(name, f"i-{number}") if whole else name,
            *(f"<strong>{count}</strong>" if count else "0" for count in counts),
            str(len(group.accepted)),
            str(len(checked.passed)),
            str(len(checked.not_checked)),
            prose(", ".join(input_facts(group.item))),
        ]
        rows.append(row(cells))
    if not rows:
        return ""
    heads = ("input", "errors", "warnings", "info", "accepted", "passed", "not checked")
    caption = f"{counted(len(rows), 'input')}: findings, checks that passed, checks not made"
    made = table((*heads, "what it is"), rows, caption=caption, kind="inputs")
    return f'<section id="inputs">\n<h2>Inputs</h2>\n{made}</section>\n'


def _group(
    group: Group, number: int, anchors: Mapping[int, str], *, quiet: bool, hindered: bool
) -> str:
    """An input: what it is, its picture, its findings; nothing for one that was not read.

    ``hindered`` says that an error is about it.
    """
    item = group.item
    if (item and not item.platform) or (quiet and not group.open):
        return ""
    facts = ", ".join(input_facts(item)) if item else "the configuration"
    summary = plain(_summary(group))
    if hindered:
        summary += f"; {here('not everything could be judged', 'errors')}"
    parts = [
        f'<section id="i-{number}">\n<h2>{code(group.path)}</h2>\n',
        f'<p class="facts">{prose(facts)}</p>\n<p><strong>{summary}</strong></p>\n',
    ]
    if item and not quiet:
        parts.append(memory_map_html(item, number, anchors))
    parts += [_finding(one, anchors[id(one)]) for one in group.open]
    if group.accepted:
        told = "".join(_finding(one, anchors[id(one)]) for one in group.accepted)
        parts.append(folded(counted(len(group.accepted), "accepted finding"), told))
    return "".join([*parts, "</section>\n"])


def _summary(group: Group) -> str:
    """The findings of an input, or what their absence means: not that all is well."""
    checked = group.item.checked if group.item else None
    told = severity_counts(group.open) or ("no open finding" if group.accepted else "no finding")
    if checked and checked.not_checked:
        return f"{told}; {counted(len(checked.not_checked), 'check')} could not be made"
    if checked and not checked.passed and not checked.failed:
        return f"{told}; no check applied"
    return told


def _finding(item: ReportedFinding, anchor: str) -> str:
    """A finding: message, place, lines, notes, and the page of its rule."""
    at = place(item.span)
    where = f"{item.path}:{at}" if at else item.path
    kind = f"{item.severity.value} accepted" if item.accepted else item.severity.value
    lines = snippet(item, _PAINTED)
    told = "".join(f"<dt>{note.name}</dt><dd>{prose(note.text)}</dd>\n" for note in notes(item))
    return (
        f'<article class="{kind}" id="{anchor}">\n'
        f"<h3>{severity(item.severity)}: {prose(item.finding.message)}</h3>\n"
        f'<p class="where">{code(where)} \N{MIDDLE DOT} {link(item.rule, item.help_uri)}</p>\n'
        + (source_lines(lines, f"Lines of finding {anchor[2:]}") if lines else "")
        + (f"<dl>\n{told}</dl>\n" if told else "")
        + "</article>\n"
    )


def _statistics(report: Report) -> str:
    rows = [
        row([link(one.rule, one.help_uri), severity(one.severity), str(number)])
        for number, one in rule_counts(report)
    ]
    if not rows:
        return ""
    made = table(("rule", "severity", "findings"), rows, caption="Findings by rule", kind="rules")
    return f'<section id="rules">\n<h2>Findings by rule</h2>\n{made}</section>\n'


def _unchecked(report: Report) -> str:
    """What was not checked, by the facts that nobody stated."""
    gaps = unchecked(report)
    if not gaps:
        return ""
    linted = sum(1 for item in report.inputs if item.platform)
    rows = [
        row(
            [
                prose(one.needs),
                ", ".join(map(code, one.rules)),
                "all" if len(one.paths) == linted else _paths(one.paths),
            ]
        )
        for one in gaps
    ]
    total = counted(sum(len(item.checked.not_checked) for item in report.inputs), "check")
    heads = ("not stated", "rules that need it", "inputs that lack it")
    made = table(heads, rows, caption=f"{total} not made: not passed, not failed", kind="gaps")
    return f'<section id="not-checked">\n<h2>Not checked</h2>\n{made}</section>\n'


def _paths(paths: Sequence[str]) -> str:
    if len(paths) <= _MOST_PATHS:
        return ", ".join(map(code, paths))
    return folded(counted(len(paths), "input"), _list(map(code, paths)))


def _baseline(report: Report) -> str:
    if report.baseline is None or not report.baseline.fixed:
        return ""
    gone = report.baseline.fixed
    told = _list(f"{code(one.rule)}: {prose(one.message)} ({code(one.platform)})" for one in gone)
    head = f"{counted(len(gone), 'finding')} of {plain(report.baseline.path)} gone"
    return (
        f'<section id="gone">\n<h2>Gone since the baseline</h2>\n{folded(head, told)}</section>\n'
    )


def _skipped(report: Report) -> str:
    if not report.skipped:
        return ""
    told = _list(map(code, report.skipped))
    head = f"{counted(len(report.skipped), 'file')}: neither a platform file nor a capture"
    return f'<section id="skipped">\n<h2>Skipped</h2>\n{folded(head, told)}</section>\n'


def _list(items: Iterator[str]) -> str:
    return "<ul>\n" + "".join(f"<li>{one}</li>\n" for one in items) + "</ul>\n"
