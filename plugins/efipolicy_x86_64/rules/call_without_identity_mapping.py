"""X64-001."""

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

_NEVER = "set_virtual_address_map: {calls: never}"


@rule(
    "x86_64/call-without-identity-mapping",
    severity=Severity.ERROR,
    requirements=("X64-001",),
    sources=("UEFI 2.10 §2.3.4", "UEFI 2.11 §2.3.4"),
    help="map the ranges of the memory map at their physical addresses while a service runs",
    architectures=("x86_64",),
    responsible=Responsible.KERNEL,
    unless=("uefi/unsupported-set-virtual-address-map-called",),
    fix="unsafe",
    examples=(
        Bad(
            sections=f"""
mapping:
  - {{{_NEVER}, calls: {{paging: on, identity_mapped: false}}}}
""",
            at=0,
        ),
        Bad(
            sections=f"""
mapping:
  - {{{_NEVER}, calls: {{paging: on, addresses: virtual}}}}
""",
            at=0,
        ),
        Bad(
            sections=f"""
mapping:
  - {{{_NEVER}, calls: {{paging: off, identity_mapped: true}}}}
""",
            at=0,
        ),
        Good(
            sections=f"""
mapping:
  - {{{_NEVER}, calls: {{paging: on, identity_mapped: true}}}}
"""
        ),
        Good(
            sections="""
mapping:
  - set_virtual_address_map: {calls: once}
    calls: {paging: on, addresses: virtual, identity_mapped: false}
"""
        ),
        # The kernel before has moved firmware.
        Good(
            sections=f"""
mapping:
  - set_virtual_address_map: {{calls: once}}
    calls: {{paging: on, addresses: virtual}}
    kexec: [{{{_NEVER}, calls: {{paging: on, addresses: virtual}}}}]
"""
        ),
    ),
)
def call_without_identity_mapping(
    platform: Platform, mapping: MappingDeclaration, calls: RuntimeCalls
) -> Iterator[Finding | NotJudged]:
    """Runtime services are called without the translation they expect on x86-64.

    Services are called in 64-bit long mode with paging on and flat segments. Until somebody has
    called SetVirtualAddressMap, every pointer firmware holds is a physical address, so virtual has
    to equal physical for the ranges of the memory map (unaccepted memory excepted) in the page
    tables that are in force during the call. With nothing but a mapping in the upper half the call
    ends in a page fault at the first pointer.

    Xen and the BSDs never call SetVirtualAddressMap and keep to this, as does ``identity``. Linux
    on x86 calls it and keeps the identity mapping all the same, for firmware that forgets to
    convert pointers. A kernel started by kexec is judged by what those before it did: once one of
    them has moved firmware, virtual addresses are right.
    """
    if calls.paging is False:
        yield Finding(
            calls,
            "runtime services are called with paging off; long mode has it on",
            field="paging",
            fix=Fix("unsafe", "declare paging on", (Edit(calls, "paging", 1),)),
        )
        return
    virtual = firmware_is_virtual(mapping, platform)
    identity = calls.identity_mapped
    if identity is None and calls.addresses is not None:
        identity = calls.addresses != "virtual"
    if not virtual and not identity:
        if virtual is None:
            yield NotJudged("mapping[].set_virtual_address_map.calls")
        elif identity is None:
            yield NotJudged("mapping[].calls.identity_mapped")
        else:
            yield _finding(calls)
            return
    if calls.paging is None:
        yield NotJudged("mapping[].calls.paging")


def _finding(calls: RuntimeCalls) -> Finding:
    stated = calls.identity_mapped is False
    edit = Edit(calls, "identity_mapped", 1) if stated else Edit(calls, "addresses", "identity")
    return Finding(
        calls,
        "firmware holds physical addresses, since nobody calls SetVirtualAddressMap, and is called "
        "without an identity mapping",
        field=edit.field,
        fix=Fix("unsafe", "declare an identity mapping", (edit,)),
    )
