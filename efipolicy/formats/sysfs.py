"""What Linux shows of firmware in sysfs: the runtime map, the tables, and /sys/firmware/memmap.

Layouts were read in Linux 6.12 (drivers/firmware/efi/efi.c, runtime-map.c; drivers/firmware/
memmap.c) and seen from 4.15 on. The runtime map is what a kernel on x86 mapped, in its own order
and with its own marks: not the memory map of firmware, and evidence only.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from efipolicy.formats.capture_reading import (
    ELLIPSIS,
    Printed,
    Unreadable,
    without_copies,
)
from efipolicy.formats.logical_lines import CaptureText
from efipolicy.formats.printed_maps import NOTHING_SAYS, About, reading
from efipolicy.formats.printed_rows import grouped, left_over
from efipolicy.formats.sysfs_efi import efi_files
from efipolicy.formats.sysfs_entries import descriptor, entries_of, reported
from efipolicy.formats.sysfs_files import (
    ADDRESS_FILES,
    EFI,
    LOOKS_LIKE,
    MEMMAP,
    PLATFORM_SIZE,
    RUNTIME_MAP,
    FileLine,
    file_lines,
)
from efipolicy.formats.sysfs_listing import LOOKS_LIKE as LISTED_LOOKS_LIKE
from efipolicy.formats.sysfs_listing import listed
from efipolicy.model.evidence import ReportedRange
from efipolicy.model.memory_map import MemoryMap
from efipolicy.model.platform import ArchitectureReason, MappingDeclaration
from efipolicy.named_tuple import NamedTuple
from efipolicy.plugin.types import CaptureReading

SYSFS_RUNTIME_MAP: Final = "sysfs-runtime-map"
SYSFS_MEMMAP: Final = "sysfs-memmap"
SYSFS_EFI: Final = "sysfs-efi"

_REMARK: Final = re.compile("# not readable: ")
_NOT_READABLE: Final = re.compile(
    r"((?:[^\n]{0,4096}/)?"
    rf"(?P<name>runtime-map|memmap|numbered folders|systab|fdt|{'|'.join(ADDRESS_FILES)}"
    rf"|{PLATFORM_SIZE}|linux,uefi-[a-z-]{{1,40}})"
    r"(?:,[ ]\d{1,10}[ ]files)?[ ]\([^\n]{1,400}\))[ \t\r]*(?:\n|\Z)"
)
"""What is said of a file, or of the files of a folder, that could not be opened."""
_OF_LISTS: Final = (RUNTIME_MAP, MEMMAP, "numbered folders")
_X86_64: Final = ArchitectureReason(
    kind="dialect",
    evidence="runtime-map, which Linux shows on x86, with virtual addresses above 4 GiB",
)


class Found(NamedTuple):
    """What a text shows: entries of runtime maps and of memmap, and what could not be read."""

    maps: list[list[Printed]]
    ranges: list[ReportedRange]
    refused: list[Unreadable]
    lines: list[tuple[int, int]]


def read(text: CaptureText) -> CaptureReading | None:
    """What the files of sysfs say of a platform; ``None`` for a text that shows none of them."""
    shown = list(file_lines(text))
    found = _found(text, shown)
    efi = efi_files(text, shown)
    refused = [*found.refused, *not_readable(text, of_lists=False)]
    if not (found.maps or found.ranges or refused or efi.lines):
        return None
    maps = [_map(text, rows) for rows in found.maps]
    about = About(
        architecture=_architecture(maps),
        tables=efi.tables,
        tables_extent="partial",
        system_table=efi.system_table,
        firmware=efi.firmware,
        mapping=_mapping(text, found, maps),
        other_maps=_distinct(maps),
        reported_ranges=tuple(found.ranges),
        lines=(*found.lines, *efi.lines),
    )
    return reading(text, (), refused, _dialect(found), about)


def _found(text: CaptureText, shown: Sequence[FileLine]) -> Found:
    """Everything numbered, lines that only look so included."""
    found = Found([], [], list(not_readable(text, of_lists=True)), [])
    for entries in entries_of(line for line in shown if line.folder == RUNTIME_MAP):
        read = [descriptor(text, number, entries[number]) for number in sorted(entries)]
        found.maps.append(_sorted_out(read, found.refused))
    for entries in entries_of(line for line in shown if line.folder == MEMMAP):
        for number in sorted(entries):
            one = reported(text, number, entries[number])
            if isinstance(one, ReportedRange):
                found.ranges.append(one)
            else:
                found.refused.append(one)
    listing = list(listed(text))
    rows = _sorted_out(listing, found.refused)
    found.maps.extend(without_copies(group) for group in grouped(rows, _goes_back))
    found.refused.extend(left_over(text, listing, LISTED_LOOKS_LIKE))
    places = [Unreadable(line.start, line.end, line.name) for line in shown if line.folder != EFI]
    found.refused.extend(left_over(text, places, LOOKS_LIKE))
    if not found.refused:
        found.refused.extend(gap for one in found.maps for gap in _gaps(one))
    found.lines.extend((line.start, line.end) for line in places)
    found.lines.extend((row.start, row.end) for row in rows)
    return found._replace(maps=[rows for rows in found.maps if rows])


def not_readable(text: CaptureText, *, of_lists: bool) -> Iterator[Unreadable]:
    """The remarks by which efipolicy itself tells of what it could not open.

    Either those on entries of the runtime map and of memmap, or those on all other files.
    """
    for remark in _REMARK.finditer(text.text):
        start, end = remark.span()
        one = _NOT_READABLE.match(text.text, end) if start == text.line_start(start) else None
        if one and (one["name"] in _OF_LISTS) == of_lists:
            yield Unreadable(start, one.end(1), f"not readable: {one[1]}")


def _sorted_out(rows: Iterable[Printed | Unreadable], refused: list[Unreadable]) -> list[Printed]:
    """The rows that could be read; the others go to ``refused``."""
    rows = list(rows)
    refused.extend(row for row in rows if isinstance(row, Unreadable))
    return [row for row in rows if isinstance(row, Printed)]


def _gaps(rows: Sequence[Printed]) -> Iterator[Unreadable]:
    """A line for each gap in the numbers, at the entry behind it, where no line explains it."""
    expected = 0
    for row in rows:
        first, last = expected, row.descriptor.index - 1
        if last >= first:
            missing = f"entry {first} is" if first == last else f"entries {first} to {last} are"
            yield Unreadable(
                row.start, row.end, f"{missing} missing from the runtime map before it"
            )
        expected = row.descriptor.index + 1


def _goes_back(last: Printed, row: Printed) -> bool:
    return row.descriptor.index <= last.descriptor.index and row.descriptor != last.descriptor


def _map(text: CaptureText, rows: Sequence[Printed]) -> MemoryMap:
    """What a kernel mapped, never all that firmware describes."""
    indices = [row.descriptor.index for row in rows]
    pairs = zip((-1, *indices), indices, strict=False)
    return MemoryMap(
        descriptors=tuple(row.descriptor for row in rows),
        extent="partial",
        missing=tuple((a + 1, b - 1) for a, b in pairs if b > a + 1),
        origin="kernel-edited",
        located=text.record(min(row.start for row in rows), max(row.end for row in rows)),
    )


def _distinct(maps: Iterable[MemoryMap]) -> tuple[MemoryMap, ...]:
    """The maps, one that a text shows in two ways only once."""
    kept: list[MemoryMap] = []
    for one in maps:
        if all(one.descriptors != other.descriptors for other in kept):
            kept.append(one)
    return tuple(kept)


def _mapping(
    text: CaptureText, found: Found, maps: Sequence[MemoryMap]
) -> tuple[MappingDeclaration, ...] | None:
    """The layout in use, where the text shows all of it: the largest map without a gap.

    A part is not declared: what is missing from it would be taken for memory that is not mapped.
    """
    if found.refused:
        return None
    whole = [
        one
        for one, rows in zip(maps, found.maps, strict=True)
        if not one.missing and not _abridged(text, rows)
    ]
    if not whole:
        return None
    layout = max(whole, key=lambda one: len(one.descriptors))
    declared = MappingDeclaration(
        os="linux", options={}, virtual_map=layout.descriptors, located=layout.located
    )
    return (declared,)


def _abridged(text: CaptureText, rows: Sequence[Printed]) -> bool:
    """Whether a poster left lines out, or cut the list off."""
    start, end = min(row.start for row in rows), max(row.end for row in rows)
    return ELLIPSIS.search(text.text, start, text.line_end(text.line_end(end) + 1)) is not None


def _architecture(maps: Iterable[MemoryMap]) -> tuple[str, ArchitectureReason]:
    """Virtual addresses above 4 GiB are those of a kernel of 64 bits."""
    starts = [one.virtual_start or 0 for each in maps for one in each.descriptors]
    return ("x86_64", _X86_64) if any(at >> 32 for at in starts) else NOTHING_SAYS


def _dialect(found: Found) -> str:
    if found.maps:
        return SYSFS_RUNTIME_MAP
    return SYSFS_MEMMAP if found.ranges else SYSFS_EFI
