"""What a report comes to, for the formats that are pages: verdict, groups, counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Literal

from efipolicy.errors import EfipolicyError
from efipolicy.model.finding import InputReport, Report, ReportedFinding, Severity
from efipolicy.named_tuple import NamedTuple
from efipolicy.reporters.lint_summary import counted, further_maps

VerdictKind = Literal["error", "warning", "info", "incomplete", "clean"]


class Verdict(NamedTuple):
    """The outcome in a few words, and the sentences that qualify it.

    ``clean`` is only what was read whole, judged by every rule that applies, and found without
    fault; ``incomplete`` is what has no finding and was not all looked at.
    """

    kind: VerdictKind
    headline: str
    told: tuple[str, ...]


class Group(NamedTuple):
    """The findings of one input, the gravest first; ``item`` is ``None`` for a configuration."""

    path: str
    item: InputReport | None
    open: tuple[ReportedFinding, ...]
    accepted: tuple[ReportedFinding, ...]


class Unchecked(NamedTuple):
    """Rules that could not be judged for want of the same facts, and the inputs that lack them."""

    needs: str
    rules: tuple[str, ...]
    paths: tuple[str, ...]


def verdict(report: Report) -> Verdict:
    """What the report comes to as a whole."""
    findings = [finding for finding in report.findings if not finding.accepted]
    linted = sum(1 for item in report.inputs if item.platform)
    gaps = _gaps(report)
    where = f" in {counted(linted, 'input')}" if linted else ""
    nothing = "no open finding" if report.findings else "nothing found"
    if findings:
        kind: VerdictKind = min(findings, key=lambda one: one.severity.rank).severity.value
        headline = severity_counts(findings) + where
    elif not linted:
        kind, headline = "incomplete", "nothing was linted"
    elif gaps:
        kind, headline = "incomplete", f"{nothing}{where}, but not everything was checked"
    else:
        kind, headline = "clean", f"clean: {nothing}{where}"
    if linted and (unread := _unread(report)):
        headline += f"; {unread[0]}"
        gaps = gaps[1:]
    return Verdict(kind, headline, (*gaps, *_also(report)))


def _gaps(report: Report) -> list[str]:
    """What was not looked at, each in a sentence."""
    checked = [item.checked for item in report.inputs if item.platform]
    wanting = sum(len(one.not_checked) for one in checked)
    idle = sum(1 for one in checked if not (one.passed or one.failed or one.not_checked))
    further = sum(further_maps(item.platform) for item in report.inputs if item.platform)
    told = _unread(report)
    if wanting:
        told.append(f"{counted(wanting, 'check')} could not be made for want of facts")
    if idle:
        told.append(f"no check applied to {counted(idle, 'input')}")
    if further:
        told.append(f"{counted(further, 'further map')} in the same texts not judged")
    return told


def _unread(report: Report) -> list[str]:
    """How many inputs could not be read, and how many errors are about something else."""
    unread = {item.path for item in report.inputs if not item.platform}
    unread |= {error.path for error in report.errors if error.path and not _linted(error, report)}
    others = sum(1 for error in report.errors if error.path not in unread)
    told = [f"{counted(len(unread), 'input')} could not be read"] if unread else []
    if others:
        told.append(f"{counted(others, 'error')} kept rules or plugins from judging")
    return told


def _linted(error: EfipolicyError, report: Report) -> bool:
    return any(item.platform and item.path == error.path for item in report.inputs)


def _also(report: Report) -> list[str]:
    """What else there is to say of the whole: passed, accepted, known, skipped, fixed."""
    checked = [item.checked for item in report.inputs]
    accepted = sum(1 for finding in report.findings if finding.accepted)
    told = []
    if passed := sum(len(one.passed) for one in checked):
        told.append(f"{counted(passed, 'check')} passed")
    if accepted:
        told.append(f"{counted(accepted, 'finding')} accepted")
    if report.baseline and report.baseline.fixed:
        told.append(f"{counted(len(report.baseline.fixed), 'finding')} of the baseline gone")
    if report.skipped:
        files = counted(len(report.skipped), "file")
        told.append(f"{files} skipped, neither a platform file nor a capture")
    if report.fixed and report.fixed.findings:
        files = counted(report.fixed.files, "file")
        told.append(f"{counted(report.fixed.findings, 'finding')} fixed in {files} before")
    fixes = Counter(one.fix.safety for one in report.findings if one.fix and not one.accepted)
    if fixes["safe"]:
        told.append(f"{fixes['safe']} fixable with `--fix`")
    if fixes["unsafe"]:
        told.append(f"{fixes['unsafe']} fixable with `--fix --unsafe`")
    return told


def severity_counts(findings: Iterable[ReportedFinding]) -> str:
    """``2 errors, 1 warning``, the gravest first; empty of none."""
    counts = Counter(finding.severity for finding in findings)
    return ", ".join(
        counted(
            counts[severity],
            severity.value,
            plural=severity.value if severity is Severity.INFO else None,
        )
        for severity in Severity
        if counts[severity]
    )


def groups(report: Report) -> Iterator[Group]:
    """Every input with its findings, then those about the configuration by its path."""
    for item in report.inputs:
        yield _group(item.path, item, item.findings)
    for path in dict.fromkeys(finding.path for finding in report.configuration):
        about = tuple(finding for finding in report.configuration if finding.path == path)
        yield _group(path, None, about)


def _group(path: str, item: InputReport | None, findings: tuple[ReportedFinding, ...]) -> Group:
    ordered = sorted(findings, key=lambda finding: finding.severity.rank)
    return Group(
        path,
        item,
        tuple(finding for finding in ordered if not finding.accepted),
        tuple(finding for finding in ordered if finding.accepted),
    )


def unchecked(report: Report) -> list[Unchecked]:
    """What was not checked, by what it lacks; what most inputs lack comes first."""
    paths: dict[tuple[str, str], list[str]] = {}
    for item in report.inputs:
        for entry in item.checked.not_checked:
            paths.setdefault((entry.needs, entry.rule), []).append(item.path)
    rules: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for (needs, rule), lacking in paths.items():
        rules.setdefault((needs, tuple(lacking)), []).append(rule)
    told = [Unchecked(needs, tuple(names), lacking) for (needs, lacking), names in rules.items()]
    return sorted(told, key=lambda one: (-len(one.rules) * len(one.paths), one.needs, one.paths))


def rule_counts(report: Report) -> list[tuple[int, ReportedFinding]]:
    """How often each rule found something with each severity, the most first, and one of them."""
    first: dict[tuple[str, Severity], ReportedFinding] = {}
    counts: Counter[tuple[str, Severity]] = Counter()
    for item in report.findings:
        if not item.accepted:
            first.setdefault((item.rule, item.severity), item)
            counts[item.rule, item.severity] += 1
    ordered = sorted(counts, key=lambda key: (-counts[key], key[0], key[1].rank))
    return [(counts[key], first[key]) for key in ordered]
