"""``openbsd-pmap``: runtime regions in a map of their own, where the descriptors say.

Whoever filled in virtual addresses is believed, and SetVirtualAddressMap is not called
(sys/arch/amd64/amd64/efi_machdep.c).
"""

from __future__ import annotations

from typing import Final

from efipolicy.plugin import (
    EFI_MEMORY_RO,
    EFI_MEMORY_WB,
    EFI_MEMORY_XP,
    Access,
    EfiMemoryType,
    KexecRole,
    Mapping,
    MappingPlan,
    MemoryDescriptor,
    PlanRequest,
    Platform,
    Revision,
    RuntimeCall,
    Strategy,
)
from efipolicy_bsd.page import page_of

FIRST_REVISION: Final = Revision(2, 1)

_CALL: Final = RuntimeCall(
    register="CR3",
    stays_mapped="the kernel's half",
    flushes="the TLB, or what it holds of one PCID where these are in use",
    preemption="off",
    interrupts="off",
    fp_state="saved",
    saved_state="global",
)


def plan_pmap(request: PlanRequest) -> MappingPlan:
    """Map each runtime region at the virtual start of its descriptor, or 1:1 where that is 0.

    Firmware of 32 bits, or older than UEFI 2.1, is never called. EFI_MEMORY_RP is looked at, but
    x86-64 has no page that cannot be read.
    """
    mappings = tuple([_mapping(each) for each in request.platform.memory_map.runtime])
    call, left_alone = _CALL, _left_alone(request.platform)
    if left_alone:
        mappings = tuple([mapping._replace(virtual_start=None) for mapping in mappings])
        call = RuntimeCall(register="none", stays_mapped=f"nothing: OpenBSD calls no {left_alone}")
    return MappingPlan(
        strategy="openbsd-pmap",
        options=dict(request.options),
        status="impossible" if left_alone else "ok",
        mappings=mappings,
        extra=(),
        svam=None,
        call=call,
        largest_leaf=request.geometry.page_size,
    )


def _left_alone(platform: Platform) -> str | None:
    """The kind of firmware this is, if it is one that OpenBSD does not call."""
    if platform.firmware and platform.firmware.bits == 32:
        return "firmware of 32 bits"
    if platform.uefi and platform.uefi < FIRST_REVISION:
        return f"firmware older than UEFI {FIRST_REVISION}; this is {platform.uefi}"
    return None


def _mapping(descriptor: MemoryDescriptor) -> Mapping:
    return Mapping(
        physical=descriptor.physical,
        virtual_start=descriptor.virtual_start or descriptor.physical_start,
        type=descriptor.type,
        access=_access(descriptor),
        cache="WB" if descriptor.has(EFI_MEMORY_WB) else "UC",
        runtime=True,
        descriptors=(descriptor.index,),
        pages_only=True,
    )


def _access(descriptor: MemoryDescriptor) -> Access:
    code = descriptor.type == EfiMemoryType.EfiRuntimeServicesCode
    executable = code and not descriptor.has(EFI_MEMORY_XP)
    if descriptor.has(EFI_MEMORY_RO):
        return "RX" if executable else "R"
    return "RWX" if executable else "RW"


OPENBSD_PMAP: Final = Strategy(
    name="openbsd-pmap",
    title="OpenBSD on amd64: a map of its own, at the addresses in the descriptors",
    page=page_of("openbsd-pmap"),
    architectures=frozenset({"x86_64"}),
    plan=plan_pmap,
    kexec=KexecRole("physical"),
)
