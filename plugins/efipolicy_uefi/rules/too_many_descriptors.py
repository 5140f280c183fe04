"""UEFI-MAP-019."""

from collections.abc import Iterator, Mapping
from typing import Any

from efipolicy.plugin import (
    Bad,
    Finding,
    Good,
    MemoryMap,
    NotJudged,
    Option,
    Platform,
    Severity,
    rule,
)


@rule(
    "uefi/too-many-descriptors",
    severity=Severity.INFO,
    requirements=("UEFI-MAP-019",),
    sources=("Project Mu MemmapAndMatTestApp", "Linux 6.6 arch/x86/platform/efi/efi.c"),
    help="allocate memory of one type together, so that neighbours become one descriptor",
    options=(
        Option(
            name="limit",
            kind="integer",
            default=500,
            doc="the most descriptors a map may have; Project Mu tests for 500",
        ),
    ),
    examples=(
        # Of these maps of 612, 501, 500 and 140 descriptors only one is written out.
        Bad(
            "EfiConventionalMemory  0x100000  16  WB",
            at=0,
            extent="partial",
            descriptor_size=48,
            size=29376,
        ),
        Bad(
            "EfiConventionalMemory  0x100000  16  WB",
            at=0,
            extent="partial",
            descriptor_size=48,
            size=24048,
        ),
        Good(
            "EfiConventionalMemory  0x100000  16  WB",
            extent="partial",
            descriptor_size=48,
            size=24000,
        ),
        Good(
            "EfiConventionalMemory  0x100000  16  WB",
            extent="partial",
            descriptor_size=48,
            size=6720,
        ),
        Good("EfiConventionalMemory  0x100000  16  WB"),
    ),
)
def too_many_descriptors(
    platform: Platform, options: Mapping[str, Any]
) -> Iterator[Finding | NotJudged]:
    """The map has more descriptors than operating systems have room for.

    Each allocation of another type splits a descriptor, and fragmented maps meet tables of fixed
    size: the zero page of x86 Linux holds 128 ranges of RAM and needs an extension for the rest.
    Real maps are far from the limit: the largest we saw have 245, 135 and 132 descriptors, and
    healthy virtual machines have more than 128, so that number is no limit to warn at.

    The number of a map that is known in part is taken from its size and the size of a descriptor,
    if both are declared.
    """
    number = _number(platform.memory_map)
    if number is None:
        yield NotJudged("memory_map.extent: whole")
    elif number > options["limit"]:
        yield Finding(
            platform.memory_map,
            f"the map has {number} descriptors; the limit is {options['limit']}",
            field="descriptors",
        )


def _number(memory_map: MemoryMap) -> int | None:
    """How many descriptors there are, garbage included, if that is known."""
    if memory_map.extent == "whole":
        return len(memory_map.descriptors)
    if memory_map.size is None or not memory_map.descriptor_size:
        return None
    return memory_map.size // memory_map.descriptor_size
