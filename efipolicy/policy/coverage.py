"""Which rules check a requirement, and where registers and rules do not fit together.

It is derived from the codes that rules cite, so that nobody has to keep it true by hand.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, Literal, TypeAlias

from efipolicy.named_tuple import NamedTuple
from efipolicy.plugin import Architecture, Rule
from efipolicy.plugin.registry import Registry
from efipolicy.policy.requirements import Requirement

State: TypeAlias = Literal["checked", "modelled", "not-checkable"]

RUNTIME_GRANULARITY: Final = "UEFI-RT-005"
ACPI_GRANULARITY: Final = "UEFI-RT-006"


class Citation(NamedTuple):
    """A rule checks a requirement; ``distribution`` is whose word that is."""

    code: str
    rule: str
    distribution: str


class Covered(NamedTuple):
    """A requirement with what checks it: rules, or what models it.

    ``state`` is ``None`` where neither a rule nor the register has anything to say.
    """

    requirement: Requirement
    state: State | None
    by: tuple[str, ...] = ()
    reason: str | None = None


class Coverage(NamedTuple):
    """Every requirement with what checks it, and where registers and rules do not fit."""

    covered: tuple[Covered, ...]
    problems: tuple[str, ...] = ()


def citations_of(registry: Registry) -> tuple[Citation, ...]:
    """What the installed rules check, by the codes they cite and those of the architectures.

    The unit of runtime and ACPI memory is a datum of an architecture, with a code of its own that
    the rules citing the general code report (UEFI 2.10, 2.3.2 to 2.3.8).
    """
    found: dict[Citation, None] = {}
    for rule in registry.rules.values():
        owner = registry.owner("rules", rule.id).entry_point.distribution
        found |= dict.fromkeys(Citation(code, rule.id, owner) for code in rule.requirements)
        for architecture in registry.architectures.values():
            teller = registry.owner("architectures", architecture.name).entry_point.distribution
            codes = _codes_of_units(rule, architecture)
            found |= dict.fromkeys(Citation(code, rule.id, teller) for code in codes)
    return tuple(found)


def _codes_of_units(rule: Rule, architecture: Architecture) -> Iterator[str]:
    if "architecture" in (*rule.facts, *rule.optional_facts):
        if RUNTIME_GRANULARITY in rule.requirements:
            yield architecture.runtime_granularity.requirement
        if ACPI_GRANULARITY in rule.requirements:
            yield architecture.acpi_granularity.requirement


def coverage(requirements: Iterable[Requirement], citations: Iterable[Citation]) -> Coverage:
    """Join registers and rules.

    A rule that checks what its own distribution calls modelled or not checkable is a problem;
    another distribution's rule closes a gap that the register told of.
    """
    cited: dict[str, list[Citation]] = {}
    for citation in citations:
        cited.setdefault(citation.code, []).append(citation)
    covered = tuple(
        _covered(requirement, cited.get(requirement.code, ())) for requirement in requirements
    )
    known = {item.requirement.code for item in covered}
    problems = [
        f"{citation.rule} cites {code}, which no register states"
        for code, found in cited.items()
        for citation in found
        if code not in known
    ]
    for item in covered:
        problems += _contradictions(item.requirement, cited.get(item.requirement.code, ()))
    forgotten = [item.requirement.code for item in covered if item.state is None]
    if forgotten:
        problems.append(f"no rule checks {', '.join(forgotten)}, and no register says why")
    return Coverage(covered, tuple(problems))


def _covered(requirement: Requirement, cited: Iterable[Citation]) -> Covered:
    rules = tuple(dict.fromkeys(citation.rule for citation in cited))
    if rules:
        return Covered(requirement, "checked", rules)
    if requirement.modelled:
        return Covered(requirement, "modelled", *requirement.modelled)
    if requirement.not_checkable:
        return Covered(requirement, "not-checkable", reason=requirement.not_checkable)
    return Covered(requirement, None)


def _contradictions(requirement: Requirement, cited: Iterable[Citation]) -> Iterator[str]:
    word = "modelled" if requirement.modelled else "not checkable"
    if requirement.modelled or requirement.not_checkable:
        for citation in cited:
            if citation.distribution == requirement.distribution:
                yield f"{citation.rule} checks {requirement.code}, which is declared {word}"
