"""Call firmware where it is: virtual equals physical. The smallest strategy, and the template."""

import os
from collections.abc import Iterable

from efipolicy.plugin import (
    EFI_MEMORY_UC,
    EFI_MEMORY_UCE,
    EFI_MEMORY_WB,
    EFI_MEMORY_WC,
    EFI_MEMORY_WP,
    EFI_MEMORY_WT,
    AddressRange,
    EfiMemoryType,
    KexecRole,
    Mapping,
    MappingPlan,
    MemoryDescriptor,
    Option,
    PlanRequest,
    RuntimeCall,
    Strategy,
    hookimpl,
    round_down,
    round_up,
)

EFIPOLICY_API = 1

_STRONGEST_FIRST = (
    EFI_MEMORY_WB,
    EFI_MEMORY_WT,
    EFI_MEMORY_WP,
    EFI_MEMORY_WC,
    EFI_MEMORY_UC,
    EFI_MEMORY_UCE,
)


@hookimpl
def efipolicy_strategies() -> Iterable[Strategy]:
    """The strategy ``identity``."""
    yield Strategy(
        name="identity",
        title="Physical calls: every runtime region at its own address",
        page=f"{os.path.dirname(__file__)}/pages/identity.rst",
        options=(
            Option(
                name="regions",
                kind="choice",
                choices=("runtime", "all"),
                default="runtime",
                doc="which descriptors are mapped",
            ),
            Option(
                name="gbpages",
                kind="boolean",
                default=True,
                doc="whether the processor has leaves of 1 GiB, as early x86-64 has not; 2 MiB is "
                "the largest otherwise",
            ),
        ),
        plan=plan_identity,
        kexec=KexecRole("physical", offers=("device-tree",)),
    )


def plan_identity(request: PlanRequest) -> MappingPlan:
    """Map each region at its own address, rounded out to the operating system's pages.

    SetVirtualAddressMap is not called, which UEFI allows (UEFI 2.10, 8.4), so any later kernel may
    do as it likes.
    """
    memory_map = request.platform.memory_map
    everything = request.options["regions"] == "all"
    chosen = memory_map.descriptors if everything else memory_map.runtime
    return MappingPlan(
        strategy="identity",
        options=dict(request.options),
        status="ok",
        mappings=tuple(_mapping(descriptor, request) for descriptor in chosen),
        extra=(),
        svam=None,
        call=RuntimeCall(
            register=request.architecture.address_space_register,
            stays_mapped="everything at its physical address",
        ),
        largest_leaf=None if request.options["gbpages"] else 2 << 20,
    )


def _mapping(descriptor: MemoryDescriptor, request: PlanRequest) -> Mapping:
    page = request.geometry.page_size
    physical = AddressRange(
        round_down(descriptor.physical.start, page), round_up(descriptor.physical.end, page)
    )
    code = descriptor.type == EfiMemoryType.EfiRuntimeServicesCode
    return Mapping(
        physical=physical,
        virtual_start=physical.start,
        type=descriptor.type,
        access="RWX" if code else "RW",
        cache=_cache(descriptor, request),
        runtime=descriptor.runtime,
        descriptors=(descriptor.index,),
    )


def _cache(descriptor: MemoryDescriptor, request: PlanRequest) -> str:
    """The strongest type that the descriptor offers and the architecture has; else uncached."""
    types = request.architecture.cacheability
    for bit in _STRONGEST_FIRST:
        if descriptor.has(bit) and bit in types:
            return types[bit]
    return types[EFI_MEMORY_UC]
