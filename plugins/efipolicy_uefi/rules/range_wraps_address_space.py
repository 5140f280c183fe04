"""UEFI-MAP-002."""

from collections.abc import Iterator

from efipolicy.plugin import (
    DEFINED_ATTRIBUTES,
    EFI_PAGE_SIZE,
    Bad,
    Finding,
    Good,
    MemoryDescriptor,
    MemoryMap,
    Severity,
    rule,
)
from efipolicy_uefi.descriptors import blamed_for_garbage, unassigned, wraps


@rule(
    "uefi/range-wraps-address-space",
    severity=Severity.ERROR,
    requirements=("UEFI-MAP-002",),
    sources=("UEFI 2.10 §7.2.3", "revision history of UEFI 2.6B, erratum 1741"),
    help="find out who overwrote the map, or drop the entry: no memory is behind it",
    disqualifies=1,
    examples=(
        Bad("EfiReservedMemoryType  0xfffffffffffff000  0x0200000000000001  WB"),
        Bad("EfiReservedMemoryType  0xfffffffffffff000  2  WB"),
        Bad("0x10  0x8ffff4438  0xffff443400003348  WB WC"),
        Good("EfiReservedMemoryType  0xfffffffffffff000  1  WB"),
    ),
)
def range_wraps_address_space(memory_map: MemoryMap) -> Iterator[Finding]:
    """A descriptor reaches beyond the last address there is.

    Arithmetic on its end wraps around to low memory, so an operating system that trusts the entry
    protects, maps or frees memory it never meant. Linux deletes such entries and blames the
    firmware (commit 0100a3e67a9c). Often the whole map is to blame and not the entry: a kernel
    started by kexec on a confidential guest found its map overwritten with code. Such an entry is
    garbage as a whole and is judged by no other rule.
    """
    for descriptor in memory_map.descriptors:
        if wraps(descriptor.physical_start, descriptor.number_of_pages):
            yield Finding(
                descriptor,
                f"{descriptor.number_of_pages:#x} pages of type {descriptor.type_name} from "
                f"{descriptor.physical_start:#x} reach beyond 64 bits{_besides(descriptor)}",
                field="pages",
                responsible=blamed_for_garbage(memory_map),
            )


def _besides(descriptor: MemoryDescriptor) -> str:
    """Whatever else is wrong with the entry, as the rest of a sentence."""
    faults = []
    if descriptor.physical_start % EFI_PAGE_SIZE:
        faults.append("its start lies inside a page")
    if unassigned(descriptor.type):
        faults.append("its type is not assigned")
    undefined = (descriptor.attribute or 0) & ~DEFINED_ATTRIBUTES
    if undefined:
        faults.append(f"its attribute has the undefined bits {undefined:#x}")
    if not faults:
        return ""
    *most, last = faults
    return "; " + (f"{', '.join(most)} and {last}" if most else last)
