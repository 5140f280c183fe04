"""UEFI-SVAM-008, overlaps."""

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
    Related,
    Responsible,
    Severity,
    pages_of,
    rule,
)
from efipolicy_uefi.virtual_maps import passed_list, placed, unplaced


@rule(
    "uefi/overlapping-virtual-map-entries",
    severity=Severity.ERROR,
    requirements=("UEFI-SVAM-008",),
    sources=("UEFI 2.10 §8.4.1", "Linux drivers/firmware/efi/libstub/efi-stub.c"),
    help="give each region virtual addresses of its own",
    responsible=Responsible.KERNEL,
    examples=(
        Bad(
            "EfiRuntimeServicesCode  0x7f000000  16  RUNTIME WB",
            "EfiRuntimeServicesData  0x7f100000  4   RUNTIME WB",
            sections="""
mapping:
  - os: a
    virtual_map:
      - {type: 5, physical_start: 0x7f000000, virtual_start: 0x20000000, pages: 16}
      - {type: 6, physical_start: 0x7f100000, virtual_start: 0x20008000, pages: 4}
""",
            at=0,
        ),
        Good(
            "EfiRuntimeServicesCode  0x7f000000  16  RUNTIME WB",
            "EfiRuntimeServicesData  0x7f100000  4   RUNTIME WB",
            sections="""
mapping:
  - os: a
    virtual_map:
      - {type: 5, physical_start: 0x7f000000, virtual_start: 0x20000000, pages: 16}
      - {type: 6, physical_start: 0x7f100000, virtual_start: 0x20010000, pages: 4}
""",
        ),
    ),
)
def overlapping_virtual_map_entries(
    virtual_map: tuple[MemoryDescriptor, ...],
    memory_map: MemoryMap,
    mapping: MappingDeclaration,
    platform: Platform,
) -> Iterator[Finding | NotJudged]:
    """Two regions are given the same virtual addresses.

    One address leads to one page, so one of the two regions is not mapped at all. Firmware does
    not notice: EDK II accepts any list, and the first service that uses the region that lost reads
    or runs the other one.

    Linux packs regions upwards, or downwards below -4 GiB on x86-64, and cannot make this mistake
    unless an address wraps. Entries that overlap at the same distance lead to the same pages: then
    the memory map overlaps itself, which is reported there. Regions left at virtual address 0 for
    want of room are reported as that.
    """
    passed = passed_list(virtual_map, mapping, platform)
    yield from unplaced(passed, mapping)
    entries = [pair for pair in placed(passed, memory_map) if pair[1] or not pair[0].physical_start]
    entries = [pair for pair in entries if pair[0].number_of_pages]
    entries.sort(key=lambda pair: pair[1])
    reaching: MemoryDescriptor | None = None
    for entry, virtual_start in entries:
        extent = pages_of(virtual_start, entry.number_of_pages)
        if reaching is not None and reaching.virtual_start is not None:
            before = pages_of(reaching.virtual_start, reaching.number_of_pages)
            if extent.overlaps(before) and _distance(entry) != _distance(reaching):
                yield Finding(
                    entry,
                    f"{entry} is given the virtual addresses {extent & before}, "
                    f"which {reaching} has too",
                    field="virtual_start",
                    related=(Related(reaching, f"is placed at {before}"),),
                )
            if extent.end <= before.end:
                continue
        reaching = entry


def _distance(entry: MemoryDescriptor) -> int:
    return (entry.virtual_start or 0) - entry.physical_start
