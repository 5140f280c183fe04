"""UEFI-MAT-002, second half."""

from collections.abc import Iterator

from efipolicy.plugin import (
    Bad,
    Finding,
    Good,
    MemoryAttributesTable,
    MemoryMap,
    Related,
    Responsible,
    Severity,
    rule,
)


@rule(
    "linux/mat-descriptor-size-differs",
    severity=Severity.ERROR,
    requirements=("UEFI-MAT-002",),
    sources=(
        "Linux drivers/firmware/efi/memattr.c",
        "Linux commit 8fbe4c49c0cc",
        "Project Mu MemmapAndMatTestApp",
    ),
    help="use the descriptor size of the memory map for the table as well",
    needs=("memory_attributes_table.descriptor_size", "memory_map.descriptor_size"),
    unless=("linux/mat-descriptor-too-small",),
    examples=(
        Bad(
            "EfiRuntimeServicesCode  0x7f000000  16  RUNTIME WB",
            descriptor_size=48,
            sections="memory_attributes_table: {descriptor_size: 40, entries: []}",
            at=0,
        ),
        Bad(
            "EfiRuntimeServicesCode  0x7f000000  16  RUNTIME WB",
            descriptor_size=48,
            sections="memory_attributes_table: {descriptor_size: 0x30000, entries: []}",
            at=0,
        ),
        Good(
            "EfiRuntimeServicesCode  0x7f000000  16  RUNTIME WB",
            descriptor_size=48,
            sections="memory_attributes_table: {descriptor_size: 48, entries: []}",
        ),
    ),
)
def mat_descriptor_size_differs(
    memory_map: MemoryMap, memory_attributes_table: MemoryAttributesTable
) -> Iterator[Finding]:
    """The Memory Attributes Table has another descriptor size than the memory map.

    UEFI gives the table a size of its own and does not say that it must be the map's. Linux does:
    newer kernels take a size above the map's for a sign of a corrupt header and ignore the table,
    because such a header once made them reserve gigabytes (Linux commit 8fbe4c49c0cc). Without the
    table runtime code is mapped writable and executable. A smaller size is read correctly by Linux
    and failed by Project Mu's test of the table.

    A map that came through kexec may be to blame: kexec-tools rebuilds it for x86 with entries of
    40 bytes, while the table of the firmware keeps its 48. The kernel after it then does without
    the table, though the firmware did nothing wrong.
    """
    size = memory_attributes_table.descriptor_size or 0
    of_the_map = memory_map.descriptor_size or 0
    if size == of_the_map:
        return
    rebuilt = memory_map.origin == "kexec"
    consequence = "; newer Linux ignores the table" if size > of_the_map else ""
    yield Finding(
        memory_attributes_table,
        f"the Memory Attributes Table has entries of {size} bytes, the memory map "
        f"{'that came through kexec ' if rebuilt else ''}of {of_the_map}{consequence}",
        field="descriptor_size",
        related=(Related(memory_map, f"entries of {of_the_map} bytes"),),
        responsible=Responsible.LOADER if rebuilt else None,
        help="hand over the memory map with the descriptor size of the firmware"
        if rebuilt
        else None,
    )
