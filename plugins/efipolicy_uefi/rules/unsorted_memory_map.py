"""UEFI-MAP-020."""

from collections.abc import Iterator
from itertools import pairwise

from efipolicy.plugin import Bad, Finding, Good, MemoryMap, Related, Severity, rule


@rule(
    "uefi/unsorted-memory-map",
    severity=Severity.INFO,
    requirements=("UEFI-MAP-020",),
    sources=("UEFI 2.10 §7.2.3",),
    help="leave a captured map as it is: its order decides which virtual addresses Linux assigns",
    needs=("whole_map", "firmware_map"),
    examples=(
        Bad(
            "EfiConventionalMemory  0x80000000  16  WB",
            "EfiBootServicesData    0x1000      4   WB",
            "EfiReservedMemoryType  0x0         1   WB",
            at=2,
        ),
        Good(
            "EfiBootServicesData    0x1000      4   WB",
            "EfiConventionalMemory  0x80000000  16  WB",
        ),
    ),
)
def unsorted_memory_map(memory_map: MemoryMap) -> Iterator[Finding]:
    """The descriptors are not in the order of their addresses.

    No clause asks for an order; only the Memory Attributes Table has one. Half of all healthy
    maps list RAM in order and append MMIO and reserved entries. The order matters where an
    operating system hands out virtual addresses as it walks the map: Linux does so from the end on
    x86 and from the start on arm64.
    """
    for before, after in pairwise(memory_map.descriptors):
        if after.physical_start < before.physical_start:
            yield Finding(
                after,
                f"{after.type_name} at {after.physical_start:#x} comes after "
                f"{before.type_name} at {before.physical_start:#x}",
                field="physical_start",
                related=(Related(before, "the higher start before it"),),
            )
            return
