"""``efi:conformance``: how platforms stand to each requirement."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.util.docutils import SphinxDirective

from efipolicy.model.finding import InputReport
from efipolicy.policy.conformance import Conformance, Outcome, conformance
from efipolicy.sphinxext.domain import reference
from efipolicy.sphinxext.installed import report_on, shipped_platforms
from efipolicy.sphinxext.parts import Cell, literal, separated, table
from efipolicy.sphinxext.requirement_pages import covered_requirements

WORDS: dict[Outcome, str] = {
    "failed": "failed",
    "noted": "noted",
    "passed": "passed",
    "not-checked": "not checked",
    "not-applicable": "n/a",
    "not-judged": "left out",
    "no-rule": "no rule",
}


class EfiConformance(SphinxDirective):
    """``.. efi:conformance:: [name-or-path …]``: a row a requirement, a column a platform.

    Without arguments the platforms are the reference platforms. ``:policy:`` is the policy that
    judges, ``strict`` without it.
    """

    optional_arguments = 1
    final_argument_whitespace = True
    option_spec = {"policy": directives.unchanged_required}  # noqa: RUF012 - docutils reads it so

    def run(self) -> list[nodes.Node]:
        """In sum, requirement by requirement, and what the files would have to say to be judged."""
        reports = [self._report(name) for name in self._names()]
        covered = covered_requirements().covered
        columns = [conformance(covered, report) for report in reports]
        names = [report.platform.name for report in reports if report.platform]
        return [
            _sums(names, columns),
            nodes.rubric("", "Requirement by requirement"),
            table(
                ("requirement", "what is right", *names),
                [
                    [
                        reference("requirement", item.requirement.code, optional=True),
                        item.requirement.name.replace("-", " "),
                        *(_cell(one) for one in outcomes),
                    ]
                    for item, *outcomes in zip(covered, *columns, strict=True)
                ],
                classes=["ep-conformance"],
            ),
            nodes.rubric("", "What would have to be stated"),
            _needs(names, columns),
        ]

    def _names(self) -> list[str]:
        return self.arguments[0].split() if self.arguments else list(shipped_platforms())

    def _report(self, name: str) -> InputReport:
        path = shipped_platforms().get(name) or self.env.relfn2path(name)[1]
        self.env.note_dependency(path)
        report = report_on(path, self.options.get("policy", "strict"))
        if not report.inputs or report.inputs[0].platform is None:
            raise self.error("; ".join(str(error) for error in report.errors))
        return report.inputs[0]


def _sums(names: Sequence[str], columns: Sequence[tuple[Conformance, ...]]) -> nodes.table:
    """How many requirements ended in each way, a row a platform."""
    counts = [Counter(item.outcome for item in column) for column in columns]
    shown = [outcome for outcome in WORDS if any(count[outcome] for count in counts)]
    return table(
        ("platform", *(WORDS[outcome] for outcome in shown)),
        [
            [
                reference("platform", name, nodes.Text(name), optional=True),
                *(str(count[outcome]) for outcome in shown),
            ]
            for name, count in zip(names, counts, strict=True)
        ],
    )


def _cell(item: Conformance) -> Cell:
    """One word; a failure leads to its rule, and what was not checked says what it needs."""
    word = WORDS[item.outcome]
    if item.outcome in ("failed", "noted"):
        return separated(_failures(word, item.rules), " ")
    if item.needs:
        return nodes.abbreviation(word, word, explanation=f"needs {'; '.join(item.needs)}")
    return word


def _failures(word: str, rules: Sequence[str]) -> Iterator[nodes.Node]:
    for place, rule in enumerate(rules):
        text = word if place == 0 else f"({place + 1})"
        bold = nodes.strong if word == WORDS["failed"] else nodes.inline
        yield reference("rule", rule, bold(text, text))


def _needs(names: Sequence[str], columns: Sequence[tuple[Conformance, ...]]) -> nodes.table:
    """Each fact that is missing, and how many requirements want it on which platform."""
    counts = [
        Counter(
            key for item in column for key in {k for need in item.needs for k in need.split(", ")}
        )
        for column in columns
    ]
    keys = sorted({key for count in counts for key in count}, key=lambda key: _weight(key, counts))
    return table(
        ("missing", *names),
        [[literal(key), *(str(count[key] or "") for count in counts)] for key in keys],
    )


def _weight(key: str, counts: Sequence[Counter[str]]) -> tuple[int, str]:
    """What the most requirements wait for comes first."""
    return -sum(count[key] for count in counts), key
