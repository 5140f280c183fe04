"""Memory descriptors, the memory map and the Memory Attributes Table."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import accumulate
from typing import Literal

from efipolicy.model.address import (
    EFI_PAGE_SIZE,
    HIGHEST_PAGE_START,
    AddressRange,
    pages_of,
)
from efipolicy.model.efi import EFI_MEMORY_RUNTIME, attribute_names, type_name
from efipolicy.model.frozen import FrozenValue
from efipolicy.source import Located

Extent = Literal["whole", "partial", "unknown"]
Origin = Literal["firmware", "kernel-edited", "kexec", "unknown"]


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryDescriptor:
    """One EFI_MEMORY_DESCRIPTOR (UEFI 2.10, 7.2.3).

    ``number_of_pages`` counts EFI pages of 4 KiB. ``attribute`` and ``virtual_start`` are ``None``
    where the source does not say. ``index`` is the place in the list as it was reported.
    """

    index: int
    type: int
    physical_start: int
    number_of_pages: int
    attribute: int | None = None
    virtual_start: int | None = None
    note: str | None = None
    located: Located | None = field(default=None, compare=False, repr=False)
    physical: AddressRange = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        physical = pages_of(self.physical_start, self.number_of_pages)
        object.__setattr__(self, "physical", physical)

    def __str__(self) -> str:
        return f"{self.type_name} {self.physical}"

    @property
    def type_name(self) -> str:
        """The specification's name of the type, or its number."""
        return type_name(self.type)

    @property
    def attribute_text(self) -> str:
        """The attribute bits by name, for a message."""
        if self.attribute is None:
            return "unknown"
        return "|".join(attribute_names(self.attribute)) or "0"

    @property
    def addressable(self) -> bool:
        """Whether it has pages, and its last one starts within 64 bits (UEFI 2.10, 7.2.3)."""
        last_page = self.physical.end - EFI_PAGE_SIZE
        return self.number_of_pages > 0 and last_page <= HIGHEST_PAGE_START

    def has(self, bits: int) -> bool:
        """Whether the attribute is known and holds any of these bits."""
        return self.attribute is not None and self.attribute & bits != 0

    @property
    def runtime(self) -> bool:
        """Whether firmware asks the operating system to map it for runtime services."""
        return self.has(EFI_MEMORY_RUNTIME)


class MemoryMap(FrozenValue):
    """What GetMemoryMap returned, in the order it was reported: the order is evidence.

    ``descriptor_size`` and ``size`` are bytes. ``missing`` holds index gaps, both ends included.
    ``map_key`` is the key that came with the map.
    """

    descriptors: tuple[MemoryDescriptor, ...] = ()
    descriptor_version: int | None = None
    descriptor_size: int | None = None
    size: int | None = None
    map_key: int | None = None
    extent: Extent = "unknown"
    missing: tuple[tuple[int, int], ...] = ()
    origin: Origin = "unknown"
    located: Located | None = field(default=None, compare=False, repr=False)

    @cached_property
    def by_address(self) -> tuple[MemoryDescriptor, ...]:
        """The descriptors sorted by physical start; equal starts keep their order."""
        return tuple(sorted(self.descriptors, key=lambda descriptor: descriptor.physical_start))

    @cached_property
    def runtime(self) -> tuple[MemoryDescriptor, ...]:
        """The descriptors with EFI_MEMORY_RUNTIME, in the order they were reported."""
        return tuple(descriptor for descriptor in self.descriptors if descriptor.runtime)

    @cached_property
    def _starts(self) -> list[int]:
        return [descriptor.physical_start for descriptor in self.by_address]

    @cached_property
    def _reaching_further(self) -> list[int]:
        """For each descriptor by address, the place of the nearest one before that ends later."""
        places: list[int] = []
        for place, descriptor in enumerate(self.by_address):
            before = place - 1
            while before >= 0 and self.by_address[before].physical.end <= descriptor.physical.end:
                before = places[before]
            places.append(before)
        return places

    @cached_property
    def _reaches(self) -> list[int]:
        """For each descriptor by address, how far it and those before it reach."""
        return list(accumulate((d.physical.end for d in self.by_address), max))

    @property
    def end(self) -> int:
        """The first address above everything the map describes."""
        return max((descriptor.physical.end for descriptor in self.descriptors), default=0)

    def at(self, address: int) -> MemoryDescriptor | None:
        """The descriptor that holds a physical address, the nearest start first."""
        place = bisect_right(self._starts, address) - 1
        while place >= 0 and self.by_address[place].physical.end <= address:
            place = self._reaching_further[place]
        return self.by_address[place] if place >= 0 else None

    def sharing(self, extent: AddressRange) -> Iterator[MemoryDescriptor]:
        """The descriptors that share addresses with a range, by address."""
        for place in range(bisect_right(self._reaches, extent.start), len(self.by_address)):
            descriptor = self.by_address[place]
            if descriptor.physical_start >= extent.end:
                break
            if (descriptor.physical & extent).size:
                yield descriptor

    def without(self, left_out: Container[MemoryDescriptor]) -> MemoryMap:
        """The same map without some of its descriptors."""
        kept = tuple(descriptor for descriptor in self.descriptors if descriptor not in left_out)
        return replace(self, descriptors=kept)


def overlapping(
    descriptors: Iterable[MemoryDescriptor],
) -> Iterator[tuple[MemoryDescriptor, MemoryDescriptor]]:
    """Each descriptor that starts inside one before it by address, with the furthest reaching."""
    reaching: MemoryDescriptor | None = None
    for descriptor in sorted(descriptors, key=lambda descriptor: descriptor.physical_start):
        if reaching and descriptor.physical.overlaps(reaching.physical):
            yield descriptor, reaching
        if reaching is None or descriptor.physical.end > reaching.physical.end:
            reaching = descriptor


class MemoryAttributesTable(FrozenValue):
    """EFI_MEMORY_ATTRIBUTES_TABLE (UEFI 2.10, 4.6.4). Fields that were not read are ``None``.

    ``number_of_entries`` is the count its header states, ``descriptor_size`` bytes.
    """

    entries: tuple[MemoryDescriptor, ...] = ()
    version: int | None = None
    number_of_entries: int | None = None
    descriptor_size: int | None = None
    flags: int | None = None
    address: int | None = None
    extent: Extent = "unknown"
    located: Located | None = field(default=None, compare=False, repr=False)
