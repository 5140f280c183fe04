"""ARM64-011."""

from collections.abc import Iterator

from efipolicy.plugin import (
    Bad,
    Finding,
    Good,
    Handover,
    MappingDeclaration,
    NotJudged,
    Platform,
    Responsible,
    RuntimeCalls,
    Severity,
    firmware_is_virtual,
    rule,
)

_LEVELS = "boot_exception_level: EL2, exception_level: EL1"


@rule(
    "arm64/calls-at-el1-without-mappings",
    severity=Severity.INFO,
    requirements=("ARM64-011",),
    sources=("UEFI 2.10 §2.3.6", "UEFI 2.11 §2.3.6"),
    help="map the runtime regions at EL1, one to one or with SetVirtualAddressMap",
    needs=("calls.exception_level",),
    architectures=("arm64",),
    responsible=Responsible.KERNEL,
    examples=(
        Bad(
            sections=f"""
mapping:
  - set_virtual_address_map: {{calls: never}}
    calls: {{{_LEVELS}, identity_mapped: false}}
""",
            at=0,
        ),
        # The boot loader entered the kernel at EL2.
        Bad(
            sections="""
handover: {exception_level: EL2}
mapping:
  - set_virtual_address_map: {calls: never}
    calls: {exception_level: EL1, identity_mapped: false}
""",
            at=0,
        ),
        Good(
            sections=f"""
mapping:
  - set_virtual_address_map: {{calls: never}}
    calls: {{{_LEVELS}, identity_mapped: true}}
"""
        ),
        Good(
            sections=f"""
mapping:
  - set_virtual_address_map: {{calls: once}}
    calls: {{{_LEVELS}, identity_mapped: false}}
"""
        ),
        Good(
            sections="""
mapping:
  - set_virtual_address_map: {calls: never}
    calls: {boot_exception_level: EL2, exception_level: EL2, identity_mapped: false}
"""
        ),
    ),
)
def calls_at_el1_without_mappings(
    platform: Platform,
    mapping: MappingDeclaration,
    calls: RuntimeCalls,
    handover: Handover | None = None,
) -> Iterator[Finding | NotJudged]:
    """Firmware that booted at EL2 is called at EL1, where nothing maps it.

    EL2 has a translation of its own. The identity mapping that firmware set up at boot is in
    registers that EL1 does not use, and is of no help once an operating system has dropped to EL1:
    the first call fetches its instructions from an address that is not mapped.

    So the operating system has to supply mappings that hold at EL1, at physical addresses or at
    those it gave to SetVirtualAddressMap. The specification says so in a note, which is why this
    is information. Linux on arm64 always builds page tables for firmware, at whatever level it
    runs; a small hypervisor or boot loader that lives on EDK II's tables is where it goes wrong.
    """
    booted = calls.boot_exception_level or (handover.exception_level if handover else None)
    if calls.exception_level != "EL1" or booted == "EL1" or calls.identity_mapped:
        return
    virtual = firmware_is_virtual(mapping, platform)
    if virtual:
        return
    if booted is None:
        yield NotJudged("mapping[].calls.boot_exception_level")
    elif virtual is None:
        yield NotJudged("mapping[].set_virtual_address_map.calls")
    elif calls.identity_mapped is None:
        yield NotJudged("mapping[].calls.identity_mapped")
    else:
        yield Finding(
            calls,
            "firmware booted at EL2 is called at EL1 without SetVirtualAddressMap and without "
            "an identity mapping there",
            field="identity_mapped",
        )
