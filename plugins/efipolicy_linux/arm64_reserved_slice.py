"""``arm64-reserved-slice``: regions at constant addresses in the kernel's half.

An alternative of the discussion of August 2014, never merged: a slice of what TTBR1 translates is
kept free in every kernel, so that the one after kexec finds the regions where they were.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from efipolicy.plugin import (
    AddressRange,
    KexecRole,
    Mapping,
    MappingPlan,
    MemoryDescriptor,
    Option,
    Placement,
    PlacementWindow,
    PlanProblem,
    PlanRequest,
    RuntimeCall,
    Strategy,
    size_text,
)
from efipolicy_linux.arm64_flags import MapTime, largest_block, protections
from efipolicy_linux.arm64_plans import (
    MAPPED_BY_KERNEL,
    Placed,
    halves,
    kernel_option,
    virtual_map,
)
from efipolicy_linux.arm64_virtmap import pack, walked
from efipolicy_linux.direct_map import direct_map_of
from efipolicy_linux.memory_attributes import MEMORY_ATTRIBUTES
from efipolicy_linux.page import page_of

_CALL: Final = RuntimeCall(
    register="TTBR1_EL1",
    stays_mapped="all of the kernel's half, in which the regions lie",
)


def plan_reserved_slice(request: PlanRequest) -> MappingPlan:
    """Place the runtime regions one after the other from the start of the slice on.

    The slots are those of the EFI stub, so kernels of any page size come to the same addresses as
    long as the memory map is the same. What does not fit the slice gets no address.
    """
    options, platform = request.options, request.platform
    base, page_size = options["slice_base"], request.geometry.page_size
    area = AddressRange(base, base + options["slice_size"])
    descriptors = walked(platform.memory_map.descriptors, options["kernel"])
    placed = [_within(area, *one) for one in pack(descriptors, base, options["kernel"])]
    map_time = MapTime(options["kernel"], page_size)
    mappings = tuple([_mapping(map_time, *one) for one in placed])
    problems = (*_about_the_slice(area, request), *_unplaced(mappings, area))
    table = platform.memory_attributes_table
    return MappingPlan(
        strategy="arm64-reserved-slice",
        options=dict(options),
        status="impossible" if problems else "ok",
        mappings=mappings,
        extra=(),
        svam=virtual_map(placed),
        call=_CALL,
        problems=problems,
        protections=tuple(protections(table, mappings, options, page_size)),
        direct_map=direct_map_of(platform.memory_map, page_size, MAPPED_BY_KERNEL),
        largest_leaf=largest_block(request.geometry.page_size),
        placement=_placement(area),
    )


def _placement(area: AddressRange) -> Placement:
    """The slice upwards. One without any room, or beyond 64 bits, is no window."""
    end = min(area.end, 1 << 64)
    if area.start >= end:
        return Placement(direction="up")
    return Placement((PlacementWindow(area.start, end, "slice_base", "end of the slice"),), "up")


def _within(area: AddressRange, descriptor: MemoryDescriptor, virtual_start: int) -> Placed:
    fits = virtual_start + descriptor.physical.size <= area.end
    return descriptor, virtual_start if fits else None


def _mapping(map_time: MapTime, descriptor: MemoryDescriptor, virtual_start: int | None) -> Mapping:
    return map_time.mapping(descriptor, 0)._replace(virtual_start=virtual_start)


def _about_the_slice(area: AddressRange, request: PlanRequest) -> Iterator[PlanProblem]:
    """Why the slice cannot be where it is."""
    _, upper = halves(request)
    if not upper.covers(area):
        message = f"the slice {area} lies outside {upper}, which TTBR1 translates"
        yield PlanProblem("plan/mapping-out-of-reach", message)
    for reserved in request.options["reserved"]:
        if area.overlaps(reserved):
            message = f"the slice {area} meets {reserved}, which the kernel uses itself"
            yield PlanProblem("linux/runtime-window-overflow", message)


def _unplaced(mappings: tuple[Mapping, ...], area: AddressRange) -> Iterator[PlanProblem]:
    for mapping in mappings:
        if mapping.virtual_start is None:
            yield PlanProblem(
                rule="linux/runtime-window-overflow",
                message=f"no room left for {size_text(mapping.physical.size)} in the slice of "
                f"{size_text(area.size)}",
                region=mapping.physical,
            )


ARM64_RESERVED_SLICE: Final = Strategy(
    name="arm64-reserved-slice",
    title="Linux on arm64 as discussed in August 2014: a slice of the kernel's half",
    page=page_of("arm64-reserved-slice"),
    architectures=frozenset({"arm64"}),
    options=(
        kernel_option((6, 12), "the Linux version; selects the layout and permissions of its era"),
        Option(
            name="slice_base",
            kind="address",
            default=0xFFFFFFBE00000000,
            doc="where the slice starts, a multiple of 2 MiB",
        ),
        Option(
            name="slice_size",
            kind="size",
            default=512 << 20,
            doc="how large the slice is",
        ),
        Option(
            name="reserved",
            kind="ranges",
            default=(),
            doc="what the kernel uses itself, as its linear map, vmalloc area, modules and fixmap; "
            "the slice must not meet it",
        ),
        MEMORY_ATTRIBUTES,
    ),
    plan=plan_reserved_slice,
    kexec=KexecRole("own", offers=("device-tree",), varies_with="slice_base and the map"),
)
