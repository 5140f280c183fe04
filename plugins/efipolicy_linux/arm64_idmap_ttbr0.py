"""``arm64-idmap-ttbr0``: firmware at its physical addresses, through an identity map in TTBR0.

Proposed for arm64 Linux in July 2014 and not merged. Its identity map is the one with which Linux
3.16 to 3.19 called SetVirtualAddressMap.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from efipolicy.plugin import (
    AddressRange,
    KexecRole,
    Mapping,
    MappingPlan,
    Option,
    PlanProblem,
    PlanRequest,
    RuntimeCall,
    Strategy,
)
from efipolicy_linux.arm64_flags import largest_block, protections
from efipolicy_linux.arm64_plans import (
    MAPPED_BY_KERNEL,
    halves,
    identity_of,
    identity_ram,
    kernel_option,
    out_of_reach,
)
from efipolicy_linux.direct_map import direct_map_of
from efipolicy_linux.memory_attributes import MEMORY_ATTRIBUTES
from efipolicy_linux.page import page_of

_EXTENDED: Final = 48
"""Address bits of an identity map with the levels that the kernel's own tables may lack."""

_CALL: Final = RuntimeCall(
    register="TTBR0_EL1",
    stays_mapped="the kernel's half, through TTBR1_EL1: its stack and the arguments",
    flushes="the whole TLB before and after the call, and an instruction cache that is virtually "
    "indexed and tagged with the address space (AIVIVT)",
    preemption="off",
    fp_state="saved",
)


def plan_idmap(request: PlanRequest) -> MappingPlan:
    """Map all memory, and the devices that firmware declares, at their physical addresses.

    SetVirtualAddressMap is not called. Addresses that firmware did not convert work, and so do
    those it never declared, as long as they are memory. The identity map has no protection:
    memory is writable and executable before the Memory Attributes Table is applied.
    """
    platform, options = request.platform, request.options
    memory_map = platform.memory_map
    mappings = tuple([identity_of(descriptor) for descriptor in memory_map.runtime])
    why = "all memory 1:1, whether firmware declares it or not"
    extra = tuple(identity_ram(memory_map, why)) if options["map_ram"] else ()
    problems = tuple(_problems(request, (*mappings, *extra)))
    page_size = request.geometry.page_size
    table = platform.memory_attributes_table
    return MappingPlan(
        strategy="arm64-idmap-ttbr0",
        options=dict(options),
        status="impossible" if problems else "ok",
        mappings=mappings,
        extra=extra,
        svam=None,
        call=_CALL,
        problems=problems,
        protections=tuple(protections(table, mappings, options, page_size)),
        direct_map=direct_map_of(memory_map, page_size, MAPPED_BY_KERNEL),
        virtual_address_bits=_width(request),
        largest_leaf=largest_block(request.geometry.page_size),
    )


def _width(request: PlanRequest) -> int | None:
    """The bits that more levels reach, ``None`` where the kernel's own tables reach as far."""
    asked = request.geometry.virtual_address_bits
    return _EXTENDED if request.options["extended_idmap"] and asked < _EXTENDED else None


def _problems(request: PlanRequest, mappings: tuple[Mapping, ...]) -> Iterator[PlanProblem]:
    """What lies above the addresses that the identity map reaches, memory included."""
    reach, _ = halves(request)
    if request.options["extended_idmap"]:
        reach = AddressRange(0, max(reach.end, 1 << _EXTENDED))
    yield from out_of_reach(mappings, reach, "linux/identity-mapping-out-of-reach", "TTBR0")


ARM64_IDMAP_TTBR0: Final = Strategy(
    name="arm64-idmap-ttbr0",
    title="Linux on arm64 as proposed in July 2014: all memory 1:1 through TTBR0",
    page=page_of("arm64-idmap-ttbr0"),
    architectures=frozenset({"arm64"}),
    options=(
        kernel_option((6, 12), "the Linux version; tells whether it knows the attributes table"),
        Option(
            name="map_ram",
            kind="boolean",
            default=True,
            doc="whether all memory is mapped besides the runtime regions",
        ),
        Option(
            name="extended_idmap",
            kind="boolean",
            default=False,
            doc="whether the identity map has more levels than the kernel's own tables, so that it "
            "reaches 48 bits whatever the virtual address bits",
        ),
        MEMORY_ATTRIBUTES,
    ),
    plan=plan_idmap,
    kexec=KexecRole("physical", reads=("device-tree",), offers=("device-tree",)),
)
