"""A mapping plan as a table, and as version 1 of the JSON of ``efipolicy plan``."""

from __future__ import annotations

from collections.abc import Iterable

from efipolicy.model.address import EFI_PAGE_SIZE, size_text
from efipolicy.model.efi import type_name
from efipolicy.model.mapping import Mapping, MappingPlan, VirtualMapEntry
from efipolicy.plugin import Option, StrategyChoice
from efipolicy.plugin.options import option_json, option_text
from efipolicy.reporters.lint_json import JsonObject, dump, region_json
from efipolicy.reporters.lint_summary import counted

_COLUMNS = ("virtual", "physical", "size", "type", "access", "cache", "from")


def plan_text(
    plan: MappingPlan, options: Iterable[Option], choice: StrategyChoice | None = None
) -> str:
    """The mappings in placement order, what is mapped besides, and how a call is made.

    ``options`` are those of the strategy, ``choice`` why it is this one where nobody named it.
    """
    known = {option.name: option for option in options}
    shown = ", ".join(
        f"{name}={option_text(known[name], value)}"
        for name, value in plan.options.items()
        if name in known
    )
    lines = [f"{plan.strategy}: {plan.status}" + (f" ({shown})" if shown else "")]
    if choice:
        lines.append(f"taken for {choice.reason}")
    lines.append("")
    lines += _table([_row(mapping) for mapping in plan.mappings])
    if plan.extra:
        lines += ["", "mapped besides:"]
        lines += _table([_row(mapping, mapping.why or "") for mapping in plan.extra])
    lines.append("")
    if plan.svam is None:
        lines.append("SetVirtualAddressMap is not called")
    else:
        count = counted(len(plan.svam), "entry", plural="entries")
        lines.append(f"SetVirtualAddressMap is told {count}, in this order")
    call = plan.call
    facts = [
        ("address space", call.register),
        ("stays mapped", call.stays_mapped),
        ("flushes", call.flushes),
        ("preemption", call.preemption),
        ("interrupts", call.interrupts),
        ("floating-point state", call.fp_state),
        ("saved state", call.saved_state),
    ]
    lines += [f"{name}: {value}" for name, value in facts if value]
    lines += [
        f"problem[{problem.rule}]: {problem.message}"
        + (f" at {problem.region}" if problem.region else "")
        for problem in plan.problems
    ]
    return "\n".join(lines) + "\n"


def _row(mapping: Mapping, why: str | None = None) -> tuple[str, ...]:
    virtual = "not placed" if mapping.virtual_start is None else f"{mapping.virtual_start:#018x}"
    indices = ", ".join(f"mem{index:02}" for index in mapping.descriptors)
    return (
        virtual,
        f"{mapping.physical.start:#018x}",
        size_text(mapping.physical.size),
        type_name(mapping.type),
        mapping.access,
        mapping.cache,
        indices if why is None else why,
    )


def _table(rows: list[tuple[str, ...]]) -> list[str]:
    if not rows:
        return ["nothing is mapped"]
    table = [_COLUMNS, *rows]
    widths = [max(len(row[column]) for row in table) for column in range(len(_COLUMNS))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in table
    ]


def plan_json(
    plan: MappingPlan, options: Iterable[Option], choice: StrategyChoice | None = None
) -> str:
    """One JSON object, indented, with a final line end. The arguments are those of `plan_text`."""
    known = {option.name: option for option in options}
    call = plan.call
    return dump(
        {
            "version": 1,
            "strategy": plan.strategy,
            "options": {
                name: option_json(known[name], value)
                for name, value in plan.options.items()
                if name in known
            },
            "status": plan.status,
            "choice": {"reason": choice.reason, "certain": choice.certain} if choice else None,
            "mappings": [_mapping_json(mapping) for mapping in plan.mappings],
            "extra": [{**_mapping_json(item), "why": item.why} for item in plan.extra],
            "svam": None if plan.svam is None else [_entry_json(entry) for entry in plan.svam],
            "call": {
                "register": call.register,
                "stays_mapped": call.stays_mapped,
                "flushes": call.flushes,
                "preemption": call.preemption,
                "interrupts": call.interrupts,
                "fp_state": call.fp_state,
                "saved_state": call.saved_state,
            },
            "problems": [
                {
                    "rule": problem.rule,
                    "message": problem.message,
                    "region": region_json(problem.region),
                }
                for problem in plan.problems
            ],
        }
    )


def _mapping_json(mapping: Mapping) -> JsonObject:
    return {
        "physical_start": f"{mapping.physical.start:#x}",
        "virtual_start": _address(mapping.virtual_start),
        "pages": mapping.physical.size // EFI_PAGE_SIZE,
        "type": type_name(mapping.type),
        "access": mapping.access,
        "cache": mapping.cache,
        "runtime": mapping.runtime,
        "descriptors": list(mapping.descriptors),
    }


def _entry_json(entry: VirtualMapEntry) -> JsonObject:
    return {
        "physical_start": f"{entry.physical_start:#x}",
        "virtual_start": _address(entry.virtual_start),
        "pages": entry.number_of_pages,
        "type": type_name(entry.type),
        "attribute": f"{entry.attribute:#x}",
    }


def _address(address: int | None) -> str | None:
    return None if address is None else f"{address:#x}"
