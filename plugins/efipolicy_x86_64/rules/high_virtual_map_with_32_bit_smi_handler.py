"""X64-004."""

from collections.abc import Iterator

from efipolicy.plugin import (
    Bad,
    EfiMemoryType,
    Finding,
    Firmware,
    Good,
    MappingDeclaration,
    MemoryDescriptor,
    Related,
    Responsible,
    Severity,
    rule,
)

_FOUR_GIB = 1 << 32
_PASSED_ON = frozenset({EfiMemoryType.EfiRuntimeServicesCode, EfiMemoryType.EfiRuntimeServicesData})


def _platform(bits: int, virtual_start: int) -> str:
    return f"""
platform: {{firmware: {{smi_handler: {bits}}}}}
mapping:
  - os: a
    virtual_map:
      - {{type: EfiRuntimeServicesData, physical_start: 0x7f000000, pages: 16,
         attribute: [RUNTIME, WB], virtual_start: {virtual_start:#x}}}
"""


@rule(
    "x86_64/high-virtual-map-with-32-bit-smi-handler",
    severity=Severity.WARNING,
    requirements=("X64-004",),
    sources=("Dasharo/edk2 pull request 129",),
    help="leave SetVirtualAddressMap out, or choose virtual addresses below 4 GiB",
    needs=("firmware.smi_handler",),
    architectures=("x86_64",),
    responsible=Responsible.PLATFORM,
    examples=(
        Bad(sections=_platform(32, 0xFFFF_FFFE_8000_0000), at=0),
        Bad(sections=_platform(32, 0xFFFF_1000), at=0),
        Good(sections=_platform(32, 0xFFFF_0000)),
        Good(sections=_platform(32, 0x7F00_0000)),
        Good(sections=_platform(64, 0xFFFF_FFFE_8000_0000)),
    ),
)
def high_virtual_map_with_32_bit_smi_handler(
    virtual_map: tuple[MemoryDescriptor, ...], mapping: MappingDeclaration, firmware: Firmware
) -> Iterator[Finding]:
    """Runtime memory gets virtual addresses that a 32-bit SMI handler cannot hold.

    Runtime services often pass work on to System Management Mode, and a pointer with it. After
    SetVirtualAddressMap that pointer is a virtual address. A handler of 32 bits, or a stub of 32
    bits in front of it, drops the upper half and reads or writes somewhere else.

    It was seen on Dasharo's firmware: once Linux had moved runtime memory to 0xfffffffe80000000,
    variables could no longer be read or written. The specification allows both sides to do what
    they did; the finding names a class of firmware bugs. Code and data of runtime services are
    judged, which is where such buffers lie. Linux on x86 calls SetVirtualAddressMap on every boot
    from firmware; Xen and the BSDs call services at physical addresses and are safe.
    """
    if firmware.smi_handler != 32:
        return
    high = [
        entry
        for entry in virtual_map
        if entry.type in _PASSED_ON
        and entry.virtual_start is not None
        and entry.virtual_start + entry.physical.size > _FOUR_GIB
    ]
    if high:
        lowest = min(entry.virtual_start or 0 for entry in high)
        yield Finding(
            mapping,
            f"{len(high)} runtime {'region gets' if len(high) == 1 else 'regions get'} virtual "
            f"addresses above 4 GiB, from {lowest:#x} on; the SMI handler has 32 bits",
            high[0].physical,
            field="strategy" if mapping.virtual_map is None else "virtual_map",
            related=tuple(Related(entry, f"at {entry.virtual_start:#x}") for entry in high)
            if mapping.virtual_map is not None
            else (),
        )
