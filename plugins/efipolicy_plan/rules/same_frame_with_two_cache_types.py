"""Aliases of one frame that differ in their cache type."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from operator import attrgetter
from typing import TYPE_CHECKING, NamedTuple

from efipolicy.plugin import (
    EFI_MEMORY_WB,
    AddressRange,
    Architecture,
    Bad,
    Finding,
    Good,
    MappingDeclaration,
    MappingPlan,
    MemoryMap,
    Related,
    Responsible,
    Severity,
    overlapping,
    rule,
    size_text,
)
from efipolicy_plan.leaves import Owners

if TYPE_CHECKING:
    from efipolicy.plugin.paging import PageTables

_ALIKE = {"UC-": "UC", "normal-tagged": "normal"}
"""Words for a cache type that says the same of what a cache may hold."""


class _Alias(NamedTuple):
    """Frames, the cache type they are mapped with, where, and by which mapping.

    ``mapping`` is ``None`` for what the kernel maps for itself.
    """

    start: int
    end: int
    cache: str
    virtual_start: int | None = None
    mapping: int | None = None

    def at(self, frame: int) -> str:
        """Where one of the frames is mapped, in words."""
        if self.virtual_start is None:
            return f"{self.cache} by the kernel itself"
        return f"{self.cache} at {self.virtual_start + frame - self.start:#x}"


@rule(
    "plan/same-frame-with-two-cache-types",
    severity=Severity.ERROR,
    requirements=(),
    sources=(
        "Intel SDM volume 3, Programming the PAT",
        "AMD64 APM volume 2, 7.8",
        "Arm ARM (DDI 0487), Mismatched memory attributes",
    ),
    help="map the frame with one cache type everywhere",
    responsible=Responsible.KERNEL,
    unless=("uefi/overlapping-descriptors",),
    examples=(
        # Both regions are mapped as whole pages of 64 KiB, each at an address of its own.
        Bad(
            "EfiRuntimeServicesData  0x80000000  8  RUNTIME WB",
            "EfiMemoryMappedIO       0x80008000  8  RUNTIME UC",
            architecture="arm64",
            sections="mapping: [{strategy: arm64-stub-virtmap, page_size: 64K}]",
            at=0,
        ),
        Good(
            "EfiRuntimeServicesData  0x80000000  8  RUNTIME WB",
            "EfiMemoryMappedIO       0x80008000  8  RUNTIME UC",
            architecture="arm64",
            sections="mapping: [{strategy: arm64-stub-virtmap, page_size: 4K}]",
        ),
        Good(
            "EfiRuntimeServicesData  0x7f000000  16  RUNTIME WB",
            "EfiMemoryMappedIO       0xffc00000  16  RUNTIME UC",
            architecture="x86_64",
            sections="mapping: [{strategy: x86-topdown}]",
        ),
    ),
)
def same_frame_with_two_cache_types(
    page_tables: PageTables,
    plan: MappingPlan,
    mapping: MappingDeclaration,
    memory_map: MemoryMap,
    architecture: Architecture,
) -> Iterator[Finding]:
    """One frame is mapped with two cache types.

    A write through the cached mapping may stay in the cache, where the other does not see it, and
    be written back later over what came through the other. Neither architecture promises anything
    then: Intel does not support the practice, and on AArch64 mismatched attributes cost coherence,
    and the guarantee that single accesses stay single. Device registers mapped as memory are read
    ahead besides.

    Looked at are all leaves of the plan, whole pages of the operating system, and what the kernel
    maps as ordinary memory in its own tables, where the strategy says so. The cache type in the
    tables counts; on x86 MTRRs may still change it. ``UC-`` and ``UC`` are the same here.

    A region that is mapped with a type it does not offer is
    ``uefi/runtime-region-mapped-with-other-cacheability``.
    """
    owners = Owners(memory_map, mapping)
    told: set[tuple[int, int]] = set()
    for pair in _conflicts(_aliases(page_tables, plan, architecture)):
        earlier, later = sorted(pair, key=_number)
        numbers = (_number(earlier), _number(later))
        if numbers not in told and not _is_described_twice(pair, memory_map):
            told.add(numbers)
            yield from _findings(earlier, later, page_tables, owners)


def _is_described_twice(pair: tuple[_Alias, _Alias], memory_map: MemoryMap) -> bool:
    """Whether the kernel's own mapping comes from a descriptor that overlaps another."""
    if all(alias.mapping is not None for alias in pair):
        return False
    frames = AddressRange(max(one.start for one in pair), min(one.end for one in pair))
    return any(
        (first.physical & second.physical).overlaps(frames)
        for first, second in overlapping(memory_map.descriptors)
    )


def _findings(
    earlier: _Alias, later: _Alias, tables: PageTables, owners: Owners
) -> Iterator[Finding]:
    frames = AddressRange(max(earlier.start, later.start), min(earlier.end, later.end))
    mapped = tables.mappings[_number(later)]
    before = None if earlier.mapping is None else tables.mappings[earlier.mapping]
    message = (
        f"{size_text(frames.size)} from {frames.start:#x} on, mapped for {owners.what(mapped)}, "
        f"are {later.at(frames.start)} and {earlier.at(frames.start)}"
    )
    known = owners.descriptors_of(before, frames)[:1] if before else []
    related = [Related(each, f"mapped {earlier.cache}") for each in known]
    if before is None or owners.memory_of(before).overlaps(owners.memory_of(mapped)):
        yield from owners.finding(mapped, message, frames, related)
        return
    # They meet in a page of the operating system only, so it is its size that is wrong.
    related += [Related(d, f"mapped {later.cache}") for d in owners.descriptors_of(mapped)[:1]]
    yield Finding(
        owners.declared,
        message,
        frames,
        field="page_size",
        related=tuple(related),
        unless=("arm64/larger-page-with-mixed-cacheability",),
    )


def _number(alias: _Alias) -> int:
    return -1 if alias.mapping is None else alias.mapping


def _aliases(tables: PageTables, plan: MappingPlan, architecture: Architecture) -> Iterator[_Alias]:
    for run in tables.runs:
        yield _Alias(*run.frames, run.cache, run.start, run.mapping)
    ordinary = architecture.cacheability.get(EFI_MEMORY_WB)
    if ordinary:
        for frames in plan.direct_map:
            yield _Alias(*frames, ordinary)


def _conflicts(aliases: Iterable[_Alias]) -> Iterator[tuple[_Alias, _Alias]]:
    """Pairs that share frames and differ in their cache type: for each alias one, if there is any.

    Of each type the one that reaches furthest is kept, which is enough to meet all later ones.
    """
    reaching: dict[str, _Alias] = {}
    for alias in sorted(aliases, key=attrgetter("start")):
        cache = _ALIKE.get(alias.cache, alias.cache)
        for other_cache, other in reaching.items():
            if other_cache != cache and other.end > alias.start:
                yield alias, other
        if cache not in reaching or reaching[cache].end < alias.end:
            reaching[cache] = alias
