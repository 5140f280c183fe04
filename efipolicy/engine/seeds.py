"""Try a strategy whose layout follows from a seed with many of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from statistics import median_low

from efipolicy.engine.layout_checks import LayoutChecks, Placed
from efipolicy.engine.planning import PlanChoice, requested
from efipolicy.errors import UsageError
from efipolicy.model.mapping import MappingPlan, PlanProblem
from efipolicy.model.memory_map import MemoryDescriptor
from efipolicy.model.platform import Platform
from efipolicy.named_tuple import NamedTuple
from efipolicy.plugin import PlanRequest, SeededLayouts, Strategy
from efipolicy.plugin.calling import call, failure
from efipolicy.plugin.registry import Registry

SEED = "seed"
_HIGHEST_SEED = (1 << 64) - 1
_BETWEEN_REPORTS = 1000
"""Seeds between two reports of progress."""


class SeedFailure(NamedTuple):
    """A seed, and what its layout breaks."""

    seed: int
    problems: tuple[PlanProblem, ...]


class SeedsTried(NamedTuple):
    """What so many layouts came to, those of the seeds from ``first_seed`` on.

    ``headroom`` is the least, the median (of an even number the lower) and the most bytes from the
    end of a region to the end of the addresses that the page tables translate, below zero beyond
    it; ``None`` when no region is placed.
    """

    strategy: str
    first_seed: int
    seeds: int
    headroom: tuple[int, int, int] | None
    first_failure: SeedFailure | None


def try_seeds(
    platform: Platform,
    registry: Registry,
    choice: PlanChoice,
    seeds: int,
    *,
    progress: Callable[[int, int], None] | None = None,
) -> SeedsTried:
    """Make the layouts of so many seeds, from the one that the options give.

    Raises what `planning.plan` raises, and `UsageError` for a strategy that has no seed.
    ``progress`` is told how many layouts are made, and of how many.
    """
    strategy, request = requested(platform, registry, choice)
    first = _first_seed(strategy, request, seeds)
    checks = LayoutChecks(request)
    layouts = _layouts(strategy, request)
    rooms: list[int] = []
    failed: SeedFailure | None = None
    for done in range(seeds):
        if progress and not done % _BETWEEN_REPORTS:
            progress(done, seeds)
        placed = _layout(strategy, layouts, first + done)
        room, sound = checks.judged(placed)
        if room is not None:
            rooms.append(room)
        if not sound and failed is None:
            failed = _failure(strategy, request, first + done, checks.problems(placed))
    if progress:
        progress(seeds, seeds)
    headroom = (min(rooms), median_low(rooms), max(rooms)) if rooms else None
    return SeedsTried(strategy.name, first, seeds, headroom, failed)


def _first_seed(strategy: Strategy, request: PlanRequest, seeds: int) -> int:
    if all(option.name != SEED for option in strategy.options):
        raise UsageError(f"--seeds: {strategy.name} has no option `{SEED}`, its layout is one")
    first: int = request.options[SEED]
    if first + seeds - 1 > _HIGHEST_SEED:
        raise UsageError(f"--seeds {seeds}: from {first:#x} on there are not so many 64-bit seeds")
    return first


def _layouts(strategy: Strategy, request: PlanRequest) -> SeededLayouts:
    """The strategy's own short way to a layout, else the one through its plans."""
    if strategy.layouts:
        try:
            return strategy.layouts(request)
        except Exception as problem:
            raise failure(f"strategy {strategy.name}", problem) from problem
    descriptors = {each.index: each for each in request.platform.memory_map.descriptors}

    def planned(seed: int) -> Iterable[Placed]:
        return list(_regions(_plan(strategy, request, seed), descriptors))

    return planned


def _layout(strategy: Strategy, layouts: SeededLayouts, seed: int) -> list[Placed]:
    try:
        return list(layouts(seed))
    except Exception as problem:
        raise failure(f"strategy {strategy.name}, seed {seed},", problem) from problem


def _plan(strategy: Strategy, request: PlanRequest, seed: int) -> MappingPlan:
    options = {**request.options, SEED: seed}
    made: MappingPlan = call(
        f"strategy {strategy.name}",
        strategy.plan,
        request._replace(options=options),
        gives=MappingPlan,
    )
    return made


def _regions(made: MappingPlan, descriptors: dict[int, MemoryDescriptor]) -> Iterator[Placed]:
    """The regions of a plan, each by itself where some were merged."""
    for mapping in made.mappings:
        start = mapping.virtual_start
        for index in mapping.descriptors:
            if index in descriptors:
                one = descriptors[index]
                offset = one.physical_start - mapping.physical.start
                yield one, None if start is None else start + offset


def _failure(
    strategy: Strategy, request: PlanRequest, seed: int, found: list[PlanProblem]
) -> SeedFailure | None:
    """The problems that the strategy itself sees, and those found beside them."""
    own = _plan(strategy, request, seed).problems
    known = {(problem.rule, problem.region) for problem in own}
    beside = [problem for problem in found if (problem.rule, problem.region) not in known]
    return SeedFailure(seed, (*own, *beside)) if own or beside else None
