"""``efi:policies``, ``efi:policy-format``: what the policies say, and what may be said in one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.util.docutils import SphinxDirective

from efipolicy.formats.platform import ACCEPTANCE
from efipolicy.model.finding import Severity
from efipolicy.named_tuple import NamedTuple
from efipolicy.plugin import Rule
from efipolicy.policy import Policy, Selection, load_policy
from efipolicy.policy.choosing import DEFAULT_POLICY
from efipolicy.policy.configuration import configuration_file
from efipolicy.policy.loading import policy_file
from efipolicy.source.shape import Record
from efipolicy.sphinxext.domain import reference
from efipolicy.sphinxext.elements import severity_mark
from efipolicy.sphinxext.installed import registry
from efipolicy.sphinxext.parts import Cell, inline, literal, paragraph, separated, table

_LITERAL = re.compile(r"`([^`]*)`")


class EfiPolicies(SphinxDirective):
    """``.. efi:policies::``: every installed policy: what it turns on, off, pins and sets."""

    def run(self) -> list[nodes.Node]:
        """A table of all, and a section for each."""
        policies = installed_policies()
        for path in registry().policies.values():
            self.env.note_dependency(path)
        heads = ("policy", "what it is", *(s.value for s in Severity), "off", "pinned")
        made: list[nodes.Node] = [
            table(heads, [_counts(policy) for policy in policies], classes=["ep-policies"])
        ]
        return [*made, *map(_section, policies)]


class EfiPolicyFormat(SphinxDirective):
    """``.. efi:policy-format:: policy``: the keys of a policy, or of the ``configuration``."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """A table of the keys."""
        kind = directives.choice(self.arguments[0], ("policy", "configuration"))
        record = policy_file() if kind == "policy" else configuration_file(ACCEPTANCE)
        return [table(("key", "value", "meaning"), _keys(record), classes=["ep-keys"])]


def installed_policies() -> list[Policy]:
    """The policies of all plugins, the default one first, then by name."""
    paths = registry().policies
    names = sorted(paths, key=lambda name: (name != DEFAULT_POLICY, name))
    return [load_policy(name, paths) for name in names]


def policy_anchor(name: str) -> str:
    """The anchor of a policy on the page that lists them."""
    return str(nodes.make_id(f"policy {name}"))


def _keys(record: Record) -> Iterator[list[Cell]]:
    for field in record.fields.values():
        key = [literal(field.name), *inline(" (required)" if field.required else "")]
        yield [key, _said(field.shape.phrase), _said(field.doc)]


def _said(text: str) -> list[nodes.Node]:
    """A phrase of an error message as text: what is quoted is literal."""
    parts = enumerate(_LITERAL.split(text))
    return [literal(part) if place % 2 else nodes.Text(part) for place, part in parts if part]


def _counts(policy: Policy) -> list[Cell]:
    selection = Selection([policy])
    found = [selection.severity(rule) for rule in registry().rules.values()]
    pinned = sum(1 for rule in registry().rules.values() if selection.pinned(rule))
    anchor = policy_anchor(policy.name)
    link = nodes.reference("", "", literal(policy.name), internal=True, refid=anchor)
    counts = [str(found.count(severity)) for severity in (*Severity, None)]
    return [link, policy.summary, *counts, str(pinned)]


class _Change(NamedTuple):
    """What a policy makes of a rule, beside what would be without it."""

    rule: Rule
    before: Severity | None
    after: Severity | None
    pinned: bool
    options: tuple[tuple[str, str], ...]


def _section(policy: Policy) -> nodes.section:
    title = nodes.title("", "", literal(policy.name))
    section = nodes.section("", title, ids=[policy_anchor(policy.name)])
    section += paragraph(f"{policy.summary}.")
    section += paragraph(_base(policy))
    for head, items in _groups(list(_changes(policy))):
        section += paragraph([nodes.strong(head, head), nodes.Text(": "), *items])
    return section


def _base(policy: Policy) -> list[nodes.Node]:
    """What a policy starts from, in a sentence."""
    if not policy.extends:
        return inline("It starts from what each rule declares.")
    bases = [
        nodes.reference("", "", literal(name), internal=True, refid=policy_anchor(name))
        for name in policy.extends
    ]
    return [nodes.Text("It adds to "), *separated(bases), nodes.Text(":")]


def _changes(policy: Policy) -> Iterator[_Change]:
    """The rules of which a policy says something else than what it extends."""
    paths = registry().policies
    base = Selection([load_policy(name, paths) for name in policy.extends])
    selection = Selection([policy])
    for rule in registry().rules.values():
        before, after = base.resolved(rule), selection.resolved(rule)
        options = tuple(
            (name, node.span.text)
            for name, (_, node) in after.options.items()
            if name not in before.options or before.options[name][1].span.text != node.span.text
        )
        pinned = after.pinned is not None and before.pinned is None
        if before.severity is not after.severity or pinned or options:
            yield _Change(rule, before.severity, after.severity, pinned, options)


def _groups(changes: list[_Change]) -> Iterator[tuple[str, list[nodes.Node]]]:
    """What a policy changes, under a heading each, where there is anything."""
    changed = [change for change in changes if change.before is not change.after]
    kept = [change for change in changed if change.before and change.after]
    groups: list[tuple[str, Iterable[nodes.Node]]] = [
        ("Turns on", (_marked(c) for c in changed if not c.before)),
        ("Raises", (_marked(c) for c in kept if _rank(c.after) < _rank(c.before))),
        ("Lowers", (_marked(c) for c in kept if _rank(c.after) > _rank(c.before))),
        ("Sets", (_option(c, *option) for c in changes for option in c.options)),
        ("Turns off", (reference("rule", c.rule.id) for c in changed if not c.after)),
        ("Pins", (reference("rule", c.rule.id) for c in changes if c.pinned)),
    ]
    for head, items in groups:
        listed = list(items)
        if listed:
            yield head, separated(listed)


def _rank(severity: Severity | None) -> int:
    return severity.rank if severity else len(Severity)


def _marked(change: _Change) -> nodes.Node:
    assert change.after
    mark = severity_mark(change.after)
    return nodes.inline("", "", reference("rule", change.rule.id), nodes.Text(" "), mark)


def _option(change: _Change, name: str, value: str) -> nodes.Node:
    setting = literal(f"{name}: {value}")
    return nodes.inline("", "", reference("rule", change.rule.id), nodes.Text(" "), setting)
