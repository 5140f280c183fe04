"""``arm64-stub-virtmap`` and ``arm64-novamap``: what arm64 Linux installs since 4.0.

The EFI stub chooses the addresses and calls SetVirtualAddressMap while firmware's own 1:1 mapping
is still in force; the kernel proper maps what it finds in the descriptors, in a table of its own
that is loaded into TTBR0 for each call (Linux 6.12, drivers/firmware/efi/libstub/fdt.c,
drivers/firmware/efi/arm-runtime.c).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from efipolicy.plugin import (
    NO_VIRTUAL_START,
    RUNTIME_SERVICES,
    EfiMemoryType,
    KexecRole,
    Mapping,
    MappingPlan,
    MemoryDescriptor,
    Placement,
    PlanProblem,
    PlanRequest,
    RuntimeCall,
    Strategy,
    VirtualMapEntry,
)
from efipolicy_linux.arm64_flags import MapTime, largest_block, protections
from efipolicy_linux.arm64_stub_options import NOVAMAP_OPTIONS, VIRTMAP_OPTIONS
from efipolicy_linux.arm64_virtmap import (
    RANDOM_SINCE,
    RANDOM_UNTIL,
    SORTED_UNTIL,
    area_from,
    pack,
    random_base,
    walked,
)
from efipolicy_linux.direct_map import FREE_AFTER_BOOT, direct_map_of
from efipolicy_linux.page import page_of

FLAT_SINCE: Final = SORTED_UNTIL
FLAT_UNTIL: Final = RANDOM_UNTIL
NOVAMAP_BY_WIDTH_SINCE: Final = (6, 1)
NOVAMAP_BY_TABLE_SINCE: Final = (5, 10)
_WIDE_ENOUGH: Final = 48

_MAPPED_BY_KERNEL: Final = FREE_AFTER_BOOT | {
    EfiMemoryType.EfiACPIReclaimMemory,
    EfiMemoryType.EfiPersistentMemory,
}

_CALL: Final = RuntimeCall(
    register="TTBR0_EL1",
    stays_mapped="the kernel's half, through TTBR1_EL1",
    preemption="off",
    fp_state="saved",
)


def plan_virtmap(request: PlanRequest) -> MappingPlan:
    """Place the runtime regions one after the other, from 512 MiB on.

    SetVirtualAddressMap is told all of them. Nothing is mapped besides: an address that firmware
    did not convert faults.
    """
    options = _resolved(request)
    descriptors = walked(request.platform.memory_map.descriptors, options["kernel"])
    if options["flat"]:
        placed = _flat(descriptors)
    else:
        placed = list(pack(descriptors, options["base"], options["kernel"]))
    made = _plan("arm64-stub-virtmap", request, options, placed)
    if made.status == "ok" and _is_skipped(request, options):
        made = made._replace(status="assumption")
    return made._replace(
        svam=tuple([_virtual_map_entry(*one) for one in placed]),
        placement=_placement(request, options),
    )


def _placement(request: PlanRequest, options: dict[str, Any]) -> Placement:
    """The area that the stub fills; a flat layout fills none."""
    if options["flat"]:
        return Placement(direction="none")
    notes = ["Each region takes the next 64 KiB slot; a large one on a 2 MiB boundary keeps it."]
    if options["random"] is not None:
        notes.append("The base is random; drawn for the number given as option `random`.")
    elif RANDOM_SINCE <= options["kernel"] < RANDOM_UNTIL:
        notes.append(
            "Kernels 4.13 to 6.0 randomise the base unless told nokaslr; drawn without "
            "randomisation."
        )
    return Placement(area_from(options["base"], request), "up", tuple(notes))


def plan_novamap(request: PlanRequest) -> MappingPlan:
    """Leave every runtime region at its physical address; SetVirtualAddressMap is not called."""
    options = dict(request.options)
    if options["reason"] == "auto":
        options["reason"] = _reason(request, options)
    return _plan("arm64-novamap", request, options, _flat(request.platform.memory_map.descriptors))


def _flat(descriptors: Iterable[MemoryDescriptor]) -> list[tuple[MemoryDescriptor, int]]:
    return [(each, each.physical_start) for each in descriptors if each.runtime]


def _plan(
    strategy: str,
    request: PlanRequest,
    options: dict[str, Any],
    placed: list[tuple[MemoryDescriptor, int]],
) -> MappingPlan:
    platform, page_size = request.platform, request.geometry.page_size
    map_time = MapTime(options["kernel"], page_size)
    mappings = tuple([map_time.mapping(*one) for one in placed])
    problems = _out_of_reach(mappings, request)
    table = platform.memory_attributes_table
    return MappingPlan(
        strategy=strategy,
        options=options,
        status="impossible" if problems else "ok",
        mappings=mappings,
        extra=(),
        svam=None,
        call=_CALL,
        problems=problems,
        protections=tuple(protections(table, mappings, options, page_size)),
        direct_map=direct_map_of(platform.memory_map, page_size, _MAPPED_BY_KERNEL),
        largest_leaf=largest_block(request.geometry.page_size),
    )


def _resolved(request: PlanRequest) -> dict[str, Any]:
    """The options with those derived from others, and without those this kernel knows nothing of.

    ``base`` becomes what the random number makes of it.
    """
    options = dict(request.options)
    kernel, width = options["kernel"], request.geometry.virtual_address_bits
    if options["va_bits_min"] is None:
        options["va_bits_min"] = _va_bits_min(request)
    options["flat"] = options["flat"] and FLAT_SINCE <= kernel < FLAT_UNTIL
    if options["flat"] or not RANDOM_SINCE <= kernel < RANDOM_UNTIL:
        options["random"] = None
    if options["random"] is not None:
        if options["random_limit"] is None:
            options["random_limit"] = 1 << min(width, _WIDE_ENOUGH)
        options["base"] = random_base(options["random"], options["random_limit"])
    return options


def _va_bits_min(request: PlanRequest) -> int:
    """VA_BITS_MIN: a kernel of 52 bits also has to run where the processor has fewer."""
    geometry = request.geometry
    if geometry.virtual_address_bits > _WIDE_ENOUGH:
        return 47 if geometry.page_size == 16 << 10 else _WIDE_ENOUGH
    return geometry.virtual_address_bits


def _is_unsupported(request: PlanRequest, kernel: Any) -> bool:
    """Whether firmware says it has no SetVirtualAddressMap to a kernel that asks."""
    properties = request.platform.runtime_properties
    return (
        kernel >= NOVAMAP_BY_TABLE_SINCE
        and properties is not None
        and not properties.supported & RUNTIME_SERVICES["SetVirtualAddressMap"]
    )


def _is_skipped(request: PlanRequest, options: dict[str, Any]) -> bool:
    """Whether the stub would rather leave SetVirtualAddressMap out on this machine."""
    kernel = options["kernel"]
    if _is_unsupported(request, kernel):
        return True
    wide = options["va_bits_min"] >= _WIDE_ENOUGH
    return kernel >= NOVAMAP_BY_WIDTH_SINCE and wide and not options["needs_svam"]


def _reason(request: PlanRequest, options: dict[str, Any]) -> str:
    """Why SetVirtualAddressMap is not called, as far as the platform tells."""
    if _is_unsupported(request, options["kernel"]):
        return "rtprop"
    wide = _va_bits_min(request) >= _WIDE_ENOUGH
    return "va-bits" if wide and options["kernel"] >= NOVAMAP_BY_WIDTH_SINCE else "option"


def _virtual_map_entry(descriptor: MemoryDescriptor, virtual_start: int) -> VirtualMapEntry:
    return VirtualMapEntry(
        physical_start=descriptor.physical_start,
        virtual_start=virtual_start,
        number_of_pages=descriptor.number_of_pages,
        type=descriptor.type,
        attribute=descriptor.attribute or 0,
    )


def _out_of_reach(mappings: tuple[Mapping, ...], request: PlanRequest) -> tuple[PlanProblem, ...]:
    """The mappings that end above what TTBR0 translates."""
    bits = request.geometry.virtual_address_bits
    return tuple(
        PlanProblem(
            rule="linux/identity-mapping-out-of-reach",
            message=f"{mapping.virtual} lies beyond 2^{bits}, where TTBR0 ends",
            region=mapping.physical,
        )
        for mapping in mappings
        if mapping.virtual and mapping.virtual.end > 1 << bits
    )


_KEXEC: Final = KexecRole(
    "given",
    reads=("device-tree",),
    offers=("device-tree",),
    states_addresses=True,
    only_given=True,
    failure_marker=(((4, 0), 0), ((6, 1), NO_VIRTUAL_START)),
)
"""Only the stub chooses addresses, and kexec passes it by: a kernel maps what the map says."""

ARM64_STUB_VIRTMAP: Final = Strategy(
    name="arm64-stub-virtmap",
    title="Linux on arm64 since 4.0: the stub's layout from 512 MiB on",
    page=page_of("arm64-stub-virtmap"),
    architectures=frozenset({"arm64"}),
    options=VIRTMAP_OPTIONS,
    plan=plan_virtmap,
    kexec=_KEXEC,
)

ARM64_NOVAMAP: Final = Strategy(
    name="arm64-novamap",
    title="Linux on arm64 without SetVirtualAddressMap: runtime regions 1:1",
    page=page_of("arm64-novamap"),
    architectures=frozenset({"arm64"}),
    options=NOVAMAP_OPTIONS,
    plan=plan_novamap,
    kexec=_KEXEC,
)
