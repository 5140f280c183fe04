"""The last lines of a report: how many, what passed, and what could not be checked."""

from __future__ import annotations

from collections import Counter

from efipolicy.model.finding import Report, Severity
from efipolicy.reporters.snippet import printable


def summary_lines(report: Report) -> list[str]:
    """How much was found, what was checked, and what was or could be fixed."""
    open_findings = [finding for finding in report.findings if not finding.accepted]
    accepted = len(report.findings) - len(open_findings)
    by_severity = Counter(finding.severity for finding in open_findings)
    if open_findings:
        counts = ", ".join(
            counted(
                by_severity[severity],
                severity.value,
                plural="info" if severity is Severity.INFO else None,
            )
            for severity in Severity
            if by_severity[severity]
        )
        outcome = f"{counted(len(open_findings), 'finding')} ({counts})"
    else:
        outcome = "no findings"
    if accepted:
        outcome += f", {accepted} accepted"
    linted = sum(1 for item in report.inputs if item.platform)
    # Nothing found where nothing was looked at is no result.
    outcome = f"{outcome} in {counted(linted, 'input')}" if linted else "nothing linted"
    unread = sum(1 for item in report.inputs if not item.platform)
    if unread:
        outcome += f"; {counted(unread, 'input')} not understood"
    return [outcome, _checks(report), *_baseline(report), *_fixes(report)]


def statistics_lines(report: Report) -> list[str]:
    """A line for each rule that found something: how often, how grave, and whether fixable."""
    open_findings = [finding for finding in report.findings if not finding.accepted]
    counts = Counter((item.rule, item.severity) for item in open_findings)
    fixable = {item.rule for item in open_findings if item.fix and item.fix.safety == "safe"}
    ordered = sorted(counts.items(), key=lambda entry: (-entry[1], entry[0][0]))
    width = len(str(max(counts.values(), default=0)))
    return [
        f"{number:>{width}}  {severity.value:<7}  {'[*]' if rule in fixable else '[ ]'} {rule}"
        for (rule, severity), number in ordered
    ]


def _baseline(report: Report) -> list[str]:
    """What of the baseline is there no more."""
    if report.baseline is None or not report.baseline.fixed:
        return []
    fixed = report.baseline.fixed
    lines = [f"{counted(len(fixed), 'finding')} of {printable(report.baseline.path)} fixed:"]
    return lines + [f"  {entry.rule}: {printable(entry.message)}" for entry in fixed]


def _fixes(report: Report) -> list[str]:
    """What was fixed, or could be: the last line, where there is anything to say of it."""
    safeties = Counter(
        item.fix.safety for item in report.findings if item.fix and not item.accepted
    )
    safe, unsafe = safeties["safe"], safeties["unsafe"]
    more = f" ({unsafe} more with --unsafe)" if unsafe else ""
    if report.fixed is not None:
        fixed = report.fixed
        if not fixed.findings:
            return [f"nothing was fixed{more}"]
        files = counted(fixed.files, "file")
        return [f"fixed {counted(fixed.findings, 'finding')} in {files}{more}"]
    if safe:
        return [f"[*] {safe} fixable with --fix{more}"]
    return [f"{unsafe} fixable with --fix --unsafe"] if unsafe else []


def _checks(report: Report) -> str:
    """What passed, and what was not checked and why."""
    checked = [item.checked for item in report.inputs]
    lacking = Counter(entry.needs for outcome in checked for entry in outcome.not_checked)
    needs: Counter[str] = Counter()
    for words, count in lacking.items():
        needs.update(dict.fromkeys(map(_section, words.split(", ")), count))
    line = (
        f"checks: {sum(len(c.passed) for c in checked)} passed, "
        f"{sum(len(c.failed) for c in checked)} failed, "
        f"{sum(len(c.not_applicable) for c in checked)} not applicable, "
        f"{sum(len(c.not_checked) for c in checked)} not checked"
    )
    if needs:
        reasons = "; ".join(f"{need} ({count})" for need, count in needs.most_common())
        line += f" for want of {reasons}"
    return line


def _section(need: str) -> str:
    """The part of the platform file that lacks a fact: ``mapping`` for ``mapping[].calls``."""
    if need.startswith("the rule's option"):
        return "limits set by a policy"
    key = need.partition(" ")[0]
    return key.partition("[")[0].partition(".")[0] if "." in key or "[" in key else need


def counted(number: int, noun: str, *, plural: str | None = None) -> str:
    """A number and its noun."""
    return f"{number} {noun if number == 1 else plural or noun + 's'}"
