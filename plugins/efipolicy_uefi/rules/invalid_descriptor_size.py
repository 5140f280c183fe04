"""UEFI-MAP-010, the size of a descriptor."""

from collections.abc import Iterator

from efipolicy.plugin import Bad, Finding, Good, MemoryMap, Severity, rule

_FIELDS_OF_VERSION_1 = 40
_ALIGNMENT = 8


@rule(
    "uefi/invalid-descriptor-size",
    severity=Severity.ERROR,
    requirements=("UEFI-MAP-010",),
    sources=("UEFI 2.10 §7.2.3", "EDK II MdeModulePkg/Core/Dxe/Mem/Page.c"),
    help="report the bytes from one descriptor to the next: 40 or more, a multiple of 8",
    needs=("memory_map.descriptor_size",),
    examples=(
        Bad("EfiConventionalMemory  0x100000  16  WB", at=0, descriptor_size=32),
        Bad("EfiConventionalMemory  0x100000  16  WB", at=0, descriptor_size=44),
        Good("EfiConventionalMemory  0x100000  16  WB", descriptor_size=40),
        Good("EfiConventionalMemory  0x100000  16  WB", descriptor_size=48),
    ),
)
def invalid_descriptor_size(memory_map: MemoryMap) -> Iterator[Finding]:
    """The distance between two descriptors leaves no room for one, or misaligns the next.

    A descriptor of version 1 has fields of 40 bytes, 64-bit numbers among them. GetMemoryMap
    returns how far apart the descriptors are, and whoever walks the map steps by that number and
    never by the size of the structure it knows: the structure may grow. EDK II reports 48 on
    purpose, so that code which steps by 40 breaks at once.

    With less than 40 bytes each descriptor overwrites the next. With a number that is not a
    multiple of 8 every second descriptor has its addresses at odd places, and a reader on a
    processor that refuses unaligned accesses faults.
    """
    size = memory_map.descriptor_size or 0
    if size < _FIELDS_OF_VERSION_1:
        why = f"the fields of a descriptor take {_FIELDS_OF_VERSION_1}"
    elif size % _ALIGNMENT:
        why = f"that is no multiple of {_ALIGNMENT}, so every other descriptor is misaligned"
    else:
        return
    yield Finding(memory_map, f"descriptors are {size} bytes apart; {why}", field="descriptor_size")
