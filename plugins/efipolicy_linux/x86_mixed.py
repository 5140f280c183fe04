"""``x86-mixed``: a 64-bit kernel on 32-bit firmware, everything at its physical address."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

from efipolicy.plugin import (
    EFI_MEMORY_SP,
    EFI_PAGE_SIZE,
    AddressRange,
    EfiMemoryType,
    KexecRole,
    Mapping,
    MappingPlan,
    MemoryDescriptor,
    Option,
    PlanProblem,
    PlanRequest,
    Protection,
    RuntimeCall,
    Strategy,
    pages_of,
    round_down,
    round_up,
)
from efipolicy_linux.direct_map import FREE_AFTER_BOOT, direct_map_of
from efipolicy_linux.memory_attributes import MEMORY_ATTRIBUTES
from efipolicy_linux.page import page_of
from efipolicy_linux.x86_flags import protections
from efipolicy_linux.x86_parts import (
    GBPAGES,
    kernel_option,
    largest_leaf,
    map_time_of,
    merge_option,
    packed_list,
    page_0,
)
from efipolicy_linux.x86_topdown import GIB, SOFT_RESERVE_SINCE, Region

_OWN_IMAGE: Final = "the kernel's own image, taken out of the 1:1 map and protected in it"

_CALL: Final = RuntimeCall(
    register="CR3",
    stays_mapped="the kernel's half, and all RAM and the regions at their physical addresses",
    interrupts="off: the interrupt table is one of 64 bits",
)


def plan_mixed(request: PlanRequest) -> MappingPlan:
    """Keep every region, and all RAM beside, at its physical address, and tell firmware just that.

    Firmware of 32 bits gets its arguments as physical addresses, so what they may lie in is mapped
    as well. Boot-services regions stay. The kernel's own text is taken out again, its read-only
    data made read-only. Linux 3.15 to 6.12.
    """
    options, platform = request.options, request.platform
    map_time = map_time_of(options["kernel"], keeps_boot_services=True)
    regions = [
        region._replace(virtual_start=region.physical.start)
        for region in _regions(platform.memory_map.descriptors, options)
    ]
    placed = [(region, map_time.mapping(region)) for region in regions]
    problems = tuple(_beyond_reach(regions))
    attributes = protections(
        platform.memory_attributes_table, placed, {**options, "properties_table_nx": False}
    )
    return MappingPlan(
        strategy="x86-mixed",
        options=dict(options),
        status="impossible" if problems else "ok",
        mappings=tuple(_without(options["kernel_text"], [mapping for _, mapping in placed])),
        extra=tuple(_extra(options)),
        svam=packed_list(regions),
        call=_CALL,
        problems=problems,
        leaf_policy="va-only",
        largest_leaf=largest_leaf(request),
        protections=(*_read_only(options["kernel_rodata"]), *attributes),
        direct_map=direct_map_of(platform.memory_map, EFI_PAGE_SIZE),
        own_image=_OWN_IMAGE if options["kernel_text"] is None else None,
    )


def _regions(descriptors: Iterable[MemoryDescriptor], options: Any) -> Iterator[Region]:
    """Runtime and boot-services regions and all RAM that is free afterwards, in map order."""
    soft_reserve = options["kernel"] >= SOFT_RESERVE_SINCE
    for region in _runs(descriptors, merge=options["merge"]):
        conventional = region.type == EfiMemoryType.EfiConventionalMemory
        if soft_reserve and conventional and region.attribute & EFI_MEMORY_SP:
            continue
        if region.descriptors[0].runtime or region.type in FREE_AFTER_BOOT:
            yield region


def _runs(descriptors: Iterable[MemoryDescriptor], *, merge: bool) -> list[Region]:
    """The descriptors as regions, touching ones of equal type and attribute as one."""
    runs: list[Region] = []
    for descriptor in descriptors:
        attribute, physical = descriptor.attribute, descriptor.physical
        if attribute is None or not descriptor.addressable:
            continue
        last = runs[-1] if merge and runs else None
        kind = (int(descriptor.type), attribute)
        if last and (last.type, last.attribute) == kind and last.physical.end == physical.start:
            runs[-1] = last._replace(
                physical=AddressRange(last.physical.start, physical.end),
                descriptors=(*last.descriptors, descriptor),
            )
        else:
            runs.append(Region(physical, *kind, (descriptor,)))
    return runs


def _without(text: AddressRange | None, mappings: Iterable[Mapping]) -> Iterator[Mapping]:
    """The mappings, the whole pages of the kernel's text apart, which do not stay."""
    if text is None:
        yield from mappings
        return
    pages = AddressRange(round_down(text.start, EFI_PAGE_SIZE), round_down(text.end, EFI_PAGE_SIZE))
    for mapping in mappings:
        start, end = mapping.physical
        first, last = max(start, pages.start), min(end, pages.end)
        if first >= last:
            yield mapping
            continue
        if start < first:
            yield _part(mapping, start, first)
        why = "the kernel's text, taken out"
        yield _part(mapping, first, last)._replace(temporary=True, why=why)
        if last < end:
            yield _part(mapping, last, end)


def _part(mapping: Mapping, start: int, end: int) -> Mapping:
    return mapping._replace(physical=AddressRange(start, end), virtual_start=start)


def _read_only(rodata: AddressRange | None) -> Iterator[Protection]:
    """The kernel's read-only data. One page of it, nobody tells which, is code to return by."""
    if rodata:
        pages = AddressRange(
            round_down(rodata.start, EFI_PAGE_SIZE), round_up(rodata.end, EFI_PAGE_SIZE)
        )
        yield Protection(pages, "R")


def _extra(options: Any) -> Iterator[Mapping]:
    page = page_0(map_time_of(options["kernel"]), "page 0, for firmware that reads it")
    yield page
    if options["stack_page"] is not None:
        stack = pages_of(round_down(options["stack_page"], EFI_PAGE_SIZE), 1)
        yield page._replace(
            physical=stack, virtual_start=stack.start, access="RW", why="the stack of calls"
        )


def _beyond_reach(regions: Iterable[Region]) -> Iterator[PlanProblem]:
    for region in regions:
        if region.descriptors[0].runtime and region.physical.end > 4 * GIB:
            yield PlanProblem(
                rule="linux/mixed-mode-region-above-4g",
                message="it ends above 4 GiB, out of reach of 32-bit firmware",
                region=region.physical,
            )


X86_MIXED: Final = Strategy(
    name="x86-mixed",
    title="Linux on x86-64 with 32-bit firmware: everything 1:1",
    page=page_of("x86-mixed"),
    architectures=frozenset({"x86_64"}),
    options=(
        kernel_option((6, 12), (3, 15)),
        merge_option(default=True),
        GBPAGES,
        MEMORY_ATTRIBUTES,
        Option(
            name="kernel_text",
            kind="range",
            default=None,
            doc="where the kernel's text lies in physical memory; its whole pages are taken out of "
            "the page tables",
        ),
        Option(
            name="kernel_rodata",
            kind="range",
            default=None,
            doc="where the kernel's read-only data lies in physical memory; it is read-only",
        ),
        Option(
            name="stack_page",
            kind="address",
            default=None,
            doc="the page below 4 GiB that calls have their stack in",
        ),
    ),
    plan=plan_mixed,
    kexec=KexecRole("own", refuses="virtual"),
)
