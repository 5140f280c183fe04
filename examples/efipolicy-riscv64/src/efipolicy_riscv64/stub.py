"""``riscv-stub``: what RISC-V Linux installs since 5.10.

The EFI stub chooses the addresses and calls SetVirtualAddressMap; the kernel proper maps what it
finds in the descriptors, in a table of its own that satp holds during a call (Linux 6.12,
drivers/firmware/efi/libstub/fdt.c, drivers/firmware/efi/riscv-runtime.c).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any, Final

from efipolicy.plugin import (
    EFI_MEMORY_SP,
    EFI_MEMORY_WB,
    NO_VIRTUAL_START,
    RUNTIME_SERVICES,
    AddressRange,
    EfiMemoryType,
    KexecRole,
    Mapping,
    MappingPlan,
    MemoryDescriptor,
    MemoryMap,
    Option,
    Placement,
    PlacementWindow,
    PlanRequest,
    RuntimeCall,
    Strategy,
    VirtualMapEntry,
)

from efipolicy_riscv64.layout import BASE, in_place, pack, random_base
from efipolicy_riscv64.permissions import access_at_map_time, protections

SINCE: Final = (5, 10)
"""The first kernel with an EFI stub and runtime services on RISC-V."""

RANDOM_UNTIL: Final = (6, 1)
"""From then on the base is fixed, and the properties table of UEFI 2.5 is not asked either."""

_CALL: Final = RuntimeCall(
    register="satp",
    stays_mapped="the kernel's half, whose entries the table shares",
    preemption="off",
)

_OF_THE_KERNEL: Final = frozenset(
    {
        EfiMemoryType.EfiLoaderCode,
        EfiMemoryType.EfiLoaderData,
        EfiMemoryType.EfiBootServicesCode,
        EfiMemoryType.EfiBootServicesData,
        EfiMemoryType.EfiConventionalMemory,
        EfiMemoryType.EfiACPIReclaimMemory,
        EfiMemoryType.EfiPersistentMemory,
    }
)
"""Memory that the kernel has in its own map while firmware runs."""


def plan_stub(request: PlanRequest) -> MappingPlan:
    """Place the runtime regions one after the other from 512 MiB on, or leave them in place.

    In place, SetVirtualAddressMap is not called. Nothing is mapped besides: an address that
    firmware did not convert faults.
    """
    options = _resolved(request)
    memory_map = request.platform.memory_map
    if options["novamap"] or options["flat"]:
        placed = tuple(in_place(memory_map.descriptors))
    else:
        placed = tuple(pack(memory_map.descriptors, options["base"]))
    mappings = tuple(_mapping(*one) for one in placed)
    table = request.platform.memory_attributes_table if options["memory_attributes"] else None
    return MappingPlan(
        strategy="riscv-stub",
        options=options,
        status="ok",
        mappings=mappings,
        extra=(),
        svam=None if options["novamap"] else tuple(_virtual_map_entry(*one) for one in placed),
        call=_CALL,
        protections=tuple(protections(table, mappings, options["kernel"])),
        direct_map=tuple(_direct_map(memory_map)),
        largest_leaf=request.geometry.page_size,
        placement=_placement(options, request),
    )


def _placement(options: dict[str, Any], request: PlanRequest) -> Placement:
    """From the base to where user space ends, whose half of the tables the regions are mapped in.

    What stays at its physical address fills no area.
    """
    if options["novamap"] or options["flat"]:
        return Placement(direction="none")
    notes = ["Each region takes the next 64 KiB slot; a large one on a 2 MiB boundary keeps it."]
    if options["random"] is not None:
        notes.append("The base is random; drawn for the number given as option `random`.")
    elif options["kernel"] < RANDOM_UNTIL:
        notes.append("Kernels 5.10 to 6.0 take a random base; drawn without one.")
    base, end = options["base"], 1 << request.geometry.virtual_address_bits - 1
    name = "EFI_RT_VIRTUAL_BASE" if base == BASE else "base"
    limit = f"VA limit, {request.geometry.name}"
    windows = (PlacementWindow(base, end, name, limit),) if base < end else ()
    return Placement(windows, "up", tuple(notes))


def _resolved(request: PlanRequest) -> dict[str, Any]:
    """The options with what firmware says, and without what this kernel does not ask for."""
    options = dict(request.options)
    options["novamap"] = options["novamap"] or _lacks_the_call(request)
    asks = options["kernel"] < RANDOM_UNTIL and not options["novamap"]
    options["flat"] = options["flat"] and asks
    if not asks or options["flat"]:
        options["random"] = None
    if options["random"] is not None:
        options["base"] = random_base(options["random"])
    return options


def _lacks_the_call(request: PlanRequest) -> bool:
    """Whether EFI_RT_PROPERTIES_TABLE says that SetVirtualAddressMap is not there."""
    properties = request.platform.runtime_properties
    if properties is None:
        return False
    return not properties.supported & RUNTIME_SERVICES["SetVirtualAddressMap"]


def _mapping(descriptor: MemoryDescriptor, virtual_start: int) -> Mapping:
    return Mapping(
        physical=descriptor.physical,
        virtual_start=virtual_start,
        type=descriptor.type,
        access=access_at_map_time(descriptor),
        cache="PMA",
        runtime=True,
        descriptors=(descriptor.index,),
        pages_only=True,
    )


def _virtual_map_entry(descriptor: MemoryDescriptor, virtual_start: int) -> VirtualMapEntry:
    return VirtualMapEntry(
        physical_start=descriptor.physical_start,
        virtual_start=virtual_start,
        number_of_pages=descriptor.number_of_pages,
        type=descriptor.type,
        attribute=descriptor.attribute or 0,
    )


def _direct_map(memory_map: MemoryMap) -> Iterator[AddressRange]:
    """The kernel's own write-back memory by address, what touches or overlaps as one range."""
    start = end = 0
    for descriptor in memory_map.by_address:
        memory = descriptor.type in _OF_THE_KERNEL and descriptor.has(EFI_MEMORY_WB)
        if not memory or descriptor.has(EFI_MEMORY_SP):
            continue
        first, last = descriptor.physical
        if first > end:
            if start < end:
                yield AddressRange(start, end)
            start = first
        end = max(end, last)
    if start < end:
        yield AddressRange(start, end)


OPTIONS: Final = (
    Option(
        name="kernel",
        kind="version",
        default=(6, 12),
        minimum=SINCE,
        doc="the Linux version; before 6.1 the base may be random, before 5.19 the Memory "
        "Attributes Table makes nothing read-only",
    ),
    Option(
        name="novamap",
        kind="boolean",
        default=False,
        doc="whether SetVirtualAddressMap is left out, as with efi=novamap on the command line; "
        "it is, whatever is said here, where firmware says that it has no such call",
    ),
    Option(
        name="base",
        kind="address",
        default=BASE,
        doc="where the area starts",
    ),
    Option(
        name="random",
        kind="integer",
        default=None,
        limits=(0, 2**32 - 1),
        doc="the 32 bits that firmware's random number generator gave; kernels 5.10 to 6.0 move "
        "the base by them, others do not ask",
    ),
    Option(
        name="flat",
        kind="boolean",
        default=False,
        doc="whether firmware publishes the properties table of UEFI 2.5 and it says that code and "
        "data are apart; kernels 5.10 to 6.0 then choose virtual addresses equal to the physical",
    ),
    Option(
        name="memory_attributes",
        kind="boolean",
        default=True,
        doc="whether the Memory Attributes Table is applied to the page tables; the plan shows the "
        "access at the time of mapping, the page tables what comes of it",
    ),
)

RISCV_STUB: Final = Strategy(
    name="riscv-stub",
    title="Linux on RISC-V since 5.10: the stub's layout from 512 MiB on",
    page=f"{os.path.dirname(__file__)}/pages/riscv-stub.rst",
    architectures=frozenset({"riscv64"}),
    options=OPTIONS,
    plan=plan_stub,
    kexec=KexecRole(
        "given",
        reads=("device-tree",),
        offers=("device-tree",),
        states_addresses=True,
        only_given=True,
        failure_marker=((SINCE, 0), ((6, 1), NO_VIRTUAL_START)),
    ),
)
