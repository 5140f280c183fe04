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
    RadixGeometry,
    Related,
    Severity,
    rule,
)
from efipolicy_plan.leaves import Owners, number_of_leaves

if TYPE_CHECKING:
    from efipolicy.plugin.paging import LeafRun, PageTables

_WIDER = frozenset({"LPA", "LPA2"})
"""Extensions of AArch64 that give physical addresses of more than 48 bits."""

_HELD_BY_ALL = 32
"""Bits of a physical address that page-table entries of every architecture have a place for."""


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
mapping: [{strategy: arm64-stub-virtmap, virtual_address_bits: 52}]
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
    further extensions. With FEAT_LPA or FEAT_LPA2 declared nothing is assumed there. Entries can
    hold less than the processor has: those of 4 and 16 KiB pages hold 52 bits only in a kernel
    whose ``virtual_address_bits`` are 52.

    That the memory map describes such memory at all is ``uefi/address-beyond-physical-limit``.
    """
    hardware = platform.hardware
    declared = hardware.physical_address_bits if hardware else None
    bits, width = _width(declared, plan, architecture)
    if not _beyond(page_tables, min(bits, _HELD_BY_ALL)):
        return  # and nobody has to know how entries look
    held = _held(page_tables.geometry, architecture)
    if held < bits and mapping.virtual_address_bits is not None:
        bits, width = held, f"the {held} bits of physical address that its page-table entries hold"
    elif _beyond(page_tables, held) and not _beyond(page_tables, bits):
        yield NotJudged("mapping[].virtual_address_bits")
        return
    features = (hardware.address_features if hardware else None) or ()
    beyond = _beyond(page_tables, bits)
    if beyond and declared is None and _WIDER.intersection(features):
        yield NotJudged("hardware.physical_address_bits")
        return
    owners = Owners(platform.memory_map, mapping)
    related = (Related(hardware, f"{declared} bits are declared"),) if hardware and declared else ()
    for runs in beyond:
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


def _width(declared: int | None, plan: MappingPlan, architecture: Architecture) -> tuple[int, str]:
    """How many bits a physical address has, and what to say of them."""
    bits = declared or architecture.assumed_physical_address_bits
    if bits is None:
        bits = architecture.physical_address_bits
    if plan.encryption_bit is not None and plan.encryption_bit < bits:
        bit = plan.encryption_bit
        return bit, f"the {bit} bits of physical address below the one that marks encrypted memory"
    return bits, f"{bits} bits of physical address" + ("" if declared else ", which are assumed")


def _held(geometry: RadixGeometry, architecture: Architecture) -> int:
    """How many bits of a physical address the entries of a geometry have a place for."""
    if architecture.entry_formats is None:
        return architecture.physical_address_bits
    return architecture.entry_formats(geometry).physical_address_bits


def _beyond(tables: PageTables, bits: int) -> list[list[LeafRun]]:
    """The leaves that name a frame above so many bits, those of the same memory together."""
    found: dict[tuple[int, ...] | AddressRange, list[LeafRun]] = {}
    for run in tables.runs:
        if run.frames.end > 1 << bits:
            mapped = tables.mappings[run.mapping]
            found.setdefault(mapped.descriptors or mapped.physical, []).append(run)
    return list(found.values())


def _end(runs: list[LeafRun]) -> int:
    """The highest address that a run of leaves names, exclusive."""
    return max(run.frames.end for run in runs)
