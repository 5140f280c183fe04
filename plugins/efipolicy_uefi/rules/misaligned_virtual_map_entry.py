"""UEFI-SVAM-007."""

from collections.abc import Iterator

from efipolicy.plugin import (
    EFI_PAGE_SIZE,
    Bad,
    Edit,
    Finding,
    Fix,
    Good,
    MappingDeclaration,
    MemoryDescriptor,
    MemoryMap,
    NotJudged,
    Platform,
    Responsible,
    Severity,
    round_down,
    rule,
)
from efipolicy_uefi.descriptors import wraps
from efipolicy_uefi.virtual_maps import is_declared, passed_list, placed, unplaced


@rule(
    "uefi/misaligned-virtual-map-entry",
    severity=Severity.ERROR,
    requirements=("UEFI-SVAM-007", "UEFI-MAP-004"),
    sources=("UEFI 2.10 §8.4.1", "UEFI 2.10 §7.2.3"),
    help="choose a virtual start that is a multiple of 4 KiB, with room for every page above it",
    responsible=Responsible.KERNEL,
    fix="unsafe",
    examples=(
        Bad(
            "EfiRuntimeServicesCode  0x7f000000  16  RUNTIME WB",
            sections="""
mapping:
  - os: a
    virtual_map:
      - {type: 5, physical_start: 0x7f000000, virtual_start: 0x20000400, pages: 16}
""",
            at=0,
        ),
        Bad(
            "EfiRuntimeServicesCode  0x7f000000  2  RUNTIME WB",
            sections="""
mapping:
  - os: a
    virtual_map:
      - {type: 5, physical_start: 0x7f000000, virtual_start: 0xfffffffffffff000, pages: 2}
""",
            at=0,
        ),
        Good(
            "EfiRuntimeServicesCode  0x7f000000  16  RUNTIME WB",
            sections="""
mapping:
  - os: a
    virtual_map:
      - {type: 5, physical_start: 0x7f000000, virtual_start: 0x20000000, pages: 16}
""",
        ),
        Good(
            "EfiBootServicesData  0x7a000000  16  WB",
            sections="""
mapping:
  - os: xen
    virtual_map:
      - {type: 4, physical_start: 0x7a000000, virtual_start: 0xffffffffffffffff, pages: 16}
""",
        ),
    ),
)
def misaligned_virtual_map_entry(
    virtual_map: tuple[MemoryDescriptor, ...],
    memory_map: MemoryMap,
    mapping: MappingDeclaration,
    platform: Platform,
) -> Iterator[Finding | NotJudged]:
    """A virtual start given to SetVirtualAddressMap is no address a region could be mapped at.

    It is a multiple of 4 KiB, whatever pages the operating system uses. EDK II checks nothing of
    the kind: it adds the difference to every pointer, and code that forms addresses by page, as
    compilers do on AArch64, reads beside what it meant. The last page has to fit below the end of
    64 bits, or addresses wrap to 0.

    All ones is not an address but the mark that there is none: the Linux stub writes it after a
    call that failed, Xen for regions it does not map. A virtual start that keeps the offset of a
    misaligned physical one is firmware's fault and reported there.
    """
    passed = passed_list(virtual_map, mapping, platform)
    yield from unplaced(passed, mapping)
    for entry, virtual_start in placed(passed, memory_map):
        inside = virtual_start % EFI_PAGE_SIZE
        moved = virtual_start - entry.physical_start
        if inside and moved % EFI_PAGE_SIZE:
            aligned = round_down(virtual_start, EFI_PAGE_SIZE)
            yield Finding(
                entry,
                f"the virtual start {virtual_start:#x} of {entry} "
                f"lies {inside:#x} bytes inside a page",
                field="virtual_start",
                requirements=("UEFI-SVAM-007",),
                fix=Fix("unsafe", "round it down", (Edit(entry, "virtual_start", aligned),))
                if is_declared(mapping)
                else None,
            )
        elif entry.number_of_pages and wraps(virtual_start, entry.number_of_pages):
            yield Finding(
                entry,
                f"the virtual start {virtual_start:#x} of {entry} leaves no room for "
                f"{entry.number_of_pages:#x} pages below the end of 64 bits",
                field="virtual_start",
                requirements=("UEFI-MAP-004",),
            )
