"""LNX-002."""

from collections.abc import Iterator

from efipolicy.plugin import (
    Bad,
    Edit,
    Finding,
    Fix,
    Good,
    MappingDeclaration,
    Responsible,
    RuntimeCalls,
    Severity,
    rule,
)
from efipolicy_linux.handed_over import says_linux


@rule(
    "linux/no-identity-mapping-beside-virtual",
    severity=Severity.INFO,
    requirements=("LNX-002",),
    sources=("Linux 6.12 arch/x86/platform/efi/efi_64.c",),
    help="map each runtime region at its physical address as well while a service runs",
    needs=("calls.identity_mapped", "mapping.os"),
    architectures=("x86_64",),
    responsible=Responsible.KERNEL,
    fix="unsafe",
    examples=(
        Bad(
            sections="""
mapping:
  - {os: linux, calls: {addresses: virtual, identity_mapped: false}}
""",
            at=0,
        ),
        Good(
            sections="""
mapping:
  - {os: linux, calls: {addresses: virtual, identity_mapped: true}}
"""
        ),
        Good(
            sections="""
mapping:
  - {os: acme, calls: {addresses: virtual, identity_mapped: false}}
"""
        ),
    ),
)
def no_identity_mapping_beside_virtual(
    mapping: MappingDeclaration, calls: RuntimeCalls
) -> Iterator[Finding]:
    """Linux maps runtime regions at their virtual addresses only.

    Firmware has to convert every pointer it keeps when SetVirtualAddressMap is called, and some
    forgets one. Linux on x86 maps each region a second time at its physical address, in page
    tables that are in force only while a service runs, so that a forgotten pointer still works.
    Without that second mapping the call faults, the kernel turns runtime services off, and the
    machine has no variables until the next boot.

    UEFI does not ask for it. Linux on arm64 maps runtime regions once, at their virtual addresses,
    and has to live with such firmware.
    """
    if not says_linux(mapping) or calls.identity_mapped is not False:
        return
    if calls.addresses in ("physical", "identity"):
        return  # then it is the only mapping, and x86_64/call-without-identity-mapping
    edit = Edit(calls, "identity_mapped", 1)
    yield Finding(
        calls,
        "runtime regions are mapped at their virtual addresses only; a pointer that firmware "
        "did not convert faults",
        field="identity_mapped",
        fix=Fix("unsafe", "declare that the identity mapping stays", (edit,)),
    )
