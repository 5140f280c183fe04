"""UEFI-SVAM-019."""

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
    "plan/runtime-code-protected-during-set-virtual-address-map",
    severity=Severity.ERROR,
    requirements=("UEFI-SVAM-019",),
    sources=(
        "EDK II MdeModulePkg/Core/Dxe/Misc/MemoryProtection.c",
        "Linux 6.6 arch/x86/platform/efi/efi.c",
    ),
    help="apply the permissions of the Memory Attributes Table after SetVirtualAddressMap returned",
    needs=("svam.protection",),
    responsible=Responsible.KERNEL,
    fix="unsafe",
    examples=(
        Bad(
            sections="mapping: [{set_virtual_address_map: {calls: once, protection: before}}]",
            at=0,
        ),
        Good(sections="mapping: [{set_virtual_address_map: {calls: once, protection: after}}]"),
        Good(sections="mapping: [{set_virtual_address_map: {calls: never, protection: before}}]"),
    ),
)
def runtime_code_protected_during_set_virtual_address_map(
    svam: SetVirtualAddressMap,
) -> Iterator[Finding]:
    """Runtime code is read-only already when SetVirtualAddressMap relocates it.

    Inside the call firmware applies relocations to its own images, so it writes to pages of
    EfiRuntimeServicesCode by their physical addresses while it runs from others of them. EDK II
    drops its own image protection at ExitBootServices for that; the specification has no sentence
    about it. With the permissions of the Memory Attributes Table in force the first relocation
    faults.

    Linux on x86 calls the service first and updates the permissions of its mappings afterwards.
    An operating system that never calls it may protect code as early as it likes.
    """
    if svam.protection == "before" and svam.calls != "never":
        yield Finding(
            svam,
            "permissions of runtime code are tightened before SetVirtualAddressMap writes to it",
            field="protection",
            fix=Fix("unsafe", "tighten them afterwards", (Edit(svam, "protection", "after"),)),
        )
