"""The report as JUnit XML, as Jenkins and GitLab read it.

A suite is an input, a test case a rule that was judged there. GitLab tells cases apart by class
name and name, and both show one failure of a case: so a case lists all findings of its rule.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from efipolicy.errors import EfipolicyError
from efipolicy.model.finding import InputReport, Report, ReportedFinding, Severity
from efipolicy.plugin import RenderOptions
from efipolicy.reporters.lint_machine import (
    error_name,
    error_span,
    error_text,
    legible,
)
from efipolicy.reporters.lint_summary import acceptance_text, counted

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

_OF_NO_INPUT = "efipolicy"
_ELSEWHERE = "what it found is reported by another rule"


def render_junit(report: Report, options: RenderOptions) -> str:
    """The XML, in ASCII. Time is 0: nothing of a report depends on how long it took.

    A case fails where the run does; findings of less than ``--fail-on`` are told in a passed one.
    """
    from xml.etree.ElementTree import Element, indent, tostring

    root = Element("testsuites", name="efipolicy")
    errors: dict[str, list[EfipolicyError]] = {}
    for error in report.errors:
        errors.setdefault(error.path or _OF_NO_INPUT, []).append(error)
    suites = _Suites(root, options.fail_on)
    for item in report.inputs:
        suites.add(item.path, _cases(item.findings, item), errors.pop(item.path, []), item)
    for path, findings in _by_path(report.configuration).items():
        suites.add(path, _cases(findings), errors.pop(path, []))
    for path, left in errors.items():
        suites.add(path, {}, left)
    _count(root)
    indent(root)
    text = tostring(root, encoding="us-ascii").decode("ascii")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'


def _by_path(findings: Iterable[ReportedFinding]) -> dict[str, list[ReportedFinding]]:
    paths: dict[str, list[ReportedFinding]] = {}
    for item in findings:
        paths.setdefault(item.path, []).append(item)
    return paths


class _Suites:
    """The suites so far; no two have one name, nor two of their cases."""

    def __init__(self, root: Element, fail_on: Severity) -> None:
        self.root = root
        self.fail_on = fail_on
        self.names: set[str] = set()

    def add(
        self,
        path: str,
        cases: dict[str, _Case],
        errors: list[EfipolicyError],
        item: InputReport | None = None,
    ) -> None:
        """Add the suite of an input, or of the configuration: first its errors, then its rules."""
        from xml.etree.ElementTree import SubElement

        name = self._new_name(legible(path))
        suite = SubElement(self.root, "testsuite", name=name)
        if item is not None:
            listed = SubElement(suite, "properties")
            for key, value in _properties(item):
                SubElement(listed, "property", name=key, value=value)
        file = legible(path)
        told: Counter[str] = Counter()
        for error in errors:
            kind, text = error_name(error), error_text(error)
            told[kind] += 1
            title = kind if told[kind] == 1 else f"{kind} ({told[kind]})"
            case = _element(suite, file, "efipolicy", title)
            span = error_span(error)
            place = f"{file}:{span.line}:{span.column}: " if span else ""
            SubElement(case, "error", type=kind, message=_attribute(text)).text = f"{place}{text}"
        for rule, judged in cases.items():
            judged.write(_element(suite, file, rule.partition("/")[0], rule), self.fail_on)

    def _new_name(self, path: str) -> str:
        """The path, with a number where standard input was given the name of another input."""
        name, number = path, 1
        while name in self.names:
            number += 1
            name = f"{path} ({number})"
        self.names.add(name)
        return name


def _element(suite: Element, file: str, group: str, name: str) -> Element:
    """A test case. Jenkins makes a package of a class name up to its last dot."""
    from xml.etree.ElementTree import SubElement

    names = {"classname": f"{suite.attrib['name']}.{legible(group)}", "name": legible(name)}
    return SubElement(suite, "testcase", names, file=file, time="0")


def _properties(item: InputReport) -> Iterator[tuple[str, str]]:
    yield "kind", item.kind
    if item.format:
        yield "format", legible(item.format)
    if item.platform:
        yield "platform", legible(item.platform.name)
        yield "architecture", legible(item.platform.architecture)
        yield "not_applicable", str(len(item.checked.not_applicable))


class _Case:
    """How one rule ended for one input."""

    def __init__(self) -> None:
        self.findings: list[ReportedFinding] = []
        self.accepted: list[ReportedFinding] = []
        self.skipped = ""

    def write(self, case: Element, fail_on: Severity) -> None:
        """Fail, skip or pass the case; what does not fail it is told in any case."""
        from xml.etree.ElementTree import SubElement

        told = []
        gravest = min((item.severity for item in self.findings), key=_rank, default=None)
        if gravest and gravest.rank <= fail_on.rank:
            first = self.findings[0]
            more = len(self.findings) - 1
            message = first.finding.message + (f" (and {more} more)" if more else "")
            failure = SubElement(
                case, "failure", type=gravest.value, message=_attribute(legible(message))
            )
            failure.text = legible("\n".join(self._lines()))
        elif self.findings:
            told = self._lines()
        elif self.accepted or self.skipped:
            reason = self.skipped
            if self.accepted:
                reason = f"{counted(len(self.accepted), 'finding')} accepted"
            SubElement(case, "skipped", message=_attribute(legible(reason)))
        told += [f"{_line(item)}\naccepted: {acceptance_text(item)}" for item in self.accepted]
        if told:
            SubElement(case, "system-out").text = legible("\n".join(told))

    def _lines(self) -> list[str]:
        first = self.findings[0]
        return [*map(_line, self.findings), f"To do: {first.help}", first.help_uri]


def _cases(
    findings: Iterable[ReportedFinding], item: InputReport | None = None
) -> dict[str, _Case]:
    """The rules that were judged or would have been, in the order of their ids."""
    cases: dict[str, _Case] = {}
    if item is not None:
        checked = item.checked
        cases = {rule: _Case() for rule in (*checked.passed, *checked.failed)}
        for rule in checked.failed:
            cases[rule].skipped = _ELSEWHERE  # unless there are findings
        for entry in checked.not_checked:
            cases.setdefault(entry.rule, _Case()).skipped = f"not checked: needs {entry.needs}"
    for found in findings:
        case = cases.setdefault(found.rule, _Case())
        (case.accepted if found.accepted else case.findings).append(found)
    return dict(sorted(cases.items()))


def _rank(severity: Severity) -> int:
    return severity.rank


def _line(item: ReportedFinding) -> str:
    place = f"{item.path}:{item.span.line}:{item.span.column}" if item.span else item.path
    return f"{place}: {item.severity.value}: {item.finding.message}"


def _attribute(text: str) -> str:
    """A text on one line: parsers make blanks of an attribute's lines."""
    return " ".join(text.split())


def _count(root: Element) -> None:
    """Write how many cases there are and how they ended, at each suite and at the root."""
    sums = dict.fromkeys(("tests", "failures", "errors", "skipped"), 0)
    for suite in root:
        cases = suite.findall("testcase")
        kinds = ("failure", "error", "skipped")
        ended = [sum(case.find(kind) is not None for case in cases) for kind in kinds]
        for name, number in zip(sums, [len(cases), *ended], strict=True):
            suite.set(name, str(number))
            sums[name] += number
        suite.set("time", "0")
    for name, number in sums.items():
        root.set(name, str(number))
    root.set("time", "0")
