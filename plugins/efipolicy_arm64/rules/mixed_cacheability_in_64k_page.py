"""ARM64-001, where no attribute fits."""

from collections.abc import Iterator

from efipolicy.plugin import Bad, Finding, Good, MemoryMap, Severity, rule
from efipolicy_arm64.blocks import shared_blocks


@rule(
    "arm64/mixed-cacheability-in-64k-page",
    severity=Severity.ERROR,
    requirements=("ARM64-001",),
    sources=("UEFI 2.10 §2.3.6",),
    help="move the neighbours apart, so that each 64 KiB page holds one kind of memory",
    needs=("attributes",),
    architectures=("arm64",),
    examples=(
        Bad(
            "EfiRuntimeServicesData  0x80000000  8  RUNTIME WB",
            "EfiMemoryMappedIO       0x80008000  8  RUNTIME UC",
        ),
        Bad(
            "EfiMemoryMappedIO      0x80000000  8  UC",
            "EfiReservedMemoryType  0x80008000  1  WB WT",
            "EfiACPIReclaimMemory   0x80009000  7  WC",
            at=2,
        ),
        Good(
            "EfiRuntimeServicesData  0x80000000  16  RUNTIME WB",
            "EfiMemoryMappedIO       0x80010000  16  RUNTIME UC",
        ),
        Good(
            "EfiRuntimeServicesData  0x80000000  8  RUNTIME WB XP",
            "EfiConventionalMemory   0x80008000  8  WB",
        ),
        Good(
            "EfiConventionalMemory  0x80000000  8  WB",
            "EfiMemoryMappedIO      0x80008000  8  UC",
        ),
        Good(
            "EfiRuntimeServicesData  0x80000000  8  RUNTIME WB",
            "EfiReservedMemoryType   0x80008000  8",
        ),
    ),
)
def mixed_cacheability_in_64k_page(memory_map: MemoryMap) -> Iterator[Finding]:
    """No cache type is offered by all memory of a 64 KiB page.

    An operating system with pages of 64 KiB maps the whole page one way. Where it holds reserved
    memory, ACPI NVS or runtime services memory, the specification therefore wants one set of
    attributes throughout; it is no rule about alignment. The map lists what memory can do and not
    how it is mapped, so the cache types that all descriptors offer are what counts, and here
    there is none. Permissions do not count, as the authors of the Linux code confirm.
    """
    for block in shared_blocks(memory_map):
        if not block.common_offers:
            yield block.finding("has no cache type in common")
