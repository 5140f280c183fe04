"""UEFI-MAP-012, the part that needs no knowledge of the board."""

from collections.abc import Iterator

from efipolicy.plugin import Architecture, Bad, Finding, Good, MemoryMap, Severity, rule

_WIDEST_BITS = 63
"""What no architecture exceeds: that of Itanium, the widest of all."""


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
        Bad("EfiConventionalMemory  0x7ffffffffffff000  2  WB", architecture="unknown"),
        Good("EfiConventionalMemory  0x7ffffffffffff000  1  WB", architecture="unknown"),
        Good("EfiConventionalMemory  0xffffffffff000  1  WB", architecture="x86_64"),
        Good("EfiMemoryMappedIO  0x723ffbb0000000  1  UC", architecture="ia64"),
    ),
)
def address_beyond_physical_limit(
    memory_map: MemoryMap, architecture: Architecture | None = None
) -> Iterator[Finding]:
    """A descriptor lies where no processor of the architecture has an address.

    The map describes memory that exists, so an address nobody can form was not written by the
    firmware on purpose. Boot loaders that took the fields apart at the wrong offset shifted whole
    maps by 32 bits, and kernels then built page tables for them. Where the architecture is not
    known, only what lies beyond the 63 bits of Itanium, the widest of all, is reported.
    """
    bits = architecture.physical_address_bits if architecture else _WIDEST_BITS
    whose = f"{architecture.title} has" if architecture else "the widest architecture has"
    for descriptor in memory_map.descriptors:
        if descriptor.physical.end > 1 << bits:
            yield Finding(
                descriptor,
                f"{descriptor.type_name} {descriptor.physical} lies above the "
                f"{bits} bits of physical address that {whose}",
                field="physical_start",
            )
