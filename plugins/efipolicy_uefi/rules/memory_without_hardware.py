"""UEFI-MAP-012, the part that needs the board's documentation."""

from collections.abc import Iterator

from efipolicy.plugin import Bad, Finding, Good, Hardware, MemoryMap, Related, Severity, rule
from efipolicy_uefi.descriptors import MMIO_TYPES
from efipolicy_uefi.ranges import hull, inside, listed, merged

_ONE_GIB_OF_TWO = """
hardware: {unpopulated: [{start: 0xc0000000, size: 0x40000000, what: the second DIMM}]}
"""


@rule(
    "uefi/memory-without-hardware",
    severity=Severity.WARNING,
    requirements=("UEFI-MAP-012",),
    sources=("UEFI 2.10 §7.2.3",),
    help="describe the memory that is fitted, and leave the rest out of the map",
    needs=("hardware.unpopulated",),
    examples=(
        Bad("EfiConventionalMemory  0x80000000  0x80000  WB", sections=_ONE_GIB_OF_TWO),
        Bad("EfiReservedMemoryType  0xbffff000  2        WB", sections=_ONE_GIB_OF_TWO),
        Good("EfiConventionalMemory  0x80000000  0x40000  WB", sections=_ONE_GIB_OF_TWO),
        Good("EfiMemoryMappedIO  0xc0000000  16  RUNTIME UC", sections=_ONE_GIB_OF_TWO),
    ),
)
def memory_without_hardware(memory_map: MemoryMap, hardware: Hardware) -> Iterator[Finding]:
    """A descriptor covers addresses behind which there is nothing.

    The map lists what is there; a range without hardware behind it is to be left out. An operating
    system believes the map: Linux puts the range into its list of RAM, writes its page structures
    or a user's page there and reads back ones, or takes a bus error. On arm64 that is an SError
    long after the access, on whatever runs by then.

    Memory-mapped I/O is left out of this, because a window can be assigned to a device that is not
    there yet. Which addresses are empty only the board's documentation can say: without
    ``hardware: {unpopulated: …}`` the rule is not checked.
    """
    places = hardware.unpopulated or ()
    holes = merged(place.physical for place in places)
    for descriptor in memory_map.descriptors:
        parts = [] if descriptor.type in MMIO_TYPES else inside(descriptor.physical, holes)
        if parts:
            yield Finding(
                descriptor,
                f"{descriptor} covers {listed(parts)}, where nothing is populated",
                hull(parts),
                field="physical_start" if parts[0].start == descriptor.physical_start else "pages",
                related=tuple(
                    Related(place, f"nothing at {place.physical}")
                    for place in places
                    if place.physical.overlaps(descriptor.physical)
                ),
            )
