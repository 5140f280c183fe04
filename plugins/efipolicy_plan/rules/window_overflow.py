"""Regions that have no place in the addresses their strategy uses."""

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

_LOW = "EfiRuntimeServicesCode  0x100000      16         RUNTIME WB"


@rule(
    "plan/window-overflow",
    severity=Severity.ERROR,
    requirements=(),
    sources=(
        "linux-efi mailing list, 2 October 2013",
        "Linux 2.6.28 arch/x86/kernel/efi_64.c",
    ),
    help="declare less memory as runtime, nearer together, or choose a strategy with more room",
    responsible=Responsible.KERNEL,
    examples=(
        # One region far up: the distance between the lowest and the highest is what has to fit.
        Bad(
            _LOW,
            "EfiMemoryMappedIO       0x4000000000  16         RUNTIME UC",
            architecture="x86_64",
            sections="mapping: [{strategy: x86-fixed-window}]",
        ),
        Bad(
            _LOW,
            "EfiMemoryMappedIO       0x4000000000  0x1000000  RUNTIME UC",
            at=2,
            architecture="x86_64",
            sections="mapping: [{strategy: x86-dense-from-4g}]",
        ),
        # A hundred pages of fixmap, for all that lies outside low memory.
        Bad(
            "EfiConventionalMemory   0x0           0x7e000    WB",
            "EfiMemoryMappedIO       0xff000000    101        RUNTIME UC",
            at=2,
            architecture="x86_64",
            sections='mapping: [{strategy: x86-ioremap-svam, options: {kernel: "2.6.28"}}]',
        ),
        Good(
            _LOW,
            "EfiMemoryMappedIO       0x4000000000  16         RUNTIME UC",
            architecture="x86_64",
            sections="mapping: [{strategy: x86-dense-from-4g}]",
        ),
        Good(
            _LOW,
            "EfiMemoryMappedIO       0xf00000000   16         RUNTIME UC",
            architecture="x86_64",
            sections="mapping: [{strategy: x86-fixed-window}]",
        ),
    ),
)
def window_overflow(
    plan: MappingPlan, mapping: MappingDeclaration, memory_map: MemoryMap
) -> Iterator[Finding]:
    """A region has no place in the window of virtual addresses that its strategy fills.

    The layouts proposed for Linux in 2013 use the 64 GiB below -4 GiB. ``x86-dense-from-4g`` puts
    regions side by side, so that their sizes have to fit; upwards it has only the 2 GiB below the
    kernel's text. ``x86-fixed-window`` keeps the distances of physical memory, so that one region
    of device registers above 64 GiB pushes all others out. Linux 2.6.28 has 100 pages of fixmap
    for whatever its map of low memory does not hold, and ``x86-shared-1to1`` nothing from where the
    kernel's own half begins.

    Why not from -4 GiB upwards, where addresses would ascend with the map? Because x86-64 Linux is
    linked to run in the last 2 GiB, so that of the 4 GiB above only the lower half is free. That is
    enough for a small machine, and not for one whose firmware declares the configuration space of
    several PCI Express segments, or for boot-services memory, which is mapped too. Downwards there
    is nothing in the way for 64 GiB, with four levels of page tables and with five, so the next
    kernel finds the same addresses free.

    Such a region gets no virtual address. SetVirtualAddressMap leaves firmware's pointers into it
    as they are, or is told address 0, and the next service that follows one faults.
    """
    yield from told_by(plan, "plan/window-overflow", memory_map, mapping)
