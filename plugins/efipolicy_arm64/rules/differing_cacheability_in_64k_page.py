"""ARM64-001, where an attribute fits that nobody would choose first."""

from collections.abc import Iterator

from efipolicy.plugin import Bad, Finding, Good, MemoryMap, Severity, rule
from efipolicy_arm64.blocks import shared_blocks


@rule(
    "arm64/differing-cacheability-in-64k-page",
    severity=Severity.WARNING,
    requirements=("ARM64-001",),
    sources=("UEFI 2.10 §2.3.6",),
    help="offer the same cache types throughout the 64 KiB page, or move the neighbours apart",
    needs=("attributes",),
    architectures=("arm64",),
    examples=(
        Bad(
            "EfiReservedMemoryType  0x81f30000  8       WC",
            "EfiConventionalMemory  0x81f38000  0x7c8   WB WT WC UC",
        ),
        Good(
            "EfiReservedMemoryType  0x81f30000  8       WB",
            "EfiConventionalMemory  0x81f38000  0x7c8   WB WT WC UC",
        ),
        Good(
            "EfiReservedMemoryType  0x81f30000  16      WC",
            "EfiConventionalMemory  0x81f40000  0x7c0   WB WT WC UC",
        ),
        # Nothing in common is an error: arm64/mixed-cacheability-in-64k-page.
        Good(
            "EfiReservedMemoryType  0x81f30000  8       WC",
            "EfiConventionalMemory  0x81f38000  0x7c8   WB",
        ),
    ),
)
def differing_cacheability_in_64k_page(memory_map: MemoryMap) -> Iterator[Finding]:
    """The best cache types offered within a 64 KiB page differ.

    One cache type fits all memory of the page, but an operating system that takes the best offer
    of each descriptor mixes attributes in one page, which the specification rules out where the
    page holds reserved memory, ACPI NVS or runtime services memory. A Qualcomm laptop has 32 KiB
    of reserved memory that offers write combining only beside free memory that offers all.
    """
    for block in shared_blocks(memory_map):
        if block.common_offers and len(block.best_offers) > 1:
            yield block.finding("has different best cache types")
