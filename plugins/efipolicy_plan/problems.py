"""What a strategy itself says it cannot do, as findings about the memory it concerns."""

from __future__ import annotations

from collections.abc import Iterator

from efipolicy.plugin import (
    Finding,
    MappingDeclaration,
    MappingPlan,
    MemoryDescriptor,
    MemoryMap,
    Related,
)


def told_by(
    plan: MappingPlan, rule: str, memory_map: MemoryMap, declared: MappingDeclaration
) -> Iterator[Finding]:
    """A finding for each problem of a plan that names a rule, at the first descriptor it is about.

    The message is the strategy's own.
    """
    first: dict[int, MemoryDescriptor] = {}
    for descriptor in memory_map.descriptors:
        first.setdefault(descriptor.physical_start, descriptor)
    planned = (Related(declared, f"the mapping of {plan.strategy}"),)
    for problem in plan.problems:
        if problem.rule != rule:
            continue
        owner = first.get(problem.region.start) if problem.region else None
        if owner is None:
            yield Finding(declared, problem.message, problem.region, field="strategy")
        else:
            message = f"{owner.type_name} {problem.region}: {problem.message}"
            yield Finding(owner, message, problem.region, related=planned)
