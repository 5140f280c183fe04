"""UEFI-MAP-006."""

from collections.abc import Iterator

from efipolicy.plugin import Bad, Finding, Good, MemoryMap, Severity, rule
from efipolicy_uefi.descriptors import blamed_for_garbage, unassigned


@rule(
    "uefi/unassigned-memory-type",
    severity=Severity.ERROR,
    requirements=("UEFI-MAP-006",),
    sources=("UEFI 2.10 §7.2.1",),
    help="give the range a type of the specification, EfiReservedMemoryType if nothing else fits",
    disqualifies=4,
    examples=(
        Bad("0x20        0x9000000  8  WB"),
        Bad("0x6fffffff  0x9000000  8  WB"),
        Good("EfiReservedMemoryType    0x9000000  8  WB"),
        Good("EfiUnacceptedMemoryType  0x9000000  8  WB"),
        Good("0x70000000  0x9000000  8  WB"),
        Good("0xffffffff  0x9000000  8  WB"),
    ),
)
def unassigned_memory_type(memory_map: MemoryMap) -> Iterator[Finding]:
    """A descriptor has a type that means nothing.

    The specification assigns the types up to 15, OEMs own 0x70000000 to 0x7fffffff and operating
    system loaders what lies above; AllocatePages refuses the rest. Nobody can tell whether memory
    of such a type may be used: Linux on x86 leaves it out of its memory map without a word, so
    that RAM disappears. No other rule judges the entry.
    """
    for descriptor in memory_map.descriptors:
        if unassigned(descriptor.type):
            yield Finding(
                descriptor,
                f"the type {descriptor.type:#x} of {descriptor.physical} is not assigned",
                field="type",
                responsible=blamed_for_garbage(memory_map),
            )
