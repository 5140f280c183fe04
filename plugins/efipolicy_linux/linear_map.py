"""Regions in the kernel's own tables: in its map of all memory, or where ioremap puts them.

Linux on x86-64 up to 3.13 and with ``efi=old_map``, and on i386.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Literal, NamedTuple

from efipolicy.plugin import (
    EFI_MEMORY_WB,
    EfiMemoryType,
    Mapping,
    MemoryMap,
    Option,
    PlanProblem,
    VirtualMapEntry,
    size_text,
)
from efipolicy_linux.x86_parts import packed_list
from efipolicy_linux.x86_topdown import Region

PACKED_LIST_SINCE = (3, 14)
"""Since then firmware is told only what is mapped, before that the whole map."""

IOREMAP = Option(
    name="ioremap",
    kind="placements",
    default={},
    doc="where ioremap put, or may put, regions outside the kernel's map of memory: virtual "
    "addresses by physical ones; what is not given is unknown",
)

_CODE = (EfiMemoryType.EfiBootServicesCode, EfiMemoryType.EfiRuntimeServicesCode)


class Room(NamedTuple):
    """What ioremap may hand out in all, bytes, with what each area costs beside its size.

    ``rule`` and ``name`` tell of a region that finds no room.
    """

    bytes: int
    guard: int
    rule: str
    name: str


class Placed(NamedTuple):
    """A region and how it came to its address: ``unknown`` and ``failed`` ones have none."""

    region: Region
    how: Literal["linear", "ioremap", "unknown", "failed"]

    @property
    def told(self) -> int | None:
        """What firmware is told: 0 where mapping failed, ``None`` where nobody knows."""
        return 0 if self.how == "failed" else self.region.virtual_start


def place(
    regions: Iterable[Region],
    *,
    page_offset: int,
    is_linear: Callable[[Region], bool],
    ioremapped: Any,
    room: Room | None,
) -> Iterator[Placed]:
    """Each region in map order. One that finds no room leaves it to those after it."""
    taken = 0
    for region in regions:
        start = region.physical.start
        if is_linear(region):
            yield Placed(region._replace(virtual_start=page_offset + start), "linear")
            continue
        cost = region.physical.size + room.guard if room else 0
        if room and taken + cost > room.bytes:
            yield Placed(region, "failed")
            continue
        taken += cost
        virtual = ioremapped.get(start)
        how: Literal["ioremap", "unknown"] = "unknown" if virtual is None else "ioremap"
        yield Placed(region._replace(virtual_start=virtual), how)


def mapping_of(placed: Placed) -> Mapping:
    """A region in the kernel's tables: code can be executed, nothing is read-only.

    Registers that ioremap maps are uncached whatever the map offers.
    """
    region = placed.region
    registers = placed.how != "linear" and region.type == EfiMemoryType.EfiMemoryMappedIO
    cached = region.attribute & EFI_MEMORY_WB and not registers
    return Mapping(
        physical=region.physical,
        virtual_start=region.virtual_start,
        type=region.type,
        access="RWX" if region.type in _CODE else "RW",
        cache="WB" if cached else "UC-",
        runtime=region.descriptors[0].runtime,
        descriptors=tuple([descriptor.index for descriptor in region.descriptors]),
    )


def during_the_call(placed: Iterable[Placed], reach: int = 1 << 64) -> Iterator[Mapping]:
    """What is 1:1 as long as SetVirtualAddressMap runs: memory below ``reach``.

    Of the kernel's map of memory, which is copied, only the regions are told.
    """
    for each in placed:
        physical = each.region.physical
        if each.how == "linear" and physical.end <= reach:
            yield mapping_of(each)._replace(
                virtual_start=physical.start,
                temporary=True,
                why="1:1 during SetVirtualAddressMap",
            )


def virtual_map(
    placed: Iterable[Placed], memory_map: MemoryMap, kernel: Any
) -> tuple[VirtualMapEntry, ...]:
    """What SetVirtualAddressMap is told: the whole map up to 3.13, what is mapped later.

    In the whole map, entries that are not mapped hold what firmware left in them.
    """
    told = [each.region._replace(virtual_start=each.told) for each in placed]
    if kernel >= PACKED_LIST_SINCE:
        return packed_list(told)
    chosen = {d.index: region for region in told for d in region.descriptors}
    return tuple(
        VirtualMapEntry(
            physical_start=descriptor.physical_start,
            virtual_start=_start_in(chosen[descriptor.index], descriptor.physical_start)
            if descriptor.index in chosen
            else descriptor.virtual_start,
            number_of_pages=descriptor.number_of_pages,
            type=descriptor.type,
            attribute=descriptor.attribute,
        )
        for descriptor in memory_map.descriptors
        if descriptor.attribute is not None
    )


def _start_in(region: Region, physical_start: int) -> int | None:
    """The virtual start of a descriptor of a region; that of a failed one is 0 throughout."""
    start = region.virtual_start
    return start + physical_start - region.physical.start if start else start


def problems_of(placed: Iterable[Placed], room: Room | None) -> Iterator[PlanProblem]:
    """The regions that find no room, and those whose address is an allocator's."""
    for each in placed:
        physical = each.region.physical
        if each.how == "failed" and room:
            yield PlanProblem(
                rule=room.rule,
                message=f"no room is left in {room.name}, and firmware is told 0, for "
                f"{size_text(physical.size)}",
                region=physical,
            )
        elif each.how == "unknown":
            yield PlanProblem(
                rule="plan/unknown-window-address",
                message="ioremap chooses the address, unless option `ioremap` states it, of "
                f"{size_text(physical.size)}",
                region=physical,
            )


def status_of(placed: Iterable[Placed]) -> Literal["ok", "incomplete", "impossible"]:
    """Whether everything has an address, or one that is only unknown, or none."""
    ways = {each.how for each in placed}
    if "failed" in ways:
        return "impossible"
    return "incomplete" if "unknown" in ways else "ok"
