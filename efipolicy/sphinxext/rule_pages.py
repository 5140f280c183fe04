"""``efi-rule`` and ``efi-rules``: the page of a rule, and the table of all of them."""

from __future__ import annotations

from inspect import cleandoc
from typing import cast

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

from efipolicy.drawing.findings import DrawnFinding
from efipolicy.drawing.memory_map import memory_map_excerpt_svg
from efipolicy.plugin import Bad, Rule
from efipolicy.reporters.rule_page import acceptance_example, option_text, related_rules
from efipolicy.sphinxext.domain import EfipolicyDomain, reference
from efipolicy.sphinxext.elements import efi_figure, severity_mark
from efipolicy.sphinxext.installed import pills, registry, report_on, shipped_platforms
from efipolicy.sphinxext.parts import Cell, fact_line, literal, paragraph, separated, table
from efipolicy.testing.examples import ExampleError, examples_of
from efipolicy.testing.shown import ShownExample, shown_example

_FIXES = {
    "safe": "``efipolicy lint --fix`` changes the declaration accordingly.",
    "unsafe": "``efipolicy lint --fix --unsafe`` changes the declaration accordingly; whether the "
    "platform then does what is declared, only somebody who knows it can say.",
}


class EfiRule(SphinxDirective):
    """``.. efi-rule:: pack/name``: everything the linter knows of one of its rules."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """The page, from its facts to where the fault was seen."""
        rule = registry().rules.get(self.arguments[0])
        if rule is None:
            raise self.error(f"no installed rule is called `{self.arguments[0]}`")
        self.env.note_dependency(rule.check.__code__.co_filename)
        domain = cast(EfipolicyDomain, self.env.get_domain("efi"))
        domain.note("rule", rule.id, anchor="", title=rule.summary)
        try:
            excerpt, text = _excerpt(rule), _text(rule)
        except ExampleError as problem:
            raise self.error(str(problem)) from problem
        return [
            fact_line(*_facts(rule)),
            *self.parse_text_to_nodes(rule.summary),
            *excerpt,
            *self.parse_text_to_nodes(text, allow_section_headings=True),
            *self._seen_on(rule),
        ]

    def _seen_on(self, rule: Rule) -> list[nodes.Node]:
        names = seen_on(rule)
        if not names:
            return []
        section = nodes.section("", nodes.title("", "Seen on"), ids=["seen-on"])
        section += paragraph(separated(reference("platform", name) for name in names))
        return [section]


class EfiRules(SphinxDirective):
    """``.. efi-rules::``: every installed rule, or those of the pack given."""

    optional_arguments = 1

    def run(self) -> list[nodes.Node]:
        """A table of severity, rule, and what it finds."""
        rules = [
            rule
            for rule in sorted(registry().rules.values(), key=lambda rule: rule.id)
            if not self.arguments or rule.pack == self.arguments[0]
        ]
        if not rules:
            raise self.error("no rule is installed in this pack")
        rows: list[list[Cell]] = [
            [
                severity_mark(rule.severity),
                reference("rule", rule.id),
                ", ".join(rule.requirements),
                _inline(self, rule.summary),
            ]
            for rule in rules
        ]
        heads = ("severity", "rule", "requirement", "what it finds")
        return [table(heads, rows, classes=["ep-rules"])]


def _inline(directive: SphinxDirective, text: str) -> list[nodes.Node]:
    parsed, messages = directive.parse_inline(text)
    return [*parsed, *messages]


def seen_on(rule: Rule) -> list[str]:
    """The shipped platforms on which the rule finds something under the strictest policy."""
    return [
        name
        for name, path in shipped_platforms().items()
        if any(finding.rule == rule.id for finding in report_on(path, "recommended").findings)
    ]


def _facts(rule: Rule) -> list[tuple[str, Cell]]:
    architectures = ", ".join(sorted(rule.architectures)) or "all architectures"
    return [
        ("severity", severity_mark(rule.severity)),
        ("applies to", architectures),
        ("since", rule.since),
        ("source", "; ".join(rule.sources) or "none"),
        ("requirement", separated(literal(code) for code in rule.requirements) or "none"),
    ]


def _excerpt(rule: Rule) -> list[nodes.Node]:
    """The offending row of the first example among its neighbours."""
    for case in examples_of([rule], architectures=registry().architectures):
        platform = case.platform
        if not isinstance(case.example, Bad) or not platform.memory_map.descriptors:
            continue
        places = {id(entry): entry.index for entry in platform.memory_map.descriptors}
        found = [finding for finding in case.findings(platform) if id(finding.subject) in places]
        if not found:
            continue
        figure = rule.id.replace("/", "-")
        drawn = [
            DrawnFinding(
                severity=rule.severity,
                rule=rule.id,
                code=pills()[rule.id],
                message=finding.message,
                index=places[id(finding.subject)],
            )
            for finding in found
        ]
        svg = memory_map_excerpt_svg(
            platform.memory_map,
            figure_id=f"mm-{figure}",
            title=f"What {rule.id} finds",
            findings=drawn,
            memory_attributes_table=platform.memory_attributes_table,
        )
        return [efi_figure(svg=svg, label=f"Memory map: what {rule.id} finds")]
    return []


def _text(rule: Rule) -> str:
    """The rest of the page as reStructuredText."""
    shown = [
        shown_example(case, registry())
        for case in examples_of([rule], architectures=registry().architectures)
    ]
    body = cleandoc(rule.page).partition("\n")[2].strip()
    parts = [_heading("Why it matters"), body or "The sentence above says it all."]
    parts += [_heading("Fails"), *(_example(example) for example in shown if example.fails)]
    parts += [_heading("Passes"), *(_example(example) for example in shown if not example.fails)]
    parts += [_heading("What to do"), f"{rule.help[:1].upper()}{rule.help[1:]}."]
    if rule.fix != "none":
        parts.append(_FIXES[rule.fix])
    if rule.options:
        parts += [_heading("Options"), *(f"``{option_text(option)}``" for option in rule.options)]
    parts += [_heading("Accept it"), _acceptance(rule)]
    related = related_rules(rule, registry().rules.values())
    if related:
        parts += [
            _heading("Related rules"),
            "\n".join(f"* :efi:rule:`{other.id}`: {other.summary}" for other in related),
        ]
    return "\n\n".join(parts) + "\n"


def _heading(text: str) -> str:
    return f"{text}\n{'-' * len(text)}"


def _example(example: ShownExample) -> str:
    parts = [_block("text" if example.yaml is None else "yaml", example.text)]
    if example.output:
        parts.append(_block("text", example.output))
    elif not example.fails:
        parts.append("The linter says nothing of it.")
    return "\n\n".join(parts)


def _block(language: str, text: str) -> str:
    body = "\n".join(f"   {line}".rstrip() for line in text.rstrip("\n").splitlines())
    return f".. code-block:: {language}\n   :class: ep-code\n\n{body}"


def _acceptance(rule: Rule) -> str:
    said = (
        "Someone who takes responsibility for a finding says so in the platform file, with a "
        "reason and, better, an owner and a last day:"
    )
    other = (
        f"``efipolicy lint --ignore {rule.id}`` leaves the rule out of one run, and a policy sets "
        "its severity or turns it off for good."
    )
    return f"{said}\n\n{_block('yaml', acceptance_example(rule))}\n\n{other}"
