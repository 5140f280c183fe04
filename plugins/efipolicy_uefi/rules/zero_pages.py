"""UEFI-MAP-003."""

from collections.abc import Iterator

from efipolicy.plugin import Bad, Edit, Finding, Fix, Good, MemoryMap, Severity, rule


@rule(
    "uefi/zero-pages",
    severity=Severity.ERROR,
    requirements=("UEFI-MAP-003",),
    sources=("UEFI 2.10 §7.2.3", "revision history of UEFI 2.6B, erratum 1741"),
    help="drop the entry",
    disqualifies=2,
    fix="safe",
    examples=(
        Bad("EfiReservedMemoryType  0x0  0"),
        Good("EfiReservedMemoryType  0x0  1  WB"),
    ),
)
def zero_pages(memory_map: MemoryMap) -> Iterator[Finding]:
    """A descriptor describes nothing.

    Code that computes the last byte of an empty range arrives one byte before its start, which at
    address 0 is the top of the address space. A Lenovo W541 shipped such an entry and Linux did
    not boot until it learned to prune it (commit 0100a3e67a9c). No other rule judges the entry.
    """
    for descriptor in memory_map.descriptors:
        if descriptor.number_of_pages == 0:
            yield Finding(
                descriptor,
                f"{descriptor.type_name} at {descriptor.physical_start:#x} has no pages",
                field="pages",
                fix=Fix("safe", "drop the entry", (Edit(descriptor),)),
            )
