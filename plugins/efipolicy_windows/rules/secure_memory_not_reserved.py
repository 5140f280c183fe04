"""WIN-001, the memory of System Management Mode."""

import re
from collections.abc import Iterator

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
    MemoryMap,
    NotJudged,
    Place,
    Related,
    Severity,
    rule,
)
from efipolicy_windows.ranges import pieces

_NAMES = re.compile(
    r"\b(TSEG|HSEG|SMRAM|SMM|MSEG|STM|(secure|transfer) monitor|monitor[- ]mode)\b", re.IGNORECASE
)
_RESERVED = EfiMemoryType.EfiReservedMemoryType


@rule(
    "windows/secure-memory-not-reserved",
    severity=Severity.WARNING,
    requirements=("WIN-001",),
    sources=("Microsoft: System Guard Secure Launch and SMM protection",),
    help="describe the range with a descriptor of type EfiReservedMemoryType",
    needs=("hardware.off_limits",),
    architectures=("x86_64", "arm64"),
    fix="unsafe",
    examples=(
        Bad(
            "EfiConventionalMemory  0x100000  0x7f700  WB",
            architecture="x86_64",
            sections="hardware: {off_limits: [{start: 0x7f800000, size: 0x800000, what: TSEG}]}",
            at=0,
        ),
        # Its last page is offered as free memory.
        Bad(
            "EfiReservedMemoryType  0x7f800000  0x7ff  WB",
            "EfiConventionalMemory  0x7ffff000  0x10   WB",
            architecture="x86_64",
            sections="hardware: {off_limits: [{start: 0x7f800000, size: 0x800000, what: TSEG}]}",
            at=2,
        ),
        Good(
            "EfiReservedMemoryType  0x7f800000  0x800  WB",
            architecture="x86_64",
            sections="hardware: {off_limits: [{start: 0x7f800000, size: 0x800000, what: TSEG}]}",
        ),
    ),
)
def secure_memory_not_reserved(
    memory_map: MemoryMap, hardware: Hardware
) -> Iterator[Finding | NotJudged]:
    """Memory of System Management Mode or of its monitor is not reported as reserved.

    System Guard of Windows 10 1809 and later expects TSEG, and memory set aside for an SMM transfer
    monitor, as EfiReservedMemoryType in the firmware's memory map. Where they are missing or of
    another type it rejects the platform, and Windows runs without that protection.

    Other operating systems only have to leave the memory alone. Nothing keeps them from memory the
    map does not mention, which is why UEFI asks for a descriptor too, and gives no type for it but
    this.

    Judged are the entries of ``hardware.off_limits`` whose ``what`` names TSEG, SMRAM, MSEG or a
    monitor, piece by piece.
    """
    named = [place for place in hardware.off_limits or () if _NAMES.search(place.what or "")]
    if not named:
        yield NotJudged("hardware.off_limits[] with `what: TSEG`")
    for place in named:
        for region, holder in pieces(place.physical, memory_map):
            if holder and holder.type != _RESERVED:
                yield _of_other_type(place, holder, region)
            elif holder is None and memory_map.extent == "whole":
                yield Finding(
                    place, f"{place.what}: no descriptor reserves {region}", region, field="start"
                )
            elif holder is None:
                yield NotJudged("memory_map.extent: whole")


def _of_other_type(place: Place, holder: MemoryDescriptor, region: AddressRange) -> Finding:
    whole = region == holder.physical
    edit = Edit(holder, "type", _RESERVED)
    return Finding(
        holder,
        f"{holder} holds {region} of {place.what} and is not EfiReservedMemoryType",
        region,
        field="type",
        related=(Related(place, f"{place.what}"),),
        fix=Fix("unsafe", "declare the memory reserved", (edit,)) if whole else None,
    )
