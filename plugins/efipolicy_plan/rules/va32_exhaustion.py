"""Regions for which a 32-bit kernel has no virtual addresses left."""

from __future__ import annotations

from collections.abc import Iterator

from efipolicy.plugin import (
    Bad,
    Finding,
    Good,
    MappingDeclaration,
    MappingPlan,
    MemoryMap,
    Responsible,
    Severity,
    rule,
)
from efipolicy_plan.problems import told_by

_RAM = "EfiConventionalMemory  0x0         0x7e000  WB"
_I386 = "mapping: [{strategy: i386-ioremap}]"


@rule(
    "plan/va32-exhaustion",
    severity=Severity.ERROR,
    requirements=(),
    sources=("Linux 3.14 arch/x86/platform/efi/efi.c",),
    help="declare fewer device registers as runtime, or boot with a larger vmalloc=",
    responsible=Responsible.KERNEL,
    examples=(
        # The configuration space of 256 buses, as large as twice the whole vmalloc area.
        Bad(
            _RAM,
            "EfiMemoryMappedIO      0xe0000000  0x10000  RUNTIME UC",
            at=2,
            architecture="i386",
            sections=_I386,
        ),
        # Both would fit without the page that guards each.
        Bad(
            _RAM,
            "EfiMemoryMappedIO      0xe0000000  0x4000   RUNTIME UC",
            "EfiMemoryMappedIO      0xf0000000  0x4000   RUNTIME UC",
            at=3,
            architecture="i386",
            sections=_I386,
        ),
        Good(
            _RAM,
            "EfiMemoryMappedIO      0xe0000000  0x4000   RUNTIME UC",
            "EfiMemoryMappedIO      0xff000000  0x1000   RUNTIME UC",
            architecture="i386",
            sections=_I386,
        ),
        Good(
            _RAM,
            "EfiMemoryMappedIO      0xe0000000  0x10000  RUNTIME UC",
            architecture="i386",
            sections="mapping: [{strategy: i386-ioremap, options: {vmalloc_reserve: 512M}}]",
        ),
    ),
)
def va32_exhaustion(
    plan: MappingPlan, mapping: MappingDeclaration, memory_map: MemoryMap
) -> Iterator[Finding]:
    """A 32-bit kernel has no virtual addresses left for a runtime region.

    Of its 4 GiB, Linux on i386 gives 3 to programs and most of the fourth to its map of low memory.
    What lies outside that map goes to the vmalloc area: 128 MiB, which everything else that is
    mapped on demand shares, and a page more than its size for each region. The configuration space
    of PCI Express alone may have 256 MiB.

    ioremap fails then, and SetVirtualAddressMap is told address 0: firmware moves its pointers to
    the first page and faults with the next service. There is no other layout to turn to. The 64 GiB
    below -4 GiB that x86-64 uses do not exist in 32 bits, where -4 GiB is 0.

    Whether a region that would fit does fit depends on what else was mapped before it.
    """
    yield from told_by(plan, "plan/va32-exhaustion", memory_map, mapping)
