"""Hold the mapping a strategy predicts against what a kernel was seen to install."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from efipolicy.engine.planned import Planned
from efipolicy.engine.planning import PlanChoice
from efipolicy.engine.verification import Explained, Mismatch, Verification, pages
from efipolicy.model.address import AddressRange
from efipolicy.model.kexec import NO_VIRTUAL_START
from efipolicy.model.mapping import Mapping
from efipolicy.model.memory_map import MemoryDescriptor, MemoryMap
from efipolicy.model.platform import UNKNOWN_ARCHITECTURE, Platform
from efipolicy.source import InputError

_PARTIAL: Final = "not as predicted, which from a part of the memory map nobody can"
_INCOMPLETE: Final = "not seen, and some entries of the kernel's map were not captured"


def verify(planned: Planned, platform: Platform, observed: Platform) -> Verification:
    """Compare a plan made for a platform with a reading of what a kernel installed.

    A layout that a kernel filled in (its runtime map, a map of a kernel started by kexec, one read
    from memory) and lines that tell single addresses are held against the addresses of the plan,
    page-table dumps against its tables.
    """
    from efipolicy.engine.verifying_tables import compare_tables

    capture = observed.capture
    layouts = list(_layouts(observed))
    mismatches: list[Mismatch] = []
    explained: list[Explained] = []
    compared = {"addresses": 0, "page-table rows": 0}
    for layout in layouts:
        addresses = _Addresses(planned.plan.mappings, layout)
        mismatches += addresses.mismatches()
        explained += addresses.explained()
        compared["addresses"] += addresses.compared
    for remapping in capture.remappings if capture else ():
        compared["addresses"] += 1
        at = AddressRange(remapping.physical_start, remapping.physical_start + 1)
        mismatches += _at(planned.plan.mappings, at, remapping.virtual_start)
    tables = compare_tables(planned, platform, capture.page_tables if capture else ())
    compared["page-table rows"] += tables.compared
    found = tuple(dict.fromkeys((*mismatches, *tables.mismatches)))
    explained += tables.explained
    if found and _is_partial(platform.memory_map):
        unknown = [_of_a_partial_map(one) for one in found]
        return Verification(compared, (), tuple(unknown), tables.left_out, partial=True)
    return Verification(compared, found, tuple(explained), tables.left_out)


def _is_partial(memory_map: MemoryMap) -> bool:
    """Whether descriptors are missing: they are mapped too, and can move the others."""
    nothing_known = not memory_map.descriptors and memory_map.extent != "whole"
    return memory_map.extent == "partial" or nothing_known


def _of_a_partial_map(one: Mismatch) -> Explained:
    return Explained(one.virtual_start or 0, pages(one.size), _PARTIAL)


def with_shown_tables(platform: Platform, observed: Platform) -> Platform:
    """The platform whose first kernel has the page size and the width that a dump shows.

    What the platform declares itself stays. Which strategy a kernel takes can depend on both.
    """
    dumps = observed.capture.page_tables if observed.capture else ()
    if not platform.mapping or not dumps:
        return platform
    first, *others = platform.mapping
    shown = dumps[0]
    informed = replace(
        first,
        page_size=first.page_size or shown.page_size,
        virtual_address_bits=first.virtual_address_bits or shown.virtual_address_bits,
    )
    return replace(platform, mapping=(informed, *others))


def choice_for(platform: Platform, observed: Platform, choice: PlanChoice) -> PlanChoice:
    """The choice with the page size and address width a dump shows, where nobody else says them."""
    declared = platform.mapping[0] if platform.mapping else None
    for dump in observed.capture.page_tables if observed.capture else ():
        if choice.page_size is None and not (declared and declared.page_size):
            choice = choice._replace(page_size=dump.page_size)
        if choice.virtual_address_bits is None and not (declared and declared.virtual_address_bits):
            choice = choice._replace(virtual_address_bits=dump.virtual_address_bits)
    return choice


def check_same_architecture(platform: Platform, observed: Platform, path: str) -> None:
    """Raise `InputError` for an observation that is known to be of another architecture."""
    known = {platform.architecture, observed.architecture} - {UNKNOWN_ARCHITECTURE}
    if len(known) > 1:
        found = f"what a kernel installed on {observed.architecture}"
        raise InputError(path, found, f"one on {platform.architecture}, as {platform.name} is")


def check_same_width(planned: Planned, observed: Platform, path: str) -> None:
    """Raise `InputError` for page tables whose addresses are wider or narrower than predicted.

    Their leaves may be alike, but not the tables above them, which no dump shows.
    """
    bits = planned.geometry.virtual_address_bits
    for dump in observed.capture.page_tables if observed.capture else ():
        seen = dump.virtual_address_bits
        if seen is not None and seen != bits:
            found = f"page tables for addresses of {seen} bits"
            raise InputError(path, found, f"{bits} bits, as in {planned.geometry.name}")


def _layouts(observed: Platform) -> Iterator[MemoryMap]:
    """The maps whose virtual addresses a kernel or its stub filled in, not the firmware."""
    maps = (observed.memory_map, *(observed.capture.other_maps if observed.capture else ()))
    for memory_map in maps:
        filled = any(_is_placed(descriptor) for descriptor in memory_map.descriptors)
        if filled and memory_map.origin in ("kernel-edited", "kexec"):
            yield memory_map


def _is_placed(descriptor: MemoryDescriptor) -> bool:
    """Whether a layout says where a descriptor is; one without RUNTIME may hold anything."""
    if descriptor.virtual_start in (None, NO_VIRTUAL_START):
        return False
    return descriptor.runtime or bool(descriptor.virtual_start)


class _Addresses:
    """The placed regions of a plan held against one observed layout."""

    def __init__(self, mappings: tuple[Mapping, ...], layout: MemoryMap) -> None:
        self.mappings = mappings
        self.layout = layout
        self.placed = [one for one in layout.descriptors if self._counts(one)]
        self.compared = len(self.placed)

    def _counts(self, descriptor: MemoryDescriptor) -> bool:
        """Whether the kernel placed a descriptor: U-Boot leaves its own address in all it has."""
        left_alone = descriptor.virtual_start == descriptor.physical_start
        if left_alone and not descriptor.runtime:
            return any(mapping.physical.overlaps(descriptor.physical) for mapping in self.mappings)
        return _is_placed(descriptor)

    def mismatches(self) -> Iterator[Mismatch]:
        """Where addresses differ, and what only one of the two has."""
        for descriptor in self.placed:
            yield from _at(self.mappings, descriptor.physical, descriptor.virtual_start or 0)
        if not self.layout.missing:
            yield from self._missing()

    def explained(self) -> Iterator[Explained]:
        """What may be among the entries of the layout that were not captured."""
        if self.layout.missing:
            for one in self._missing():
                yield Explained(one.virtual_start or 0, pages(one.size), _INCOMPLETE)

    def _missing(self) -> Iterator[Mismatch]:
        """What is predicted to stay mapped and the layout does not list."""
        listed = sorted(descriptor.physical for descriptor in self.placed)
        for mapping in self.mappings:
            if mapping.virtual_start is None or mapping.temporary:
                continue
            for hole in _without(mapping.physical, listed):
                virtual = mapping.virtual_start + hole.start - mapping.physical.start
                yield Mismatch("missing", hole.start, virtual, hole.size, f"{virtual:#x}", None)


def _at(
    mappings: tuple[Mapping, ...], physical: AddressRange, virtual_start: int
) -> Iterator[Mismatch]:
    """Where a range that was seen at a virtual address is predicted elsewhere, or nowhere.

    Ranges are compared, not entries: a kernel may have merged or split them meanwhile.
    """
    covered: list[AddressRange] = []
    for mapping in mappings:
        both = mapping.physical & physical
        if not both.size or mapping.virtual_start is None:
            continue
        covered.append(both)
        predicted = mapping.virtual_start + both.start - mapping.physical.start
        seen = virtual_start + both.start - physical.start
        if predicted != seen:
            yield Mismatch(
                "address", both.start, predicted, both.size, f"{predicted:#x}", f"{seen:#x}"
            )
    for hole in _without(physical, sorted(covered)):
        seen = virtual_start + hole.start - physical.start
        yield Mismatch("extra", hole.start, seen, hole.size, None, f"{seen:#x}")


def _without(whole: AddressRange, parts: list[AddressRange]) -> Iterator[AddressRange]:
    """What is left of a range without others, which ascend."""
    at = whole.start
    for part in parts:
        if part.start >= whole.end:
            break
        if part.end <= at:
            continue
        if part.start > at:
            yield AddressRange(at, part.start)
        at = part.end
    if at < whole.end:
        yield AddressRange(at, whole.end)
