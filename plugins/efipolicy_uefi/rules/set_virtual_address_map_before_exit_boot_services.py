"""UEFI-SVAM-001."""

from collections.abc import Iterator

from efipolicy.plugin import (
    Bad,
    Edit,
    Finding,
    Fix,
    Good,
    Responsible,
    SetVirtualAddressMap,
    Severity,
    rule,
)

_BEFORE = "before-exit-boot-services"


@rule(
    "uefi/set-virtual-address-map-before-exit-boot-services",
    severity=Severity.ERROR,
    requirements=("UEFI-SVAM-001",),
    sources=("UEFI 2.10 §8.4.1", "UEFI 2.11 §8.4.1"),
    help="call SetVirtualAddressMap after ExitBootServices returned success",
    needs=("svam.when",),
    responsible=Responsible.KERNEL,
    fix="unsafe",
    examples=(
        Bad(
            sections="""
mapping:
  - {strategy: identity, set_virtual_address_map: {when: before-exit-boot-services}}
""",
            at=0,
        ),
        Good(
            sections="""
mapping:
  - {strategy: identity, set_virtual_address_map: {when: after-exit-boot-services}}
"""
        ),
        Good(
            sections="""
mapping:
  - {os: a, set_virtual_address_map: {calls: never, when: before-exit-boot-services}}
"""
        ),
    ),
)
def set_virtual_address_map_before_exit_boot_services(
    svam: SetVirtualAddressMap,
) -> Iterator[Finding]:
    """SetVirtualAddressMap is called while boot services are still there.

    Boot services run at physical addresses and may be called until ExitBootServices has
    succeeded; moving the runtime drivers under them is not allowed. Firmware answers
    EFI_UNSUPPORTED, and an operating system that goes on as if the call had worked uses virtual
    addresses no firmware pointer was converted to.
    """
    if svam.when == _BEFORE and svam.calls != "never":
        later = Edit(svam, "when", "after-exit-boot-services")
        yield Finding(
            svam,
            "SetVirtualAddressMap is called before ExitBootServices",
            field="when",
            fix=Fix("unsafe", "call it after ExitBootServices", (later,)),
        )
