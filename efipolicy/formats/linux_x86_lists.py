"""The lists that ``memNN`` lines form: whose each is, and how much of it is there."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from efipolicy.formats.capture_reading import (
    Printed,
    Refused,
    Unreadable,
    extent_of_lines,
    is_copy,
    without_copies,
)
from efipolicy.formats.linux_listing import Listing, announced, stands_between, with_boots
from efipolicy.formats.linux_log import Boot
from efipolicy.formats.linux_x86 import HALF_OPEN, IA64, INVALID, MMIO, RAW
from efipolicy.formats.logical_lines import CaptureText
from efipolicy.model.address import AddressRange
from efipolicy.model.memory_map import Extent, MemoryDescriptor, MemoryMap, Origin

RUNTIME_LIST: Final = "EFI runtime memory map"
"""Above the list of what the kernel has mapped, which it makes for itself."""


def listings(
    text: CaptureText, entries: Iterable[Printed], boots: Sequence[Boot]
) -> tuple[list[Listing], list[Unreadable]]:
    """The lists of a log, and MMIO lines that contradict the list of their boot.

    A new list starts at a boot, at the header of the kernel's own runtime list, and where the
    index goes back. The lines about MMIO and e820 belong to the first list of their boot.
    """
    found: list[Listing] = []
    mmio: dict[Boot, list[Printed]] = {}
    refused: list[Unreadable] = []
    printed: list[tuple[Boot, Printed]] = []
    for boot, entry in with_boots(entries, boots):
        if entry.kind == MMIO:
            mmio.setdefault(boot, []).append(entry)
        else:
            printed.append((boot, entry))
    for (boot, entry), (boot_ahead, ahead) in zip(
        printed, [*printed[1:], *printed[-1:]], strict=True
    ):
        last = found[-1] if found else None
        if last and last.boot is boot and _continues(text, last, entry):
            if not is_copy(last.entries[-1], entry):
                last.entries.append(entry)
            continue
        if (
            last
            and last.boot is boot_ahead
            and stands_between(last.entries, entry, ahead)
            and _continues(text, last, ahead)
        ):
            refused += _out_of_order(last, entry)
            continue
        from_end = last.end if last else 0
        header = announced(text, RUNTIME_LIST, max(boot.start, from_end), entry.start)
        found.append(Listing(boot, [entry], entry.kind, header))
    firsts = _first_of_each_boot(found)
    for boot, lines in mmio.items():
        if boot in firsts:
            refused += _place_mmio(firsts[boot], lines)
        else:
            found += [Listing(boot, one, MMIO) for one in _told_once(without_copies(lines))]
    return sorted(found, key=lambda listing: listing.start), refused


def _continues(text: CaptureText, listing: Listing, entry: Printed) -> bool:
    last = listing.entries[-1]
    if (listing.kind == INVALID) != (entry.kind == INVALID):
        return False
    if is_copy(last, entry):
        return True
    if entry.descriptor.index <= last.descriptor.index:
        return False
    return not announced(text, RUNTIME_LIST, last.end, entry.start)


def _out_of_order(listing: Listing, entry: Printed) -> list[Unreadable]:
    """Nothing for a copy that a second console printed late, else the entry, refused."""
    if any(is_copy(one, entry) for one in listing.entries):
        return []
    expected = listing.entries[-1].descriptor.index + 1
    what = f"the number mem{entry.descriptor.index:02} where mem{expected:02} is expected"
    return [Unreadable(entry.start, entry.end, what)]


def _first_of_each_boot(found: Iterable[Listing]) -> dict[Boot, Listing]:
    """The list of each boot that the map's own lines form."""
    firsts: dict[Boot, Listing] = {}
    for listing in found:
        if listing.kind != INVALID and not listing.runtime_list:
            firsts.setdefault(listing.boot, listing)
    return firsts


def _told_once(lines: Iterable[Printed]) -> list[list[Printed]]:
    """MMIO lines without a map, divided where the same region is told of under another number.

    One boot tells of a region once: what follows was pasted from the log of another.
    """
    found: list[list[Printed]] = []
    ranges: set[AddressRange] = set()
    for line in lines:
        physical = line.descriptor.physical
        if not found or physical in ranges:
            found.append([])
            ranges = set()
        found[-1].append(line)
        ranges.add(physical)
    return found


def _place_mmio(listing: Listing, lines: Iterable[Printed]) -> list[Unreadable]:
    """Give the MMIO lines of a boot to its list; the lines that contradict it."""
    by_index = {entry.descriptor.index: entry for entry in listing.entries}
    numbers = {entry.descriptor.physical: entry.descriptor.index for entry in listing.entries}
    refused: list[Unreadable] = []
    for line in lines:
        known = by_index.get(line.descriptor.index)
        if known is None:
            number = numbers.setdefault(line.descriptor.physical, line.descriptor.index)
            if number == line.descriptor.index:
                by_index[number] = line
                continue
            what = f"a range that the map gives for mem{number}"
            refused.append(Unreadable(line.start, line.end, what))
        elif known.descriptor.physical != line.descriptor.physical:
            what = f"a range that is not the one the map gives for mem{line.descriptor.index}"
            refused.append(Unreadable(line.start, line.end, what))
    listing.entries[:] = [by_index[index] for index in sorted(by_index)]
    return refused


def memory_map(text: CaptureText, listing: Listing, refused: Refused, *, edited: bool) -> MemoryMap:
    """The map of one list. ``edited`` says that the kernel was told to fake entries."""
    descriptors = tuple(entry.descriptor for entry in listing.entries)
    missing = _missing(descriptors)
    first, last = min(e.start for e in listing.entries), max(e.end for e in listing.entries)
    return MemoryMap(
        descriptors=descriptors,
        extent=_extent(text, listing, missing, refused),
        missing=missing,
        origin=_origin(listing, edited=edited, missing=missing),
        located=text.record(first, last),
    )


def _missing(descriptors: Sequence[MemoryDescriptor]) -> tuple[tuple[int, int], ...]:
    """The gaps in the indices, what precedes the first entry included."""
    gaps = []
    expected = 0
    for descriptor in descriptors:
        if descriptor.index > expected:
            gaps.append((expected, descriptor.index - 1))
        expected = descriptor.index + 1
    return tuple(gaps)


def _extent(
    text: CaptureText, listing: Listing, missing: tuple[tuple[int, int], ...], refused: Refused
) -> Extent:
    if missing or listing.kind in (INVALID, MMIO) or listing.runtime_list:
        return "partial"
    types = {entry.descriptor.type for entry in listing.entries}
    if not {5, 7} <= types:
        return "partial"
    return extent_of_lines(text, listing.start, listing.end, refused, without_gaps="whole")


def _origin(listing: Listing, *, edited: bool, missing: tuple[tuple[int, int], ...]) -> Origin:
    if listing.runtime_list:
        return "kernel-edited"
    if listing.boot.kexec or (not missing and listing.kind != MMIO and _handed_over(listing)):
        return "kexec"
    if edited:
        return "kernel-edited"
    # The list of rejected entries alone does not tell who handed them over.
    return "unknown" if listing.kind == INVALID else "firmware"


def _handed_over(listing: Listing) -> bool:
    return looks_handed_over([entry.descriptor for entry in listing.entries])


def looks_handed_over(descriptors: Sequence[MemoryDescriptor]) -> bool:
    """Whether a list is what one kernel gives the next: mapped entries only, not ascending."""
    starts = [descriptor.physical_start for descriptor in descriptors]
    return (
        len(descriptors) > 2
        and not any(descriptor.type in (1, 2, 7) for descriptor in descriptors)
        and any(descriptor.runtime for descriptor in descriptors)
        and starts != sorted(starts)
    )


def dialect(listing: Listing, *, ia64: bool) -> str:
    """The dialect of a list: the kind of most of its lines."""
    if ia64 and listing.kind in (RAW, HALF_OPEN):
        return IA64
    return listing.kind
