"""Hypothesis strategies for what firmware reports: descriptors, memory maps, tables, platforms.

.. code-block:: python

    @given(disjoint_memory_maps())
    def test_my_rule_never_raises(memory_map):
        list(my_rule.check(memory_map))

Needs ``hypothesis``, which efipolicy does not install. Maps without order and overlap come from
`disjoint_memory_maps`; `memory_maps` gives whatever a descriptor can say, garbage included.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from hypothesis import strategies as st

from efipolicy.model.address import EFI_PAGE_SIZE, HIGHEST_PAGE_START
from efipolicy.model.efi import (
    ATTRIBUTE_BITS,
    EFI_MEMORY_RO,
    EFI_MEMORY_RUNTIME,
    EFI_MEMORY_XP,
    EfiMemoryType,
)
from efipolicy.model.memory_map import MemoryAttributesTable, MemoryDescriptor, MemoryMap
from efipolicy.model.platform import ArchitectureReason, Platform

_GAPS = (0, 0, 0, 1, 5, 16, 0x1000)


def attributes(names: Sequence[str] = tuple(ATTRIBUTE_BITS)) -> st.SearchStrategy[int]:
    """Attribute words of any of the named bits."""
    bits = st.lists(st.sampled_from([ATTRIBUTE_BITS[name] for name in names]), unique=True)
    return bits.map(sum)


@st.composite
def disjoint_memory_maps(
    draw: st.DrawFn,
    *,
    types: Sequence[int] = tuple(EfiMemoryType),
    attribute: st.SearchStrategy[int] | None = None,
    most_descriptors: int = 8,
    most_pages: int = 40,
) -> MemoryMap:
    """Whole maps of the firmware's own, near address 0, in any order, no descriptor on another.

    Neighbours often touch, and sizes and gaps are small: what a test that loops over pages can
    afford.
    """
    descriptors = []
    page = draw(st.integers(0, 20))
    for _ in range(draw(st.integers(0, most_descriptors))):
        pages = draw(st.integers(1, most_pages))
        descriptors.append(
            MemoryDescriptor(
                index=0,
                type=draw(st.sampled_from(types)),
                physical_start=page * EFI_PAGE_SIZE,
                number_of_pages=pages,
                attribute=draw(attributes() if attribute is None else attribute),
            )
        )
        page += pages + draw(st.sampled_from(_GAPS))
    return _whole(draw(st.permutations(descriptors)))


def addresses() -> st.SearchStrategy[int]:
    """Physical addresses of pages in 64 bits, near an edge more often than not."""
    edges = (0, 1 << 20, 1 << 32, 1 << 39, 1 << 47, 1 << 48, 1 << 52, 1 << 64)
    near = st.builds(
        lambda edge, pages: min(max(edge + pages * EFI_PAGE_SIZE, 0), HIGHEST_PAGE_START),
        st.sampled_from(edges),
        st.integers(-16, 16),
    )
    anywhere = st.integers(0, HIGHEST_PAGE_START // EFI_PAGE_SIZE)
    return near | anywhere.map(lambda page: page * EFI_PAGE_SIZE)


def descriptors(
    *,
    types: Sequence[int] = tuple(EfiMemoryType),
    attribute: st.SearchStrategy[int | None] | None = None,
    addressable: bool = True,
) -> st.SearchStrategy[MemoryDescriptor]:
    """Descriptors of any place and size.

    ``addressable`` ones have pages and end within the 64-bit addresses. Without it there are also
    empty ones, such as wrap, types and attribute bits of nobody, and starts that are no page's.
    """
    starts, kinds = addresses(), st.sampled_from(types)
    bits = attributes() if attribute is None else attribute
    if addressable:
        found = st.tuples(kinds, starts, st.integers(1, 1 << 20) | st.integers(1, 40), bits)
        return found.map(lambda one: _described(*one)).filter(lambda one: one.addressable)
    words = st.integers(0, (1 << 64) - 1)
    unknown = st.none() | words if attribute is None else bits
    return st.builds(
        _described,
        kinds | st.integers(0, (1 << 32) - 1),
        starts | words,
        st.integers(0, 40) | words,
        bits | unknown,
    )


def _described(type: int, start: int, pages: int, attribute: int | None) -> MemoryDescriptor:
    return MemoryDescriptor(
        index=0, type=type, physical_start=start, number_of_pages=pages, attribute=attribute
    )


def memory_maps(
    *, most_descriptors: int = 12, addressable: bool = False
) -> st.SearchStrategy[MemoryMap]:
    """Whole maps of any descriptors in any order, which may overlap.

    ``addressable`` is as of `descriptors`.
    """
    rows = st.lists(descriptors(addressable=addressable), max_size=most_descriptors)
    return rows.map(_whole)


def memory_attributes_tables(
    memory_map: MemoryMap,
) -> st.SearchStrategy[MemoryAttributesTable]:
    """Tables of runtime services regions as UEFI 2.10, 4.6.4 allows them for a map.

    Each region of runtime services code and data is covered by one or two entries, ascending, with
    EFI_MEMORY_RO, EFI_MEMORY_XP, both or neither.
    """
    services = (EfiMemoryType.EfiRuntimeServicesCode, EfiMemoryType.EfiRuntimeServicesData)
    regions = [one for one in memory_map.by_address if one.runtime and one.type in services]
    return st.tuples(*map(_entries, regions)).map(
        lambda parts: MemoryAttributesTable(
            entries=_numbered([entry for part in parts for entry in part]),
            version=1,
            extent="whole",
        )
    )


@st.composite
def _entries(draw: st.DrawFn, region: MemoryDescriptor) -> list[MemoryDescriptor]:
    """The entries for a region, cut in two as often as not."""
    pages = region.number_of_pages
    cut = draw(st.integers(0, max(pages - 1, 0)))
    entries = []
    for first, end in ((0, cut), (cut, pages)):
        if first == end:
            continue
        bits = draw(st.sampled_from((0, EFI_MEMORY_RO, EFI_MEMORY_XP)))
        both = draw(st.booleans())
        protection = EFI_MEMORY_RO | EFI_MEMORY_XP if both else bits
        start = region.physical_start + first * EFI_PAGE_SIZE
        attribute = EFI_MEMORY_RUNTIME | protection
        entries.append(_described(region.type, start, end - first, attribute))
    return entries


@st.composite
def platforms(
    draw: st.DrawFn,
    *,
    architectures: Sequence[str] = ("x86_64", "arm64"),
    maps: st.SearchStrategy[MemoryMap] | None = None,
) -> Platform:
    """Platforms with a memory map and, as often as not, a Memory Attributes Table for it.

    ``maps`` are `disjoint_memory_maps` unless others are given.
    """
    memory_map = draw(disjoint_memory_maps() if maps is None else maps)
    table = draw(st.none() | memory_attributes_tables(memory_map))
    return Platform(
        name="generated",
        architecture=draw(st.sampled_from(architectures)),
        architecture_reason=ArchitectureReason(kind="stated", evidence="hypothesis"),
        memory_map=memory_map,
        memory_attributes_table=table,
    )


def _whole(descriptors: Sequence[MemoryDescriptor]) -> MemoryMap:
    return MemoryMap(
        descriptors=_numbered(descriptors),
        descriptor_version=1,
        extent="whole",
        origin="firmware",
    )


def _numbered(descriptors: Sequence[MemoryDescriptor]) -> tuple[MemoryDescriptor, ...]:
    return tuple(_at(index, item) for index, item in enumerate(descriptors))


def _at(index: int, descriptor: MemoryDescriptor) -> MemoryDescriptor:
    return replace(descriptor, index=index)
