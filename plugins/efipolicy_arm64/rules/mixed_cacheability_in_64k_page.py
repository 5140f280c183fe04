"""ARM64-001, where no attribute fits."""

from collections.abc import Iterator

from efipolicy.plugin import Bad, Finding, Good, MemoryMap, Severity, rule
from efipolicy_arm64.blocks import shared_blocks


@rule(
    "arm64/mixed-cacheability-in-64k-page",
    severity=Severity.ERROR,
    requirements=("ARM64-001",),
    sources=("UEFI 2.10 §2.3.6", "UEFI 2.11 §2.3.6"),
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
        # The last of sixteen pages is enough.
        Bad(
            "EfiBootServicesData  0x80000000  15  WB",
            "EfiACPIMemoryNVS     0x8000f000  1   UC",
            at=2,
        ),
        Good(
            "EfiRuntimeServicesData  0x80000000  16  RUNTIME WB",
            "EfiMemoryMappedIO       0x80010000  16  RUNTIME UC",
        ),
        # Not aligned to 64 KiB, and in order: the neighbours offer the same.
        Good(
            "EfiRuntimeServicesData  0x80000000  8  RUNTIME WB XP",
            "EfiConventionalMemory   0x80008000  8  WB",
        ),
        # None of the four types that the clause names is in this page.
        Good(
            "EfiConventionalMemory  0x80000000  8  WB",
            "EfiMemoryMappedIO      0x80008000  8  UC",
        ),
        # What the neighbour offers is not stated.
        Good(
            "EfiRuntimeServicesData  0x80000000  8  RUNTIME WB",
            "EfiReservedMemoryType   0x80008000  8",
        ),
    ),
)
def mixed_cacheability_in_64k_page(memory_map: MemoryMap) -> Iterator[Finding]:
    """No cache type is offered by all memory of a 64 KiB page.

    UEFI counts memory in pages of 4 KiB, but an operating system on AArch64 may have pages of 16 or
    64 KiB, each of which has one memory type. Where such a page holds memory that stays firmware's
    own, and its parts want different types, one of them gets the wrong one::

        0x80000000                              0x80008000                              0x80010000
        | WB   WB   WB   WB   WB   WB   WB   WB | UC   UC   UC   UC   UC   UC   UC   UC |
          EfiRuntimeServicesData                  EfiMemoryMappedIO

    **What the text says.** Take every naturally aligned 64 KiB of physical memory that holds at
    least one 4 KiB page of EfiRuntimeServicesCode, EfiRuntimeServicesData, EfiReservedMemoryType or
    EfiACPIMemoryNVS. All 4 KiB pages in it must have the same memory attributes, so that an
    operating system can map the 64 KiB at once; and nobody may map a larger page with mixed ones.
    EfiACPIReclaimMemory, EfiMemoryMappedIO and all that is freed after boot do not make a page fall
    under the rule, and count once another has.

    **What it does not say.** It is no rule about alignment: a descriptor still starts at any
    multiple of 4 KiB, and neighbours of different types may share the 64 KiB when their attributes
    agree. It does not say which attribute counts where a descriptor offers several, as the map
    lists what memory can be and not how it is mapped. Here it is an error when no single cache type
    is offered throughout, for then no mapping is right; when one is and the best offers differ,
    ``arm64/differing-cacheability-in-64k-page`` warns. Nor does it say whether permissions count:
    the sentence leads to the table of cache types, not to that of EFI_MEMORY_RO and EFI_MEMORY_XP,
    and the authors of the Linux code hold that permissions do not (linux-efi, November 2022). The
    Arm port of illumos reads the clause the same way.

    **What others make of it.** EDK II allocates these four types in units of 64 KiB on AArch64 and
    does not leave boot services with a runtime region that is not aligned so; Linux expects that
    of the Memory Attributes Table. That is stronger than the text, simple to build and to test,
    and keeps this rule by construction. A map that only keeps the text is legal, and
    ``linux/runtime-region-not-64k-aligned`` says what it costs. On LoongArch, but not here, the
    specification itself asks for multiples of 64 KiB.

    What an operating system makes of a mixed page depends on its own pages:

    4 KiB
        Nothing goes wrong. Every descriptor has entries of its own, which is why such maps pass
        all tests with the kernels of most distributions. FreeBSD maps firmware in pages of 4 KiB
        and takes the best offer of each descriptor.

    16 KiB
        A quarter of the 64 KiB has one memory type. Neighbours that meet on a multiple of 16 KiB
        are safe, all others are not.

    64 KiB
        The whole page has one memory type. Linux maps memory-mapped I/O as device memory and
        everything else write-back, rounded outwards to its pages. At physical addresses the region
        that is mapped last decides for both: registers are then cached, and a write to the flash
        or the clock comes late or never, or data are device memory, where an unaligned access
        faults. At virtual addresses the same page gets two mappings of different types, between
        which the architecture promises no coherence.

    Among 38 maps of arm64 machines none had such a page. The one that comes close, a laptop with a
    Snapdragon X Elite, is told of in ``arm64/differing-cacheability-in-64k-page``.
    """
    for block in shared_blocks(memory_map):
        if not block.common_offers:
            yield block.finding("has no cache type in common")
