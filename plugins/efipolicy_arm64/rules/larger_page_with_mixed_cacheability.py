"""ARM64-002."""

from bisect import bisect_left
from collections.abc import Iterator

from efipolicy.plugin import (
    EFI_MEMORY_UC,
    EFI_MEMORY_WB,
    EFI_MEMORY_WC,
    EFI_MEMORY_WT,
    EFI_PAGE_SIZE,
    Bad,
    Edit,
    Finding,
    Fix,
    Good,
    MappingDeclaration,
    MappingPlan,
    MemoryMap,
    NotJudged,
    Related,
    Responsible,
    Severity,
    round_down,
    rule,
)
from efipolicy_arm64.blocks import Block, meeting_places

_OFFERED_AS = {
    "normal": EFI_MEMORY_WB,
    "normal-wt": EFI_MEMORY_WT,
    "normal-nc": EFI_MEMORY_WC,
    "device-nGnRE": EFI_MEMORY_UC,
    "device-nGnRnE": EFI_MEMORY_UC,
}
_WIDTHS_OF_4K = (None, 39, 48, 52)


@rule(
    "arm64/larger-page-with-mixed-cacheability",
    severity=Severity.ERROR,
    requirements=("ARM64-002",),
    sources=("UEFI 2.10 §2.3.6", "UEFI 2.11 §2.3.6"),
    help="map that memory with pages of 4 KiB, or not at all",
    needs=("attributes", "mapping.page_size"),
    architectures=("arm64",),
    responsible=Responsible.KERNEL,
    fix="unsafe",
    examples=(
        Bad(
            "EfiRuntimeServicesData  0x80000000  8  RUNTIME WB",
            "EfiMemoryMappedIO       0x80008000  8  RUNTIME UC",
            sections="mapping: [{os: a, page_size: 64K}]",
            at=0,
        ),
        # Uncached would do for both; this strategy takes the best offer of each.
        Bad(
            "EfiRuntimeServicesData  0x80000000  2  RUNTIME WB UC",
            "EfiMemoryMappedIO       0x80002000  2  RUNTIME UC",
            sections="mapping: [{strategy: identity, page_size: 16K}]",
            at=0,
        ),
        Good(
            "EfiRuntimeServicesData  0x80000000  8  RUNTIME WB",
            "EfiMemoryMappedIO       0x80008000  8  RUNTIME UC",
            sections="mapping: [{os: a, page_size: 4K}]",
        ),
        # The regions meet where pages of 16 KiB do.
        Good(
            "EfiRuntimeServicesData  0x80000000  8  RUNTIME WB",
            "EfiMemoryMappedIO       0x80008000  8  RUNTIME UC",
            sections="mapping: [{os: a, page_size: 16K}]",
        ),
        Good(
            "EfiRuntimeServicesData  0x80000000  8  RUNTIME WB",
            "EfiConventionalMemory   0x80008000  8  WB",
            sections="mapping: [{strategy: identity, page_size: 64K}]",
        ),
    ),
)
def larger_page_with_mixed_cacheability(
    memory_map: MemoryMap, mapping: MappingDeclaration, plan: MappingPlan | None = None
) -> Iterator[Finding | NotJudged]:
    """A page of the operating system spans memory of different cacheability.

    Firmware has to keep attributes uniform in each 64 KiB page that holds memory of its own
    (``arm64/mixed-cacheability-in-64k-page``). This is the other half of the clause: nobody may
    map a larger page than 4 KiB over memory whose attributes differ. A kernel that meets such a map
    maps that memory with 4 KiB pages or leaves it alone.

    Linux with pages of 16 or 64 KiB does neither. It rounds runtime regions outwards to its pages
    and maps memory-mapped I/O as device memory, the rest write-back, so that a device register in
    the same page is cached or memory becomes device memory, whichever is mapped last. A kernel with
    4 KiB pages cannot break the rule: no memory is described in smaller pieces.

    Judged are the pages of ``page_size`` that a runtime region shares with another descriptor. With
    a strategy, its plan says which pages are mapped and how: it is wrong where a page has two
    memory types, or one that part of it does not offer. Without one, a page is wrong where its
    parts offer nothing in common, since then every mapping is.
    """
    page_size = mapping.page_size or EFI_PAGE_SIZE
    if page_size <= EFI_PAGE_SIZE:
        return
    pages = list(meeting_places(memory_map, page_size))
    mapped = _mapped_as(pages, plan, page_size) if plan else {}
    for page in pages:
        if plan:
            problem = _problem(page, mapped.get(page, set()))
        elif not any(descriptor.runtime for descriptor in page.descriptors):
            problem = None
        else:
            problem = None if page.common_offers else "has no memory type that fits all of it"
            if not problem and len(page.best_offers) > 1:
                yield NotJudged("mapping[].strategy")
        if problem:
            yield _finding(mapping, page, page_size, problem)


def _mapped_as(pages: list[Block], plan: MappingPlan, page_size: int) -> dict[Block, set[str]]:
    """The memory types each page is mapped with."""
    starts = [page.start for page in pages]
    types: dict[Block, set[str]] = {}
    for mapping in (*plan.mappings, *plan.extra):
        place = bisect_left(starts, round_down(mapping.physical.start, page_size))
        while place < len(pages) and pages[place].start < mapping.physical.end:
            types.setdefault(pages[place], set()).add(mapping.cache)
            place += 1
    return types


def _problem(page: Block, types: set[str]) -> str | None:
    """What is wrong with a page that is mapped with these memory types, if anything."""
    if len(types) > 1:
        return f"is mapped as {' and as '.join(sorted(types))}"
    for cache in types:
        offered = {descriptor.has(_OFFERED_AS.get(cache, 0)) for descriptor in page.descriptors}
        if len(offered) > 1 or not page.common_offers:
            return f"is mapped as {cache}, which part of it does not offer"
    return None


def _finding(mapping: MappingDeclaration, page: Block, page_size: int, problem: str) -> Finding:
    fits = mapping.virtual_address_bits in _WIDTHS_OF_4K
    edit = Edit(mapping, "page_size", EFI_PAGE_SIZE)
    return Finding(
        mapping,
        f"the page of {page_size >> 10} KiB at {page.start:#x} {problem}: {page.offers}",
        page.range,
        field="page_size",
        related=tuple(Related(each, page.part_of(each)) for each in page.descriptors),
        fix=Fix("unsafe", "declare pages of 4 KiB", (edit,)) if fits else None,
    )
