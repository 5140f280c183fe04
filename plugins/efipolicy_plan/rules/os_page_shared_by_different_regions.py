"""Regions of different needs in one page of the operating system."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from efipolicy.plugin import (
    EFI_PAGE_SIZE,
    AddressRange,
    Bad,
    EfiMemoryType,
    Finding,
    Good,
    Mapping,
    MappingDeclaration,
    MemoryMap,
    Related,
    Responsible,
    Severity,
    round_down,
    round_up,
    rule,
    size_text,
)
from efipolicy_plan.leaves import Owners

if TYPE_CHECKING:
    from efipolicy.plugin.paging import PageTables

_TOLD_OF_CACHE_TYPES = (
    "arm64/larger-page-with-mixed-cacheability",
    "plan/same-frame-with-two-cache-types",
)
"""Rules that say of a declared page size what it does to cache types."""

_CODE = EfiMemoryType.EfiRuntimeServicesCode


class _Meeting(NamedTuple):
    """A page of the operating system in which two mappings have memory, by their indices."""

    page: AddressRange
    earlier: int
    later: int


@rule(
    "plan/os-page-shared-by-different-regions",
    severity=Severity.WARNING,
    requirements=(),
    sources=(
        "UEFI 2.10 §2.3.6",
        "Linux 6.12 arch/arm64/kernel/efi.c",
        "Linux 6.12 arch/arm64/mm/mmu.c",
    ),
    help="allocate runtime memory in pieces aligned to the largest page an operating system uses",
    examples=(
        Bad(
            "EfiRuntimeServicesCode  0x80000000  8  RUNTIME WB",
            "EfiRuntimeServicesData  0x80008000  8  RUNTIME WB",
            architecture="arm64",
            sections="mapping: [{strategy: arm64-novamap, page_size: 64K}]",
            at=2,
        ),
        Bad(
            "EfiRuntimeServicesCode  0x80000000  2  RUNTIME WB",
            "EfiRuntimeServicesData  0x80002000  2  RUNTIME WB",
            architecture="arm64",
            sections="mapping: [{strategy: identity, page_size: 16K}]",
            at=2,
        ),
        Good(
            "EfiRuntimeServicesCode  0x80000000  8  RUNTIME WB",
            "EfiRuntimeServicesData  0x80008000  8  RUNTIME WB",
            architecture="arm64",
            sections="mapping: [{strategy: arm64-novamap, page_size: 4K}]",
        ),
        # Of one kind: nothing is lost.
        Good(
            "EfiRuntimeServicesData  0x80000000  4  RUNTIME WB",
            "EfiRuntimeServicesData  0x80008000  8  RUNTIME WB",
            architecture="arm64",
            sections="mapping: [{strategy: arm64-novamap, page_size: 64K}]",
        ),
    ),
)
def os_page_shared_by_different_regions(
    page_tables: PageTables, mapping: MappingDeclaration, memory_map: MemoryMap
) -> Iterator[Finding]:
    """Regions that need different access or cache types lie in one page of the operating system.

    Firmware describes memory in pages of 4 KiB. A kernel with pages of 16 or 64 KiB rounds regions
    outwards to its own, and two of them can meet in one. The page has one access and one cache
    type: of two mappings at the same addresses the later one decides, and where each has addresses
    of its own, what is forbidden through the one is permitted through the other.

    Linux on arm64 does not protect regions that are not aligned to its pages, and maps all of them
    executable once it has met a misaligned one of code, so that data in such a page can be
    executed and code in it written. U-Boot, whose runtime regions are single pages, is called that
    way under kernels with larger pages.

    The page size is the declared one, else the usual one. Cache types that differ are reported here
    only where neither ``arm64/larger-page-with-mixed-cacheability`` nor
    ``plan/same-frame-with-two-cache-types`` does.
    """
    if page_tables.geometry.page_size <= EFI_PAGE_SIZE:
        return
    owners = Owners(memory_map, mapping)
    told: set[int] = set()
    for meeting in _meetings(page_tables, owners):
        earlier = page_tables.mappings[meeting.earlier]
        later = page_tables.mappings[meeting.later]
        differs = _difference(earlier, later)
        if differs and meeting.page.start not in told:
            told.add(meeting.page.start)
            yield from _findings(meeting.page, earlier, later, differs, owners)


def _meetings(tables: PageTables, owners: Owners) -> Iterator[_Meeting]:
    """Pages with memory of two mappings, each with the neighbours in it, by physical address."""
    size = tables.geometry.page_size
    refused = {refusal.mapping for refusal in tables.refused}
    placed = sorted(
        (owners.memory_of(mapping), index)
        for index, mapping in enumerate(tables.mappings)
        if mapping.virtual_start is not None and index not in refused and mapping.physical.size
    )
    for (before, one), (after, other) in pairwise(placed):
        page = round_down(after.start, size)
        if before.end <= after.start and page < round_up(before.end, size):
            yield _Meeting(AddressRange(page, page + size), min(one, other), max(one, other))


def _difference(earlier: Mapping, later: Mapping) -> str | None:
    """What two mappings need of a page that one page cannot be."""
    if earlier.cache != later.cache:
        return "cache"
    if earlier.access != later.access or (earlier.type == _CODE) != (later.type == _CODE):
        return "access"
    return None


def _findings(
    page: AddressRange, earlier: Mapping, later: Mapping, differs: str, owners: Owners
) -> Iterator[Finding]:
    what = f"the page of {size_text(page.size)} at {page.start:#x} holds"
    words = [f"{owners.what(one)}, mapped {one.access} {one.cache}" for one in (earlier, later)]
    others = [*owners.descriptors_of(earlier, page)[:1], *owners.descriptors_of(later, page)[:1]]
    related = tuple(Related(each, f"has memory at {page}") for each in others)
    message = f"{what} {', and '.join(words)}"
    if differs == "cache":
        yield Finding(
            owners.declared,
            message,
            page,
            field="page_size",
            related=related,
            responsible=Responsible.KERNEL,
            unless=_TOLD_OF_CACHE_TYPES,
        )
    else:
        yield from owners.finding(later, message, page, related[:1])
