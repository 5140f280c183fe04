"""UEFI-SVAM-014."""

from collections.abc import Iterator

from efipolicy.plugin import (
    RUNTIME_SERVICES,
    Bad,
    Edit,
    Finding,
    Fix,
    Good,
    MappingDeclaration,
    MappingPlan,
    NotJudged,
    Platform,
    Related,
    Responsible,
    RuntimeProperties,
    Severity,
    rule,
)
from efipolicy_uefi.virtual_maps import calls_of, may_be_first_to_call


@rule(
    "uefi/unsupported-set-virtual-address-map-called",
    severity=Severity.ERROR,
    requirements=("UEFI-SVAM-014",),
    sources=("UEFI 2.10 §4.6.2", "UEFI 2.10 §8.4.1", "Linux drivers/firmware/efi/libstub"),
    help="call services at their physical addresses and leave SetVirtualAddressMap out",
    responsible=Responsible.KERNEL,
    fix="unsafe",
    examples=(
        Bad(
            sections="""
runtime_properties: {supported: 0x3f7f}
mapping: [{os: a, set_virtual_address_map: {calls: once}}]
""",
            at=0,
        ),
        Bad(
            "EfiRuntimeServicesData  0x7f000000  16  RUNTIME WB",
            architecture="x86_64",
            sections="""
runtime_properties: {supported: 0x3f7f}
mapping: [{strategy: x86-topdown}]
""",
            at=0,
        ),
        Bad(
            sections="""
runtime_properties: {supported: 0x3f7f}
mapping: [{os: a, set_virtual_address_map: {calls: never}, calls: {addresses: virtual}}]
""",
            at=0,
        ),
        Good(
            sections="""
runtime_properties: {supported: 0x3f7f}
mapping: [{os: a, set_virtual_address_map: {calls: never}, calls: {addresses: physical}}]
"""
        ),
        Good(
            sections="""
runtime_properties: {supported: 0x3fff}
mapping: [{os: a, set_virtual_address_map: {calls: once}}]
"""
        ),
    ),
)
def unsupported_set_virtual_address_map_called(
    runtime_properties: RuntimeProperties,
    mapping: MappingDeclaration,
    platform: Platform,
    plan: MappingPlan | None = None,
) -> Iterator[Finding | NotJudged]:
    """Firmware says it cannot be made virtual, and an operating system counts on it.

    A clear bit 0x80 of EFI_RT_PROPERTIES_TABLE (UEFI 2.8A) says that SetVirtualAddressMap does not
    work after ExitBootServices. Then every runtime service is called at its physical address, and
    the operating system has to be able to map each runtime region there. Calling it anyway answers
    EFI_UNSUPPORTED; a kernel that goes on with its virtual addresses jumps to where nothing is.

    The stub of Linux on arm64 and RISC-V reads the bit and maps 1:1. EBBR requires the service, so
    on a board of that profile the clear bit is firmware's fault.
    """
    if runtime_properties.supported & RUNTIME_SERVICES["SetVirtualAddressMap"]:
        return
    related = (Related(runtime_properties, "without SetVirtualAddressMap"),)
    declared = calls_of(mapping)
    svam, calls = mapping.set_virtual_address_map, mapping.calls
    if svam and declared not in (None, "never"):
        yield Finding(
            svam,
            f"SetVirtualAddressMap is called, and the runtime properties "
            f"{runtime_properties.supported:#x} say that firmware does not support it",
            field="calls",
            related=related,
            fix=Fix("unsafe", "do not call it", (Edit(svam, "calls", "never"),)),
        )
    elif declared is None and _plans_to_call(plan) and may_be_first_to_call(mapping, platform):
        yield Finding(
            mapping,
            f"the strategy {mapping.strategy} calls SetVirtualAddressMap, and the runtime "
            f"properties {runtime_properties.supported:#x} say that firmware does not support it",
            field="strategy",
            related=related,
        )
    elif calls and calls.addresses == "virtual":
        yield Finding(
            calls,
            "services are called at virtual addresses, and the runtime properties "
            f"{runtime_properties.supported:#x} say that firmware does not support "
            "SetVirtualAddressMap",
            field="addresses",
            related=related,
        )
    elif declared is None and plan is None:
        yield NotJudged("mapping[].set_virtual_address_map.calls")


def _plans_to_call(plan: MappingPlan | None) -> bool:
    return plan is not None and plan.svam is not None
