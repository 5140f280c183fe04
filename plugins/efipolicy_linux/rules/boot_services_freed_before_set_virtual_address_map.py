"""LNX-001."""

from collections.abc import Iterator

from efipolicy.plugin import (
    Bad,
    Edit,
    Finding,
    Fix,
    Good,
    MappingDeclaration,
    Responsible,
    SetVirtualAddressMap,
    Severity,
    rule,
)
from efipolicy_linux.handed_over import says_linux


@rule(
    "linux/boot-services-freed-before-set-virtual-address-map",
    severity=Severity.INFO,
    requirements=("LNX-001",),
    sources=(
        "Linux 6.12 arch/x86/platform/efi/quirks.c",
        "Linux 6.12 arch/x86/platform/efi/efi_64.c",
    ),
    help="keep boot-services memory mapped until SetVirtualAddressMap has returned",
    needs=("svam.boot_services_memory", "mapping.os"),
    architectures=("x86_64",),
    responsible=Responsible.KERNEL,
    fix="unsafe",
    examples=(
        Bad(
            sections="""
mapping:
  - {os: linux, set_virtual_address_map: {calls: once, boot_services_memory: freed-before}}
""",
            at=0,
        ),
        Good(
            sections="""
mapping:
  - {os: linux, set_virtual_address_map: {calls: once, boot_services_memory: freed-after}}
"""
        ),
        Good(
            sections="""
mapping:
  - {os: linux, set_virtual_address_map: {calls: once, boot_services_memory: kept}}
"""
        ),
        # UEFI lets an operating system have the memory after ExitBootServices.
        Good(
            sections="""
mapping:
  - {os: acme, set_virtual_address_map: {calls: once, boot_services_memory: freed-before}}
"""
        ),
    ),
)
def boot_services_freed_before_set_virtual_address_map(
    mapping: MappingDeclaration, svam: SetVirtualAddressMap
) -> Iterator[Finding]:
    """Linux frees boot-services memory before it calls SetVirtualAddressMap.

    By UEFI that memory is the operating system's from ExitBootServices on. Much x86 firmware still
    jumps into its boot-services code, or reads its data, while it converts its pointers, and some
    reads physical page 0. Linux on x86 therefore reserves types EfiBootServicesCode and
    EfiBootServicesData early, maps them and page 0 during the call, and frees them after it
    returned; with ``efi=debug`` it keeps them.

    A kernel that frees them first hangs or faults inside the call on such machines. Linux on other
    architectures does without the quirk.
    """
    called = svam.calls != "never"
    if called and says_linux(mapping) and svam.boot_services_memory == "freed-before":
        edit = Edit(svam, "boot_services_memory", "freed-after")
        yield Finding(
            svam,
            "boot-services memory is freed before SetVirtualAddressMap, in which firmware may "
            "still touch it",
            field="boot_services_memory",
            fix=Fix("unsafe", "declare that the memory is freed after the call", (edit,)),
        )
