"""What reports say in the same words: how many, what passed, what an input is, who accepted."""

from __future__ import annotations

from collections import Counter

from efipolicy.model.finding import InputReport, Report, ReportedFinding, Severity
from efipolicy.model.platform import Platform
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


def input_facts(item: InputReport) -> list[str]:
    """What is known of an input: a few words each, with what a plugin or the input put in them."""
    platform = item.platform
    if platform is None:
        return ["not read"]
    memory_map, reason = platform.memory_map, platform.architecture_reason
    facts = [item.format or item.kind, counted(len(memory_map.descriptors), "descriptor")]
    if memory_map.descriptors:
        told = {"whole": "whole map", "partial": "part of a map", "unknown": "unknown extent"}
        facts.append(told[memory_map.extent])
        if memory_map.origin != "firmware":
            facts.append(f"origin {memory_map.origin}")
    if platform.memory_attributes_table is not None:
        entries = len(platform.memory_attributes_table.entries)
        facts.append(f"memory attributes table of {entries}")
    because = "" if reason.kind == "stated" else f" ({reason.kind}: {reason.evidence})"
    facts.append(f"architecture {platform.architecture}{because}")
    facts += [
        f"strategy {one.name}" + (f" ({one.reason})" if one.reason else "")
        for one in item.strategies
    ]
    if further := further_maps(platform):
        facts.append(f"{counted(further, 'further map')} not judged")
    return facts


def further_maps(platform: Platform) -> int:
    """How many maps of the same text are neither the one judged nor a layout it declares."""
    layouts = [one.virtual_map for one in platform.mapping or ()]
    others = platform.capture.other_maps if platform.capture else ()
    return sum(one.descriptors not in layouts for one in others)


def acceptance_text(item: ReportedFinding) -> str:
    """Why a finding was accepted, by whom and until when; empty for one that was not."""
    accepted = item.accepted
    if accepted is None:
        return ""
    by = f" by {accepted.owner}" if accepted.owner else ""
    until = f" until {accepted.until}" if accepted.until else ""
    link = f" ({accepted.link})" if accepted.link else ""
    return " ".join(f"{accepted.reason or 'without a reason'}{by}{until}{link}".split())
