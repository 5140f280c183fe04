"""Where a declaration says otherwise than the strategy it names does."""

from __future__ import annotations

from collections.abc import Iterator

from efipolicy.plugin import (
    NO_VIRTUAL_START,
    Finding,
    MappingDeclaration,
    MappingPlan,
    MemoryDescriptor,
    MemoryMap,
    Related,
    RuntimeCalls,
    SetVirtualAddressMap,
)
from efipolicy_plan.identity import unmapped_at_physical

_CALLED_BY = {
    "arm64-stub-virtmap": "stub",
    "arm64-ioremap-svam": "kernel",
    "i386-ioremap": "kernel",
    "ia64-region67": "kernel",
    "x86-ioremap-svam": "kernel",
    "x86-mixed": "kernel",
    "x86-topdown": "kernel",
    "xen-ia64-same-va": "hypervisor",
    "xen-x86-directmap": "hypervisor",
}
"""Who calls SetVirtualAddressMap, of the strategies that some system uses. All call it after
ExitBootServices."""

SHOWN = 8
"""How many entries a finding tells."""


def of_the_call(
    svam: SetVirtualAddressMap, plan: MappingPlan, memory_map: MemoryMap
) -> Iterator[Finding]:
    """What is declared of SetVirtualAddressMap and is not so."""
    name = plan.strategy
    if svam.calls == "never" and plan.svam is not None:
        yield Finding(
            svam, f"SetVirtualAddressMap is never called, and {name} calls it", field="calls"
        )
    elif svam.calls in ("once", "more") and plan.svam is None:
        message = f"SetVirtualAddressMap is called, and {name} does not call it"
        yield Finding(svam, message, field="calls")
    if plan.svam is None or svam.calls == "never":
        return
    if svam.calls == "more":
        message = f"SetVirtualAddressMap is called more than once, and {name} calls it once"
        yield Finding(svam, message, field="calls")
    caller = _CALLED_BY.get(name)
    if caller and svam.by and svam.by != caller:
        message = f"SetVirtualAddressMap is called by the {svam.by}, and in {name} by the {caller}"
        yield Finding(svam, message, field="by")
    if caller and svam.when == "before-exit-boot-services":
        message = f"SetVirtualAddressMap is called before ExitBootServices, and in {name} after it"
        yield Finding(svam, message, field="when")
    yield from _of_entries(svam, plan, memory_map)


def _of_entries(
    svam: SetVirtualAddressMap, plan: MappingPlan, memory_map: MemoryMap
) -> Iterator[Finding]:
    """Whole descriptors are declared where some are joined, or pieces where none is cut."""
    starts = {d.physical_start: d.number_of_pages for d in memory_map.runtime}
    entries = [e for e in plan.svam or () if e.physical_start in starts]
    joined = [e for e in entries if e.number_of_pages > starts[e.physical_start]]
    cut = [e for e in entries if e.number_of_pages < starts[e.physical_start]]
    if svam.entries == "whole" and (joined or cut):
        first = (joined or cut)[0]
        what = "joins descriptors" if joined else "cuts a descriptor"
        yield Finding(
            svam,
            f"whole descriptors are given to SetVirtualAddressMap, and {plan.strategy} {what}: the "
            f"entry at {first.physical_start:#x} has {first.number_of_pages} pages",
            field="entries",
        )
    elif svam.entries == "split" and entries and not cut:
        yield Finding(
            svam,
            f"pieces of descriptors are given to SetVirtualAddressMap, and {plan.strategy} cuts "
            "none",
            field="entries",
        )


def of_calls(calls: RuntimeCalls, plan: MappingPlan) -> Iterator[Finding]:
    """What is declared of the calls and is not so."""
    name = plan.strategy
    placed = [one for one in plan.mappings if one.runtime and one.virtual_start is not None]
    moved = [one for one in placed if one.virtual_start != one.physical.start]
    if calls.addresses in ("physical", "identity") and plan.svam is not None and moved:
        yield Finding(
            calls,
            f"services are called at {calls.addresses} addresses, and {name} moves firmware: "
            f"{moved[0].physical} is at {moved[0].virtual_start:#x}",
            field="addresses",
        )
    elif calls.addresses == "virtual" and plan.svam is None and placed and not moved:
        message = (
            f"services are called at virtual addresses, and {name} leaves firmware where it is"
        )
        yield Finding(calls, message, field="addresses")
    if calls.paging is False and plan.call.register.startswith("CR3"):
        message = f"services are called without paging, and {name} calls them under page tables"
        yield Finding(calls, message, field="paging")
    if calls.identity_mapped is None or len(placed) < sum(one.runtime for one in plan.mappings):
        return
    missing = unmapped_at_physical(plan)
    if calls.identity_mapped and missing:
        message = f"regions are mapped 1:1 as well, and {name} leaves {missing[0]} out"
        yield Finding(calls, message, missing[0], field="identity_mapped")
    elif placed and not calls.identity_mapped and not missing:
        message = f"regions are not mapped 1:1, and {name} maps all of them so"
        yield Finding(calls, message, field="identity_mapped")


def of_layout(declared: MappingDeclaration, plan: MappingPlan) -> Iterator[Finding]:
    """Entries of the declared layout that the strategy puts elsewhere: one finding for all."""
    wrong = list(_elsewhere(declared.virtual_map or (), plan))
    if not wrong:
        return
    entry, expected = wrong[0]
    more = f"; {len(wrong) - 1} more like it" if len(wrong) > 1 else ""
    yield Finding(
        entry,
        f"{entry} has the virtual start {entry.virtual_start or 0:#x}, and {plan.strategy} puts it "
        f"at {expected:#x}{more}",
        field="virtual_start",
        related=tuple([Related(each, f"expected {at:#x}") for each, at in wrong[1:SHOWN]]),
    )


def _elsewhere(
    entries: tuple[MemoryDescriptor, ...], plan: MappingPlan
) -> Iterator[tuple[MemoryDescriptor, int]]:
    """Declared entries that firmware converts pointers by, with the planned address."""
    placed = sorted(
        (one.physical, one.virtual_start)
        for one in plan.mappings
        if one.runtime and one.virtual_start is not None
    )
    place = 0
    for entry in sorted(entries, key=lambda each: each.physical_start):
        counts = entry.attribute is None or entry.runtime
        if entry.virtual_start in (None, NO_VIRTUAL_START) or not counts:
            continue
        while place < len(placed) and placed[place][0].end <= entry.physical_start:
            place += 1
        if place < len(placed) and entry.physical_start in placed[place][0]:
            physical, virtual_start = placed[place]
            expected = entry.physical_start - physical.start + virtual_start
            if expected != entry.virtual_start:
                yield entry, expected
