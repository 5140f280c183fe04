"""IA64-007."""

from collections.abc import Iterator

from efipolicy.plugin import (
    Bad,
    Finding,
    Good,
    MappingDeclaration,
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
    "ia64/physical-and-virtual-calls-mixed",
    severity=Severity.ERROR,
    requirements=("IA64-007",),
    sources=("UEFI 2.10 §2.3.3", "UEFI 2.11 §2.3.3", "EFI 1.10 §2.3.3"),
    help="call in physical mode until SetVirtualAddressMap, and at virtual addresses ever after",
    needs=("calls.addresses",),
    architectures=("ia64",),
    responsible=Responsible.KERNEL,
    unless=("uefi/unsupported-set-virtual-address-map-called",),
    examples=(
        Bad(
            sections="""
mapping:
  - {set_virtual_address_map: {calls: once}, calls: {addresses: physical}}
""",
            at=0,
        ),
        Bad(
            sections="""
mapping:
  - {set_virtual_address_map: {calls: never}, calls: {addresses: virtual}}
""",
            at=0,
        ),
        # The kernel before has spent the call, and firmware stays where it was moved to.
        Bad(
            sections="""
mapping:
  - set_virtual_address_map: {calls: once}
    calls: {addresses: virtual}
    kexec: [{set_virtual_address_map: {calls: never}, calls: {addresses: physical}}]
""",
            at=0,
        ),
        Good(
            sections="""
mapping:
  - {set_virtual_address_map: {calls: once}, calls: {addresses: virtual}}
"""
        ),
        Good(
            sections="""
mapping:
  - {set_virtual_address_map: {calls: never}, calls: {addresses: physical}}
  - {set_virtual_address_map: {calls: never}, calls: {addresses: identity}}
"""
        ),
        Good(
            sections="""
mapping:
  - set_virtual_address_map: {calls: once}
    calls: {addresses: virtual}
    kexec: [{set_virtual_address_map: {calls: never}, calls: {addresses: virtual}}]
"""
        ),
    ),
)
def physical_and_virtual_calls_mixed(
    platform: Platform, mapping: MappingDeclaration, calls: RuntimeCalls
) -> Iterator[Finding | NotJudged]:
    """Itanium firmware is called in another mode than the one its pointers are for.

    On Itanium runtime services are called in physical mode, with translation off, or with an
    identity mapping, until SetVirtualAddressMap; after it they are called at the virtual addresses
    it was given, and only at those. Boot services are always called in physical mode. A service
    that runs in the wrong mode takes a virtual pointer for a physical address or the other way
    round.

    The rule was at the heart of a debate on kexec in 2010: a kernel that has called
    SetVirtualAddressMap binds all that come after it, crash kernels and other operating systems
    included. Linux gives the same virtual addresses to each kernel, which follow from the physical
    ones, and lets later kernels call a stub instead of firmware; Xen changed its layout in 2008 to
    fit. Staying in physical mode was proposed and left for reasons of speed: each denormal number
    of a floating point program may lead to a call. A kernel whose call failed stays in physical
    mode, and Linux then switches to it for each call.
    """
    virtual = firmware_is_virtual(mapping, platform)
    called_virtually = calls.addresses == "virtual"
    moved = _moved(mapping, platform) if calls.addresses == "identity" else True
    if virtual is None:
        yield NotJudged("mapping[].set_virtual_address_map.calls")
    elif virtual and moved is None:
        yield NotJudged("mapping[].virtual_map")
    elif virtual and moved and not called_virtually:
        yield Finding(
            calls,
            f"firmware is called at {calls.addresses} addresses after SetVirtualAddressMap has "
            "moved it to virtual ones",
            field="addresses",
        )
    elif called_virtually and not virtual:
        yield Finding(
            calls,
            "firmware is called at virtual addresses, and nobody has called SetVirtualAddressMap",
            field="addresses",
        )


def _moved(mapping: MappingDeclaration, platform: Platform) -> bool | None:
    """Whether the layout in use has addresses that are not physical; ``None`` where none is known.

    A kernel without a layout of its own has that of the last one before it.
    """
    for kernel in (mapping, *reversed(kernels_before(mapping, platform))):
        if kernel.virtual_map is not None:
            return any(e.virtual_start != e.physical_start for e in kernel.virtual_map)
    return None
