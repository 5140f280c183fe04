"""UEFI-SVAM-011."""

from collections.abc import Iterator

from efipolicy.plugin import (
    EFI_MEMORY_RUNTIME,
    NO_VIRTUAL_START,
    Bad,
    Edit,
    Finding,
    Fix,
    Good,
    MappingDeclaration,
    MappingPlan,
    MemoryDescriptor,
    NotJudged,
    Platform,
    Responsible,
    RuntimeCalls,
    Severity,
    VirtualMapEntry,
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
    large enough, Xen by default, and FreeBSD always; then every call is physical. A list that gives
    each region its own physical address, which Xen can be built to pass and Linux passes to 32-bit
    firmware, makes the two the same.
    """
    if calls.addresses == "virtual":
        return
    if kernels_before(mapping, platform):
        plan = None  # a kernel started by kexec has the layout of one before it
    virtual = firmware_is_virtual(mapping, platform, plan)
    moved = _moved(_layout(mapping, platform, plan))
    if virtual is None:
        yield NotJudged("mapping[].set_virtual_address_map.calls")
    elif virtual and moved is None and _may_be_one_to_one(calls, mapping, plan):
        yield NotJudged("mapping[].virtual_map")
    elif virtual and moved is not False:
        yield Finding(
            calls,
            f"services are called at {calls.addresses} addresses "
            "after SetVirtualAddressMap made firmware virtual",
            field="addresses",
            fix=Fix("unsafe", "call at virtual addresses", (Edit(calls, "addresses", "virtual"),)),
        )


_Layout = tuple[MemoryDescriptor, ...] | tuple[VirtualMapEntry, ...]


def _layout(
    mapping: MappingDeclaration, platform: Platform, plan: MappingPlan | None
) -> _Layout | None:
    """The layout a kernel calls firmware under, where it is known."""
    for kernel in (mapping, *reversed(kernels_before(mapping, platform))):
        if kernel.virtual_map is not None:
            return kernel.virtual_map
    return plan.svam if plan else None


def _moved(layout: _Layout | None) -> bool | None:
    """Whether firmware uses a region elsewhere than at its physical address; ``None``: unknown."""
    unknown = layout is None
    for entry in layout or ():
        ignored = entry.attribute is not None and not entry.attribute & EFI_MEMORY_RUNTIME
        if entry.virtual_start is None:
            unknown = True
        elif entry.virtual_start not in (NO_VIRTUAL_START, entry.physical_start) and not ignored:
            return True
    return None if unknown else False


def _may_be_one_to_one(
    calls: RuntimeCalls, mapping: MappingDeclaration, plan: MappingPlan | None
) -> bool:
    """Whether a layout that is not known may leave each region at its physical address.

    A strategy that does not call the service knows no other addresses.
    """
    if calls.addresses == "identity" or mapping.virtual_map is not None:
        return True
    return plan is not None and plan.svam is None
