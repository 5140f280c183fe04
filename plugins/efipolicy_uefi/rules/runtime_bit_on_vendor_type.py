"""UEFI-MAP-008, first half."""

from collections.abc import Iterator

from efipolicy.plugin import Bad, Finding, Good, MemoryMap, Severity, rule
from efipolicy_uefi.descriptors import vendor_owned


@rule(
    "uefi/runtime-bit-on-vendor-type",
    severity=Severity.WARNING,
    requirements=("UEFI-MAP-008",),
    sources=("UEFI 2.10 §7.2.1",),
    help="allocate what runtime services use as EfiRuntimeServicesCode or EfiRuntimeServicesData",
    needs=("attributes",),
    examples=(
        Bad("0x80000001  0x5000000  2  RUNTIME WB"),
        Bad("0x70000000  0x5000000  2  RUNTIME WB"),
        Good("0x80000001  0x5000000  2  WB"),
        Good("EfiRuntimeServicesData  0x5000000  2  RUNTIME WB"),
    ),
)
def runtime_bit_on_vendor_type(memory_map: MemoryMap) -> Iterator[Finding]:
    """Runtime services depend on memory whose type only its owner understands.

    Types from 0x70000000 on belong to OEMs and to operating system loaders. An operating system
    is not told whether such memory is code or data, nor that it must be preserved. Some firmware
    even hangs in GetMemoryMap once such a type was allocated.
    """
    for descriptor in memory_map.runtime:
        if vendor_owned(descriptor):
            yield Finding(
                descriptor,
                f"{descriptor.physical} of the vendor's type {descriptor.type_name} "
                "asks to be mapped for runtime services",
                field="attribute",
            )
