"""What every strategy promises of every plan, each promise a function that says what breaks it.

A promise returns nothing when it is kept, and a sentence when it is not. None of them says that a
plan is what an operating system does: that takes captures of it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import deepcopy
from itertools import pairwise
from typing import Literal, get_args

from efipolicy.model.address import EFI_PAGE_SIZE, AddressRange
from efipolicy.model.efi import EFI_MEMORY_RUNTIME
from efipolicy.model.mapping import PlanStatus
from efipolicy.paging import RadixGeometry
from efipolicy.paging.builder import tables_of
from efipolicy.paging.walker import walk
from efipolicy.testing.planned_answers import Answer, uncovered

_ALL = AddressRange(0, 1 << 64)

Promise = Callable[[Answer], str | None]
"""What breaks a promise in an answer, ``None`` when it is kept."""

Placement = Literal["up", "down"]
"""Whether each mapping gets a higher address than the one before it, or a lower one."""


def well_formed(answer: Answer) -> str | None:
    """A plan names its strategy; its ranges are not empty, in 64 bits, and of the map's entries.

    A region that starts with an EFI page has an address that does, whatever the size of a page of
    the operating system.
    """
    plan, entries = (
        answer.plan,
        {d.index: d for d in answer.request.platform.memory_map.descriptors},
    )
    if plan.strategy != answer.on.strategy.name:
        return f"the plan is of strategy `{plan.strategy}`"
    for mapping in answer.mappings:
        if mapping.physical.size <= 0 or mapping.physical.start < 0:
            return f"a mapping of the physical range {mapping.physical}"
        virtual = mapping.virtual
        if virtual and not _ALL.covers(virtual) and not answer.is_told(mapping.physical):
            return f"{virtual} is not within 64 bits"
        if mapping.virtual and (mapping.virtual.start - mapping.physical.start) % EFI_PAGE_SIZE:
            return f"{mapping.virtual} and {mapping.physical} differ within an EFI page"
        for index in mapping.descriptors:
            if index not in entries:
                return f"{mapping.physical} is said to come from descriptor {index}, which is none"
            if not entries[index].physical.overlaps(mapping.physical):
                return f"{mapping.physical} is said to come from {entries[index]}, elsewhere"
    return None


def deterministic(answer: Answer) -> str | None:
    """The same request gives an equal plan again."""
    again = answer.on.strategy.plan(answer.request)
    if again == answer.plan:
        return None
    fields = [name for name in again._fields if getattr(again, name) != getattr(answer.plan, name)]
    return f"asked again it gives other {', '.join(fields)}"


def untouched(answer: Answer) -> str | None:
    """Planning changes neither the platform nor the options."""
    asked = answer.on.request(answer.request.platform.memory_map)
    before = deepcopy((asked.platform, dict(asked.options)))
    answer.on.strategy.plan(asked)
    after = (asked.platform, dict(asked.options))
    return None if after == before else "it changes what it is given"


def apart(answer: Answer) -> str | None:
    """No virtual address stands for two physical ones, but where a problem tells it."""
    reaching: tuple[AddressRange, AddressRange] | None = None
    for virtual, physical in sorted((m.virtual, m.physical) for m in answer.mappings if m.virtual):
        if reaching:
            low, behind = reaching
            differ = low.start - behind.start != virtual.start - physical.start
            told = answer.is_told(behind) or answer.is_told(physical)
            if differ and low.overlaps(virtual) and not told:
                return f"{low & virtual} stands for {behind} and for {physical}"
        if reaching is None or virtual.end > reaching[0].end:
            reaching = virtual, physical
    return None


def accounted(answer: Answer) -> str | None:
    """Every byte of a region with EFI_MEMORY_RUNTIME is mapped, or a problem says why it is not."""
    mapped = [mapping.physical for mapping in answer.mappings]
    told = [problem.region for problem in answer.told.problems]
    if None in told:
        return None
    known = [*mapped, *(region for region in told if region)]
    for descriptor in answer.request.platform.memory_map.runtime:
        for left in uncovered(descriptor.physical, known):
            return f"{left} of {descriptor} is not mapped, and no problem says why"
    return None


def honest(answer: Answer) -> str | None:
    """The status says what the plan is.

    One that is ``ok`` maps all it is about, and one that is impossible has a problem that says why.
    """
    status, told = answer.plan.status, answer.told
    if status not in get_args(PlanStatus):
        return f"the status `{status}` is none of {', '.join(get_args(PlanStatus))}"
    if told.status == "impossible" and not told.problems:
        return "the plan is impossible, and no problem says why"
    if told.status != "ok":
        return None
    placed = [mapping.physical for mapping in answer.mappings if mapping.virtual]
    for problem in answer.plan.problems:
        for left in uncovered(problem.region, placed) if problem.region else ():
            return f"the status is ok, and {left} is not mapped: {problem.message}"
    return None


def tellable(answer: Answer) -> str | None:
    """What SetVirtualAddressMap is told of regions with EFI_MEMORY_RUNTIME is mapped like that.

    Of others firmware converts nothing, whatever stands there (UEFI 2.10, 8.4).
    """
    placed = [(m.virtual, m.physical) for m in answer.mappings if m.virtual]
    for entry in answer.plan.svam or ():
        size = entry.number_of_pages * EFI_PAGE_SIZE
        physical = AddressRange(entry.physical_start, entry.physical_start + size)
        converted = entry.attribute & EFI_MEMORY_RUNTIME
        if entry.virtual_start is None or not converted or answer.is_told(physical):
            continue
        offset = entry.virtual_start - entry.physical_start
        same = [p for v, p in placed if v.start - p.start == offset]
        for left in uncovered(physical, same):
            return f"firmware is told {entry.virtual_start:#x} for {physical}; {left} is not there"
    return None


def expressible(answer: Answer) -> str | None:
    """Every cache type is one that the entries of the page tables have."""
    architecture, geometry = answer.request.architecture, answer.geometry
    known = set(architecture.cacheability.values())
    if isinstance(geometry, RadixGeometry) and architecture.entry_formats:
        for leaf in architecture.entry_formats(geometry).leaves.values():
            known |= leaf.cache.keys()
    for mapping in answer.mappings:
        if mapping.cache not in known:
            return (
                f"{mapping.physical} has cache type {mapping.cache}, of {', '.join(sorted(known))}"
            )
    return None


def walkable(answer: Answer) -> str | None:
    """In the page tables of the plan each mapping leads to its physical range, or that is told.

    One in a window of the processor has the window's cache type: no table says otherwise.
    """
    geometry, architecture = answer.geometry, answer.request.architecture
    if not isinstance(geometry, RadixGeometry) or answer.plan.leaf_policy != "strict":
        return None  # large leaves of Linux on x86 lead elsewhere, which is the point of them
    tables = tables_of(answer.plan, geometry, after_boot=False)
    for refusal in tables.refused:
        if not answer.is_told(tables.mappings[refusal.mapping].physical):
            return f"{tables.mappings[refusal.mapping].physical}: {refusal.reason}"
    if not architecture.entry_formats:
        return None
    formats = architecture.entry_formats(geometry)
    for index, mapping in enumerate(tables.mappings):
        virtual = mapping.virtual
        if not virtual or answer.is_told(mapping.physical):
            continue
        for address, meant in (
            (virtual.start, mapping.physical.start),
            (virtual.last, mapping.physical.last),
        ):
            found = walk(tables, formats, address, encryption_bit=answer.plan.encryption_bit)
            beyond = meant >> formats.physical_address_bits
            if found.mapping in (index, None) and found.physical != meant and not beyond:
                return f"{address:#x} leads to {found.physical or 0:#x}, not to {meant:#x}"
            in_window = found.mapping is None and found.physical is not None
            if in_window and found.cache != mapping.cache:
                return f"{address:#x} is planned {mapping.cache}, in a window that is {found.cache}"
    return None


def inside(answer: Answer) -> str | None:
    """What the plan is about lies in one of the windows that its placement states, if any.

    Windows are ranges within 64 bits and do not overlap. A problem may tell that something lies
    elsewhere; what is mapped besides may lie anywhere.
    """
    windows = sorted(window.virtual for window in answer.plan.placement.windows)
    for window in windows:
        if window.size <= 0 or not _ALL.covers(window):
            return f"its placement has the window {window}, no range within 64 bits"
    for low, high in pairwise(windows):
        if low.overlaps(high):
            return f"the windows {low} and {high} of its placement overlap"
    return _outside(windows, answer) if windows else None


def directed(answer: Answer) -> str | None:
    """Mappings are placed in the direction that the placement of the plan states, if any."""
    direction = answer.plan.placement.direction
    return placed(direction)(answer) if direction in ("up", "down") else None


def within(window: AddressRange) -> Promise:
    """The promise that what the plan is about lies in a window, or that a problem tells otherwise.

    What is mapped besides may lie anywhere.
    """
    return lambda answer: _outside([window], answer)


def _outside(windows: Sequence[AddressRange], answer: Answer) -> str | None:
    for mapping in answer.plan.mappings:
        virtual = mapping.virtual
        if virtual is None or any(window.covers(virtual) for window in windows):
            continue
        if not answer.is_told(mapping.physical):
            which = "window" if len(windows) == 1 else "windows"
            return f"{virtual} lies outside the {which} {', '.join(map(str, windows))}"
    return None


def placed(direction: Placement) -> Promise:
    """The promise that addresses ascend, or descend, in the order in which mappings are placed."""

    def promise(answer: Answer) -> str | None:
        ranges = [mapping.virtual for mapping in answer.plan.mappings if mapping.virtual]
        for one, following in pairwise(ranges):
            low, high = (one, following) if direction == "up" else (following, one)
            if low.start >= high.start:
                return f"{following} is placed after {one}, which is not {direction}"
        return None

    return promise


def indifferent_to_order(answer: Answer) -> str | None:
    """Each physical range gets the same address in whatever order the map lists its entries."""
    other = answer.on.shuffled(answer.request.platform.memory_map)
    here = {(mapping.physical, mapping.virtual_start) for mapping in answer.mappings}
    there = {(m.physical, m.virtual_start) for m in other.mappings} if other else set()
    if here == there:
        return None
    physical, virtual = min(here ^ there, key=lambda one: one[0])
    return f"in the opposite order {physical} is not mapped as it was ({virtual or 0:#x})"


EVERY_PROMISE: tuple[Promise, ...] = (
    well_formed,
    deterministic,
    apart,
    accounted,
    honest,
    tellable,
    expressible,
    walkable,
    inside,
    directed,
)
"""What every strategy promises."""


def all_kept(answer: Answer) -> str | None:
    """The first of `EVERY_PROMISE` that is broken, if any is."""
    found = (promise(answer) for promise in EVERY_PROMISE)
    return next((complaint for complaint in found if complaint), None)
