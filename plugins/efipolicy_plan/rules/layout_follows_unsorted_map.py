"""Layouts that take over the disorder of a memory map."""

from collections.abc import Iterator
from itertools import pairwise

from efipolicy.plugin import (
    Bad,
    EfiMemoryType,
    Finding,
    Good,
    Mapping,
    MappingDeclaration,
    MappingPlan,
    MemoryMap,
    Related,
    Severity,
    rule,
)
from efipolicy_plan.leaves import Owners

_IMAGES = (EfiMemoryType.EfiRuntimeServicesCode, EfiMemoryType.EfiRuntimeServicesData)
_UNSORTED = (
    "EfiRuntimeServicesData  0x7e010000  16  RUNTIME WB",
    "EfiRuntimeServicesCode  0x7e000000  16  RUNTIME WB",
)


@rule(
    "plan/layout-follows-unsorted-map",
    severity=Severity.INFO,
    requirements=(),
    sources=(
        "Linux 6.12 arch/x86/platform/efi/efi.c",
        "Linux 6.12 drivers/firmware/efi/libstub/efi-stub.c",
        "Linux commit 0ce3cc008ec0",
    ),
    help="list runtime services code and data in the order of their addresses",
    unless=("plan/relative-layout-lost",),
    examples=(
        Bad(
            *_UNSORTED,
            architecture="x86_64",
            sections="mapping: [{strategy: x86-topdown}]",
            at=2,
        ),
        Bad(
            *_UNSORTED,
            architecture="arm64",
            sections="mapping: [{strategy: arm64-stub-virtmap}]",
            at=2,
        ),
        # This kernel sorts them first.
        Good(
            *_UNSORTED,
            architecture="arm64",
            sections='mapping: [{strategy: arm64-stub-virtmap, options: {kernel: "5.4"}}]',
        ),
        Good(
            *reversed(_UNSORTED),
            architecture="x86_64",
            sections="mapping: [{strategy: x86-topdown}]",
        ),
        Good(
            *_UNSORTED,
            architecture="x86_64",
            sections="mapping: [{strategy: identity}]",
        ),
        # Registers at the end of the list are in nobody's image.
        Good(
            "EfiRuntimeServicesCode  0x7e000000  16  RUNTIME WB",
            "EfiMemoryMappedIO       0x4000000   16  RUNTIME UC",
            architecture="arm64",
            sections="mapping: [{strategy: arm64-stub-virtmap}]",
        ),
    ),
)
def layout_follows_unsorted_map(
    plan: MappingPlan, mapping: MappingDeclaration, memory_map: MemoryMap
) -> Iterator[Finding]:
    """Virtual addresses of runtime services are out of order because the memory map is.

    ``x86-topdown`` walks the map from its end and ``arm64-stub-virtmap`` from its start, and both
    hand out addresses as they go. What they keep is the order of the list, not of memory. The parts
    of one image, where firmware split it into code and data, then change places, and code that
    finds its data by distance does not find it.

    UEFI asks for no order, and most maps that are out of order append device registers, which are
    in nobody's image and are not looked at here. Linux on arm64 sorted the map from 4.3 to 5.7 for
    images that were split, and no longer does. Regions that touch, for which the distance really
    counts, are reported by ``plan/relative-layout-lost``.
    """
    owners = Owners(memory_map, mapping)
    placed = [one for one in plan.mappings if one.runtime and one.type in _IMAGES]
    placed.sort(key=lambda one: one.descriptors)
    starts = [one.virtual_start for one in placed]
    known = [start for start in starts if start is not None]
    if plan.svam is None or len(known) < len(starts) or known not in _monotone(known):
        return
    by_address = [one.virtual_start for one in sorted(placed, key=lambda one: one.physical)]
    if by_address == sorted(known):
        return
    descents = [pair for pair in pairwise(placed) if pair[1].physical < pair[0].physical]
    if descents:
        yield from _finding(*descents[0], len(descents) - 1, owners)


def _monotone(starts: list[int]) -> tuple[list[int], list[int]]:
    ascending = sorted(starts)
    return ascending, ascending[::-1]


def _finding(before: Mapping, after: Mapping, others: int, owners: Owners) -> Iterator[Finding]:
    more = f"; {others} more such places" if others else ""
    way = "above" if (after.virtual_start or 0) > (before.virtual_start or 0) else "below"
    yield from owners.finding(
        after,
        f"{owners.what(after)} comes after {owners.what(before)} in the map and is placed {way} "
        f"it, at {after.virtual_start:#x}{more}",
        after.physical,
        [Related(each, "before it") for each in owners.descriptors_of(before)[:1]],
    )
