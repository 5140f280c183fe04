"""Every fix that an example of a rule shows, in every way its file can be written."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest
from ruamel.yaml import YAML
from ruamel.yaml.scalarint import HexInt

from efipolicy.engine.fixing import Fixing, fix
from efipolicy.engine.linting import lint
from efipolicy.engine.planning import planner_of
from efipolicy.formats.platform import read_platform
from efipolicy.model.finding import InputReport, Report
from efipolicy.model.platform import Platform
from efipolicy.plugin import Bad, RenderOptions
from efipolicy.plugin.registry import Registry
from efipolicy.policy import Selection
from efipolicy.reporters.lint_json import render_json
from efipolicy.source import SourceText
from efipolicy.testing.examples import EXAMPLE_DAY, RuleCase, examples_of
from efipolicy.testing.shown import example_yaml

CASES = [
    case
    for case in examples_of()
    if case.rule.fix != "none"
    and isinstance(case.example, Bad)
    and read_platform(SourceText("p.yaml", example_yaml(case.platform, case.example)))[0]
]


def written_in_every_way(text: str) -> Iterator[str]:
    """The same file in other styles: line ends, comments, blocks, JSON."""
    yield text
    yield text.replace("\n", "\r\n")
    yield text.rstrip("\n")
    yield re.sub(
        r"(?m)^(\s*[^\s#].*)$",
        "\\1   # caf\N{LATIN SMALL LETTER E WITH ACUTE} \N{GRINNING FACE}",
        text,
    )
    value = YAML(typ="safe", pure=True).load(re.sub(r"(until: )([\d-]+)", r'\1"\2"', text))
    yield json.dumps(value, indent=2)
    yield json.dumps(value)
    block = StringIO()
    yaml = YAML()
    yaml.default_flow_style = False
    yaml.dump(in_hexadecimal(value), block)
    yield block.getvalue()


def in_hexadecimal(value: Any) -> Any:
    """Large numbers as `0x0000_0000_7e00_0000`."""
    if isinstance(value, dict):
        return {key: in_hexadecimal(item) for key, item in value.items()}
    if isinstance(value, list):
        return [in_hexadecimal(item) for item in value]
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0x1000:
        return HexInt(value, width=16, underscore=[4, False, False])
    return value


class Linter:
    """Judges a text by the rule of an example alone."""

    def __init__(self, case: RuleCase, registry: Registry) -> None:
        self.case = case
        self.registry = registry

    def judge(self, platform: Platform) -> InputReport:
        report, errors = lint(
            platform,
            [self.case.rule],
            self.registry.architectures,
            Selection(()),
            path="p.yaml",
            today=EXAMPLE_DAY,
            planner=planner_of(platform, self.registry, []),
        )
        assert errors == []
        return report

    def report(self, text: str) -> InputReport:
        platform, errors = read_platform(SourceText("p.yaml", text))
        assert platform is not None, errors
        return self.judge(platform)

    def fixed(self, text: str) -> Fixing:
        return fix(self.report(text), self.judge, unsafe=True)

    def told_edits(self, text: str) -> list[list[dict[str, Any]]]:
        """The edits of each finding as a program reads them in the JSON report."""
        report = Report((self.report(text),), (), EXAMPLE_DAY)
        findings = json.loads(render_json(report, RenderOptions()))["findings"]
        return [item["fix"]["edits"] for item in findings if item["fix"]]


def applied(text: str, edits: list[dict[str, Any]]) -> str:
    """What somebody else's twenty lines make of the edits in a report."""
    starts = [0, *(match.end() for match in re.finditer("\n", text))]

    def offset(line: int, column: int) -> int:
        return starts[line - 1] + column - 1

    for edit in sorted(edits, key=lambda edit: (edit["line"], edit["column"]), reverse=True):
        first = offset(edit["line"], edit["column"])
        last = offset(edit["end_line"], edit["end_column"])
        text = text[:first] + edit["replacement"] + text[last:]
    return text


@pytest.mark.parametrize("case", CASES, ids=str)
def test_what_the_report_tells_is_what_is_done_and_done_once(
    case: RuleCase, registry: Registry
) -> None:
    linter = Linter(case, registry)
    for text in written_in_every_way(example_yaml(case.platform, case.example)):
        outcome = linter.fixed(text)
        assert outcome.refusals == ()
        by_hand = text
        while edits := linter.told_edits(by_hand):
            by_hand = applied(by_hand, edits[0])
        assert by_hand == outcome.text
        again = linter.fixed(outcome.text)
        assert (again.text, again.fixed) == (outcome.text, 0)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_nothing_but_dropped_lines_loses_its_comment(case: RuleCase, registry: Registry) -> None:
    text = example_yaml(case.platform, case.example)
    marked = "".join(
        f"{line}  # {number}\n" if line.strip() and "#" not in line else f"{line}\n"
        for number, line in enumerate(text.splitlines())
    )
    fixed = Linter(case, registry).fixed(marked).text
    lost = set(re.findall(r"# \d+", marked)) - set(re.findall(r"# \d+", fixed))
    assert len(lost) <= max(0, marked.count("\n") - fixed.count("\n"))
