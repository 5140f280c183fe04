"""``ia64-physical``: the proposal of 2010 never to make Itanium's firmware virtual.

Each service is called with translation off, as Linux does until SetVirtualAddressMap, and goes on
doing where that fails. Kernels of any kind could follow each other. It was left for the cost: the
handler of denormal numbers is firmware, too.
"""

from __future__ import annotations

from typing import Final

from efipolicy.plugin import (
    EFI_MEMORY_WB,
    KexecRole,
    Mapping,
    MappingPlan,
    MemoryDescriptor,
    Option,
    PlanRequest,
    RuntimeCall,
    Strategy,
)
from efipolicy_linux.ia64_region67 import KERNEL
from efipolicy_linux.page import page_of


def plan_physical(request: PlanRequest) -> MappingPlan:
    """Leave every runtime region where it is; no address is translated during a call.

    What a call costs is told as what it does, one switch of mode and one flush of the register
    stack, and how often, never as a time.
    """
    options = dict(request.options)
    return MappingPlan(
        strategy="ia64-physical",
        options=options,
        status="ok",
        mappings=tuple([_mapping(each) for each in request.platform.memory_map.runtime]),
        extra=(),
        svam=None,
        call=_call(options["fpswa_per_second"]),
    )


def _mapping(descriptor: MemoryDescriptor) -> Mapping:
    return Mapping(
        physical=descriptor.physical,
        virtual_start=descriptor.physical_start,
        type=descriptor.type,
        access="RWX",
        cache="WB" if descriptor.has(EFI_MEMORY_WB) else "UC",
        runtime=True,
        descriptors=(descriptor.index,),
    )


def _call(fpswa_per_second: int) -> RuntimeCall:
    """How a call is made (Linux 4.15, arch/ia64/kernel/efi_stub.S), and what it comes to."""
    flushes = "the register stack, once a call"
    if fpswa_per_second:
        flushes += (
            f"; by floating-point assist (FPSWA) {fpswa_per_second} times a second besides, each "
            "with one switch of mode"
        )
    return RuntimeCall(
        register="psr: its bits it, dt and rt, by which translation is off",
        stays_mapped="everything, at its physical address",
        flushes=flushes,
        interrupts="off",
        fp_state="scratch registers saved",
    )


IA64_PHYSICAL: Final = Strategy(
    name="ia64-physical",
    title="Physical calls on Itanium: SetVirtualAddressMap is never made",
    page=page_of("ia64-physical"),
    architectures=frozenset({"ia64"}),
    options=(
        KERNEL,
        Option(
            name="fpswa_per_second",
            kind="integer",
            default=0,
            limits=(0, 2**32 - 1),
            doc="how often programs trap into the floating-point software assist, which is "
            "firmware; each trap would be a call in physical mode",
        ),
    ),
    plan=plan_physical,
    kexec=KexecRole("physical"),
)
