"""Page tables as version 1 of the JSON of ``efipolicy pagetable``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from efipolicy.engine.planned import Planned
from efipolicy.engine.table_problems import TablesJudged, all_problems
from efipolicy.engine.whatif import leaves_by_size, status_of
from efipolicy.errors import EfipolicyError
from efipolicy.model.address import EFI_PAGE_SIZE
from efipolicy.model.efi import type_name
from efipolicy.model.mapping import Access, Mapping, PlanProblem, PlanStatus
from efipolicy.paging.tables import LeafRun, Overlap, PageTables, Refusal
from efipolicy.reporters.lint_json import JsonObject, dump, error_json, region_json
from efipolicy.reporters.pagetable_ranges import ranges, size_name, whole

ACCESSES: Final[tuple[Access, ...]] = ("R", "RW", "RX", "RWX")


def pagetable_json(
    made: Planned,
    tables: PageTables,
    judged: TablesJudged,
    errors: Iterable[EfipolicyError] = (),
) -> str:
    """One JSON object, indented, with a final line end.

    A range holds the leaves of one mapping that continue each other in every respect.
    """
    data: JsonObject = {
        **beginning(made, status_of(made.plan, tables)),
        "tables": {**tables.tables, "total": tables.total},
        "table_bytes": tables.table_bytes,
        "leaves": {size_name(size): count for size, count in leaves_by_size(tables).items()},
        "access_bytes": {access: tables.bytes_with(access) for access in ACCESSES},
        "ranges": [
            _range(whole(together), tables)
            for together in ranges(tables.runs, across_mappings=False)
        ],
        "overlaps": [_overlap(overlap) for overlap in tables.overlaps],
        "refused": [refusal_json(one, tables.mappings[one.mapping]) for one in tables.refused],
        **ending(made, judged),
    }
    told = [error_json(error) for error in errors]
    return dump({**data, "errors": told} if told else data)


def beginning(made: Planned, status: PlanStatus) -> JsonObject:
    """The first keys: which plan, for which page tables."""
    geometry = made.geometry
    return {
        "version": 1,
        "strategy": made.plan.strategy,
        "status": status,
        "geometry": geometry.name,
        "page_size": size_name(geometry.page_size),
        "virtual_address_bits": geometry.virtual_address_bits,
    }


def ending(made: Planned, judged: TablesJudged) -> JsonObject:
    """The last keys: what the tables do not show, and what is wrong."""
    return {
        "unforeseen": [
            {"why": one.why, "pages": list(one.number_of_pages), "access": one.access}
            for one in made.plan.unforeseen
        ],
        "problems": [_problem(problem) for problem in all_problems(made, judged)],
        "not_checked": [{"rule": entry.rule, "needs": entry.needs} for entry in judged.not_checked],
    }


def _range(run: LeafRun, tables: PageTables) -> JsonObject:
    mapping = tables.mappings[run.mapping]
    return {
        "virtual_start": f"{run.start:#x}",
        "virtual_end": f"{run.end:#x}",
        "physical_start": f"{run.physical:#x}",
        "leaf": size_name(run.leaf_size),
        "leaves": run.number_of_leaves,
        "access": run.access,
        "cache": run.cache,
        "contiguous": run.contiguous,
        "encrypted": run.encrypted,
        "mapping": run.mapping,
        "type": type_name(mapping.type),
        "descriptors": list(mapping.descriptors),
        "why": mapping.why,
    }


def _overlap(overlap: Overlap) -> JsonObject:
    return {
        "virtual_start": f"{overlap.virtual.start:#x}",
        "virtual_end": f"{overlap.virtual.end:#x}",
        "earlier": overlap.earlier,
        "later": overlap.later,
    }


def refusal_json(refusal: Refusal, mapping: Mapping) -> JsonObject:
    """A mapping that is not there, and why."""
    return {
        "mapping": refusal.mapping,
        "virtual_start": f"{mapping.virtual_start:#x}",
        "physical_start": f"{mapping.physical.start:#x}",
        "pages": mapping.physical.size // EFI_PAGE_SIZE,
        "type": type_name(mapping.type),
        "descriptors": list(mapping.descriptors),
        "reason": refusal.reason,
    }


def _problem(problem: PlanProblem) -> JsonObject:
    region = region_json(problem.region)
    return {"rule": problem.rule, "message": problem.message, "region": region}
