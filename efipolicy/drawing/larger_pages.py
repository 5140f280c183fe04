"""What an operating system's larger page holds: runs of memory, and the cache type that fits all.

UEFI describes memory in pages of 4 KiB. An AArch64 kernel may have pages of 16 or 64 KiB, each
with one memory type, so what meets in such a page has to agree (UEFI 2.10, 2.3.6).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import pairwise
from typing import Final, Literal

from efipolicy.drawing.notation import type_style
from efipolicy.model.address import AddressRange, round_down, size_text
from efipolicy.model.efi import (
    CACHEABILITY,
    EFI_MEMORY_UC,
    EFI_MEMORY_WB,
    EFI_MEMORY_WC,
    EFI_MEMORY_WT,
    EfiMemoryType,
)
from efipolicy.model.memory_map import MemoryDescriptor, MemoryMap
from efipolicy.named_tuple import NamedTuple

LARGER_PAGE_SIZES: Final = (0x4000, 0x10000)
"""Bytes of the pages larger than EFI's that AArch64 kernels have."""

RULED_PAGE_SIZE: Final = 0x10000
"""Bytes of the pages that have to be uniform, whatever the pages of the operating system."""

CACHE_TYPES: Final = {
    "WB": EFI_MEMORY_WB,
    "WT": EFI_MEMORY_WT,
    "WC": EFI_MEMORY_WC,
    "UC": EFI_MEMORY_UC,
}
"""The cache types memory may offer, the one that systems take first first."""

KEPT_TYPES: Final = frozenset(
    {
        EfiMemoryType.EfiReservedMemoryType,
        EfiMemoryType.EfiRuntimeServicesCode,
        EfiMemoryType.EfiRuntimeServicesData,
        EfiMemoryType.EfiACPIMemoryNVS,
    }
)
"""The types of which one 4 KiB page makes its 64 KiB page fall under the rule."""

Verdict = Literal["fits", "differs", "none", "not-stated", "not-kept"]


class PageRun(NamedTuple):
    """Addresses in a page about which the map says one thing: a type, nothing, or several."""

    range: AddressRange
    descriptors: tuple[MemoryDescriptor, ...]
    overlap: bool = False

    @property
    def offers(self) -> int | None:
        """The cache types offered, all of them at once; ``None`` where none is stated."""
        return _common((d.attribute or 0) & CACHEABILITY for d in self._stating)

    @property
    def kept(self) -> bool:
        """Whether it stays firmware's own and makes the rule apply."""
        return any(d.type in KEPT_TYPES for d in self._stating)

    @property
    def _stating(self) -> list[MemoryDescriptor]:
        """Those that state a cache type; no other takes part in the rule."""
        return [d for d in self.descriptors if d.has(CACHEABILITY)]

    @property
    def name(self) -> str:
        """The short name of its type."""
        if self.overlap:
            return "overlap"
        return type_style(self.descriptors[0].type).label if self.descriptors else "no descriptor"

    def __str__(self) -> str:
        if not self.descriptors:
            return f"{self.range} {self.name}"
        kept = ", kept" if self.kept else ""
        return f"{self.range} {self.name} {size_text(self.range.size)}: {words(self.offers)}{kept}"


class Fit(NamedTuple):
    """What fits addresses that are mapped as one.

    ``common`` holds the cache types that all of the memory offers, ``None`` where none states any;
    ``best`` the strongest of each run, by strength.
    """

    range: AddressRange
    common: int | None
    best: tuple[str, ...]

    def __str__(self) -> str:
        if self.common is None:
            return "not stated"
        return strongest(self.common) or "none fits"


@dataclass(frozen=True, slots=True)
class LargerPage:
    """One naturally aligned page, and what the map says of every address in it."""

    range: AddressRange
    runs: tuple[PageRun, ...]

    def __str__(self) -> str:
        return "\n".join([f"{self.range} {self.verdict}", *(f"  {run}" for run in self.runs)])

    def fit(self, part: AddressRange) -> Fit:
        """What fits a part of the page that is mapped as one."""
        offers = [
            run.offers for run in self.runs if run.range.overlaps(part) and run.offers is not None
        ]
        best = {strongest(offer) for offer in offers}
        return Fit(part, _common(offers), tuple(word for word in CACHE_TYPES if word in best))

    def fits(self, page_size: int) -> tuple[Fit, ...]:
        """What fits each page of a size, of which this one is a multiple."""
        starts = range(self.range.start, self.range.end, page_size)
        return tuple(self.fit(AddressRange(start, start + page_size)) for start in starts)

    @property
    def verdict(self) -> Verdict:
        """How the rule ends for it, as far as cache types go."""
        if not any(run.kept for run in self.runs):
            types = {d.type for run in self.runs for d in run.descriptors}
            return "not-stated" if types & KEPT_TYPES else "not-kept"
        whole = self.fit(self.range)
        if not whole.common:
            return "none"
        return "fits" if len(whole.best) == 1 else "differs"

    def sentence(self) -> str:
        """The verdict in words."""
        whole = self.fit(self.range)
        if self.verdict == "none":
            return "No cache type is offered by all of it."
        if self.verdict == "differs":
            return f"{whole} fits all of it, but the best offers differ: {', '.join(whole.best)}."
        if self.verdict == "fits":
            return f"{whole} fits all of it."
        if self.verdict == "not-stated":
            return "What firmware keeps in it states no cache type."
        if self.range.size == RULED_PAGE_SIZE:
            return "Firmware keeps nothing in it, so the rule does not apply."
        return "Firmware keeps nothing in it."

    def company(self) -> str:
        """What one set of permissions would have to suit, or nothing if that is no question."""
        runtime = [run for run in self.runs if any(d.runtime for d in run.descriptors)]
        size = sum(run.range.size for run in runtime)
        if len({d.type for run in runtime for d in run.descriptors if d.type in (5, 6)}) > 1:
            return "Runtime code and runtime data lie in it, under one set of permissions."
        if runtime and size < self.range.size:
            sizes = f"{size_text(size)} of its {size_text(self.range.size)}"
            return f"Runtime memory fills {sizes}."
        return ""


def describe_larger_pages(
    memory_map: MemoryMap, starts: Iterable[int], page_size: int = RULED_PAGE_SIZE
) -> tuple[LargerPage, ...]:
    """What a picture of the pages at these addresses shows; ``str`` of a page is its text.

    The runs of a page touch, and their sizes add up to the page. Raises `ValueError` for a start
    that is not a multiple of the page size.
    """
    return tuple(_page(memory_map, start, page_size) for start in starts)


def pages_worth_drawing(
    memory_map: MemoryMap, about: Sequence[AddressRange] = (), page_size: int = RULED_PAGE_SIZE
) -> tuple[int, ...]:
    """The starts of the pages that tell most, ascending.

    Those at both ends of the addresses it is about; else those in which a region ends, for that is
    where regions meet; else, when each region fills its pages, the first page of each.
    """
    if about:
        return tuple(sorted({start for region in about for start in _ends(region, page_size)}))
    regions = [d.physical for d in memory_map.by_address if d.physical.size]
    met = {
        round_down(place, page_size) for region in regions for place in region if place % page_size
    }
    return tuple(sorted(met or {round_down(region.start, page_size) for region in regions}))


def strongest(offers: int) -> str:
    """The cache type that systems take first of those offered; empty when there is none."""
    return next((word for word, bit in CACHE_TYPES.items() if offers & bit), "")


def words(offers: int | None) -> str:
    """The cache types offered, the strongest first."""
    if offers is None:
        return "none stated"
    return " ".join(word for word, bit in CACHE_TYPES.items() if offers & bit) or "none in common"


def _common(offers: Iterable[int]) -> int | None:
    """What all offer; ``None`` when there is nobody to offer anything."""
    stated = list(offers)
    return reduce(lambda one, other: one & other, stated) if stated else None


def _ends(region: AddressRange, page_size: int) -> set[int]:
    return {round_down(region.start, page_size), round_down(region.last, page_size)}


def _page(memory_map: MemoryMap, start: int, page_size: int) -> LargerPage:
    if start % page_size:
        raise ValueError(f"{start:#x} is not a multiple of {page_size:#x}")
    page = AddressRange(start, start + page_size)
    inside = [d for d in memory_map.by_address if d.physical.size and d.physical.overlaps(page)]
    runs: list[PageRun] = []
    for run in _pieces(page, inside):
        if runs and _alike(runs[-1], run):
            joined = AddressRange(runs[-1].range.start, run.range.end)
            both = dict.fromkeys((*runs[-1].descriptors, *run.descriptors))
            runs[-1] = PageRun(joined, tuple(both), run.overlap)
        else:
            runs.append(run)
    return LargerPage(page, tuple(runs))


def _pieces(page: AddressRange, inside: Sequence[MemoryDescriptor]) -> Iterator[PageRun]:
    """The page cut wherever a descriptor begins or ends."""
    cuts = {page.start, page.end}
    for descriptor in inside:
        cuts.update(descriptor.physical & page)
    ordered = sorted(cuts)
    for start, end in pairwise(ordered):
        piece = AddressRange(start, end)
        here = tuple(d for d in inside if d.physical.overlaps(piece))
        yield PageRun(piece, here, overlap=len(here) > 1)


def _alike(one: PageRun, other: PageRun) -> bool:
    """Whether two pieces that touch are of equal descriptors."""
    kinds = [{(d.type, d.attribute) for d in run.descriptors} for run in (one, other)]
    return kinds[0] == kinds[1] and one.overlap == other.overlap
