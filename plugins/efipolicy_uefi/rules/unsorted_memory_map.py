"""UEFI-MAP-020."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

from efipolicy.plugin import (
    Bad,
    EfiMemoryType,
    Finding,
    Good,
    MemoryDescriptor,
    MemoryMap,
    Related,
    Severity,
    rule,
)

_RUNTIME_SERVICES = (EfiMemoryType.EfiRuntimeServicesCode, EfiMemoryType.EfiRuntimeServicesData)


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
    x86 and from the start on arm64. The finding is about the first place where an address is lower
    than the one before, names the others, and says whether runtime services code and data are out
    of order among themselves, which no map we saw had.
    """
    descents = list(_descents(memory_map.descriptors))
    if not descents:
        return
    (before, after), *others = descents
    services = [d for d in memory_map.descriptors if d.type in _RUNTIME_SERVICES]
    also = "; runtime services code and data are among them" if any(_descents(services)) else ""
    yield Finding(
        after,
        f"{after.type_name} at {after.physical_start:#x} comes after "
        f"{before.type_name} at {before.physical_start:#x}"
        f"{f', and {len(others)} more such places' if others else ''}{also}",
        field="physical_start",
        related=(
            Related(before, "the higher start before it"),
            *(
                Related(later, f"below {start.physical_start:#x} before it")
                for start, later in others
            ),
        ),
    )


def _descents(
    descriptors: Sequence[MemoryDescriptor],
) -> Iterator[tuple[MemoryDescriptor, MemoryDescriptor]]:
    """Neighbours of which the second starts below the first."""
    for before, after in pairwise(descriptors):
        if after.physical_start < before.physical_start:
            yield before, after
