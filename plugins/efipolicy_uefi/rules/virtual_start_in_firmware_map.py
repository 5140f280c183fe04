"""UEFI-MAP-021."""

from collections.abc import Iterator

from efipolicy.plugin import (
    Bad,
    Edit,
    Finding,
    Fix,
    Good,
    MemoryDescriptor,
    MemoryMap,
    Related,
    Severity,
    rule,
)


@rule(
    "uefi/virtual-start-in-firmware-map",
    severity=Severity.INFO,
    requirements=("UEFI-MAP-021",),
    sources=("Linux 6.6 drivers/firmware/efi/efi-init.c", "Linux commit 37926f96302d"),
    help="return VirtualStart 0 in every descriptor until SetVirtualAddressMap is called",
    needs=("virtual_starts", "firmware_map"),
    fix="unsafe",
    examples=(
        Bad(
            "EfiBootServicesData    0x0     1  WB  @0",
            "EfiConventionalMemory  0x1000  4  WB  @0x1000",
            "EfiConventionalMemory  0x8000  4  WB  @0",
            at=2,
        ),
        Bad("EfiRuntimeServicesCode  0x7f000000  16  RUNTIME WB  @0x20000000"),
        Good("EfiConventionalMemory  0x1000  4  WB  @0"),
        # U-Boot fills the field with the physical address, in every descriptor.
        Good(
            "EfiConventionalMemory   0x1000      4   WB          @0x1000",
            "EfiRuntimeServicesCode  0x7f000000  16  RUNTIME WB  @0x7f000000",
        ),
    ),
)
def virtual_start_in_firmware_map(memory_map: MemoryMap) -> Iterator[Finding]:
    """The firmware's map has virtual addresses before anybody chose some.

    VirtualStart means something only in the map that is handed to SetVirtualAddressMap; the
    specification asks of it no more than its alignment. Linux takes 0 for "no virtual mapping" and
    an address equal to the physical one for an identity mapping, so a map that has both, or
    anything else, is read as half mapped. EDK II returns 0 and U-Boot the physical address, each
    throughout, and both are fine.

    A map that was read back after boot, or that the boot stub of Linux handed to its kernel, has
    virtual addresses in its runtime regions: those are the kernel's, and only a map known to be
    the firmware's own is judged.
    """
    known = [d for d in memory_map.descriptors if d.virtual_start is not None]
    zero = [d for d in known if d.virtual_start == 0 != d.physical_start]
    identity = [d for d in known if d.virtual_start == d.physical_start != 0]
    chosen = [d for d in known if d.virtual_start not in (0, d.physical_start)]
    if chosen:
        yield _finding(
            chosen,
            f"{len(chosen)} of {len(known)} descriptors have a VirtualStart that is neither 0 nor "
            f"the physical address: {chosen[0]} has {chosen[0].virtual_start:#x}",
            identity,
        )
    elif zero and identity:
        odd = min(identity, zero, key=len)
        yield _finding(
            odd,
            f"VirtualStart is 0 in {len(zero)} of {len(known)} descriptors and the physical "
            f"address in {len(identity)}; {odd[0]} has {odd[0].virtual_start:#x}",
            identity,
        )


def _finding(
    odd: list[MemoryDescriptor], message: str, identity: list[MemoryDescriptor]
) -> Finding:
    """One finding for all; the fix is to clear the field wherever it is filled."""
    first, *others = odd
    filled = list(dict.fromkeys((*(d for d in odd if d.virtual_start), *identity)))
    return Finding(
        first,
        message,
        field="virtual_start",
        related=tuple(Related(other, f"{other.virtual_start:#x} here") for other in others),
        fix=Fix(
            "unsafe",
            "clear VirtualStart",
            tuple(Edit(descriptor, "virtual_start", 0) for descriptor in filled),
        ),
    )
