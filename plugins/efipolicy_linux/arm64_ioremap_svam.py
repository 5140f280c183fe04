"""``arm64-ioremap-svam``: what arm64 Linux did from 3.16 to 3.19.

The kernel itself mapped the regions where it maps memory and devices anyway, and called
SetVirtualAddressMap with its identity map in TTBR0 (Linux 3.16, arch/arm64/kernel/efi.c).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from efipolicy.plugin import (
    EFI_MEMORY_WB,
    Access,
    AddressRange,
    KexecRole,
    Mapping,
    MappingPlan,
    MemoryDescriptor,
    Option,
    PlanProblem,
    PlanRequest,
    RuntimeCall,
    Strategy,
    round_down,
)
from efipolicy_linux.arm64_flags import largest_block, protections
from efipolicy_linux.arm64_plans import (
    DEVICE,
    MAPPED_BY_KERNEL,
    NORMAL,
    halves,
    identity_of,
    identity_ram,
    kernel_option,
    out_of_reach,
    ram_of,
    virtual_map,
)
from efipolicy_linux.direct_map import direct_map_of
from efipolicy_linux.memory_attributes import MEMORY_ATTRIBUTES
from efipolicy_linux.page import page_of

_GIB: Final = 1 << 30

_CALL: Final = RuntimeCall(
    register="TTBR1_EL1",
    stays_mapped="all of the kernel's half; the identity map in TTBR0 during SetVirtualAddressMap",
    flushes="the caches at SetVirtualAddressMap",
)
_DURING: Final = "1:1 during SetVirtualAddressMap"


def plan_ioremap(request: PlanRequest) -> MappingPlan:
    """Take memory where the kernel's linear map has it, devices where ioremap put them.

    What ioremap answers depends on all it was asked before, so a device has no address unless the
    option ``ioremap`` tells it.
    """
    platform, page_size = request.platform, request.geometry.page_size
    memory_map = platform.memory_map
    options = _resolved(request)
    linear = _Linear(request, options)
    mappings = tuple([linear.mapping(descriptor) for descriptor in memory_map.runtime])
    extra = tuple(_identity_map(request))
    unreachable = tuple(_problems(request, options["linear_base"], (*mappings, *extra)))
    unknown = tuple(_unknown(mappings))
    table = platform.memory_attributes_table
    return MappingPlan(
        strategy="arm64-ioremap-svam",
        options=options,
        status="impossible" if unreachable else "incomplete" if unknown else "ok",
        mappings=mappings,
        extra=extra,
        svam=virtual_map(
            (each, mapping.virtual_start)
            for each, mapping in zip(memory_map.runtime, mappings, strict=True)
        ),
        call=_CALL,
        problems=(*unreachable, *unknown),
        protections=tuple(protections(table, mappings, options, page_size)),
        direct_map=direct_map_of(memory_map, page_size, MAPPED_BY_KERNEL),
        largest_leaf=largest_block(request.geometry.page_size),
    )


def _resolved(request: PlanRequest) -> dict[str, Any]:
    """The options with those derived from the address width and the memory map."""
    options = dict(request.options)
    if options["linear_base"] is None:
        _, upper = halves(request)
        options["linear_base"] = upper.end - upper.size // 2
    if options["memory_base"] is None:
        ram = ram_of(request.platform.memory_map)
        options["memory_base"] = round_down(ram[0].start, _GIB) if ram else None
    return options


class _Linear:
    """The kernel's linear map, and beside it what ioremap was seen to answer."""

    def __init__(self, request: PlanRequest, options: dict[str, Any]) -> None:
        self._ram = ram_of(request.platform.memory_map)
        self._page_size = request.geometry.page_size
        self._memory_base = options["memory_base"]
        self._linear_base = options["linear_base"]
        self._answers = options["ioremap"]

    def mapping(self, descriptor: MemoryDescriptor) -> Mapping:
        """Where a region is, and how: the linear map is executable, ioremap is not."""
        memory = descriptor.has(EFI_MEMORY_WB)
        linear = memory and self.holds(descriptor.physical)
        access: Access = "RWX" if linear else "RW"
        return Mapping(
            physical=descriptor.physical,
            virtual_start=self._linear(descriptor) if linear else self._answer(descriptor),
            type=descriptor.type,
            access=access,
            cache=NORMAL if memory else DEVICE,
            runtime=True,
            descriptors=(descriptor.index,),
        )

    def holds(self, physical: AddressRange) -> bool:
        """Whether all of a region is memory."""
        return any(ram.covers(physical) for ram in self._ram)

    def _linear(self, descriptor: MemoryDescriptor) -> int:
        return int(self._linear_base + descriptor.physical_start - self._memory_base)

    def _answer(self, descriptor: MemoryDescriptor) -> int | None:
        """The address of a region, given for its own start or that of its page."""
        start = descriptor.physical_start
        page = round_down(start, self._page_size)
        if start in self._answers:
            return int(self._answers[start])
        return int(self._answers[page] + start - page) if page in self._answers else None


def _identity_map(request: PlanRequest) -> Iterator[Mapping]:
    """What lies 1:1 in TTBR0 during SetVirtualAddressMap: all memory, and the declared devices."""
    memory_map = request.platform.memory_map
    for mapping in identity_ram(memory_map, f"all memory {_DURING}"):
        yield mapping._replace(temporary=True)
    for descriptor in memory_map.runtime:
        if not descriptor.has(EFI_MEMORY_WB):
            yield identity_of(descriptor)._replace(why=f"device {_DURING}", temporary=True)


def _problems(
    request: PlanRequest, linear_base: int, mappings: tuple[Mapping, ...]
) -> Iterator[PlanProblem]:
    """What lies outside the addresses it has to be in, each with what translates these."""
    lower, upper = halves(request)
    linear = AddressRange(linear_base, upper.end)
    unreachable = "plan/mapping-out-of-reach"
    for mapping in mappings:
        if mapping.temporary:
            identity = "linux/identity-mapping-out-of-reach"
            yield from out_of_reach([mapping], lower, identity, "TTBR0")
        elif mapping.access == "RWX":
            yield from out_of_reach([mapping], linear, unreachable, "the linear map")
        else:
            yield from out_of_reach([mapping], upper, unreachable, "TTBR1")


def _unknown(mappings: tuple[Mapping, ...]) -> Iterator[PlanProblem]:
    for mapping in mappings:
        if mapping.virtual_start is None:
            message = "its address is what ioremap gives; option `ioremap` can say it"
            yield PlanProblem("plan/unknown-window-address", message, mapping.physical)


ARM64_IOREMAP_SVAM: Final = Strategy(
    name="arm64-ioremap-svam",
    title="Linux on arm64 from 3.16 to 3.19: the linear map and ioremap",
    page=page_of("arm64-ioremap-svam"),
    architectures=frozenset({"arm64"}),
    options=(
        kernel_option((3, 16), "the Linux version; tells whether it knows the attributes table"),
        Option(
            name="linear_base",
            kind="address",
            default=None,
            doc="where the linear map starts; half of what TTBR1 translates below its end, unless "
            "given",
        ),
        Option(
            name="memory_base",
            kind="address",
            default=None,
            doc="the physical address at linear_base; the lowest memory of the map, rounded down "
            "to 1 GiB, unless given",
        ),
        Option(
            name="ioremap",
            kind="placements",
            default={},
            doc="where ioremap put the regions that are not in the linear map",
        ),
        MEMORY_ATTRIBUTES,
    ),
    plan=plan_ioremap,
    kexec=KexecRole(
        "own",
        offers=("device-tree",),
        reproducible=False,
        varies_with="the allocator's order",
    ),
)
