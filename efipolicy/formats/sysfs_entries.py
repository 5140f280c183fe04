"""Numbered folders of sysfs put together: descriptors of the runtime map, ranges of memmap.

Tools list the folders as words (0, 1, 10, 11, 2); their order in the list is that of their numbers.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from efipolicy.formats.capture_reading import Printed, Unreadable, shortened
from efipolicy.formats.logical_lines import CaptureText
from efipolicy.formats.sysfs_files import DESCRIPTOR_FILES, RANGE_FILES, FileLine
from efipolicy.model.address import AddressRange
from efipolicy.model.evidence import ReportedRange
from efipolicy.model.memory_map import MemoryDescriptor

Entry = dict[str, FileLine]
"""The files of one folder, by name."""

_WORD: Final = 1 << 64
_FIELDS: Final = {
    "attribute": "attribute",
    "num_pages": "pages",
    "phys_addr": "physical_start",
    "type": "type",
    "virt_addr": "virtual_start",
}
_NEAR: Final = 1024
"""Characters within which the lines of one entry stand together."""


def entries_of(lines: Iterable[FileLine]) -> list[dict[int, Entry]]:
    """The entries of each list that a text shows, by number.

    A file that comes again is that of another list, unless a console printed its line twice.
    """
    lists: list[dict[int, Entry]] = []
    last: FileLine | None = None
    for line in lines:
        copy = last is not None and _said(last) == _said(line)
        last = line
        if copy:
            continue
        if not lists or line.name in lists[-1].get(line.entry, ()):
            lists.append({})
        lists[-1].setdefault(line.entry, {})[line.name] = line
    return lists


def _said(line: FileLine) -> tuple[object, ...]:
    return line.entry, line.name, line.number, line.words


def descriptor(text: CaptureText, number: int, entry: Entry) -> Printed | Unreadable:
    """An entry of the runtime map: its number is its index."""
    wrong = _fault(entry, DESCRIPTOR_FILES, DESCRIPTOR_FILES)
    if wrong is None and (entry["type"].number or 0) >> 32:
        wrong = f"type {entry['type'].words}, which does not fit 32 bits"
    start, end = _extent(entry)
    if wrong:
        return Unreadable(start, end, f"entry {number} of runtime-map: {wrong}")
    numbers = {name: line.number or 0 for name, line in entry.items()}
    read = MemoryDescriptor(
        index=number,
        type=numbers["type"],
        physical_start=numbers["phys_addr"],
        number_of_pages=numbers["num_pages"],
        attribute=numbers["attribute"],
        virtual_start=numbers["virt_addr"],
        located=text.record(start, end, {_FIELDS[n]: line.span for n, line in entry.items()}),
    )
    return Printed(start, end, "runtime-map", read)


def reported(text: CaptureText, number: int, entry: Entry) -> ReportedRange | Unreadable:
    """An entry of /sys/firmware/memmap: its end is the last byte."""
    wrong = _fault(entry, RANGE_FILES, ("start", "end"))
    first, last = (line.number if (line := entry.get(n)) else None for n in ("start", "end"))
    if wrong is None and first is not None and last is not None and last < first:
        wrong = f"the end {last:#x} below the start {first:#x}"
    start, end = _extent(entry)
    if wrong or first is None or last is None:
        return Unreadable(start, end, f"entry {number} of memmap: {wrong}")
    fields = {name: line.span for name, line in entry.items()}
    return ReportedRange(
        physical=AddressRange(first, last + 1),
        what=entry["type"].words,
        table="firmware-memmap",
        located=text.record(start, end, fields),
    )


def _fault(entry: Entry, needed: Sequence[str], numbers: Sequence[str]) -> str | None:
    """What keeps an entry from being read, if anything does."""
    missing = [name for name in needed if name not in entry]
    if missing:
        return f"without {', '.join(missing)}"
    for name in needed:
        line = entry[name]
        if name in numbers and (line.number is None or line.number >= _WORD):
            return f"`{shortened(line.words)}` in {name}, which is no number of 64 bits"
        if name not in numbers and not _is_type_text(line.words):
            return f"`{shortened(line.words)}` in {name}"
    return None


def _is_type_text(words: str) -> bool:
    """Whether words can be the type of a range, not the complaint of a tool."""
    return words[:1].isalpha() and "denied" not in words and "No such" not in words


def _extent(entry: Entry) -> tuple[int, int]:
    """Where an entry stands: all of its lines when they are together, else the first of them."""
    lines = sorted(entry.values())
    start, end = lines[0].start, max(line.end for line in lines)
    return (start, end) if end - start <= _NEAR else (start, lines[0].end)
