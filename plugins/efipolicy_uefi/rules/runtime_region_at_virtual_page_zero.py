"""UEFI-SVAM-008, page 0."""

from collections.abc import Iterator

from efipolicy.plugin import (
    Bad,
    Finding,
    Good,
    MappingDeclaration,
    MemoryDescriptor,
    MemoryMap,
    NotJudged,
    Platform,
    Responsible,
    Severity,
    rule,
)
from efipolicy_uefi.virtual_maps import passed_list, placed, unplaced


@rule(
    "uefi/runtime-region-at-virtual-page-zero",
    severity=Severity.ERROR,
    requirements=("UEFI-SVAM-008",),
    sources=("UEFI 2.10 §8.4.1", "Linux arch/x86/platform/efi/efi.c"),
    help="give the region a virtual start, or do not call SetVirtualAddressMap without one",
    responsible=Responsible.KERNEL,
    examples=(
        Bad(
            "EfiMemoryMappedIO  0xe0000000  0x10000  RUNTIME UC",
            sections="""
mapping:
  - os: a
    virtual_map:
      - {type: 11, physical_start: 0xe0000000, virtual_start: 0x0, pages: 0x10000}
""",
            at=0,
        ),
        Good(
            "EfiRuntimeServicesData  0x0  1  RUNTIME WB",
            sections="""
mapping:
  - os: a
    virtual_map:
      - {type: 6, physical_start: 0x0, virtual_start: 0x0, pages: 1}
""",
        ),
        Good(
            "EfiBootServicesData  0x7a000000  16  WB",
            sections="""
mapping:
  - os: a
    virtual_map:
      - {type: 4, physical_start: 0x7a000000, virtual_start: 0x0, pages: 16, attribute: [WB]}
""",
        ),
    ),
)
def runtime_region_at_virtual_page_zero(
    virtual_map: tuple[MemoryDescriptor, ...],
    memory_map: MemoryMap,
    mapping: MappingDeclaration,
    platform: Platform,
) -> Iterator[Finding | NotJudged]:
    """A region that is not at physical address 0 is given virtual address 0.

    Nobody chooses that address: it is what is left in the entry when there was no room. Linux on
    i386 cannot map 256 MiB of PCI configuration space in its reserve for such mappings, and then
    tells firmware that it lies at 0. Firmware converts its pointers accordingly, to addresses
    close to NULL, and the next service that uses them faults.

    A region at physical address 0 that is mapped where it is keeps its address, of course.
    """
    passed = passed_list(virtual_map, mapping, platform)
    yield from unplaced(passed, mapping)
    for entry, virtual_start in placed(passed, memory_map):
        if virtual_start == 0 and entry.physical_start != 0:
            yield Finding(
                entry,
                f"{entry} is given virtual address 0",
                field="virtual_start",
            )
