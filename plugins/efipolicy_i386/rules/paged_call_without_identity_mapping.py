"""IA32-001."""

from collections.abc import Iterator

from efipolicy.plugin import (
    Bad,
    Edit,
    Finding,
    Fix,
    Good,
    MappingDeclaration,
    NotJudged,
    Platform,
    Responsible,
    RuntimeCalls,
    Severity,
    firmware_is_virtual,
    rule,
)


def _mapping(svam: str, calls: str) -> str:
    return f"mapping: [{{set_virtual_address_map: {{calls: {svam}}}, calls: {{{calls}}}}}]"


@rule(
    "i386/paged-call-without-identity-mapping",
    severity=Severity.ERROR,
    requirements=("IA32-001",),
    sources=("UEFI 2.10 §2.3.2", "UEFI 2.11 §2.3.2"),
    help="map the ranges of the memory map at their physical addresses, or turn paging off",
    architectures=("i386",),
    responsible=Responsible.KERNEL,
    unless=("uefi/unsupported-set-virtual-address-map-called",),
    fix="unsafe",
    examples=(
        Bad(sections=_mapping("never", "paging: on, identity_mapped: false"), at=0),
        Bad(sections=_mapping("never", "paging: on, addresses: virtual"), at=0),
        Good(sections=_mapping("never", "paging: on, identity_mapped: true")),
        Good(sections=_mapping("never", "paging: off")),
        Good(sections=_mapping("once", "paging: on, identity_mapped: false")),
    ),
)
def paged_call_without_identity_mapping(
    platform: Platform, mapping: MappingDeclaration, calls: RuntimeCalls
) -> Iterator[Finding | NotJudged]:
    """Runtime services are called under paging that does not keep physical addresses.

    On IA-32 services are called in protected mode, with paging off or on. With paging on, and until
    somebody has called SetVirtualAddressMap, virtual has to equal physical for the ranges of the
    memory map, because every pointer firmware holds is a physical address. A kernel that has mapped
    them at other addresses only gets a page fault inside the first service.

    Linux on i386 maps runtime regions in its own address space and calls SetVirtualAddressMap, and
    for that one call loads page tables with an identity mapping. A kernel started by kexec is
    judged by what those before it did.
    """
    if calls.paging is False:
        return
    identity = calls.identity_mapped
    if identity is None and calls.addresses is not None:
        identity = calls.addresses != "virtual"
    virtual = firmware_is_virtual(mapping, platform)
    if virtual or identity:
        return
    if calls.paging is None:
        yield NotJudged("mapping[].calls.paging")
    elif virtual is None:
        yield NotJudged("mapping[].set_virtual_address_map.calls")
    elif identity is None:
        yield NotJudged("mapping[].calls.identity_mapped")
    else:
        yield _finding(calls)


def _finding(calls: RuntimeCalls) -> Finding:
    stated = calls.identity_mapped is False
    edit = Edit(calls, "identity_mapped", 1) if stated else Edit(calls, "addresses", "identity")
    return Finding(
        calls,
        "firmware holds physical addresses, since nobody calls SetVirtualAddressMap, and is called "
        "with paging on and without an identity mapping",
        field=edit.field,
        fix=Fix("unsafe", "declare an identity mapping", (edit,)),
    )
