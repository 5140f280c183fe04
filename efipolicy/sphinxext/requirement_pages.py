"""``efi:requirements``: every requirement, who demands it, and which rules check it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from itertools import groupby
from typing import cast

from docutils import nodes
from sphinx.errors import ExtensionError
from sphinx.util.docutils import SphinxDirective

from efipolicy.policy.coverage import Coverage, Covered, citations_of, coverage
from efipolicy.policy.requirements import Requirement, load_requirements
from efipolicy.reporters.rules import STATE_WORDS, summary_line
from efipolicy.sphinxext.domain import EfipolicyDomain, reference
from efipolicy.sphinxext.elements import severity_mark
from efipolicy.sphinxext.installed import registry
from efipolicy.sphinxext.parts import Cell, inline, literal, paragraph, quoted, separated, table

_HEADS = ("code", "what is right", "level", "source", "state")


class EfiRequirements(SphinxDirective):
    """``.. efi:requirements::``: the registers of all installed plugins, a table a family."""

    def run(self) -> list[nodes.Node]:
        """How many are checked, and a section for each family of codes."""
        covered = covered_requirements().covered
        for path in registry().requirements:
            self.env.note_dependency(path)
        domain = cast(EfipolicyDomain, self.env.get_domain("efi"))
        for requirement, *_ in covered:
            anchor = requirement_anchor(requirement.code)
            domain.note("requirement", requirement.code, anchor=anchor, title=requirement.name)
        made: list[nodes.Node] = [paragraph(f"{summary_line(covered)}.")]
        for family, members in groupby(covered, key=lambda item: _family(item.requirement)):
            items = list(members)
            section = nodes.section("", nodes.title(family, family), ids=[f"family-{family}"])
            section += table(
                _HEADS,
                map(_row, items),
                row_ids=[requirement_anchor(item.requirement.code) for item in items],
                classes=["ep-requirements"],
            )
            made.append(section)
        return made


@cache
def covered_requirements() -> Coverage:
    """The installed requirements. Raises `ExtensionError` when a register is broken."""
    requirements, errors = load_requirements(registry().requirements)
    if errors:
        raise ExtensionError("; ".join(map(str, errors)), modname="efipolicy.sphinxext")
    return coverage(requirements, citations_of(registry()))


def requirement_anchor(code: str) -> str:
    """The anchor of a requirement on the page that lists it."""
    return str(nodes.make_id(f"requirement {code}"))


def _family(requirement: Requirement) -> str:
    return requirement.code.rpartition("-")[0]


def _row(item: Covered) -> list[Cell]:
    requirement = item.requirement
    return [
        literal(requirement.code),
        [literal(requirement.name), nodes.Text(": "), *quoted(requirement.statement)],
        [*inline(f"{requirement.level}, "), severity_mark(requirement.severity)],
        "; ".join(_source(requirement)),
        list(_state(item)),
    ]


def _source(requirement: Requirement) -> Iterator[str]:
    yield from requirement.source
    if requirement.since:
        yield f"since {requirement.since}"
    if requirement.changed:
        yield requirement.changed


def _state(item: Covered) -> Iterator[nodes.Node]:
    yield nodes.Text(STATE_WORDS[item.state])
    if item.state == "checked":
        yield nodes.Text(" by ")
        yield from separated(reference("rule", id) for id in item.by)
    elif item.by:
        yield nodes.Text(f" by {', '.join(item.by)}")
    if item.reason:
        yield nodes.Text(": ")
        yield from quoted(item.reason)
