"""``efi:rule``: the page of a rule."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from inspect import cleandoc
from typing import Any, Final, cast

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util.docutils import SphinxDirective

from efipolicy.plugin import Option, Rule
from efipolicy.plugin.rules import CONDITIONS, FACTS, Subject
from efipolicy.reporters.rule_page import acceptance_example, related_rules
from efipolicy.sphinxext import rule_examples
from efipolicy.sphinxext.domain import EfipolicyDomain, reference
from efipolicy.sphinxext.elements import severity_mark
from efipolicy.sphinxext.installed import registry, report_on, shipped_platforms
from efipolicy.sphinxext.parts import (
    Cell,
    fact_line,
    inline,
    literal,
    paragraph,
    quoted,
    separated,
    table,
)
from efipolicy.sphinxext.requirement_pages import covered_requirements
from efipolicy.testing.examples import ExampleError, RuleCase

SUBJECTS: dict[Subject, str] = {
    "map": "the memory map",
    "platform": "the platform",
    "mapping": "each declared mapping",
    "plan": "the plan of each mapping",
    "chain": "each kexec chain",
}
"""What a rule judges, in words."""

_FIXES = {
    "safe": "`efipolicy lint --fix` changes the declaration accordingly.",
    "unsafe": "`efipolicy lint --fix --unsafe` changes the declaration accordingly; whether the "
    "platform then does what is declared, only somebody who knows it can say.",
}
_SEEN: Final = "efipolicy-seen-on"
"""The key of a page's metadata under which stands which platforms it names, by rule."""

_ALWAYS_THERE = frozenset(("platform", "options"))
_NAMED_RULE = re.compile(r"``([a-z0-9_]+/[a-z0-9-]+)``")


class EfiRule(SphinxDirective):
    """``.. efi:rule:: pack/name``: everything the linter knows of one of its rules."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """The page, from its facts to where the fault was seen."""
        rule = registry().rules.get(self.arguments[0])
        if rule is None:
            raise self.error(f"no installed rule is called `{self.arguments[0]}`")
        self.env.note_dependency(rule.check.__code__.co_filename)
        domain = cast(EfipolicyDomain, self.env.get_domain("efi"))
        domain.note("rule", rule.id, anchor="", title=rule.summary)
        told = self.env.metadata[self.env.docname].setdefault(_SEEN, {})
        cast(dict[str, list[str]], told)[rule.id] = seen_on(rule)
        try:
            return [fact_line(*_facts(rule)), *self._parsed(rule, rule.summary), *self._rest(rule)]
        except ExampleError as problem:
            raise self.error(str(problem)) from problem

    def _rest(self, rule: Rule) -> list[nodes.Node]:
        failing, passing = rule_examples.cases_of(rule)
        body = cleandoc(rule.page).partition("\n")[2].strip()
        sections = [
            _section("Why it matters", self._parsed(rule, body)),
            _section("Where it is written", _sources(rule)),
            _section("What it needs", _needs(rule)),
            _section("Fails", rule_examples.failing(failing)),
            _section("Passes", rule_examples.passing(passing)),
            _section("What to do", _advice(rule)),
            _section("Options", _options(rule)),
            _section("Accept it", _acceptance(rule, failing)),
            _section("Related rules", self._related(rule)),
            _section("Requirements", _requirements(rule)),
            _section("Seen on", _seen_on(rule)),
        ]
        return [*rule_examples.excerpt(failing), *filter(None, sections)]

    def _parsed(self, rule: Rule, text: str) -> list[nodes.Node]:
        """Text of a rule, in which the names of other rules are links."""

        def link(match: re.Match[str]) -> str:
            name = match.group(1)
            known = name in registry().rules and name != rule.id
            return f":efi:rule:`{name}`" if known else match.group()

        made = self.parse_text_to_nodes(_NAMED_RULE.sub(link, text)) if text else []
        for block in (block for node in made for block in node.findall(nodes.literal_block)):
            block["language"] = "text"  # a drawing, not Python
            block["classes"].append("ep-code")
        return made

    def _related(self, rule: Rule) -> list[nodes.Node]:
        items = []
        for other in related_rules(rule, registry().rules.values()):
            parsed, messages = self.parse_inline(other.summary)
            told = [reference("rule", other.id), nodes.Text(": "), *parsed, *messages]
            items.append(nodes.list_item("", paragraph(told)))
        return [nodes.bullet_list("", *items)] if items else []


def _section(title: str, content: Sequence[nodes.Node]) -> nodes.section | None:
    """A section, unless there is nothing to put into it."""
    if not content:
        return None
    return nodes.section("", nodes.title(title, title), *content, ids=[nodes.make_id(title)])


def seen_on(rule: Rule) -> list[str]:
    """The shipped platforms on which the rule finds something under the default policy."""
    return [
        name
        for name, path in shipped_platforms().items()
        if any(finding.rule == rule.id for finding in report_on(path, "recommended").findings)
    ]


def outdated_rule_pages(
    _app: Sphinx, env: BuildEnvironment, _added: set[str], _changed: set[str], _removed: set[str]
) -> list[str]:
    """The pages of rules that are now seen on other platforms than those the page names.

    To depend on the files of platforms would write all pages of rules again for each of them.
    """
    pages = ((name, data.get(_SEEN)) for name, data in env.metadata.items())
    return [name for name, told in pages if told and _seen_elsewhere(cast(Any, told))]


def _seen_elsewhere(told: Mapping[str, list[str]]) -> bool:
    rules = registry().rules
    return any(id in rules and seen_on(rules[id]) != names for id, names in told.items())


def setup(app: Sphinx) -> None:
    """Keep the pages up to date."""
    app.connect("env-get-outdated", outdated_rule_pages)


def _seen_on(rule: Rule) -> list[nodes.Node]:
    names = seen_on(rule)
    return [paragraph(separated(reference("platform", name) for name in names))] if names else []


def _facts(rule: Rule) -> list[tuple[str, Cell]]:
    return [
        ("severity", severity_mark(rule.severity)),
        ("judges", SUBJECTS[rule.subject]),
        ("applies to", ", ".join(sorted(rule.architectures)) or "all architectures"),
        ("requirement", separated(map(_code, rule.requirements)) or "none"),
        ("since", rule.since),
    ]


def _code(code: str) -> nodes.Node:
    """A requirement's code, which leads to its row where the site lists requirements."""
    return reference("requirement", code, literal(code), optional=True)


def _sources(rule: Rule) -> list[nodes.Node]:
    items = [nodes.list_item("", paragraph(source)) for source in rule.sources]
    return [nodes.bullet_list("", *items)] if items else []


def _needs(rule: Rule) -> list[nodes.Node]:
    """What has to be stated for the rule to be judged at all."""
    known = [FACTS[fact] for fact in rule.facts if fact not in _ALWAYS_THERE]
    known += [_need(need) for need in rule.needs]
    if not known:
        return [paragraph("Nothing but the platform file itself.")]
    facts = separated(map(_label, dict.fromkeys(known)))
    told: list[nodes.Node] = [nodes.Text("It is "), nodes.emphasis("", "not checked")]
    told += [nodes.Text(", and never passed, where one of these is not stated: "), *facts]
    told.append(nodes.Text("."))
    if rule.optional_facts:
        also = separated(_label(FACTS[fact]) for fact in rule.optional_facts)
        told += [nodes.Text(" It tells more where these are: "), *also, nodes.Text(".")]
    return [paragraph(told)]


def _label(label: str) -> nodes.Node:
    """A key as a platform file has it, or what no key can say in words."""
    return literal(label) if " " not in label.replace(": ", "") else nodes.Text(label)


def _need(need: str) -> str:
    """What a user would have to write for something a rule needs."""
    if need in CONDITIONS:
        return CONDITIONS[need]
    fact, _, path = need.partition(".")
    return f"{'mapping[]' if fact == 'mapping' else FACTS[fact]}.{path}"


def _advice(rule: Rule) -> list[nodes.Node]:
    made: list[nodes.Node] = [paragraph(quoted(f"{rule.help[:1].upper()}{rule.help[1:]}."))]
    if rule.fix != "none":
        made.append(paragraph(quoted(_FIXES[rule.fix])))
    made.append(paragraph(f"Responsible: {rule.responsible.value}."))
    return made


def _options(rule: Rule) -> list[nodes.Node]:
    if not rule.options:
        return []
    rows = [_option(option) for option in rule.options]
    return [
        paragraph("A policy or the configuration sets them."),
        table(("option", "value", "default", "meaning"), rows),
    ]


def _option(option: Option) -> list[Cell]:
    kind: Cell = option.kind
    if option.choices:
        kind = separated((literal(choice) for choice in option.choices), " or ")
    default = "no limit" if option.default is None else literal(str(option.default))
    return [literal(option.name), kind, default, quoted(option.doc)]


def _acceptance(rule: Rule, failing: Sequence[RuleCase]) -> list[nodes.Node]:
    """How someone takes responsibility, at the address of the first failing example."""
    if rule.pack == "accept":
        return [paragraph("It is about acceptances, and cannot be accepted itself.")]
    regions = [
        region
        for case in failing[:1]
        for finding in case.findings()
        if (region := rule_examples.region_of(finding))
    ]
    lines = acceptance_example(rule).splitlines()
    place = next(place for place, line in enumerate(lines) if line.strip().startswith("at:"))
    lines[place : place + 1] = [f"    at: {region.start:#x}" for region in regions[:1]]
    said = (
        "Someone who takes responsibility for a finding says so in the platform file or the "
        "configuration, with a reason and, better, an owner and a last day:"
    )
    other = [
        literal(f"efipolicy lint --ignore {rule.id}"),
        *inline(
            " leaves the rule out of one run, and a policy sets its severity or turns it off for "
            "good."
        ),
    ]
    return [paragraph(said), rule_examples.code("yaml", "\n".join(lines)), paragraph(other)]


def _requirements(rule: Rule) -> list[nodes.Node]:
    """What is right, by the register, for each code the rule cites."""
    known = {item.requirement.code: item.requirement for item in covered_requirements().covered}
    rows: list[list[Cell]] = []
    for code in rule.requirements:
        requirement = known.get(code)
        if requirement is None:
            rows.append([_code(code), "in no installed register", ""])
        else:
            rows.append([_code(code), quoted(requirement.statement), requirement.level])
    return [table(("code", "what is right", "level"), rows)] if rows else []
