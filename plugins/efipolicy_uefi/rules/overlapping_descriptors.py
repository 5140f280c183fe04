"""UEFI-MAP-005."""

from collections.abc import Iterator

from efipolicy.plugin import (
    Bad,
    Finding,
    Good,
    MemoryMap,
    Related,
    Severity,
    overlapping,
    rule,
)


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
    """
    for descriptor, reaching in overlapping(memory_map.descriptors):
        shared = descriptor.physical & reaching.physical
        yield Finding(
            descriptor,
            f"{descriptor.type_name} shares {shared} with {reaching.type_name}",
            shared,
            related=(Related(reaching, f"{reaching.type_name} up to {reaching.physical.end:#x}"),),
        )
