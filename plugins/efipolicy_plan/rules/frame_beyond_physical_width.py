"""Leaves that name frames the processor has no address lines for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from efipolicy.plugin import (
    AddressRange,
    Architecture,
    Bad,
    Finding,
    Good,
    MappingDeclaration,
    MappingPlan,
    NotJudged,
    Platform,
    Related,
    Severity,
    rule,
)
from efipolicy_plan.leaves import Owners, number_of_leaves

if TYPE_CHECKING:
    from efipolicy.plugin.paging import LeafRun, PageTables

_WIDER = frozenset({"LPA", "LPA2"})
"""Extensions of AArch64 that give physical addresses of more than 48 bits."""


@rule(
    "plan/frame-beyond-physical-width",
    severity=Severity.ERROR,
    requirements=(),
    sources=(
        "Intel SDM volume 3, 5.1.4 and 5.7",
        "AMD64 APM volume 2, 5.4",
        "Arm ARM (DDI 0487), D8.2",
    ),
    help="map no memory above the width of the processor, or correct what is declared",
    unless=(
        "uefi/address-beyond-physical-limit",
        "uefi/memory-without-hardware",
        "arm64/firmware-memory-above-48-bits",
    ),
    examples=(
        Bad(
            "EfiMemoryMappedIO  0x1000000000000  16  RUNTIME UC",
            architecture="arm64",
            sections="mapping: [{strategy: arm64-stub-virtmap}]",
        ),
        Bad(
            "EfiRuntimeServicesData  0x8000000000  16  RUNTIME WB",
            architecture="x86_64",
            sections="""
hardware: {physical_address_bits: 39}
mapping: [{strategy: x86-topdown}]
""",
        ),
        Good(
            "EfiRuntimeServicesData  0x8000000000  16  RUNTIME WB",
            architecture="x86_64",
            sections="mapping: [{strategy: x86-topdown}]",
        ),
        Good(
            "EfiRuntimeServicesData  0x7fffff0000  16  RUNTIME WB",
            architecture="x86_64",
            sections="""
hardware: {physical_address_bits: 39}
mapping: [{strategy: x86-topdown}]
""",
        ),
        Good(
            "EfiMemoryMappedIO  0x1000000000000  16  RUNTIME UC",
            architecture="arm64",
            sections="""
hardware: {physical_address_bits: 52}
mapping: [{strategy: arm64-stub-virtmap}]
""",
        ),
    ),
)
def frame_beyond_physical_width(
    page_tables: PageTables,
    plan: MappingPlan,
    mapping: MappingDeclaration,
    platform: Platform,
    architecture: Architecture,
) -> Iterator[Finding | NotJudged]:
    """A leaf names a frame above the physical addresses of the processor.

    On x86-64 the bits of an entry above the width of the processor are reserved, and a page fault
    answers the access; on AArch64 it is an address size fault. A bit that marks encrypted memory
    takes away all that are not below it.

    The width is ``hardware: {physical_address_bits: …}``. Where it is not declared it is assumed,
    and the message says so: 52 bits on x86-64, 48 on AArch64, where entries hold no more without
    further extensions. With FEAT_LPA or FEAT_LPA2 declared nothing is assumed there.

    That the memory map describes such memory at all is ``uefi/address-beyond-physical-limit``.
    """
    hardware = platform.hardware
    declared = hardware.physical_address_bits if hardware else None
    bits = declared or architecture.assumed_physical_address_bits
    if bits is None:
        bits = architecture.physical_address_bits
    width = f"{bits} bits of physical address" + ("" if declared else ", which are assumed")
    if plan.encryption_bit is not None and plan.encryption_bit < bits:
        bits = plan.encryption_bit
        width = f"the {bits} bits of physical address below the one that marks encrypted memory"
    features = (hardware.address_features if hardware else None) or ()
    beyond: dict[tuple[int, ...] | AddressRange, list[LeafRun]] = {}
    for run in page_tables.runs:
        if run.frames.end > 1 << bits:
            mapped = page_tables.mappings[run.mapping]
            beyond.setdefault(mapped.descriptors or mapped.physical, []).append(run)
    if beyond and declared is None and _WIDER.intersection(features):
        yield NotJudged("hardware.physical_address_bits")
        return
    owners = Owners(platform.memory_map, mapping)
    related = (Related(hardware, f"{declared} bits are declared"),) if hardware and declared else ()
    for runs in beyond.values():
        first = runs[0]
        mapped = page_tables.mappings[first.mapping]
        start = max(first.physical, 1 << bits)
        yield from owners.finding(
            mapped,
            f"{owners.what(mapped)} has {number_of_leaves(runs)} that reach {_end(runs):#x}, "
            f"beyond {width}",
            AddressRange(start, first.frames.end),
            related,
        )


def _end(runs: list[LeafRun]) -> int:
    """The highest address that a run of leaves names, exclusive."""
    return max(run.frames.end for run in runs)
