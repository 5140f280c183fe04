"""``x86-topdown``: the 64 GiB window below -4 GiB that x86-64 Linux fills downwards since 3.14."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final, Literal, NamedTuple

from efipolicy.plugin import (
    EFI_MEMORY_SP,
    EFI_MEMORY_WB,
    EFI_PAGE_SIZE,
    AddressRange,
    EfiMemoryType,
    Mapping,
    MappingPlan,
    MemoryDescriptor,
    Option,
    PlanProblem,
    PlanRequest,
    RuntimeCall,
    Strategy,
    VirtualMapEntry,
    round_down,
    round_up,
    size_text,
)

GIB: Final = 1 << 30
WINDOW: Final = AddressRange(2**64 - 68 * GIB, 2**64 - 4 * GIB)
"""EFI_VA_END to EFI_VA_START (Linux 6.12, Documentation/arch/x86/x86_64/mm.rst)."""

PHASE: Final = 2 << 20
"""A region keeps its offset within 2 MiB, so that 2 MiB pages fit on both sides."""

REVERSED_SINCE: Final = (4, 3)
NX_DATA_SINCE: Final = (5, 10)

_BOOT_SERVICES = (EfiMemoryType.EfiBootServicesCode, EfiMemoryType.EfiBootServicesData)
_CODE = (EfiMemoryType.EfiBootServicesCode, EfiMemoryType.EfiRuntimeServicesCode)


class Region(NamedTuple):
    """A run of descriptors that are placed together, and where: ``None`` if the window is full."""

    physical: AddressRange
    type: int
    attribute: int
    descriptors: tuple[MemoryDescriptor, ...]
    virtual_start: int | None = None


def plan_topdown(request: PlanRequest) -> MappingPlan:
    """Place every runtime and boot-services region below -4 GiB, highest first.

    Boot-services regions take up window space too, because firmware was seen to touch them during
    SetVirtualAddressMap. Each region is mapped a second time at its physical address.
    Behaviour of Linux 3.14 to 6.12 on 64-bit firmware.
    """
    options = request.options
    memory_map = request.platform.memory_map
    regions = regions_of(
        memory_map.descriptors,
        merge=options["merge"],
        boot_services=options["boot_services"],
        soft_reserve=options["soft_reserve"],
    )
    if _order(options) == "reverse":
        regions.reverse()
    placed = list(place(regions))
    mappings = tuple(_mapping(region, region.virtual_start, options) for region in placed)
    problems = tuple(_unplaced(placed))
    return MappingPlan(
        strategy="x86-topdown",
        options=dict(options),
        status="impossible" if problems else "ok",
        mappings=mappings,
        extra=tuple(_extra(placed, options)),
        svam=tuple(_virtual_map_entry(region) for region in placed),
        call=RuntimeCall(
            register="CR3",
            stays_mapped="the kernel's half, and the regions at their physical addresses",
            interrupts="off during SetVirtualAddressMap",
        ),
        problems=problems,
    )


def place(regions: Iterable[Region]) -> Iterator[Region]:
    """Give each region the highest free virtual address with its physical offset within 2 MiB.

    A region that would start below the window gets none. The cursor is not taken back, so neither
    does any region after it.
    """
    cursor = WINDOW.end
    for region in regions:
        cursor = place_below(cursor, region.physical)
        yield region._replace(virtual_start=cursor if cursor >= WINDOW.start else None)


def place_below(ceiling: int, physical: AddressRange) -> int:
    """The highest start with room under ``ceiling``, congruent to the physical one within 2 MiB."""
    top = ceiling - physical.size
    return top - (top - physical.start) % PHASE


def regions_of(
    descriptors: Iterable[MemoryDescriptor],
    *,
    merge: bool = True,
    boot_services: bool = True,
    soft_reserve: bool = True,
) -> list[Region]:
    """What is mapped, in map order; touching regions of equal type and attribute are one.

    Descriptors without a known attribute are left out.
    """
    regions: list[Region] = []
    previous: Region | None = None  # the last entry of any kind: only that one can be extended
    for descriptor in descriptors:
        if descriptor.attribute is None or not descriptor.addressable:
            continue
        region = Region(
            descriptor.physical, int(descriptor.type), descriptor.attribute, (descriptor,)
        )
        if merge and previous and _continues(previous, region):
            region = region._replace(
                physical=AddressRange(previous.physical.start, region.physical.end),
                descriptors=(*previous.descriptors, descriptor),
            )
            if regions and regions[-1] is previous:
                regions.pop()
        previous = region
        if _is_mapped(descriptor, boot_services=boot_services, soft_reserve=soft_reserve):
            regions.append(region)
    return regions


def _continues(previous: Region, region: Region) -> bool:
    return (
        previous.physical.end == region.physical.start
        and previous.type == region.type
        and previous.attribute == region.attribute
    )


def _is_mapped(descriptor: MemoryDescriptor, *, boot_services: bool, soft_reserve: bool) -> bool:
    specific_purpose = descriptor.has(EFI_MEMORY_SP)
    conventional = descriptor.type == EfiMemoryType.EfiConventionalMemory
    if soft_reserve and specific_purpose and conventional:
        return False
    return descriptor.runtime or (boot_services and descriptor.type in _BOOT_SERVICES)


def _order(options: Any) -> str:
    order = str(options["order"])
    if order == "auto":
        return "reverse" if options["kernel"] >= REVERSED_SINCE else "forward"
    return order


def _mapping(
    region: Region, virtual_start: int | None, options: Any, why: str | None = None
) -> Mapping:
    executable = options["kernel"] < NX_DATA_SINCE or region.type in _CODE
    return Mapping(
        physical=region.physical,
        virtual_start=virtual_start,
        type=region.type,
        access="RWX" if executable else "RW",
        cache="WB" if region.attribute & EFI_MEMORY_WB else "UC-",
        runtime=region.descriptors[0].runtime,
        descriptors=tuple(descriptor.index for descriptor in region.descriptors),
        why=why,
    )


def _extra(placed: list[Region], options: Any) -> Iterator[Mapping]:
    """The second mapping of every region, then page 0, then the list's own buffer."""
    for region in placed:
        why = "1:1, for firmware that uses a physical address"
        yield _mapping(region, region.physical.start, options, why)
    if options["page0"]:
        executable = options["kernel"] < NX_DATA_SINCE
        why = "page 0, for firmware that reads it"
        yield _one_to_one(AddressRange(0, EFI_PAGE_SIZE), why, "RWX" if executable else "RW")
    if options["svam_buffer"]:
        start, end = options["svam_buffer"]
        pages = AddressRange(round_down(start, EFI_PAGE_SIZE), round_up(end, EFI_PAGE_SIZE))
        yield _one_to_one(pages, "the list handed to SetVirtualAddressMap", "RW")


def _one_to_one(physical: AddressRange, why: str, access: Literal["RW", "RWX"]) -> Mapping:
    return Mapping(
        physical=physical,
        virtual_start=physical.start,
        type=int(EfiMemoryType.EfiConventionalMemory),
        access=access,
        cache="WB",
        runtime=False,
        why=why,
    )


def _virtual_map_entry(region: Region) -> VirtualMapEntry:
    return VirtualMapEntry(
        physical_start=region.physical.start,
        virtual_start=region.virtual_start,
        number_of_pages=region.physical.size // EFI_PAGE_SIZE,
        type=region.type,
        attribute=region.attribute,
    )


def _unplaced(placed: list[Region]) -> Iterator[PlanProblem]:
    for region in placed:
        if region.virtual_start is None:
            yield PlanProblem(
                rule="linux/runtime-window-overflow",
                message=f"no room left for {size_text(region.physical.size)} in the 64 GiB window",
                region=region.physical,
            )


X86_TOPDOWN: Final = Strategy(
    name="x86-topdown",
    title="Linux on x86-64 since 3.14: downwards from -4 GiB",
    architectures=frozenset({"x86_64"}),
    options=(
        Option(
            name="kernel",
            kind="version",
            default=(6, 12),
            minimum=(3, 14),
            doc="the Linux version; selects the order and the permissions of its era",
        ),
        Option(
            name="order",
            kind="choice",
            choices=("auto", "reverse", "forward"),
            default="auto",
            doc="how the map is walked; auto: forward before 4.3, reverse since",
        ),
        Option(
            name="boot_services",
            kind="boolean",
            default=True,
            doc="whether EfiBootServicesCode and EfiBootServicesData are mapped too",
        ),
        Option(
            name="merge",
            kind="boolean",
            default=True,
            doc="whether touching entries of equal type and attribute become one first",
        ),
        Option(
            name="soft_reserve",
            kind="boolean",
            default=True,
            doc="whether EfiConventionalMemory with EFI_MEMORY_SP is left out",
        ),
        Option(
            name="page0",
            kind="boolean",
            default=True,
            doc="whether page 0 is mapped 1:1",
        ),
        Option(
            name="svam_buffer",
            kind="range",
            default=None,
            doc="where the list handed to SetVirtualAddressMap lies, [start, end)",
        ),
    ),
    plan=plan_topdown,
)
