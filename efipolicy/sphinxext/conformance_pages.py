"""``efi-conformance``: how platforms stand to each requirement."""

from __future__ import annotations

from collections import Counter

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.util.docutils import SphinxDirective

from efipolicy.model.finding import InputReport
from efipolicy.policy.conformance import Conformance, Outcome, conformance
from efipolicy.sphinxext.domain import reference
from efipolicy.sphinxext.installed import report_on, shipped_platforms
from efipolicy.sphinxext.parts import Cell, literal, paragraph, separated, table
from efipolicy.sphinxext.requirement_pages import covered_requirements

WORDS: dict[Outcome, str] = {
    "failed": "failed",
    "passed": "passed",
    "not-checked": "not checked",
    "not-applicable": "not applicable",
    "not-judged": "left out",
    "no-rule": "no rule",
}


class EfiConformance(SphinxDirective):
    """``.. efi-conformance:: [name-or-path …]``: a row a requirement, a column a platform.

    Without arguments the platforms are the reference platforms.
    """

    optional_arguments = 1
    final_argument_whitespace = True
    option_spec = {"policy": directives.unchanged_required}  # noqa: RUF012 - docutils reads it so

    def run(self) -> list[nodes.Node]:
        """How each platform fares in sum, and the table."""
        reports = [self._report(name) for name in self._names()]
        covered = covered_requirements().covered
        columns = [conformance(covered, report) for report in reports]
        names = [report.platform.name for report in reports if report.platform]
        made: list[nodes.Node] = [
            paragraph(f"{name}: {_sum(column)}.")
            for name, column in zip(names, columns, strict=True)
        ]
        rows = [
            [[literal(item.requirement.code), nodes.Text(f" {item.requirement.name}")], *cells]
            for item, *cells in zip(
                covered, *([_cell(one) for one in column] for column in columns), strict=True
            )
        ]
        made.append(table(("requirement", *names), rows, classes=["ep-conformance"]))
        return made

    def _names(self) -> list[str]:
        return self.arguments[0].split() if self.arguments else list(shipped_platforms())

    def _report(self, name: str) -> InputReport:
        path = shipped_platforms().get(name) or self.env.relfn2path(name)[1]
        self.env.note_dependency(path)
        report = report_on(path, self.options.get("policy", "strict"))
        if not report.inputs or report.inputs[0].platform is None:
            raise self.error("; ".join(str(error) for error in report.errors))
        return report.inputs[0]


def _sum(column: tuple[Conformance, ...]) -> str:
    counts = Counter(item.outcome for item in column)
    return ", ".join(f"{counts[key]} {word}" for key, word in WORDS.items() if counts[key])


def _cell(item: Conformance) -> Cell:
    word = WORDS[item.outcome]
    if item.outcome == "failed":
        links = separated(reference("rule", rule) for rule in item.rules)
        return [nodes.strong(word, word), nodes.Text(": "), *links]
    if item.needs:
        return [nodes.Text(f"{word}: needs "), nodes.Text("; ".join(item.needs))]
    return word
