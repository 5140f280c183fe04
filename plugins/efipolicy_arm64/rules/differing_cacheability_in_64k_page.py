"""ARM64-001, where an attribute fits that nobody would choose first."""

from collections.abc import Iterator

from efipolicy.plugin import Bad, Finding, Good, MemoryMap, Severity, rule
from efipolicy_arm64.blocks import shared_blocks


@rule(
    "arm64/differing-cacheability-in-64k-page",
    severity=Severity.WARNING,
    requirements=("ARM64-001",),
    sources=("UEFI 2.10 §2.3.6", "UEFI 2.11 §2.3.6"),
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

    The memory map of a laptop with a Snapdragon X Elite has 32 KiB of reserved memory that may be
    mapped write-combining and no other way. The 64 KiB page it lies in goes on with free memory,
    which can be anything::

        0x81f30000                              0x81f38000                              0x81f40000
        | WC   WC   WC   WC   WC   WC   WC   WC | WB   WB   WB   WB   WB   WB   WB   WB |
          EfiReservedMemoryType                   EfiConventionalMemory, also WT, WC, UC

    All 4 KiB pages of a 64 KiB page that holds reserved memory, ACPI NVS or runtime services
    memory must have the same attributes. Write-combining would do for all of this one, so it is
    not beyond repair, as it is in ``arm64/mixed-cacheability-in-64k-page``, where the clause and
    its limits are set out. But the map lists offers, and systems take the best one: write-back,
    then write-through, write-combining, uncached. FreeBSD does so for each descriptor; Linux maps
    all RAM write-back. Whoever does it mixes attributes in this page.

    With 4 KiB pages nothing comes of it, since each descriptor is mapped by itself. A kernel with
    pages of 64 KiB has one entry for both. It either gives up free memory, or maps what firmware or
    another processor uses write-combining as write-back as well; two mappings of one page with
    different types lose coherence, and a speculative read through the cached one is enough.

    The specification names no order of preference, which is why this is a warning. Of 38 maps of
    arm64 machines this laptop's is the only one with such a page.
    """
    for block in shared_blocks(memory_map):
        if block.common_offers and len(block.best_offers) > 1:
            yield block.finding("has different best cache types")
