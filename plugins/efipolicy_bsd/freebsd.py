"""``freebsd-1to1``: runtime regions at their physical addresses, in small pages.

FreeBSD never calls SetVirtualAddressMap: some firmware needs its physical addresses even after it,
so that a second set of addresses would gain nothing (sys/amd64/amd64/efirt_machdep.c and
sys/arm64/arm64/efirt_machdep.c).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

from efipolicy.plugin import (
    EFI_MEMORY_UC,
    EFI_MEMORY_WB,
    EFI_MEMORY_WC,
    EFI_MEMORY_WP,
    EFI_MEMORY_WT,
    EFI_MEMORY_XP,
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
    RuntimeCall,
    Strategy,
)
from efipolicy_bsd.page import page_of

_AMD64: Final = "x86_64"
_DEVICE: Final = "device-nGnRE"

_CACHES: Final = {
    "x86_64": (
        (EFI_MEMORY_WB, "WB"),
        (EFI_MEMORY_WT, "WT"),
        (EFI_MEMORY_WC, "WC"),
        (EFI_MEMORY_WP, "WP"),
        (EFI_MEMORY_UC, "UC"),
    ),
    "arm64": (
        (EFI_MEMORY_WB, "normal"),
        (EFI_MEMORY_WT, "normal-wt"),
        (EFI_MEMORY_WC, "normal-nc"),
    ),
}

_CALLS: Final = {
    "x86_64": RuntimeCall(
        register="CR3",
        stays_mapped="the kernel's half; page faults are not handled for the thread",
        flushes="the TLB, on the way in and out; that of one PCID where these are in use",
        preemption="off",
        interrupts="on",
        fp_state="saved",
        saved_state="per-cpu",
    ),
    "arm64": RuntimeCall(
        register="TTBR0_EL1",
        stays_mapped="the kernel's half, through TTBR1_EL1",
        preemption="off",
        interrupts="on",
        fp_state="saved",
        saved_state="per-cpu",
    ),
}


def plan_1to1(request: PlanRequest) -> MappingPlan:
    """Map every runtime region where it is, or none at all.

    One region that has a virtual address already, does not start on a page or ends beyond the
    user's half makes FreeBSD give up runtime services.
    """
    options = _resolved(request)
    amd64 = request.architecture.name == _AMD64
    chosen = _chosen(request, options)
    problems = tuple(_problems(chosen, options["user_limit"]))
    mappings = [_mapping(each, amd64=amd64) for each in chosen]
    if problems:
        mappings = [mapping._replace(virtual_start=None) for mapping in mappings]
    page_0 = options["page0"] and not problems and all(m.physical.start for m in mappings)
    return MappingPlan(
        strategy="freebsd-1to1",
        options=options,
        status="impossible" if problems else "ok",
        mappings=tuple(mappings),
        extra=(_page_0(amd64=amd64),) if page_0 else (),
        svam=None,
        call=_CALLS[request.architecture.name],
        problems=problems,
        largest_leaf=request.geometry.page_size,
    )


def _resolved(request: PlanRequest) -> dict[str, Any]:
    """The options with those derived from others. Only amd64 has the tunable."""
    options = dict(request.options)
    amd64 = request.architecture.name == _AMD64
    bits = request.geometry.virtual_address_bits
    if options["user_limit"] is None:
        options["user_limit"] = 1 << (bits - 1 if amd64 else bits)
    if options["page0"] is None:
        options["page0"] = amd64
    for name in ("boot_services", "acpi_nvs"):
        options[name] = amd64 and options[name]
    return options


def _chosen(request: PlanRequest, options: dict[str, Any]) -> list[MemoryDescriptor]:
    types: set[int] = set()
    if options["boot_services"]:
        types |= {EfiMemoryType.EfiBootServicesCode, EfiMemoryType.EfiBootServicesData}
    if options["acpi_nvs"]:
        types.add(EfiMemoryType.EfiACPIMemoryNVS)
    descriptors = request.platform.memory_map.descriptors
    known = (each for each in descriptors if each.attribute is not None)
    return [each for each in known if each.runtime or each.type in types]


def _problems(chosen: Iterable[MemoryDescriptor], user_limit: int) -> Iterator[PlanProblem]:
    """Each region because of which nothing is mapped."""
    for each in chosen:
        physical, virtual_start = each.physical, each.virtual_start
        if virtual_start and virtual_start != physical.start:
            rule = "uefi/virtual-start-in-firmware-map"
            message = f"{each} is mapped at {virtual_start:#x} already"
        elif physical.start % EFI_PAGE_SIZE:
            rule = "uefi/misaligned-physical-start"
            message = f"{each} does not start on a page"
        elif physical.end > 1 << 64:
            rule = "uefi/range-wraps-address-space"
            message = f"{each} wraps around the end of 64 bits"
        elif physical.end >= user_limit:
            rule = "plan/mapping-out-of-reach"
            message = f"{each} does not end below {user_limit:#x}, where the user's half ends"
        else:
            continue
        yield PlanProblem(rule, f"{message}: FreeBSD maps nothing", physical)


def _mapping(descriptor: MemoryDescriptor, *, amd64: bool) -> Mapping:
    """Everything can be written and executed; on arm64 not registers, nor what asks not to be."""
    caches = _CACHES["x86_64" if amd64 else "arm64"]
    found = (name for bit, name in caches if descriptor.has(bit))
    cache = next(found, "UC" if amd64 else _DEVICE)
    data = not amd64 and (cache == _DEVICE or descriptor.has(EFI_MEMORY_XP))
    return Mapping(
        physical=descriptor.physical,
        virtual_start=descriptor.physical_start,
        type=descriptor.type,
        access="RW" if data else "RWX",
        cache=cache,
        runtime=descriptor.runtime,
        descriptors=(descriptor.index,),
        pages_only=True,
    )


def _page_0(*, amd64: bool) -> Mapping:
    return Mapping(
        physical=AddressRange(0, EFI_PAGE_SIZE),
        virtual_start=0,
        type=int(EfiMemoryType.EfiConventionalMemory),
        access="RWX",
        cache="WB" if amd64 else "normal",
        runtime=False,
        why="page 0, for firmware that reads it",
        pages_only=True,
    )


FREEBSD_1TO1: Final = Strategy(
    name="freebsd-1to1",
    title="FreeBSD: runtime regions 1:1, in small pages",
    page=page_of("freebsd-1to1"),
    architectures=frozenset({"x86_64", "arm64"}),
    options=(
        Option(
            name="boot_services",
            kind="boolean",
            default=False,
            doc="whether the tunable of amd64 adds EfiBootServicesCode and EfiBootServicesData",
        ),
        Option(
            name="acpi_nvs",
            kind="boolean",
            default=False,
            doc="whether the tunable of amd64 adds EfiACPIMemoryNVS",
        ),
        Option(
            name="user_limit",
            kind="address",
            default=None,
            doc="where the user's half of the address space ends; 2 to the power of the virtual "
            "address bits unless given, half of it on x86-64",
        ),
        Option(
            name="page0",
            kind="boolean",
            default=None,
            doc="whether page 0 is mapped too where no region is; on x86-64 it is unless told not "
            "to be",
        ),
    ),
    plan=plan_1to1,
    kexec=KexecRole("physical", refuses="moved"),
)
