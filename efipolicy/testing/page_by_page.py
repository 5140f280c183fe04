"""A second builder that shares nothing with the first: a dictionary of pages, looked at one by one.

It is slow and obvious, and takes small trees only.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from efipolicy.model.mapping import LeafPolicy, Mapping, Protection
from efipolicy.paging import RadixGeometry


@dataclass(frozen=True)
class Page:
    """What one page of virtual memory is part of."""

    physical: int
    access: str
    cache: str
    encrypted: bool
    mapping: int
    leaf: int
    contiguous: bool = False


@dataclass
class Tree:
    """Every page by its virtual address, the overlaps page by page, and who was refused."""

    pages: dict[int, Page]
    overlaps: set[tuple[int, int, int]]
    refused: set[int]


class PageByPage:
    """Builds trees of one geometry."""

    def __init__(
        self, geometry: RadixGeometry, policy: LeafPolicy, largest_leaf: int | None = None
    ) -> None:
        self.geometry = geometry
        self.policy = policy
        self.page = 1 << geometry.levels[-1].shift
        levels = [level for level in geometry.levels if level.leaf]
        self.sizes = sorted(
            1 << level.shift
            for level in levels
            if largest_leaf is None
            or 1 << level.shift <= largest_leaf
            or 1 << level.shift == self.page
        )
        self.runs = {1 << level.shift: level.contiguous or 0 for level in levels}
        self.tree = Tree({}, set(), set())

    def build(self, mappings: Sequence[Mapping], protections: Iterable[Protection]) -> Tree:
        """The tree of mappings made in this order and protected afterwards."""
        for number, mapping in enumerate(mappings):
            self.map(number, mapping)
        for protection in protections:
            self.protect(protection)
        return self.tree

    def map(self, number: int, mapping: Mapping) -> None:
        """Put one mapping on top of what is there, or refuse it."""
        size = mapping.physical.end - mapping.physical.start
        virtual = mapping.virtual_start
        if virtual is None or size <= 0:
            return
        for window in self.geometry.windows:
            if virtual < window.virtual.end and window.virtual.start < virtual + size:
                inside = window.virtual.start <= virtual and virtual + size <= window.virtual.end
                there = window.physical_start + virtual - window.virtual.start
                if not inside or there != mapping.physical.start:
                    self.tree.refused.add(number)
                return
        addresses = self.around(virtual, virtual + size)
        if (virtual - mapping.physical.start) % self.page or not all(map(self.exists, addresses)):
            self.tree.refused.add(number)
            return
        for address in addresses:
            if address in self.tree.pages:
                self.tree.overlaps.add((address, self.tree.pages[address].mapping, number))
        if self.policy == "va-only":
            addresses = self.change(number, mapping, addresses)
        self.populate(number, mapping, addresses)

    def around(self, start: int, end: int) -> list[int]:
        """The pages that have an address in a range."""
        first = start // self.page * self.page
        return list(range(first, end, self.page))

    def exists(self, address: int) -> bool:
        """Whether the tree translates an address at all."""
        if not 0 <= address < 1 << 64:
            return False
        bits = self.geometry.levels[0].shift + self.geometry.levels[0].bits
        if self.geometry.address_space == "signed":
            return address >> (bits - 1) in (0, (1 << (65 - bits)) - 1)
        if self.geometry.address_space == "split":
            return address >> bits in (0, (1 << (64 - bits)) - 1)
        return address >> bits == 0

    def change(self, number: int, mapping: Mapping, addresses: list[int]) -> list[int]:
        """Change the leaves up to the first hole, and return what is from there on."""
        found = []
        for address in addresses:
            if address not in self.tree.pages:
                break
            found.append(address)
        self.cut(found)
        for address in found:
            page = self.tree.pages[address]
            self.tree.pages[address] = replace(
                page,
                access=mapping.access,
                # Bits that make memory uncached are added, never taken away.
                cache=page.cache if mapping.cache == "WB" else mapping.cache,
                encrypted=mapping.encrypted,
                mapping=number,
            )
        return addresses[len(found) :]

    def populate(self, number: int, mapping: Mapping, addresses: list[int]) -> None:
        """New leaves for pages, each the largest that lies in them."""
        assert mapping.virtual_start is not None
        self.cut(addresses)
        inside = set(addresses)
        offset = mapping.physical.start - mapping.virtual_start

        def fits(address: int, size: int) -> bool:
            start = address // size * size
            whole = inside.issuperset(range(start, start + size, self.page))
            return whole and (self.policy == "va-only" or offset % size == 0)

        for address in addresses:
            leaf, contiguous = self.page, False
            if not mapping.pages_only:
                leaf = max(size for size in self.sizes if size == self.page or fits(address, size))
                run = self.runs[leaf] * leaf
                contiguous = bool(run) and fits(address, run)
            self.tree.pages[address] = Page(
                address + offset,
                mapping.access,
                mapping.cache,
                mapping.encrypted,
                number,
                leaf,
                contiguous,
            )

    def protect(self, protection: Protection) -> None:
        """Change the access of the pages around a range."""
        addresses = self.around(*protection.virtual)
        self.cut(addresses, whole=protection.access)
        for address in addresses:
            if address in self.tree.pages:
                page = self.tree.pages[address]
                self.tree.pages[address] = replace(page, access=protection.access)

    def cut(self, addresses: list[int], whole: str | None = None) -> None:
        """Split every leaf and contiguous run that lies partly in a range of pages.

        One that has the access ``whole`` stays whole.
        """
        if not addresses:
            return
        low, high = addresses[0], addresses[-1] + self.page

        def partly(address: int, size: int) -> bool:
            start = address // size * size
            outside = start + size <= low or high <= start
            return not outside and not (low <= start and start + size <= high)

        for address, found in self.tree.pages.items():
            page = found
            if page.access == whole:
                continue
            if page.contiguous and partly(address, self.runs[page.leaf] * page.leaf):
                page = replace(page, contiguous=False)
            if partly(address, page.leaf):
                smaller = [size for size in self.sizes if size < page.leaf]
                leaf = max(size for size in smaller if not partly(address, size))
                page = replace(page, leaf=leaf)
            self.tree.pages[address] = page

    def counts(self) -> dict[str, int]:
        """The tables of each level: one below each entry that leads to smaller leaves."""
        levels = self.geometry.levels
        pages = self.tree.pages
        roots = 1
        if self.geometry.address_space == "split":
            roots = len({address >> 63 for address in pages}) or 1
        counts = {levels[0].name: roots}
        for index in range(1, len(levels)):
            size = 1 << levels[index - 1].shift
            below = {address // size for address, page in pages.items() if page.leaf < size}
            counts[levels[index].name] = len(below)
        return counts
