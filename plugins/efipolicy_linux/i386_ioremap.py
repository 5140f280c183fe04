"""``i386-ioremap``: firmware in the kernel's own page tables, in 32 bits."""

from __future__ import annotations

from typing import Any, Final

from efipolicy.plugin import (
    KexecRole,
    MappingPlan,
    Option,
    PlanRequest,
    RuntimeCall,
    Strategy,
    size_text,
)
from efipolicy_linux.direct_map import direct_map_of
from efipolicy_linux.linear_map import (
    IOREMAP,
    Room,
    during_the_call,
    mapping_of,
    place,
    problems_of,
    status_of,
    virtual_map,
)
from efipolicy_linux.page import page_of
from efipolicy_linux.x86_parts import end_of_ram, kernel_option
from efipolicy_linux.x86_topdown import SOFT_RESERVE_SINCE, Region, regions_of

MAXIMUM_LOWMEM: Final = 896 << 20

_CALL: Final = RuntimeCall(
    register="CR3, which stays the kernel's own; the first one's 1:1 table during "
    "SetVirtualAddressMap",
    stays_mapped="all of the kernel; nothing at its physical address, except during "
    "SetVirtualAddressMap",
)


def plan_i386_ioremap(request: PlanRequest) -> MappingPlan:
    """Use the kernel's map of low memory, and ioremap for what lies outside.

    ioremap takes from the vmalloc area, a page more than the size for each region, and shares it
    with the rest of the kernel. What does not fit is told to firmware as address 0. Only runtime
    regions are mapped, in map order.
    """
    memory_map, page = request.platform.memory_map, request.geometry.page_size
    options = dict(request.options)
    if options["lowmem_end"] is None:
        options["lowmem_end"] = end_of_ram(memory_map, MAXIMUM_LOWMEM)
    kernel, page_offset = options["kernel"], options["page_offset"]
    lowmem_end = min(options["lowmem_end"], (1 << 32) - page_offset)

    def is_linear(region: Region) -> bool:
        return region.physical.end <= int(lowmem_end)

    room = _room(options, page)
    placed = tuple(
        place(
            regions_of(
                memory_map.descriptors,
                merge=False,
                boot_services=False,
                soft_reserve=kernel >= SOFT_RESERVE_SINCE,
            ),
            page_offset=page_offset,
            is_linear=is_linear,
            ioremapped=options["ioremap"],
            room=room,
        )
    )
    return MappingPlan(
        strategy="i386-ioremap",
        options=options,
        status=status_of(placed),
        mappings=tuple([mapping_of(each) for each in placed]),
        extra=tuple(during_the_call(placed)),
        svam=virtual_map(placed, memory_map, kernel),
        call=_CALL,
        problems=tuple(problems_of(placed, room)),
        direct_map=direct_map_of(memory_map, page),
    )


def _room(options: Any, page: int) -> Room:
    reserve = options["vmalloc_reserve"]
    return Room(reserve, page, "plan/va32-exhaustion", f"the {size_text(reserve)} of vmalloc")


I386_IOREMAP: Final = Strategy(
    name="i386-ioremap",
    title="Linux on i386: in the kernel's own map",
    page=page_of("i386-ioremap"),
    architectures=frozenset({"i386"}),
    options=(
        kernel_option((3, 14), (2, 6)),
        Option(
            name="page_offset",
            kind="address",
            default=0xC000_0000,
            doc="where the kernel maps low memory",
        ),
        Option(
            name="lowmem_end",
            kind="address",
            default=None,
            doc="the physical end of that map; that of RAM, or 896 MiB, unless given",
        ),
        Option(
            name="vmalloc_reserve",
            kind="size",
            default=128 << 20,
            doc="bytes of virtual addresses for everything that ioremap and vmalloc map, one page "
            "more than its size each",
        ),
        IOREMAP,
    ),
    plan=plan_i386_ioremap,
    kexec=KexecRole(
        "own",
        reproducible=False,
        varies_with="the allocator's order",
        exports_runtime_map=False,
        kexec_flag=False,
    ),
)
