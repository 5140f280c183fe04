"""The findings of a day on which somebody decided to fix only what is new.

A baseline holds fingerprints, which say what a region is and not where it lies: a rebuilt firmware
whose regions have moved meets the same baseline.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from collections.abc import Mapping as Names
from typing import TYPE_CHECKING, Any, Final

from efipolicy.engine.fingerprints import kind_of
from efipolicy.model.finding import BaselineUse, KnownFinding, Report, ReportedFinding
from efipolicy.model.platform import Acceptance
from efipolicy.named_tuple import NamedTuple
from efipolicy.source import InputError, SourceText
from efipolicy.source.document import Mapping, parse
from efipolicy.source.shape import INVALID, Choice, Field, ListOf, Pattern, Reading, Record, Text

if TYPE_CHECKING:
    from re import Match


class Baseline(NamedTuple):
    """A baseline and the path it was read from."""

    path: str
    entries: tuple[KnownFinding, ...] = ()


def _entry(_node: Mapping, values: dict[str, Any]) -> KnownFinding:
    return KnownFinding(**values)


def _entries(_node: Mapping, values: dict[str, Any]) -> tuple[KnownFinding, ...]:
    entries: tuple[KnownFinding, ...] = values["findings"]
    return entries


BASELINE_FILE: Final = Record(
    "the baseline",
    "Findings that are known.",
    (
        Field("version", Choice("1"), "version of this format", required=True),
        Field(
            "findings",
            ListOf(
                Record(
                    "a known finding",
                    "A finding by its fingerprint.",
                    (
                        Field(
                            "fingerprint",
                            Pattern(r"[0-9a-f]{32}", "a fingerprint: 32 hexadecimal digits"),
                            "what the finding is",
                            required=True,
                        ),
                        Field("rule", Text(), "the rule's id", required=True),
                        Field("platform", Text(), "the platform's name", required=True),
                        Field("message", Text(), "what it said", required=True),
                    ),
                    _entry,
                ),
                phrase="a list of known findings",
            ),
            "the known findings",
            required=True,
        ),
    ),
    _entries,
)


def read_baseline(source: SourceText) -> Baseline:
    """The baseline in a text. Raises `InputError` for the first thing that is wrong with it."""
    node, errors = parse(source)
    if node is None and not errors:
        raise InputError(source.path, "an empty document", "a baseline")
    reading = Reading()
    entries: Any = BASELINE_FILE.read(node, reading) if node is not None else INVALID
    for error in (*errors, *reading.errors):
        raise error
    return Baseline(path=source.path, entries=entries)


def apply_baseline(
    report: Report, baseline: Baseline, names: Names[str, str] | None = None
) -> Report:
    """The report with the known findings accepted, and what of the baseline was fixed.

    An entry stands for one finding: the one with its fingerprint, or when that is not there, one of
    its kind that no entry names, since others may have come or gone before it. It is fixed when its
    platform was linted, its rule was judged there, and there is no such finding. Pinned findings,
    and those about acceptances, stay as they are. ``names`` maps ids that rules had before to the
    present ones.
    """
    entries = {entry.fingerprint: entry for entry in baseline.entries}
    found = {finding.fingerprint for finding in report.findings}
    spare: dict[str, list[str]] = {}
    for fingerprint in entries:
        if fingerprint not in found:
            spare.setdefault(kind_of(fingerprint), []).append(fingerprint)
    met: set[str] = set()

    def known(item: ReportedFinding) -> ReportedFinding:
        if not _can_be_known(item) or item.accepted:
            return item
        fingerprint = item.fingerprint
        if fingerprint not in entries:
            others = spare.get(kind_of(fingerprint))
            if not others:
                return item
            fingerprint = others.pop(0)
        met.add(fingerprint)
        reason = f"in the baseline {baseline.path}"
        return item._replace(accepted=Acceptance(rule=item.rule, reason=reason))

    inputs = tuple(
        item._replace(findings=tuple(known(one) for one in item.findings)) for item in report.inputs
    )
    gone = (entry for entry in baseline.entries if entry.fingerprint not in found | met)
    fixed = tuple(_judged_of(gone, report, names or {}, judged=True))
    return report._replace(inputs=inputs, baseline=BaselineUse(baseline.path, fixed))


def _can_be_known(item: ReportedFinding) -> bool:
    """Whether a baseline can hold a finding: not what is pinned, nor what is about acceptances."""
    return not item.pinned and not isinstance(item.finding.subject, Acceptance)


def _judged_of(
    entries: Iterable[KnownFinding], report: Report, names: Names[str, str], *, judged: bool
) -> Iterator[KnownFinding]:
    """The entries whose platform was linted and whose rule was judged there, or the others."""
    pairs = {
        (item.platform.name, rule)
        for item in report.inputs
        if item.platform
        for rule in (*item.checked.passed, *item.checked.failed)
    }
    for entry in entries:
        if ((entry.platform, names.get(entry.rule, entry.rule)) in pairs) is judged:
            yield entry


def baseline_of(
    report: Report, before: Baseline | None = None, names: Names[str, str] | None = None
) -> tuple[KnownFinding, ...]:
    """What a baseline of this report holds, in a steady order.

    Of an earlier baseline it keeps what this report does not know about: entries of platforms that
    were not linted now, and of rules that were not judged there. Others are dropped when their
    finding is gone.
    """
    entries = {
        finding.fingerprint: KnownFinding(
            finding.fingerprint, finding.rule, item.platform.name, finding.finding.message
        )
        for item in report.inputs
        if item.platform
        for finding in item.findings
        if _can_be_known(finding) and (finding.accepted is None or _is_from_baseline(finding))
    }
    earlier = before.entries if before else ()
    for entry in _judged_of(earlier, report, names or {}, judged=False):
        entries.setdefault(entry.fingerprint, entry)
    return tuple(sorted(entries.values(), key=lambda e: (e.platform, e.rule, e.fingerprint)))


def _is_from_baseline(item: ReportedFinding) -> bool:
    return item.accepted is not None and item.accepted.located is None


def baseline_text(entries: tuple[KnownFinding, ...]) -> str:
    """The baseline as a file: JSON, one finding a block, so that a version control shows each.

    Characters that JSON escapes in two halves stand as they are: to YAML the halves are none.
    """
    import json
    import re

    findings = [entry._asdict() for entry in entries]
    text = json.dumps({"version": 1, "findings": findings}, indent=2, ensure_ascii=False)
    return re.sub("[\x7f-\uffff]", _escaped, text) + "\n"


def _escaped(character: Match[str]) -> str:
    """A character as JSON escapes it; half of one, of a byte that was no text, is none."""
    code = ord(character[0])
    return "\\ufffd" if 0xD800 <= code < 0xE000 else f"\\u{code:04x}"
