"""Every strategy that fits a platform, with every page size and address width."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from operator import attrgetter
from typing import TYPE_CHECKING

from efipolicy.engine.kexec import verdict_to_itself
from efipolicy.engine.planned import Planned
from efipolicy.engine.planning import PlanChoice, planned
from efipolicy.errors import PluginError, UsageError
from efipolicy.model.mapping import Mapping as PlannedMapping
from efipolicy.model.mapping import MappingPlan, PlanStatus
from efipolicy.model.platform import Platform
from efipolicy.named_tuple import NamedTuple
from efipolicy.paging import Geometry, RegionGeometry
from efipolicy.paging.tables import PageTables, Refusal
from efipolicy.plugin import Architecture
from efipolicy.plugin.calling import failure
from efipolicy.plugin.registry import Registry

if TYPE_CHECKING:
    from efipolicy.paging.regions import RegionTranslations


class WhatIf(NamedTuple):
    """One combination and what it comes to, the tables as they stay after the boot.

    ``page_size`` is bytes. ``status`` is the plan's, but ``impossible`` too where no table can hold
    one of its mappings. ``tables`` are counted by level, the root first; there are none where the
    processor needs none. ``leaves`` are counted by size in bytes. ``write_execute_bytes`` are bytes
    of virtual memory that can be both written and executed, ``shared_pages`` what the function of
    that name counts. ``problem`` says what is wrong first. ``kexec_to_itself`` is the verdict on a
    kernel of the same strategy that is started by kexec; ``None``: the strategy says nothing of it.
    """

    strategy: str
    page_size: int
    virtual_address_bits: int
    status: PlanStatus
    tables: Mapping[str, int]
    leaves: Mapping[int, int]
    write_execute_bytes: int
    shared_pages: int
    problem: str | None = None
    kexec_to_itself: str | None = None


def what_if(
    platform: Platform, registry: Registry, choice: PlanChoice
) -> tuple[tuple[WhatIf, ...], tuple[PluginError, ...]]:
    """The rows by strategy, page size and width, and what failed, each failure once.

    A strategy has the options that the platform declares for it, else its defaults. ``choice``
    leaves only its strategy, page size and width; its options are added to the strategy's. Raises
    `UsageError` for a choice that leaves nothing, `InputError` for a declaration that means
    nothing, and `PluginError` for an architecture that is not installed.
    """
    if choice.options and choice.strategy is None:
        raise UsageError("--option is for one strategy; choose it with --strategy")
    # Without the architecture nothing can be planned, and planning says so.
    architecture = registry.architectures.get(platform.architecture)
    architecture = architecture or planned(platform, registry, choice).architecture
    geometries = _geometries(architecture, choice)
    rows: list[WhatIf] = []
    errors: dict[str, PluginError] = {}
    for name in _strategies(platform, registry, choice):
        subject, chosen = _asked(platform, name, choice)
        for geometry in geometries:
            size, bits = geometry.page_size, geometry.virtual_address_bits
            exact = chosen._replace(page_size=size, virtual_address_bits=bits)
            try:
                made = planned(subject, registry, exact)
                verdict = verdict_to_itself(subject, made, registry.strategies[name].kexec)
                rows.append(row(made)._replace(kexec_to_itself=verdict))
            except PluginError as problem:
                errors.setdefault(str(problem), problem)
    return tuple(rows), tuple(errors.values())


def row(made: Planned) -> WhatIf:
    """What one plan comes to. Raises what `region_translations` raises."""
    plan, geometry = made.plan, made.geometry
    problems = [problem.message for problem in plan.problems]
    seen = WhatIf(
        strategy=plan.strategy,
        page_size=geometry.page_size,
        virtual_address_bits=geometry.virtual_address_bits,
        status=plan.status,
        tables={},
        leaves={},
        write_execute_bytes=0,
        shared_pages=0,
        problem=problems[0] if problems else None,
    )
    tables = made.page_tables()
    return _with_regions(seen, made) if tables is None else _with_tables(seen, plan, tables)


def _with_tables(seen: WhatIf, plan: MappingPlan, tables: PageTables) -> WhatIf:
    status, problem = status_of(plan, tables), seen.problem
    if status != plan.status:
        problem = tables.refused[0].reason
    return seen._replace(
        status=status,
        tables=tables.tables,
        leaves=leaves_by_size(tables),
        write_execute_bytes=tables.bytes_with("RWX"),
        shared_pages=shared_pages(tables),
        problem=problem,
    )


def _with_regions(seen: WhatIf, made: Planned) -> WhatIf:
    """Granules instead of leaves. In a granule nothing is protected."""
    translations = region_translations(made)
    if translations is None:
        return seen
    granule, count = translations.granule, translations.number_of_granules
    clashing = sum(conflict.physical.size for conflict in translations.conflicts)
    refused = refused_of(translations)
    return seen._replace(
        status=status_of(made.plan, translations),
        problem=refused[0].reason if refused else seen.problem,
        leaves={granule: count},
        write_execute_bytes=granule * count,
        shared_pages=clashing // seen.page_size,
    )


def region_translations(made: Planned) -> RegionTranslations | None:
    """The granules of a plan as they stay after the boot; ``None`` where tables translate.

    Raises `PluginError` for a strategy that wants granules the geometry does not have.
    """
    if not isinstance(made.geometry, RegionGeometry):
        return None
    from efipolicy.paging.regions import translate_regions

    plan = made.plan
    mappings = [
        mapping._replace(virtual_start=None) if mapping.temporary else mapping
        for mapping in (*plan.mappings, *plan.extra)
    ]
    try:
        return translate_regions(made.geometry, mappings, granule=plan.largest_leaf)
    except ValueError as problem:
        raise failure(f"strategy {plan.strategy}", problem) from problem


def leaves_by_size(tables: PageTables) -> dict[int, int]:
    """How many leaves there are of each size (bytes) the geometry has, the smallest first."""
    found = tables.leaves
    return {size: found.get(size, 0) for size in sorted(tables.geometry.leaf_sizes)}


def status_of(plan: MappingPlan, tables: PageTables | RegionTranslations | None) -> PlanStatus:
    """The status of a plan, ``impossible`` where nothing can hold one of its mappings."""
    return "impossible" if tables and refused_of(tables) else plan.status


def refused_of(tables: PageTables | RegionTranslations) -> tuple[Refusal, ...]:
    """The mappings that nothing can hold, and why; those of `untranslated` are none of them."""
    if isinstance(tables, PageTables):
        return tables.refused
    return tuple(one for one in tables.refused if not _is_physical(tables, one))


def untranslated(translations: RegionTranslations) -> tuple[Refusal, ...]:
    """The mappings at their own physical address, which Itanium reaches with translation off."""
    return tuple(one for one in translations.refused if _is_physical(translations, one))


def _is_physical(translations: RegionTranslations, refusal: Refusal) -> bool:
    mapping = translations.mappings[refusal.mapping]
    return mapping.virtual_start == mapping.physical.start


def shared_pages(tables: PageTables) -> int:
    """How many pages of the operating system hold regions with different needs.

    These are the pages of virtual memory, as large as the operating system's, in which two mappings
    of different type, access or cache type meet once each is rounded outwards to whole pages, both
    made from descriptors: a map of all memory beneath is no region. In the tables the later one
    wins; the page is counted however that turns out, and once. Where there are granules and no
    tables, it is the pages of granules that have two cache types.
    """
    mappings = tables.mappings
    meeting = [
        overlap.virtual
        for overlap in tables.overlaps
        if mappings[overlap.earlier].descriptors
        and mappings[overlap.later].descriptors
        and _needs(mappings[overlap.earlier]) != _needs(mappings[overlap.later])
    ]
    size, end = 0, 0
    for extent in sorted(meeting):
        size += max(0, extent.end - max(extent.start, end))
        end = max(extent.end, end)
    return size // tables.geometry.page_size


def _needs(mapping: PlannedMapping) -> tuple[int, str, str]:
    return mapping.type, mapping.access, mapping.cache


def _strategies(platform: Platform, registry: Registry, choice: PlanChoice) -> list[str]:
    """The chosen strategy, else all that fit the architecture, by name.

    Whether a chosen one fits is found when it is planned with.
    """
    if choice.strategy is not None:
        return [choice.strategy]
    return sorted(
        name
        for name, strategy in registry.strategies.items()
        if not strategy.architectures or platform.architecture in strategy.architectures
    )


def _geometries(architecture: Architecture, choice: PlanChoice) -> list[Geometry]:
    """What the architecture offers and the choice leaves, by page size and width."""
    size, bits = choice.page_size, choice.virtual_address_bits
    offered = [
        geometry
        for size_offered, geometries in sorted(architecture.geometries.items())
        for geometry in sorted(geometries, key=attrgetter("virtual_address_bits"))
        if size in (None, size_offered)
    ]
    if not offered:
        sizes = ", ".join(f"{known >> 10}K" for known in sorted(architecture.geometries))
        raise UsageError(f"found pages of {size:#x} bytes, expected {architecture.name}'s: {sizes}")
    left = [one for one in offered if bits in (None, one.virtual_address_bits)]
    if not left:
        widths = ", ".join(map(str, sorted({one.virtual_address_bits for one in offered})))
        pages = f" with pages of {size >> 10}K" if size else ""
        expected = f"{architecture.name}'s{pages}: {widths}"
        raise UsageError(f"found {bits}-bit virtual addresses, expected {expected}")
    return left


def _asked(platform: Platform, name: str, choice: PlanChoice) -> tuple[Platform, PlanChoice]:
    """What to plan for a strategy: from its declaration, if there is one, else from defaults."""
    declarations = platform.mapping or ()
    for declared in declarations:
        if declared.strategy == name:
            others = tuple(one for one in declarations if one is not declared)
            subject = replace(platform, mapping=(declared, *others))
            return subject, PlanChoice(options=choice.options)
    return platform, PlanChoice(strategy=name, options=choice.options)
