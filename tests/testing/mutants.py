"""Deliberately wrong contributions, each somebody's mistake, and what they break."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import count
from typing import Any

from efipolicy.plugin import (
    Architecture,
    Mapping,
    MappingPlan,
    PlanProblem,
    PlanRequest,
    RuntimeCall,
    Strategy,
    VirtualMapEntry,
)
from efipolicy.plugin.registry import Registry

TOP = 0xFFFF_FFFF_0000_0000
PAGE = 0x1000


def flat(request: PlanRequest) -> MappingPlan:
    """A strategy that is right: runtime regions from -4 GiB down, in ascending physical order."""
    at = TOP
    mappings = []
    problems = []
    for one in sorted(request.platform.memory_map.runtime, key=lambda one: one.physical):
        if at - one.physical.size < 1 << 63 | 1 << 62:
            problems.append(PlanProblem("acme/full", "no room", one.physical))
            continue
        at -= one.physical.size
        at -= (at - one.physical.start) % request.geometry.page_size
        mappings.append(Mapping(one.physical, at, one.type, "RWX", "WB", True, (one.index,)))
    return MappingPlan(
        strategy="flat",
        options=dict(request.options),
        status="impossible" if problems else "ok",
        mappings=tuple(mappings),
        extra=(),
        svam=tuple(map(told, mappings)),
        call=RuntimeCall("CR3", "nothing else"),
        problems=tuple(problems),
    )


def told(mapping: Mapping) -> VirtualMapEntry:
    pages = mapping.physical.size // PAGE
    runtime = 1 << 63
    return VirtualMapEntry(
        mapping.physical.start, mapping.virtual_start, pages, mapping.type, runtime
    )


def strategy(plan: Callable[[PlanRequest], MappingPlan], **more: Any) -> Strategy:
    return Strategy(
        name="flat", title="Flat", architectures=frozenset({"x86_64"}), plan=plan, **more
    )


RIGHT = strategy(flat)


def changed(change: Callable[[MappingPlan], MappingPlan]) -> Strategy:
    """The right strategy with its plan changed afterwards."""
    return strategy(lambda request: change(flat(request)))


def moved(plan: MappingPlan, by: int, *, tell: bool) -> MappingPlan:
    """The last mapping somewhere else."""
    if not plan.mappings:
        return plan
    *before, last = plan.mappings
    last = last._replace(virtual_start=(last.virtual_start or 0) + by)
    mappings = (*before, last)
    return plan._replace(mappings=mappings, svam=tuple(map(told, mappings)) if tell else plan.svam)


def shortened(plan: MappingPlan) -> MappingPlan:
    """Every mapping a page too short."""
    return plan._replace(
        mappings=tuple(
            one._replace(physical=one.physical._replace(end=one.physical.end - PAGE))
            for one in plan.mappings
            if one.physical.size > PAGE
        )
    )


def dropped(plan: MappingPlan) -> MappingPlan:
    return plan._replace(mappings=plan.mappings[1:], svam=(plan.svam or ())[1:])


def with_first(plan: MappingPlan, **fields: Any) -> MappingPlan:
    if not plan.mappings:
        return plan
    return plan._replace(mappings=(plan.mappings[0]._replace(**fields), *plan.mappings[1:]))


def in_map_order(request: PlanRequest) -> MappingPlan:
    """The right strategy that forgets to sort."""
    at, mappings = TOP, []
    for one in request.platform.memory_map.runtime:
        if at - one.physical.size < 1 << 63 | 1 << 62:
            return flat(request)
        at -= one.physical.size
        mappings.append(Mapping(one.physical, at, one.type, "RWX", "WB", True, (one.index,)))
    return flat(request)._replace(mappings=tuple(mappings), svam=None)


def counting() -> Callable[[PlanRequest], MappingPlan]:
    """A strategy that remembers how often it was asked."""
    asked = count()
    return lambda request: moved(flat(request), -next(asked) * PAGE, tell=True)


def clearing(request: PlanRequest) -> MappingPlan:
    """A strategy that writes into what it is given."""
    request.options["seen"] = True  # type: ignore[index]
    return flat(request)


def raising(request: PlanRequest) -> MappingPlan:
    """A strategy that trips over a map without runtime regions."""
    max(one.physical_start for one in request.platform.memory_map.runtime)
    return flat(request)


X86_64 = Registry().architectures["x86_64"]
FOUR_LEVEL = X86_64.geometries[PAGE][0]


def wrong_levels(change: Callable[[Any], Any]) -> Architecture:
    """x86-64 with its first tables changed."""
    return replace(X86_64, geometries={PAGE: (change(FOUR_LEVEL),)})


def wrong_entries(change: Callable[[Any], Any]) -> Architecture:
    """x86-64 with other entries."""
    lay = X86_64.entry_formats
    assert lay
    only = {PAGE: (FOUR_LEVEL,)}
    return replace(X86_64, geometries=only, entry_formats=lambda tree: change(lay(tree)))


def with_leaf(formats: Any, level: str, **fields: Any) -> Any:
    """The formats with the leaf of a level changed."""
    leaf = formats.leaves[level]._replace(**fields)
    return formats._replace(leaves={**formats.leaves, level: leaf})


def broken(suite: type[Any], only: str | None = None) -> set[str]:
    """The tests of a suite that fail, all of them or one, run as pytest would run them."""
    failing = set()
    instance = suite()
    for name in [only] if only else dir(suite):
        if not name.startswith("test_") or name == "test_hash_seeds_change_nothing":
            continue
        test = getattr(instance, name)
        arguments = test.__code__.co_varnames[1 : test.__code__.co_argcount]
        cases = instance.cases(arguments[0]) if arguments else [None]
        for case in cases:
            try:
                test(*([case] if arguments else []))
            except (AssertionError, LookupError, TypeError, ValueError):
                failing.add(name)
                break
    return failing
