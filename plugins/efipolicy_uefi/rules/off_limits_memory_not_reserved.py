"""UEFI-MAP-011."""

from collections.abc import Iterator, Sequence

from efipolicy.plugin import (
    AddressRange,
    Bad,
    Edit,
    EfiMemoryType,
    Finding,
    Fix,
    Good,
    Hardware,
    MemoryDescriptor,
    NotJudged,
    Place,
    Platform,
    Related,
    Severity,
    rule,
)
from efipolicy_uefi.ranges import hull, inside, listed, merged, outside

_RESERVED = EfiMemoryType.EfiReservedMemoryType
_TSEG = """
hardware: {off_limits: [{start: 0x7f800000, size: 0x800000, what: TSEG}]}
"""

_Holder = tuple[MemoryDescriptor, list[AddressRange]]


@rule(
    "uefi/off-limits-memory-not-reserved",
    severity=Severity.ERROR,
    requirements=("UEFI-MAP-011",),
    sources=("UEFI 2.10 §7.2.3", "ACPI 6.4 §15.4", "Microsoft System Guard page"),
    help="describe all of it as EfiReservedMemoryType",
    needs=("hardware.off_limits",),
    fix="unsafe",
    examples=(
        Bad("EfiConventionalMemory  0x100000  0x7f700  WB", at=0, sections=_TSEG),
        Bad("EfiConventionalMemory  0x100000  0x7ff00  WB", at=0, sections=_TSEG),
        Bad("EfiReservedMemoryType  0x7f800000  0x7ff  WB", at=0, sections=_TSEG),
        Good("EfiReservedMemoryType  0x7f800000  0x800  WB", sections=_TSEG),
        Good(
            "EfiReservedMemoryType  0x7fc00000  0x400  WB",
            "EfiReservedMemoryType  0x7f700000  0x500  WB",
            sections=_TSEG,
        ),
    ),
)
def off_limits_memory_not_reserved(
    platform: Platform, hardware: Hardware
) -> Iterator[Finding | NotJudged]:
    """Memory that the operating system must not touch is not described as reserved.

    Memory that is there but closed to the operating system, such as TSEG, the secure world's RAM or
    a carve-out for graphics, is to be listed as EfiReservedMemoryType. To leave it out is no way
    to hide it: addresses the map does not mention are the operating system's to use as it sees
    fit, and Linux places PCI windows and hot-plugged memory there. Listed as any other type it is
    memory that is freed, mapped or saved sooner or later. What happens then depends on the
    hardware: writes are dropped, reads return ones, or the machine checks; where nothing guards
    it, firmware is overwritten.

    Windows asks for TSEG as reserved memory before it trusts System Guard. The finding names the
    parts that are not reserved. What a map of which only a part is known does not mention is not
    judged.
    """
    # The map as it was read, so that a message never calls absent what another rule set aside.
    memory_map = platform.memory_map
    reserved = merged(d.physical for d in memory_map.descriptors if d.type == _RESERVED)
    described = merged(d.physical for d in memory_map.descriptors)
    for place in hardware.off_limits or ():
        exposed = outside(place.physical, reserved)
        absent = [part for each in exposed for part in outside(each, described)]
        if absent and memory_map.extent != "whole":
            yield NotJudged("memory_map.extent: whole")
            absent = []
        holders = [
            (descriptor, parts)
            for descriptor in (memory_map.by_address if exposed else ())
            if descriptor.type != _RESERVED and (parts := inside(descriptor.physical, exposed))
        ]
        if absent or holders:
            yield _finding(place, absent, holders)


def _finding(place: Place, absent: list[AddressRange], holders: Sequence[_Holder]) -> Finding:
    parts = sorted([*absent, *(part for _, parts in holders for part in parts)])
    faults = [(part, f"{part} is in no descriptor") for part in absent]
    faults += [(part, f"{part} is {d.type_name}") for d, parts in holders for part in parts]
    words = [text for _, text in sorted(faults)]
    return Finding(
        place,
        f"{place.what or 'memory'} {place.physical} is off limits, but {listed(words)}",
        hull(parts),
        related=tuple(Related(d, f"{d.type_name}, not reserved") for d, _ in holders),
        fix=None if absent else _fix(place, [descriptor for descriptor, _ in holders]),
    )


def _fix(place: Place, holders: Sequence[MemoryDescriptor]) -> Fix | None:
    """Another type for descriptors that hold nothing else, if that is all there is to do."""
    if any(d.runtime or not place.physical.covers(d.physical) for d in holders):
        return None
    edits = tuple(Edit(descriptor, "type", int(_RESERVED)) for descriptor in holders)
    return Fix("unsafe", "describe it as EfiReservedMemoryType", edits)
