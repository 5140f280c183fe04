"""IA64-005, place and size."""

from collections.abc import Iterator

from efipolicy.plugin import (
    Bad,
    Confidence,
    EfiMemoryType,
    Finding,
    Good,
    MemoryDescriptor,
    MemoryMap,
    Severity,
    rule,
    size_text,
)

_SMALLEST, _LARGEST = 4 << 10, 256 << 10
_SMALL_GRANULE, _LARGE_GRANULE = 16 << 20, 64 << 20


@rule(
    "linux/unmappable-pal-code-region",
    severity=Severity.WARNING,
    requirements=("IA64-005",),
    sources=("Linux 6.6 arch/ia64/kernel/efi.c",),
    help="put PAL code into a power of two from 4 KiB to 256 KiB, at a multiple of its size",
    architectures=("ia64",),
    confidence=Confidence.LIKELY,
    examples=(
        Bad("EfiPalCode  0x3ffe0000  64      RUNTIME WB"),
        Bad("EfiPalCode  0x3ffc0000  48      RUNTIME WB"),
        Bad("EfiPalCode  0x40000000  0x2000  RUNTIME WB"),
        Good("EfiPalCode  0x3ffc0000  64      RUNTIME WB"),
        Good("EfiPalCode  0x3ffc2000  2       RUNTIME WB"),
    ),
)
def unmappable_pal_code_region(memory_map: MemoryMap) -> Iterator[Finding]:
    """PAL code does not lie where one translation register can map it.

    Linux on Itanium pins the code of the Processor Abstraction Layer with one translation register
    that maps a granule, 16 or 64 MiB as the kernel was built. It relies on what the PAL
    specification promises: the region is a power of two from 4 KiB to 256 KiB, aligned to its size,
    so that it lies in one granule. A region larger than a granule makes it panic at boot; one that
    crosses the end of a granule is mapped in part.

    The PAL specification is quoted here as Linux quotes it, so the finding is likely and not
    certain. The region of a real machine, an HP rx8620, is 256 KiB at a multiple of 256 KiB.
    """
    for descriptor in memory_map.descriptors:
        if descriptor.type == EfiMemoryType.EfiPalCode:
            problem = _problem(descriptor)
            if problem:
                field = "physical_start" if problem.startswith("starts") else "pages"
                yield Finding(descriptor, f"{descriptor} {problem}", field=field)


def _problem(descriptor: MemoryDescriptor) -> str | None:
    start, size = descriptor.physical_start, descriptor.physical.size
    if size > _SMALL_GRANULE:
        which = "with any granule" if size > _LARGE_GRANULE else "with a granule of 16 MiB"
        return f"has {size_text(size)}, and Linux panics {which}"
    if size & (size - 1) or not _SMALLEST <= size <= _LARGEST:
        return f"has {size_text(size)}, no power of two from 4 KiB to 256 KiB"
    if start % size:
        return f"starts {start % size:#x} beyond a multiple of its size, {size_text(size)}"
    return None
