"""IA64-003, more than one."""

from collections.abc import Iterator

from efipolicy.plugin import (
    Bad,
    EfiMemoryType,
    Finding,
    Good,
    MemoryMap,
    Related,
    Severity,
    rule,
)


@rule(
    "ia64/several-io-port-spaces",
    severity=Severity.WARNING,
    requirements=("IA64-003",),
    sources=("UEFI 2.10 §7.2, Table 7.5", "UEFI 2.11 §7.2", "Linux 6.6 arch/ia64/kernel/efi.c"),
    help="describe one EfiMemoryMappedIOPortSpace, and further port ranges in ACPI",
    architectures=("ia64",),
    examples=(
        Bad(
            "EfiMemoryMappedIOPortSpace  0xffffc000000   0x4000  RUNTIME UC",
            "EfiMemoryMappedIOPortSpace  0x1ffffc000000  0x4000  RUNTIME UC",
        ),
        Good("EfiMemoryMappedIOPortSpace  0xffffc000000  0x4000  RUNTIME UC"),
    ),
)
def several_io_port_spaces(memory_map: MemoryMap) -> Iterator[Finding]:
    """The map has more than one I/O port space.

    Itanium has no instructions for I/O ports. The processor turns accesses to one region of 64 MiB
    into port cycles, and EfiMemoryMappedIOPortSpace says where it is: there should be exactly one.
    Port spaces of further host bridges are found through ACPI.

    Linux takes the first it finds, in the order of the map, and never looks at the others; if that
    is the wrong one, every legacy device, the serial console first, is out of reach.
    """
    kind = EfiMemoryType.EfiMemoryMappedIOPortSpace
    found = [descriptor for descriptor in memory_map.descriptors if descriptor.type == kind]
    if len(found) > 1:
        first, *others = found
        yield Finding(
            first,
            f"{len(found)} descriptors of EfiMemoryMappedIOPortSpace, where UEFI wants one: "
            f"{', '.join(str(descriptor.physical) for descriptor in found)}",
            field="type",
            related=tuple(Related(other, "not the first, so Linux ignores it") for other in others),
        )
