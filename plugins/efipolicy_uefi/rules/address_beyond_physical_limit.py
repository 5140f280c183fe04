"""UEFI-MAP-012, the part that needs no knowledge of the board."""

from collections.abc import Iterator

from efipolicy.plugin import (
    AddressRange,
    Architecture,
    Bad,
    Finding,
    Good,
    Hardware,
    MemoryDescriptor,
    MemoryMap,
    Related,
    Responsible,
    Severity,
    rule,
)
from efipolicy_uefi.descriptors import MMIO_TYPES, blamed_for_garbage

_WIDEST_BITS = 56
"""What no machine exceeds: the widest architecture in use has as many, and the highest address of
all maps we saw needs 48. Only Itanium could have more, on paper.
"""

_39_BITS = """
hardware: {physical_address_bits: 39}
"""


@rule(
    "uefi/address-beyond-physical-limit",
    severity=Severity.ERROR,
    requirements=("UEFI-MAP-012",),
    sources=("UEFI 2.10 §7.2.3",),
    help="find out who shifted or overwrote the addresses: no processor can reach this memory",
    disqualifies=3,
    examples=(
        Bad(
            "EfiConventionalMemory  0x100000            16  WB",
            "EfiConventionalMemory  0x10000000000000    16  WB",
            at=2,
            architecture="x86_64",
        ),
        Bad("EfiConventionalMemory  0xfffffffffff000  2  WB", architecture="unknown"),
        Good("EfiConventionalMemory  0xfffffffffff000  1  WB", architecture="unknown"),
        Good("EfiConventionalMemory  0x7ffffffffffff000  1  WB", architecture="ia64"),
        Good("EfiConventionalMemory  0xffffffffff000  1  WB", architecture="x86_64"),
        Good("EfiMemoryMappedIO  0x723ffbb0000000  1  UC", architecture="ia64"),
        Bad(
            "EfiConventionalMemory  0x8000000000  16  WB",
            architecture="x86_64",
            sections=_39_BITS,
        ),
        Good(
            "EfiConventionalMemory  0x7fffff0000  16  WB",
            "EfiMemoryMappedIO      0x8000000000  16  UC",
            architecture="x86_64",
            sections=_39_BITS,
        ),
    ),
)
def address_beyond_physical_limit(
    memory_map: MemoryMap,
    architecture: Architecture | None = None,
    hardware: Hardware | None = None,
) -> Iterator[Finding]:
    """A descriptor lies where no processor of the architecture has an address.

    The map describes memory that exists, so an address nobody can form was not written by the
    firmware on purpose. Boot loaders that took the fields apart at the wrong offset shifted whole
    maps by 32 bits, and kernels then built page tables for them. Where the architecture is not
    known, 56 bits are allowed: those of AArch64 and RISC-V, the widest there are but for Itanium,
    whose 63 no machine has used.

    ``hardware: {physical_address_bits: …}`` narrows that to the processor of the board. A page
    table entry with an address above its width faults for a reserved bit on x86 and with an
    address size fault on AArch64, whatever is mapped, so memory and whatever carries
    EFI_MEMORY_RUNTIME must lie below. Device windows that nobody asks to map may lie above: they
    can belong to a fabric that is wider than the processor in the socket.
    """
    widest = architecture.physical_address_bits if architecture else _WIDEST_BITS
    whose = f"{architecture.title} has" if architecture else "any machine is known to have"
    declared = hardware.physical_address_bits if hardware else None
    responsible = blamed_for_garbage(memory_map)
    for descriptor in memory_map.descriptors:
        if descriptor.physical.end > 1 << widest:
            yield _finding(descriptor, widest, whose, None, responsible)
        elif declared and descriptor.physical.end > 1 << declared and not _window(descriptor):
            whose_bits = "the hardware is declared to have"
            yield _finding(descriptor, declared, whose_bits, hardware, responsible)


def _window(descriptor: MemoryDescriptor) -> bool:
    """Whether it is a device window that is not to be mapped for runtime services."""
    return descriptor.type in MMIO_TYPES and not descriptor.runtime


def _finding(
    descriptor: MemoryDescriptor,
    bits: int,
    whose: str,
    hardware: Hardware | None,
    responsible: Responsible | None,
) -> Finding:
    lies = "lies" if descriptor.physical_start >= 1 << bits else "reaches"
    return Finding(
        descriptor,
        f"{descriptor.type_name} {descriptor.physical} {lies} above the "
        f"{bits} bits of physical address that {whose}",
        AddressRange(max(descriptor.physical_start, 1 << bits), descriptor.physical.end),
        field="physical_start",
        related=(Related(hardware, f"{bits} bits are declared"),) if hardware else (),
        responsible=responsible,
    )
