"""UEFI-SVAM-011."""

from collections.abc import Iterator

from efipolicy.plugin import (
    Bad,
    Edit,
    Finding,
    Fix,
    Good,
    MappingDeclaration,
    MappingPlan,
    NotJudged,
    Platform,
    Responsible,
    RuntimeCalls,
    Severity,
    firmware_is_virtual,
    kernels_before,
    rule,
)


@rule(
    "uefi/physical-call-after-set-virtual-address-map",
    severity=Severity.ERROR,
    requirements=("UEFI-SVAM-011",),
    sources=("UEFI 2.10 §8.4.1", "UEFI 2.10 §2.2.2", "Xen commit 49450415d6"),
    help="call services at their virtual addresses, or do not call SetVirtualAddressMap",
    needs=("calls.addresses",),
    responsible=Responsible.KERNEL,
    fix="unsafe",
    since="0.2.0",
    unless=("ia64/physical-and-virtual-calls-mixed",),
    examples=(
        Bad(
            sections="""
mapping: [{os: a, set_virtual_address_map: {calls: once}, calls: {addresses: physical}}]
""",
            at=0,
        ),
        Bad(
            "EfiRuntimeServicesData  0x7f000000  16  RUNTIME WB",
            architecture="x86_64",
            sections="mapping: [{strategy: x86-topdown, calls: {addresses: identity}}]",
            at=0,
        ),
        Bad(
            sections="""
mapping:
  - os: first
    set_virtual_address_map: {calls: once}
    calls: {addresses: virtual}
    kexec:
      - {os: second, set_virtual_address_map: {calls: never}, calls: {addresses: physical}}
""",
            at=0,
        ),
        Good(
            sections="""
mapping: [{os: a, set_virtual_address_map: {calls: never}, calls: {addresses: physical}}]
"""
        ),
        Good(
            "EfiRuntimeServicesData  0x7f000000  16  RUNTIME WB",
            sections="""
mapping:
  - os: a
    set_virtual_address_map: {calls: once}
    calls: {addresses: identity}
    virtual_map:
      - {type: 6, physical_start: 0x7f000000, virtual_start: 0x7f000000, pages: 16}
""",
        ),
        Good(
            sections="""
mapping:
  - os: first
    set_virtual_address_map: {calls: once, result: failed}
    calls: {addresses: physical}
"""
        ),
    ),
)
def physical_call_after_set_virtual_address_map(
    calls: RuntimeCalls,
    mapping: MappingDeclaration,
    platform: Platform,
    plan: MappingPlan | None = None,
) -> Iterator[Finding | NotJudged]:
    """Services are called at physical addresses though firmware was told to be virtual.

    Once SetVirtualAddressMap has succeeded, firmware's pointers are virtual, and stay so until
    reset. A call at the physical address may still enter the code where it lies, and faults at the
    first pointer that was converted. That holds for every kernel that follows by kexec too.

    Both ways are right by themselves. Linux on arm64 skips the call where its address space is
    large enough, FreeBSD and by default Xen always do, and then every call is physical. A list
    that gives each region its own physical address, which Xen can be built to pass and Linux
    passes to 32-bit firmware, makes the two the same.
    """
    if calls.addresses == "virtual":
        return
    virtual = firmware_is_virtual(mapping, platform, plan)
    distances = _distances(mapping, platform, plan)
    if virtual is None:
        yield NotJudged("mapping[].set_virtual_address_map.calls")
    elif virtual and distances is None and calls.addresses == "identity":
        yield NotJudged("mapping[].virtual_map")
    elif virtual and (distances is None or any(distances)):
        yield Finding(
            calls,
            f"services are called at {calls.addresses} addresses "
            "after SetVirtualAddressMap made firmware virtual",
            field="addresses",
            fix=Fix("unsafe", "call at virtual addresses", (Edit(calls, "addresses", "virtual"),)),
        )


def _distances(
    mapping: MappingDeclaration, platform: Platform, plan: MappingPlan | None
) -> set[int] | None:
    """By how far regions were moved; ``None`` where the list is not known.

    A kernel that follows by kexec has the layout of one before it, not that of its own plan.
    """
    before = kernels_before(mapping, platform)
    declared = [k.virtual_map for k in (mapping, *reversed(before)) if k.virtual_map is not None]
    entries = declared[0] if declared else plan.svam if plan and not before else None
    if entries is None:
        return None
    return {
        entry.virtual_start - entry.physical_start
        for entry in entries
        if entry.virtual_start is not None
    }
