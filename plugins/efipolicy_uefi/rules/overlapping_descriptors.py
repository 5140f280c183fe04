"""UEFI-MAP-005."""

from collections.abc import Iterator

from efipolicy.plugin import (
    EFI_PAGE_SIZE,
    Bad,
    Finding,
    Good,
    MemoryMap,
    Related,
    Severity,
    rule,
)
from efipolicy_uefi.descriptors import Overlap, overlaps
from efipolicy_uefi.ranges import listed


@rule(
    "uefi/overlapping-descriptors",
    severity=Severity.ERROR,
    requirements=("UEFI-MAP-005",),
    sources=("UEFI 2.10 §7.2.3",),
    help="shorten one of the two so that each page is described once",
    examples=(
        Bad(
            "EfiConventionalMemory   0x100000  16  WB",
            "EfiRuntimeServicesData  0x10f000   4  RUNTIME WB",
            at=2,
        ),
        Bad(
            "EfiRuntimeServicesCode  0x1000000  16  RUNTIME WB",
            "EfiACPIReclaimMemory    0x1008000   4  WB",
            at=2,
        ),
        Good(
            "EfiRuntimeServicesCode  0x1000000  16  RUNTIME WB",
            "EfiACPIReclaimMemory    0x1010000   4  WB",
        ),
        Good(
            "EfiConventionalMemory   0x100000  15  WB",
            "EfiRuntimeServicesData  0x10f000   4  RUNTIME WB",
        ),
    ),
)
def overlapping_descriptors(memory_map: MemoryMap) -> Iterator[Finding]:
    """Two descriptors claim the same physical memory.

    An operating system that believes the first hands out memory that, says the second, firmware
    still uses. U-Boot once described its ACPI tables inside a runtime region and again on their
    own, and its own SetVirtualAddressMap test failed. The specification describes one block a
    descriptor and does not say in a sentence of its own that blocks are disjoint; every consumer
    relies on it.

    Each pair is reported once, at the one of the two that starts later, with the bytes they share.
    Less than a page is shared only where one of them starts inside a page, and then that is the
    fault: ``uefi/misaligned-physical-start``.
    """
    for overlap in overlaps(memory_map.descriptors):
        yield _finding(overlap)


def _finding(overlap: Overlap) -> Finding:
    """One finding a descriptor, about all that it shares with those before it by address."""
    descriptor = overlap.descriptor
    shared = [(descriptor.physical & other.physical, other) for other in overlap.others]
    words = [f"{part} with {other.type_name} {other.physical}" for part, other in shared]
    more = overlap.number - len(shared)
    # Less than a page can be shared only because of a start inside a page: that entry is the one.
    by_a_start = shared[0][0].size < EFI_PAGE_SIZE
    aligned = descriptor.physical_start % EFI_PAGE_SIZE == 0
    return Finding(
        overlap.others[0] if by_a_start and aligned else descriptor,
        f"{descriptor} shares {listed(words)}" + _further(more),
        shared[0][0],  # that with the one that reaches furthest holds all the others
        related=tuple(Related(other, f"{other} shares {part}") for part, other in shared),
        unless=("uefi/misaligned-physical-start",) if by_a_start else (),
    )


def _further(number: int) -> str:
    """How many more there are."""
    if not number:
        return ""
    return f", and more with {number} {'other' if number == 1 else 'others'}"
