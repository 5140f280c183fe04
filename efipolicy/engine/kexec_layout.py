"""Layouts of firmware's regions: where two of them differ, and what a processor can map."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator

from efipolicy.model.address import AddressRange, round_up
from efipolicy.model.mapping import LeafPolicy, Mapping
from efipolicy.named_tuple import NamedTuple
from efipolicy.paging import Geometry, RadixGeometry

Layout = tuple[Mapping, ...]


class Difference(NamedTuple):
    """A region, the address firmware uses for it, and the one a kernel has; ``None``: unknown."""

    region: AddressRange
    expected: int | None
    found: int | None


def firmware_regions(mappings: Iterable[Mapping]) -> Layout:
    """What outlasts SetVirtualAddressMap: the regions with EFI_MEMORY_RUNTIME."""
    return tuple(one for one in mappings if one.runtime and not one.temporary)


def is_identity(layout: Iterable[Mapping]) -> bool:
    """Whether every region is at its physical address, so that converting changes no pointer."""
    return all(one.virtual_start == one.physical.start for one in layout)


def differences(layout: Layout, other: Layout) -> Iterator[Difference]:
    """The parts of a layout's regions that the other one puts elsewhere, or leaves out.

    Kernels merge and cut regions, which moves nothing: compared is address by address.
    """
    there = sorted(other, key=lambda one: one.physical.start)
    starts = [one.physical.start for one in there]
    for one in layout:
        position = one.physical.start
        first = max(bisect_right(starts, position) - 1, 0)
        for candidate in there[first : bisect_left(starts, one.physical.end)]:
            shared = candidate.physical & one.physical
            if not shared.size or shared.end <= position:
                continue
            if position < shared.start:
                yield _gap(one, AddressRange(position, shared.start))
            shared = AddressRange(max(position, shared.start), shared.end)
            expected, found = _at(one, shared.start), _at(candidate, shared.start)
            if expected is None or found is None or expected != found:
                yield Difference(shared, expected, found)
            position = shared.end
        if position < one.physical.end:
            yield _gap(one, AddressRange(position, one.physical.end))


def _gap(one: Mapping, region: AddressRange) -> Difference:
    return Difference(region, _at(one, region.start), None)


def _at(mapping: Mapping, physical: int) -> int | None:
    if mapping.virtual_start is None:
        return None
    return mapping.virtual_start + physical - mapping.physical.start


def unreachable(layout: Iterable[Mapping], geometry: Geometry) -> Mapping | None:
    """The first region that these tables cannot hold where it is."""
    for one in layout:
        virtual = one.virtual
        if virtual is None or _out_of_reach(virtual, geometry) or _incongruent(one, geometry):
            return one
    return None


def _out_of_reach(virtual: AddressRange, geometry: Geometry) -> bool:
    if not isinstance(geometry, RadixGeometry):
        return virtual.end > 1 << geometry.virtual_address_bits
    windows = [window.virtual for window in geometry.windows]
    return not any(extent.covers(virtual) for extent in (*geometry.translated, *windows))


def _incongruent(one: Mapping, geometry: Geometry) -> bool:
    """Whether virtual and physical address have different places in the operating system's page."""
    return bool(((one.virtual_start or 0) - one.physical.start) % geometry.page_size)


class BadLeaf(NamedTuple):
    """A large leaf at a virtual address whose frame is no multiple of its size (all bytes)."""

    region: AddressRange
    virtual: int
    frame: int
    size: int


def bad_leaf(
    mappings: Iterable[Mapping], geometry: Geometry, policy: LeafPolicy, largest: int | None
) -> BadLeaf | None:
    """The first large leaf with reserved bits set, made by a kernel that looks only at the VA."""
    if policy != "va-only" or not isinstance(geometry, RadixGeometry):
        return None
    sizes = [size for size in geometry.leaf_sizes if size > geometry.page_size]
    sizes = [size for size in sizes if largest is None or size <= largest]
    for one in mappings:
        virtual = one.virtual
        if virtual is None or one.pages_only:
            continue
        for size in sizes:
            start = round_up(virtual.start, size)
            frame = start - virtual.start + one.physical.start
            if start + size <= virtual.end and frame % size:
                return BadLeaf(one.physical, start, frame, size)
    return None
