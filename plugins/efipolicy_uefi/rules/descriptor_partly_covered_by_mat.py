"""UEFI-MAT-010."""

from collections.abc import Iterator, Sequence

from efipolicy.plugin import (
    EFI_PAGE_SIZE,
    AddressRange,
    Bad,
    Finding,
    Good,
    MemoryAttributesTable,
    MemoryDescriptor,
    MemoryMap,
    Related,
    Severity,
    rule,
)
from efipolicy_uefi.attributes_table import RUNTIME_TYPES, Coverage

_SHOWN = 8


@rule(
    "uefi/descriptor-partly-covered-by-mat",
    severity=Severity.ERROR,
    requirements=("UEFI-MAT-010",),
    sources=("UEFI 2.10 §4.6.4", "UEFI 2.11 §4.6.3"),
    help="list every piece of the descriptor, or none",
    needs=("whole_memory_attributes_table", "whole_map"),
    examples=(
        Bad(
            "EfiRuntimeServicesCode  0x7f000000  32  RUNTIME WB",
            memory_attributes_table=("EfiRuntimeServicesCode  0x7f000000  16  RUNTIME RO",),
        ),
        Bad(
            "EfiRuntimeServicesCode  0x7f000000  32  RUNTIME WB",
            memory_attributes_table=(
                "EfiRuntimeServicesCode  0x7f001000  16  RUNTIME RO",
                "EfiRuntimeServicesCode  0x7f012000  14  RUNTIME XP",
            ),
        ),
        Good(
            "EfiRuntimeServicesCode  0x7f000000  32  RUNTIME WB",
            memory_attributes_table=(
                "EfiRuntimeServicesCode  0x7f000000  16  RUNTIME RO",
                "EfiRuntimeServicesCode  0x7f010000  16  RUNTIME XP",
            ),
        ),
        # No piece of the second is listed: it cannot be protected, and that is legal.
        Good(
            "EfiRuntimeServicesCode  0x7f000000  16  RUNTIME WB",
            "EfiRuntimeServicesCode  0x7f010000  16  RUNTIME WB",
            memory_attributes_table=("EfiRuntimeServicesCode  0x7f000000  16  RUNTIME RO",),
        ),
    ),
)
def descriptor_partly_covered_by_mat(
    memory_map: MemoryMap, memory_attributes_table: MemoryAttributesTable
) -> Iterator[Finding]:
    """The Memory Attributes Table lists a part of a descriptor and leaves out the rest.

    A table that lists one piece of a descriptor has to list all of it. What is left out keeps the
    permissions of a region without an entry: Linux maps code writable and executable there, in the
    middle of an image whose other pages are protected. Windows takes such a table for incomplete
    and does without the protection it was to give. EDK II lost pieces at the end of images once
    (EDK II commit bb248a9509).

    A descriptor of which no piece is listed is another matter: it says that the region cannot be
    protected at all, which UEFI permits and windows/runtime-memory-left-out-of-mat reports.
    Entries of types that consumers ignore cover nothing.
    """
    entries = [e for e in memory_attributes_table.entries if e.type in RUNTIME_TYPES]
    coverage = Coverage(entries)
    listed: dict[int, list[MemoryDescriptor]] = {}
    for entry in entries:
        holder = memory_map.at(entry.physical_start)
        if holder and entry.number_of_pages:
            listed.setdefault(id(holder), []).append(entry)
    for descriptor in memory_map.descriptors:
        pieces = listed.get(id(descriptor))
        gaps = list(coverage.gaps(descriptor.physical)) if pieces else []
        if pieces and gaps:
            yield _finding(descriptor, pieces, gaps)


def _finding(
    descriptor: MemoryDescriptor,
    pieces: Sequence[MemoryDescriptor],
    gaps: Sequence[AddressRange],
) -> Finding:
    pages = sum(gap.size for gap in gaps) // EFI_PAGE_SIZE
    shown = ", ".join(str(gap) for gap in gaps[:_SHOWN])
    more = f" and {len(gaps) - _SHOWN} more ranges" if len(gaps) > _SHOWN else ""
    return Finding(
        descriptor,
        f"the Memory Attributes Table leaves {shown}{more} of {descriptor} uncovered, "
        f"{pages:#x} of {descriptor.number_of_pages:#x} pages",
        gaps[0],
        field="pages",
        related=tuple(
            Related(piece, f"{piece.attribute_text} for {piece.physical}")
            for piece in pieces[:_SHOWN]
        ),
    )
