"""UEFI-SVAM-002, one kernel's part."""

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


@rule(
    "uefi/repeated-set-virtual-address-map",
    severity=Severity.ERROR,
    requirements=("UEFI-SVAM-002",),
    sources=("UEFI 2.10 §8.4.1", "EDK II MdeModulePkg/Core/RuntimeDxe/Runtime.c"),
    help="call SetVirtualAddressMap once, and keep the addresses until the machine is reset",
    needs=("svam.calls",),
    responsible=Responsible.KERNEL,
    fix="unsafe",
    unless=("kexec/second-set-virtual-address-map",),
    examples=(
        Bad(sections="mapping: [{os: a, set_virtual_address_map: {calls: more}}]", at=0),
        Good(sections="mapping: [{os: a, set_virtual_address_map: {calls: once}}]"),
        Good(sections="mapping: [{os: a, set_virtual_address_map: {calls: never}}]"),
    ),
)
def repeated_set_virtual_address_map(svam: SetVirtualAddressMap) -> Iterator[Finding]:
    """SetVirtualAddressMap is called a second time in one boot.

    Firmware relocates its code and converts its pointers once, and throws away what it would take
    to do it again. A second call answers EFI_UNSUPPORTED. EDK II burns its one shot before it
    converts anything, so that a call that failed cannot be made good by another.

    An operating system that trusts the second list calls services at addresses nobody converted.
    The boot lasts until reset: kernels started by kexec count too, which is how the question came
    up, when a crash kernel could not call the service again (2010). Rules of pack ``kexec`` follow
    such chains.
    """
    if svam.calls == "more":
        yield Finding(
            svam,
            "SetVirtualAddressMap is called more than once in one boot",
            field="calls",
            fix=Fix("unsafe", "call it once", (Edit(svam, "calls", "once"),)),
        )
