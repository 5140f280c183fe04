"""What changed between two memory maps, region by region."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Literal

from efipolicy.model.efi import EfiMemoryType
from efipolicy.model.memory_map import MemoryDescriptor
from efipolicy.named_tuple import NamedTuple

ChangeKind = Literal["added", "removed", "moved", "resized", "retyped", "attribute"]

_KEPT: Final = frozenset(
    {
        EfiMemoryType.EfiReservedMemoryType,
        EfiMemoryType.EfiRuntimeServicesCode,
        EfiMemoryType.EfiRuntimeServicesData,
        EfiMemoryType.EfiACPIReclaimMemory,
        EfiMemoryType.EfiACPIMemoryNVS,
        EfiMemoryType.EfiPalCode,
    }
)
REUSED: Final = frozenset(
    {
        EfiMemoryType.EfiLoaderCode,
        EfiMemoryType.EfiLoaderData,
        EfiMemoryType.EfiBootServicesCode,
        EfiMemoryType.EfiBootServicesData,
        EfiMemoryType.EfiConventionalMemory,
    }
)
"""The types of memory that is the operating system's after ExitBootServices (UEFI 2.10, 7.2)."""


class RegionChange(NamedTuple):
    """One region before and after; ``None`` where it is not there.

    The kind names the gravest difference: another type before another size, that before another
    place, that before another attribute. A region that moved and grew is ``resized``.
    """

    kind: ChangeKind
    old: MemoryDescriptor | None
    new: MemoryDescriptor | None

    @property
    def outlives_boot(self) -> bool:
        """Whether the region outlives the boot in one of the two maps."""
        return any(one is not None and outlives_boot(one) for one in (self.old, self.new))

    @property
    def distance(self) -> int:
        """How far it moved, in bytes; below 0 it went down. 0 for a region of one map only."""
        if self.old is None or self.new is None:
            return 0
        return self.new.physical_start - self.old.physical_start

    @property
    def in_place(self) -> bool:
        """Whether both maps tell of it, and it starts where it did."""
        return self.old is not None and self.new is not None and not self.distance

    @property
    def outcome(self) -> str:
        """What became of the region, as the rest of a sentence about the old one."""
        old, new = self.old, self.new
        if old is None or new is None:
            return "is not there" if new is None else "is new"
        told = []
        if new.type != old.type:
            told.append(f"is {new.type_name}")
        if new.number_of_pages != old.number_of_pages:
            grown = new.number_of_pages - old.number_of_pages
            told.append(f"has {new.number_of_pages:#x} pages ({grown:+d})")
        if self.distance:
            way = "higher" if self.distance > 0 else "lower"
            told.append(f"is at {new.physical_start:#x} ({abs(self.distance):#x} bytes {way})")
        return " and ".join(told) or f"has the attribute {new.attribute_text}"


def outlives_boot(descriptor: MemoryDescriptor) -> bool:
    """Whether an operating system has to leave a region alone for as long as it runs.

    Those are reserved memory, runtime services, ACPI tables and NVS and PAL code (UEFI 2.10, 7.2,
    the table of what memory types mean after ExitBootServices), and what else is to be mapped for
    runtime services. Boot-services memory marked as runtime memory is a kernel's doing.
    """
    runtime = descriptor.runtime and descriptor.type not in REUSED
    return descriptor.type in _KEPT or runtime


def region_changes(
    old: Iterable[MemoryDescriptor], new: Iterable[MemoryDescriptor], *, whole: bool = True
) -> tuple[RegionChange, ...]:
    """The regions that differ between two maps, by address in the old one, else in the new.

    How a region is known again is told in `efipolicy.model.region_matching`. ``whole`` says that
    neither map is known to lack a part: where one does, fewer regions are taken for one another. An
    attribute that one of the maps does not tell is no difference. With the maps swapped, the
    changes are the same the other way round.
    """
    from efipolicy.model.region_matching import RegionMatching

    here, there = tuple(old), tuple(new)
    # What is alike by half is matched from the same side, whichever of the maps comes first.
    backwards = _content(there) < _content(here)
    maps = (there, here) if backwards else (here, there)
    matching = RegionMatching(*maps, outlives_boot, whole=whole)
    matching.match()
    found = []
    for pair in matching.pairs():
        one, other = pair[::-1] if backwards else pair
        kind = _kind(one, other)
        if kind:
            found.append(RegionChange(kind, one, other))
    removed, added = matching.alone()[::-1] if backwards else matching.alone()
    found += [RegionChange("removed", one, None) for one in removed]
    found += [RegionChange("added", None, other) for other in added]
    return tuple(sorted(found, key=_start))


def _content(regions: Iterable[MemoryDescriptor]) -> list[tuple[int, int, int, int]]:
    """What a map holds, by address: a word that is not there is below every other."""
    return sorted(
        (
            one.physical_start,
            one.number_of_pages,
            one.type,
            -1 if one.attribute is None else one.attribute,
        )
        for one in regions
    )


def _kind(one: MemoryDescriptor, other: MemoryDescriptor) -> ChangeKind | None:
    if one.type != other.type:
        return "retyped"
    if one.number_of_pages != other.number_of_pages:
        return "resized"
    if one.physical_start != other.physical_start:
        return "moved"
    attributes = {one.attribute, other.attribute} - {None}
    return "attribute" if len(attributes) > 1 else None


def _start(change: RegionChange) -> int:
    region = change.old or change.new
    return region.physical_start if region else 0
