"""UEFI-RT-004 on a map that an operating system has edited."""

from collections.abc import Iterator

from efipolicy.plugin import (
    Bad,
    EfiMemoryType,
    Finding,
    Good,
    MemoryMap,
    Responsible,
    Severity,
    rule,
)

_BOOT_SERVICES = frozenset({EfiMemoryType.EfiBootServicesCode, EfiMemoryType.EfiBootServicesData})


@rule(
    "linux/kernel-kept-boot-services",
    severity=Severity.WARNING,
    requirements=("UEFI-RT-004",),
    sources=("UEFI 2.10 §7.2, Table 7.6", "Linux 6.6 arch/x86/platform/efi/quirks.c"),
    help="lint the list the firmware gave, such as the first one in a kernel log with efi=debug",
    needs=("attributes", "known_origin"),
    responsible=Responsible.KERNEL,
    examples=(
        Bad("EfiBootServicesData  0x7d978000  1  RUNTIME WB", origin="kernel-edited"),
        Bad("EfiBootServicesCode  0x0         9  RUNTIME WB", origin="kexec"),
        Good("EfiBootServicesData  0x7d978000  1  WB", origin="kernel-edited"),
        # On the firmware's own list it is uefi/runtime-bit-on-boot-services-memory.
        Good("EfiBootServicesData  0x7d978000  1  RUNTIME WB", origin="firmware"),
    ),
)
def kernel_kept_boot_services(memory_map: MemoryMap) -> Iterator[Finding]:
    """The kernel marked boot services memory as runtime memory to keep it.

    Linux on x86 sets the bit in its own copy of the map on memory it must not lose: the pages of
    the ESRT, of the Memory Attributes Table, and page 0. A map read back after boot, or handed on
    by kexec, shows the kernel's mark and not a request of the firmware.
    """
    if memory_map.origin not in ("kernel-edited", "kexec"):
        return
    for descriptor in memory_map.runtime:
        if descriptor.type in _BOOT_SERVICES:
            yield Finding(
                descriptor,
                f"{descriptor} has EFI_MEMORY_RUNTIME: the kernel set it to keep the memory",
                field="attribute",
            )
