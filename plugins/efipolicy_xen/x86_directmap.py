"""``xen-x86-directmap``: how Xen on x86-64 calls firmware.

Xen maps all of physical memory in its own half of the address space, and enters the same tables a
second time, at the physical addresses, in a root of its own for the time of a call
(xen/common/efi/boot.c and runtime.c).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from efipolicy.plugin import (
    EFI_MEMORY_WB,
    NO_VIRTUAL_START,
    AddressRange,
    EfiMemoryType,
    KexecRole,
    Mapping,
    MappingPlan,
    MemoryDescriptor,
    MemoryMap,
    PlanProblem,
    PlanRequest,
    RuntimeCall,
    Strategy,
    VirtualMapEntry,
)
from efipolicy_xen.page import page_of
from efipolicy_xen.x86_flags import Flags
from efipolicy_xen.x86_options import OPTIONS

_SLOT: Final = 1 << 39
"""Bytes under one entry of the fourth level."""

_END_SLOT: Final = 511

_SERVICES: Final = (EfiMemoryType.EfiRuntimeServicesCode, EfiMemoryType.EfiRuntimeServicesData)
_BOOT_SERVICES: Final = (EfiMemoryType.EfiBootServicesCode, EfiMemoryType.EfiBootServicesData)
_RAM: Final = frozenset({*range(1, 8), 9, 10, 14})

_CALL: Final = RuntimeCall(
    register="CR3",
    stays_mapped="Xen's half with its direct map, and all of memory at its physical address",
    flushes="the TLB, by the change of CR3",
    interrupts="on, but off around the services of the clock",
    fp_state="saved, and its control words set as UEFI wants them",
    saved_state="per-cpu",
)


def plan_directmap(request: PlanRequest) -> MappingPlan:
    """Map each runtime region at its physical address, and in Xen's direct map if that holds it.

    Runtime services code and data count as runtime regions whether they say so or not. What lies
    beyond the direct map is mapped 1:1 where the lower half of the address space reaches it. Xen
    links the tables of its direct map; here they count as if they were built for firmware.
    """
    options, platform = dict(request.options), request.platform
    memory_map = platform.memory_map
    start = direct_map_start(bigmem=options["bigmem"])
    limit = 1 << request.geometry.virtual_address_bits - 1
    flags = Flags(platform.uefi, uncached_if_unknown=options["attr_uc"])
    chosen = [each for each in memory_map.descriptors if _is_mapped(each, options["boot_services"])]
    mappings = tuple([_mapping(each, flags, limit) for each in chosen])
    problems = tuple(_problems(chosen, mappings, limit))
    taken = {each.index for each in chosen}
    memory = tuple(_ram(memory_map, taken))
    return MappingPlan(
        strategy="xen-x86-directmap",
        options=options,
        status="impossible" if problems else "assumption" if flags.assumed(chosen) else "ok",
        mappings=mappings,
        extra=(*_seen_by_xen(mappings, start), *map(_memory, memory)),
        svam=tuple(map(_virtual_map_entry, memory_map.descriptors)) if options["svam"] else None,
        call=_CALL,
        problems=problems,
        direct_map=memory,
    )


def direct_map_start(*, bigmem: bool) -> int:
    """Where Xen's direct map begins; one built for more memory has larger tables before it."""
    return (0xFFFF << 48) + (265 if bigmem else 262) * _SLOT


def _is_mapped(descriptor: MemoryDescriptor, boot_services: bool) -> bool:
    if descriptor.attribute is None:
        return False
    wanted = descriptor.runtime or descriptor.type in _SERVICES
    return wanted or (boot_services and descriptor.type in _BOOT_SERVICES)


def _mapping(descriptor: MemoryDescriptor, flags: Flags, limit: int) -> Mapping:
    cache = flags.cache(descriptor)
    reached = descriptor.physical.end <= limit
    return Mapping(
        physical=descriptor.physical,
        virtual_start=descriptor.physical_start if cache and reached else None,
        type=descriptor.type,
        access=flags.access(descriptor),
        cache=cache or "UC",
        runtime=descriptor.runtime or descriptor.type in _SERVICES,
        descriptors=(descriptor.index,),
        pages_only=cache != "WB",
    )


def _problems(
    chosen: list[MemoryDescriptor], mappings: tuple[Mapping, ...], limit: int
) -> Iterator[PlanProblem]:
    for descriptor, mapping in zip(chosen, mappings, strict=True):
        if mapping.virtual_start is not None:
            continue
        if mapping.physical.end > limit:
            rule = "plan/mapping-out-of-reach"
            message = f"{descriptor} ends above {limit:#x}, where the lower half ends"
        else:
            rule = "uefi/runtime-region-without-cacheability"
            message = f"{descriptor} offers no cache type Xen knows, and is left out"
        yield PlanProblem(rule, message, mapping.physical)


def _seen_by_xen(mappings: tuple[Mapping, ...], start: int) -> Iterator[Mapping]:
    """The same regions in the direct map, as far as it reaches."""
    size = (0xFFFF << 48) + _END_SLOT * _SLOT - start
    for mapping in mappings:
        if mapping.virtual_start is not None and mapping.physical.end <= size:
            yield mapping._replace(
                virtual_start=start + mapping.physical.start, why="in Xen's direct map"
            )


def _ram(memory_map: MemoryMap, taken: set[int]) -> Iterator[AddressRange]:
    """Memory that is not mapped as a region, by address, what touches as one."""
    ram: AddressRange | None = None
    for each in memory_map.by_address:
        if each.index in taken or each.type not in _RAM or not each.has(EFI_MEMORY_WB):
            continue
        if ram and each.physical.start <= ram.end:
            ram = AddressRange(ram.start, max(ram.end, each.physical.end))
        else:
            if ram:
                yield ram
            ram = each.physical
    if ram:
        yield ram


def _memory(physical: AddressRange) -> Mapping:
    return Mapping(
        physical=physical,
        virtual_start=physical.start,
        type=int(EfiMemoryType.EfiConventionalMemory),
        access="RW",
        cache="WB",
        runtime=False,
        why="all memory is mapped 1:1",
    )


def _virtual_map_entry(descriptor: MemoryDescriptor) -> VirtualMapEntry:
    kept = descriptor.runtime or descriptor.type in _SERVICES
    return VirtualMapEntry(
        physical_start=descriptor.physical_start,
        virtual_start=descriptor.physical_start if kept else NO_VIRTUAL_START,
        number_of_pages=descriptor.number_of_pages,
        type=descriptor.type,
        attribute=descriptor.attribute or 0,
    )


XEN_X86_DIRECTMAP: Final = Strategy(
    name="xen-x86-directmap",
    title="Xen on x86-64: all memory 1:1, in a root of its own",
    page=page_of("xen-x86-directmap"),
    architectures=frozenset({"x86_64"}),
    options=OPTIONS,
    plan=plan_directmap,
    kexec=KexecRole("physical"),
)
