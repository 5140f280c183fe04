"""``x86-shared-1to1``: one identity map for everybody who needs one, as proposed in 2010."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from efipolicy.plugin import (
    EFI_MEMORY_WB,
    AddressRange,
    EfiMemoryType,
    KexecRole,
    Mapping,
    MappingPlan,
    MemoryDescriptor,
    Option,
    PlanProblem,
    PlanRequest,
    RuntimeCall,
    Strategy,
    size_text,
)
from efipolicy_linux.direct_map import direct_map_of
from efipolicy_linux.page import page_of
from efipolicy_linux.x86_parts import GBPAGES, end_of_ram, kernel_option, largest_leaf
from efipolicy_linux.x86_window import OVERFLOW

LOWER_HALF: Final = {"i386": 0xC000_0000, "x86_64": 1 << 47}
"""Where the kernel's part begins, which the table shares: 3 GiB of 4 on i386."""


def plan_shared(request: PlanRequest) -> MappingPlan:
    """Map all RAM at its physical address with the largest leaves, and registers besides.

    Everything is writable and executable. The table is shared with whatever else runs at physical
    addresses, such as waking processors, and shares the kernel's half. SetVirtualAddressMap is not
    called. Linux mailing list, August 2010.
    """
    options, memory_map = request.options, request.platform.memory_map
    limit = _limit(request)
    mappings = tuple([_mapping(descriptor, limit) for descriptor in memory_map.runtime])
    ram_end = options["ram_end"]
    if ram_end is None:
        ram_end = end_of_ram(memory_map)
    problems = tuple(_unplaced(mappings, limit))
    apart = [mapping.physical for mapping in mappings if mapping.cache != "WB"]
    return MappingPlan(
        strategy="x86-shared-1to1",
        options={**options, "ram_end": ram_end},
        status="impossible" if problems else "ok",
        mappings=mappings,
        extra=tuple(_identity(min(ram_end, limit), apart)),
        svam=None,
        call=RuntimeCall(
            register="CR3",
            stays_mapped="the kernel's half, and all RAM at its physical address, page 0 with it",
        ),
        problems=problems,
        largest_leaf=largest_leaf(request),
        direct_map=direct_map_of(memory_map, request.geometry.page_size),
    )


def _limit(request: PlanRequest) -> int:
    """The end of the part that is free for 1:1."""
    if request.geometry.virtual_address_bits == 57:
        return 1 << 56
    return LOWER_HALF.get(request.architecture.name, 1 << 47)


def _mapping(descriptor: MemoryDescriptor, limit: int) -> Mapping:
    physical = descriptor.physical
    return Mapping(
        physical=physical,
        virtual_start=physical.start if physical.end <= limit else None,
        type=descriptor.type,
        access="RWX",
        cache="WB" if descriptor.has(EFI_MEMORY_WB) else "UC-",
        runtime=True,
        descriptors=(descriptor.index,),
    )


def _identity(end: int, apart: Iterable[AddressRange]) -> Iterator[Mapping]:
    """Memory from 0 to an end, but for what is mapped with another cache type."""
    start = 0
    for hole in (*sorted(apart), AddressRange(end, end)):
        until = min(hole.start, end)
        if start < until:
            yield Mapping(
                physical=AddressRange(start, until),
                virtual_start=start,
                type=int(EfiMemoryType.EfiConventionalMemory),
                access="RWX",
                cache="WB",
                runtime=False,
                why="all RAM 1:1, for everything that runs at physical addresses",
            )
        start = max(start, hole.end)


def _unplaced(mappings: Iterable[Mapping], limit: int) -> Iterator[PlanProblem]:
    for mapping in mappings:
        if mapping.virtual_start is None:
            size = size_text(mapping.physical.size)
            yield PlanProblem(
                rule=OVERFLOW,
                message=f"1:1 ends at {limit:#x}, where the kernel begins, and leaves out {size}",
                region=mapping.physical,
            )


X86_SHARED_1TO1: Final = Strategy(
    name="x86-shared-1to1",
    title="Proposed for Linux on x86 in 2010: one shared identity map",
    page=page_of("x86-shared-1to1"),
    architectures=frozenset({"x86_64", "i386"}),
    options=(
        kernel_option((6, 12)),
        Option(
            name="ram_end",
            kind="address",
            default=None,
            doc="where the identity map ends; the end of the highest RAM unless given",
        ),
        GBPAGES,
    ),
    plan=plan_shared,
    kexec=KexecRole("physical", exports_runtime_map=False),
)
