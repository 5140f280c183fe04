"""``efi:rules``: the table of all rules, pack by pack, with what policies make of them."""

from __future__ import annotations

from functools import cache
from itertools import groupby

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

from efipolicy.api import selection_of
from efipolicy.drawing.notation import counted
from efipolicy.model.finding import Severity
from efipolicy.plugin import Rule
from efipolicy.policy import Selection
from efipolicy.sphinxext.domain import reference
from efipolicy.sphinxext.elements import severity_mark
from efipolicy.sphinxext.installed import registry
from efipolicy.sphinxext.parts import Cell, paragraph, separated, table

SHOWN_POLICIES = ("recommended", "uefi", "strict")
"""The policies whose severities stand beside the one a rule declares."""


class EfiRules(SphinxDirective):
    """``.. efi:rules::``: every installed rule by its pack, or those of the pack given."""

    optional_arguments = 1

    def run(self) -> list[nodes.Node]:
        """A table of rule, what it finds, and its severity by policy; a section a pack."""
        rules = sorted(registry().rules.values(), key=lambda rule: rule.id)
        if self.arguments:
            rules = [rule for rule in rules if rule.pack == self.arguments[0]]
            if not rules:
                raise self.error("no rule is installed in this pack")
            return [self._table(rules)]
        made: list[nodes.Node] = []
        for pack, members in groupby(rules, key=lambda rule: rule.pack):
            of_pack = list(members)
            anchor = nodes.make_id(f"pack {pack}")
            section = nodes.section("", nodes.title(pack, pack))
            section["ids"].append(anchor)
            section += paragraph(f"{counted(len(of_pack), 'rule')}.", classes=["ep-count"])
            section += self._table(of_pack)
            made.append(section)
        return made

    def _table(self, rules: list[Rule]) -> nodes.table:
        rows = [[*self._said(rule), *_severities(rule)] for rule in rules]
        policies = [name for name in SHOWN_POLICIES if name in registry().policies]
        heads = ("rule", "what it finds", *policies, "declared")
        return table(heads, rows, classes=["ep-rules"])

    def _said(self, rule: Rule) -> list[Cell]:
        parsed, messages = self.parse_inline(rule.summary)
        codes = [
            reference("requirement", code, nodes.Text(code), optional=True)
            for code in rule.requirements
        ]
        told: list[nodes.Node] = [*parsed, *messages]
        if codes:
            small = nodes.inline("", "", *separated(codes), classes=["ep-codes"])
            told += [nodes.Text(" "), small]
        return [reference("rule", rule.id), told]


def _severities(rule: Rule) -> list[Cell]:
    """What each policy makes of a rule, and what it declares itself."""
    given = [
        _selection(name).severity(rule) for name in SHOWN_POLICIES if name in registry().policies
    ]
    return [_mark(severity) for severity in (*given, rule.severity)]


def _mark(severity: Severity | None) -> Cell:
    if severity is None:
        return nodes.inline("", "off", classes=["ep-off"])
    return severity_mark(severity)


@cache
def _selection(policy: str) -> Selection:
    return selection_of(registry(), policies=[policy])
