"""PAL code, which Linux on Itanium pins with one instruction translation register.

Calls to it must never miss, so that a register holds its granule on every processor (Linux 4.15,
arch/ia64/kernel/efi.c).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from efipolicy.plugin import (
    AddressRange,
    EfiMemoryType,
    Mapping,
    MemoryDescriptor,
    MemoryMap,
    PlanProblem,
    round_down,
    size_text,
)

CACHED: Final = 7 << 61
"""PAGE_OFFSET: where region 7 begins, in which all memory is mapped one to one and cached."""

REGION_SIZE: Final = 1 << 61

KERNEL_PAGE: Final = 64 << 20
"""Bytes of the page by which the kernel's own translation register maps it."""


def pal_code(memory_map: MemoryMap) -> list[MemoryDescriptor]:
    """The regions of PAL code in the order of the map. Linux takes the first."""
    return [each for each in memory_map.descriptors if each.type == EfiMemoryType.EfiPalCode]


def pinned(memory_map: MemoryMap, granule: int, kernel: int | None) -> Iterator[Mapping]:
    """What the register holds: the granule of the first PAL code; nothing where none is needed.

    ``granule`` is bytes. ``kernel`` is an address in the page of the kernel, physical or virtual:
    PAL code in the same page of 64 MiB is held by the kernel's register.
    """
    for code in pal_code(memory_map)[:1]:
        start = round_down(code.physical_start, granule)
        reached = code.physical.end <= REGION_SIZE
        if reached and _fits(code, granule) and not _with_kernel(code, kernel):
            yield Mapping(
                physical=AddressRange(start, start + granule),
                virtual_start=CACHED + start,
                # The register is modelled from the mapping of the code where there is one.
                type=int(EfiMemoryType.EfiConventionalMemory) if code.runtime else code.type,
                access="RWX",
                cache="WB",
                runtime=False,
                descriptors=(code.index,),
                why="PAL code, pinned by instruction translation register 1 on every processor",
            )


def pal_problems(memory_map: MemoryMap, granule: int) -> Iterator[PlanProblem]:
    """PAL code that the register cannot hold."""
    found = pal_code(memory_map)
    if not found:
        return
    first, *others = found
    if not _fits(first, granule):
        size = first.physical.size
        large = f"has {size_text(size)}, more than" if size > granule else "crosses the end of"
        yield PlanProblem(
            rule="linux/unmappable-pal-code-region",
            message=f"{first} cannot be pinned: it {large} a granule of {size_text(granule)}",
            region=first.physical,
        )
    for other in others:
        yield PlanProblem(
            rule="linux/several-pal-code-regions",
            message=f"{other} is not pinned: one register holds {first}",
            region=other.physical,
        )


def _fits(code: MemoryDescriptor, granule: int) -> bool:
    """Whether one granule holds all of it."""
    start, end = code.physical
    return end <= round_down(start, granule) + granule


def _with_kernel(code: MemoryDescriptor, kernel: int | None) -> bool:
    """Whether the page of the kernel holds it. A kernel in region 5 is not where its address says.

    So Linux compares addresses of region 7, physical ones being those of the same offset.
    """
    if kernel is None or kernel >> 61 not in (0, 7):
        return False
    place = round_down(kernel % REGION_SIZE, KERNEL_PAGE)
    return place == round_down(code.physical_start, KERNEL_PAGE)
