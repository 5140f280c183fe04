"""UEFI-RT-017."""

from collections.abc import Iterator

from efipolicy.plugin import (
    Bad,
    Finding,
    Good,
    MemoryMap,
    NotJudged,
    Place,
    Related,
    Responsible,
    RuntimeCalls,
    Severity,
    rule,
)
from efipolicy_uefi.descriptors import MMIO_TYPES
from efipolicy_uefi.extents import parts


@rule(
    "uefi/argument-outside-ram",
    severity=Severity.WARNING,
    requirements=("UEFI-RT-017",),
    sources=("UEFI 2.10 §2.3", "Linux arch/x86/platform/efi/efi_64.c"),
    help="copy the argument into RAM before the call",
    needs=("calls.arguments",),
    responsible=Responsible.KERNEL,
    examples=(
        Bad(
            "EfiMemoryMappedIO  0xfed00000  16  UC",
            sections="mapping: [{os: a, calls: {arguments: [{start: 0xfed00100, size: 8}]}}]",
            at=0,
        ),
        Bad(
            "EfiConventionalMemory  0x100000  16  WB",
            sections="mapping: [{os: a, calls: {arguments: [{start: 0x10fff0, size: 0x11}]}}]",
            at=0,
        ),
        Good(
            "EfiLoaderData          0x100000  16  WB",
            "EfiConventionalMemory  0x110000  16  WB",
            sections="mapping: [{os: a, calls: {arguments: [{start: 0x10fff0, size: 0x20}]}}]",
        ),
    ),
)
def argument_outside_ram(
    memory_map: MemoryMap, calls: RuntimeCalls
) -> Iterator[Finding | NotJudged]:
    """A buffer handed to a runtime service does not lie in RAM.

    Arguments of runtime services are memory, naturally aligned, that can be reached under the
    mapping the service runs under. A buffer in device registers is read and written with whatever
    width and order the compiler of the firmware chose, and cached or not as the mapping happens to
    be; one outside the memory map is mapped by nobody.

    Where Linux calls 32-bit firmware from a 64-bit kernel it goes further and copies every
    argument below 4 GiB, into a page that is mapped 1:1. Alignment is not judged here: the
    declaration does not say what is in the buffer.
    """
    for place in calls.arguments or ():
        yield from _judged(place, memory_map)


def _judged(place: Place, memory_map: MemoryMap) -> Iterator[Finding | NotJudged]:
    what = place.what or "an argument"
    for part, holder in parts(memory_map, place.physical):
        if holder and holder.type in MMIO_TYPES:
            yield Finding(
                place,
                f"{what} at {part} lies in {holder.type_name}",
                part,
                field="start",
                related=(Related(holder, "device registers"),),
            )
        elif holder is None and memory_map.extent != "whole":
            yield NotJudged("memory_map.extent: whole")
        elif holder is None:
            yield Finding(place, f"{what} at {part} lies outside the memory map", part)
