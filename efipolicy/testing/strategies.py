"""Hypothesis strategies for memory maps. Needs ``hypothesis``, which efipolicy does not install."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import strategies as st

from efipolicy.model.address import EFI_PAGE_SIZE
from efipolicy.model.efi import ATTRIBUTE_BITS, EfiMemoryType
from efipolicy.model.memory_map import MemoryDescriptor, MemoryMap

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
    shuffled = draw(st.permutations(descriptors))
    return MemoryMap(
        descriptors=tuple(_at(index, item) for index, item in enumerate(shuffled)),
        descriptor_version=1,
        extent="whole",
        origin="firmware",
    )


def _at(index: int, descriptor: MemoryDescriptor) -> MemoryDescriptor:
    from dataclasses import replace

    return replace(descriptor, index=index)
