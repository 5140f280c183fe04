"""UEFI-SVAM-006, entry by entry."""

from collections.abc import Iterator

from efipolicy.plugin import (
    AddressRange,
    Bad,
    Finding,
    Good,
    MappingDeclaration,
    MemoryDescriptor,
    Platform,
    Related,
    Responsible,
    Severity,
    rule,
)
from efipolicy_uefi.virtual_maps import passed_list
from efipolicy_uefi.whole import pieces


@rule(
    "uefi/virtual-map-entry-not-a-descriptor",
    severity=Severity.ERROR,
    requirements=("UEFI-SVAM-006",),
    sources=("UEFI 2.10 §4.6.4", "UEFI 2.11 §4.6.3"),
    help="pass the descriptor whole; permissions inside it are the page tables' business",
    needs=("attributes",),
    responsible=Responsible.KERNEL,
    examples=(
        Bad(
            "EfiRuntimeServicesCode  0x7f000000  32  RUNTIME WB",
            sections="""
mapping:
  - os: a
    virtual_map:
      - {type: 5, physical_start: 0x7f000000, virtual_start: 0x20000000, pages: 16}
      - {type: 5, physical_start: 0x7f010000, virtual_start: 0x20010000, pages: 16}
""",
            at=0,
        ),
        Bad(
            "EfiRuntimeServicesCode  0x7f000000  32  RUNTIME WB",
            "EfiRuntimeServicesData  0x7f020000  16  RUNTIME WB",
            sections="""
mapping:
  - os: a
    virtual_map:
      - {type: 5, physical_start: 0x7f000000, virtual_start: 0x20000000, pages: 48}
""",
            at=0,
        ),
        Good(
            "EfiRuntimeServicesCode  0x7f000000  32  RUNTIME WB",
            sections="""
mapping:
  - os: a
    virtual_map:
      - {type: 5, physical_start: 0x7f000000, virtual_start: 0x20000000, pages: 32}
""",
        ),
        Good(
            "EfiRuntimeServicesData  0x7f000000  16  RUNTIME WB",
            "EfiRuntimeServicesData  0x7f010000  16  RUNTIME WB",
            architecture="x86_64",
            sections="mapping: [{strategy: x86-topdown}]",
        ),
    ),
)
def virtual_map_entry_not_a_descriptor(
    virtual_map: tuple[MemoryDescriptor, ...],
    mapping: MappingDeclaration,
    platform: Platform,
) -> Iterator[Finding]:
    """An entry given to SetVirtualAddressMap is a part of a runtime region, or more than it.

    Firmware relocates an image by the difference between the virtual and the physical start of
    the entry it finds it in. Pieces of one descriptor at different distances tear the image
    apart; an entry that runs over the end of a descriptor gives the memory behind it to firmware.
    The Memory Attributes Table is where such pieces come from: they are for page tables only.

    Touching descriptors of equal type and attribute in one entry are let pass: one distance
    serves both, EDK II converts them, and Linux on x86-64 joins them before it chooses addresses.
    All pieces of one descriptor make one finding.
    """
    # The map as it was read: garbage in it is another rule's business.
    memory_map = platform.memory_map
    cut: dict[int, tuple[MemoryDescriptor, list[MemoryDescriptor]]] = {}
    for entry, descriptor in pieces(passed_list(virtual_map, mapping, platform), memory_map):
        cut.setdefault(id(descriptor), (descriptor, []))[1].append(entry)
    for descriptor, entries in cut.values():
        yield _finding(descriptor, entries)


def _finding(descriptor: MemoryDescriptor, entries: list[MemoryDescriptor]) -> Finding:
    first, *others = entries
    if others:
        wrong = f"{len(entries)} entries given to SetVirtualAddressMap are pieces of"
    elif descriptor.physical.covers(first.physical):
        pages = f"{first.number_of_pages:#x} of the {descriptor.number_of_pages:#x} pages"
        wrong = f"an entry given to SetVirtualAddressMap has {pages} of"
    else:
        wrong = f"an entry given to SetVirtualAddressMap, {first.physical}, is more than"
    return Finding(
        first,
        f"{wrong} {descriptor}",
        AddressRange(
            min(entry.physical.start for entry in entries),
            max(entry.physical.end for entry in entries),
        ),
        field="pages",
        related=(
            Related(descriptor, "the whole descriptor"),
            *(Related(entry, "another piece") for entry in others),
        ),
    )
