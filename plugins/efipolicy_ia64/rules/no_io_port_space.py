"""IA64-003, none."""

from collections.abc import Iterator

from efipolicy.plugin import Bad, EfiMemoryType, Finding, Good, MemoryMap, Severity, rule


@rule(
    "ia64/no-io-port-space",
    severity=Severity.INFO,
    requirements=("IA64-003",),
    sources=("UEFI 2.10 §7.2, Table 7.5", "UEFI 2.11 §7.2"),
    help="describe the region of I/O ports as EfiMemoryMappedIOPortSpace",
    needs=("whole_map",),
    architectures=("ia64",),
    examples=(
        Bad("EfiConventionalMemory  0x100000  0x100  WB", at=0),
        Good(
            "EfiConventionalMemory       0x100000       0x100   WB",
            "EfiMemoryMappedIOPortSpace  0xffffc000000  0x4000  RUNTIME UC",
        ),
    ),
)
def no_io_port_space(memory_map: MemoryMap) -> Iterator[Finding]:
    """The map has no I/O port space.

    Itanium has no instructions for I/O ports. The processor turns accesses to one region of 64 MiB
    into port cycles, and EfiMemoryMappedIOPortSpace says where it is: there should be exactly one.

    A kernel that finds none asks the processor for the base, or does without ports. Only a map that
    is known to be whole can show that there is none; the one real Itanium map at hand is a part.
    """
    kind = EfiMemoryType.EfiMemoryMappedIOPortSpace
    if not any(descriptor.type == kind for descriptor in memory_map.descriptors):
        yield Finding(memory_map, "no descriptor is EfiMemoryMappedIOPortSpace")
