"""X64-006, runtime regions."""

from collections.abc import Iterator

from efipolicy.plugin import (
    AddressRange,
    Bad,
    Finding,
    Firmware,
    Good,
    MemoryMap,
    Severity,
    rule,
)

_REACH = 1 << 32
_MIXED = "platform: {firmware: {bits: 32}}"


@rule(
    "linux/mixed-mode-region-above-4g",
    severity=Severity.ERROR,
    requirements=("X64-006",),
    sources=("Linux 6.12 arch/x86/platform/efi/efi_64.c",),
    help="put runtime regions below 4 GiB, where 32-bit firmware can reach them",
    needs=("attributes", "firmware.bits"),
    architectures=("x86_64",),
    examples=(
        Bad("EfiRuntimeServicesData  0x100000000  16  RUNTIME WB", sections=_MIXED),
        Bad("EfiRuntimeServicesData  0xffff0000   17  RUNTIME WB", sections=_MIXED),
        Good("EfiRuntimeServicesData  0x7e000000   16  RUNTIME WB", sections=_MIXED),
        Good("EfiRuntimeServicesData  0xffff0000   16  RUNTIME WB", sections=_MIXED),
        Good(
            "EfiRuntimeServicesData  0x100000000  16  RUNTIME WB",
            sections="platform: {firmware: {bits: 64}}",
        ),
    ),
)
def mixed_mode_region_above_4g(memory_map: MemoryMap, firmware: Firmware) -> Iterator[Finding]:
    """A runtime region of 32-bit firmware lies above 4 GiB.

    In mixed mode a 64-bit Linux runs on 32-bit firmware, as on many tablets of 2013 to 2016. Each
    service is called in 32-bit mode, at physical addresses, and everything firmware touches has to
    be within its reach of 4 GiB: its regions, the arguments, the stack. Linux maps the regions one
    to one and hands that map to SetVirtualAddressMap.

    A region above 4 GiB cannot be firmware's own then. The map belongs to another firmware, or the
    region was given the bit by mistake; firmware that means it computes with the lower half of the
    address and writes somewhere else.
    """
    if firmware.bits != 32:
        return
    for descriptor in memory_map.runtime:
        if descriptor.physical.end > _REACH:
            yield Finding(
                descriptor,
                f"{descriptor} ends above 4 GiB, out of reach of 32-bit firmware",
                AddressRange(max(descriptor.physical.start, _REACH), descriptor.physical.end),
                field="physical_start",
            )
