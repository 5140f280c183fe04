"""UEFI-SVAM-006, as an operating system declares it."""

from collections.abc import Iterator

from efipolicy.plugin import (
    Bad,
    Edit,
    Finding,
    Fix,
    Good,
    MappingDeclaration,
    MappingPlan,
    Platform,
    Responsible,
    SetVirtualAddressMap,
    Severity,
    rule,
)
from efipolicy_uefi.whole import pieces

_HOW = {
    "split": "pieces of descriptors are given to SetVirtualAddressMap",
    "merged": "entries that join several descriptors are given to SetVirtualAddressMap",
}


@rule(
    "uefi/split-or-merged-virtual-map",
    severity=Severity.ERROR,
    requirements=("UEFI-SVAM-006",),
    sources=("UEFI 2.10 §4.6.4", "UEFI 2.11 §4.6.3"),
    help="pass the descriptors as GetMemoryMap returned them, whole and one by one",
    needs=("svam.entries",),
    responsible=Responsible.KERNEL,
    fix="unsafe",
    examples=(
        Bad(
            sections="mapping: [{os: a, set_virtual_address_map: {calls: once, entries: split}}]",
            at=0,
        ),
        Bad(
            sections="mapping: [{os: a, set_virtual_address_map: {calls: once, entries: merged}}]",
            at=0,
        ),
        Good(sections="mapping: [{os: a, set_virtual_address_map: {calls: once, entries: whole}}]"),
        Good(
            sections="mapping: [{os: a, set_virtual_address_map: {calls: never, entries: split}}]"
        ),
        # What this strategy joins stays together.
        Good(
            "EfiRuntimeServicesData  0x7f000000  16  RUNTIME WB",
            "EfiRuntimeServicesData  0x7f010000  16  RUNTIME WB",
            architecture="x86_64",
            sections="""
mapping: [{strategy: x86-topdown, set_virtual_address_map: {calls: once, entries: merged}}]
""",
        ),
    ),
)
def split_or_merged_virtual_map(
    svam: SetVirtualAddressMap,
    mapping: MappingDeclaration,
    platform: Platform,
    plan: MappingPlan | None = None,
) -> Iterator[Finding]:
    """An operating system gives SetVirtualAddressMap other regions than the memory map's.

    The list is made of whole descriptors. With UEFI 2.6 the Memory Attributes Table began to
    divide them into pieces of code and data, and the specification says for just that reason that
    its pieces are never passed: firmware relocates an image by one distance, and an image whose
    pieces moved by different ones is broken.

    Joining neighbours is the harmless half, as the distance stays one; EDK II takes such a list,
    and Linux on x86-64 makes it of touching descriptors of equal type and attribute. A list that
    joins only such descriptors, declared or made by the strategy, is let pass; of one that nobody
    shows only the letter is known, by which its entries are no descriptors of the map. Where the
    list itself is declared and shows the split, the finding is about that entry.
    """
    how = svam.calls != "never" and _HOW.get(svam.entries or "")
    shown = mapping.virtual_map is not None or (plan is not None and plan.svam is not None)
    harmless = svam.entries == "merged" and shown
    if how and not harmless and not any(pieces(mapping.virtual_map or (), platform.memory_map)):
        yield Finding(
            svam,
            how,
            field="entries",
            fix=Fix("unsafe", "pass whole descriptors", (Edit(svam, "entries", "whole"),)),
        )
