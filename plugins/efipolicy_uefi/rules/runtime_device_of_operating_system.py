"""UEFI-RT-018."""

from collections.abc import Iterator

from efipolicy.plugin import (
    Bad,
    EfiMemoryType,
    Finding,
    Good,
    Hardware,
    MemoryMap,
    Related,
    Severity,
    rule,
)
from efipolicy_uefi.descriptors import MMIO_TYPES
from efipolicy_uefi.ranges import hull, inside, listed, merged

_DEVICES = MMIO_TYPES | {EfiMemoryType.EfiReservedMemoryType}
_EMMC = """
hardware: {operating_system_devices: [{start: 0xfe340000, size: 0x100, what: mmc@fe340000}]}
"""


@rule(
    "uefi/runtime-device-of-operating-system",
    severity=Severity.WARNING,
    requirements=("UEFI-RT-018",),
    sources=("EBBR chapter 2",),
    help="disable the device for the operating system, or keep runtime services away from it",
    needs=("attributes", "hardware.operating_system_devices"),
    architectures=("arm64", "arm32", "riscv64"),
    examples=(
        Bad("EfiMemoryMappedIO  0xfe340000  1  RUNTIME UC", architecture="arm64", sections=_EMMC),
        Good("EfiMemoryMappedIO  0xfe341000  1  RUNTIME UC", architecture="arm64", sections=_EMMC),
        Good(
            "EfiMemoryMappedIO  0xfe340000  1  RUNTIME UC",
            architecture="arm64",
            sections="""
hardware: {operating_system_devices: []}
""",
        ),
    ),
)
def runtime_device_of_operating_system(
    memory_map: MemoryMap, hardware: Hardware
) -> Iterator[Finding]:
    """Runtime services use a device that the operating system drives.

    Two drivers cannot share one set of registers. On boards that keep their variables on the eMMC
    the operating system boots from, firmware starts a command in the middle of the operating
    system's own, and data is lost. EBBR forbids it: a device with a runtime mapping is not to be
    offered to the operating system, which on these platforms means that its device tree node is
    disabled.

    PCs have such devices behind System Management Mode, so the profile's rule is for the Arm and
    RISC-V platforms it was written for. It needs the list of devices the operating system drives;
    the memory map does not have it.
    """
    places = hardware.operating_system_devices or ()
    devices = merged(place.physical for place in places)
    for descriptor in memory_map.runtime:
        parts = inside(descriptor.physical, devices) if descriptor.type in _DEVICES else []
        if parts:
            shared = [p for p in places if p.physical.overlaps(descriptor.physical)]
            names = [place.what or str(place.physical) for place in shared]
            yield Finding(
                descriptor,
                f"{descriptor} has EFI_MEMORY_RUNTIME and holds {listed(names)}, "
                "which the operating system drives",
                hull(parts),
                field="physical_start",
                related=tuple(Related(place, "the operating system's") for place in shared),
            )
