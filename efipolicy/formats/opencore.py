"""What OpenCore's debug log says of the memory map.

``OCABC: MMIO devirt …`` lists the memory-mapped I/O with EFI_MEMORY_RUNTIME, which the quirk then
unmaps: the attribute is the one firmware gave. ``OCMM: …`` dumps the whole map, or the Memory
Attributes Table. Layouts were read in OpenCore 0.5 to 1.0.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

from efipolicy.formats.capture_reading import (
    Printed,
    Refused,
    Unreadable,
    decimal,
    extent_of_lines,
    numbered,
    shortened,
    without_copies,
)
from efipolicy.formats.logical_lines import CaptureText
from efipolicy.formats.opencore_rows import (
    BEGINS_DEVIRT,
    BEGINS_MAP,
    DEVIRT,
    LOOKS_LIKE,
    MAP,
    devirt_row,
    is_skipped,
    map_row,
)
from efipolicy.formats.printed_maps import About, PrintedMap, header_above, reading
from efipolicy.formats.printed_rows import grouped, left_over, starts_of
from efipolicy.model.memory_map import Extent, MemoryAttributesTable, MemoryMap
from efipolicy.model.platform import ArchitectureReason
from efipolicy.plugin.types import CaptureReading

_DEVIRT_START: Final = re.compile(r"MMIO devirt start")
_DEVIRT_END: Final = re.compile(r"MMIO devirt end, saved (\d{1,20}) KB")
_MAP_HEADER: Final = re.compile(r"OCMM:[ \t]+Memory(?:Map|AttributesTable):")
_TABLE: Final = "MemoryAttributesTable:"
_NUMBERS: Final = re.compile(
    r"OCMM:[ \t]+(Version|Size|NumberOfEntries|DescriptorSize)[ \t]+-[ \t]+0x([0-9a-fA-F]{1,16})"
)
_X86: Final = (
    "x86_64",
    ArchitectureReason(kind="dialect", evidence="the log of OpenCore, which boots x86 machines"),
)


def read(text: CaptureText) -> CaptureReading | None:
    """What the log says of a platform. The same words in source code are no log."""
    found = [one for start in starts_of(text, BEGINS_DEVIRT) for one in devirt_row(text, start)]
    found += [one for start in starts_of(text, BEGINS_MAP) for one in map_row(text, start)]
    rows = sorted((one for one in found if isinstance(one, Printed)), key=lambda row: row.start)
    if not rows:
        return None
    refused = [one for one in found if isinstance(one, Unreadable)]
    refused += left_over(text, found, LOOKS_LIKE)
    lines = Refused(refused)
    maps: list[PrintedMap] = []
    table: MemoryAttributesTable | None = None
    table_lines: list[tuple[int, int]] = []
    for group in grouped(rows, lambda last, row: _is_another(text, last, row)):
        if group[0].kind == DEVIRT:
            printed, wrong = _devirt_map(text, group, lines)
            maps.append(printed)
            refused += wrong
            continue
        header = header_above(text, group[0].start, _MAP_HEADER)
        if header is None or _TABLE not in text.text[slice(*header)]:
            maps.append(_dumped_map(text, group, header, lines))
        elif table is None:
            table = _dumped_table(text, group, header, lines)
            table_lines = [header, *((row.start, row.end) for row in group)]
    about = About(architecture=_X86, attributes_table=table, lines=tuple(table_lines))
    return reading(text, maps, refused, rows[0].kind, about)


def _is_another(text: CaptureText, last: Printed, row: Printed) -> bool:
    if last.kind != row.kind:
        return True
    header = _DEVIRT_START if row.kind == DEVIRT else _MAP_HEADER
    return header.search(text.text, last.end, row.start) is not None


def _devirt_map(
    text: CaptureText, rows: Sequence[Printed], refused: Refused
) -> tuple[PrintedMap, list[Unreadable]]:
    """The list of the quirk, never a whole map; its last line if the sum in it is another."""
    kept = without_copies(rows, refused)
    start = header_above(text, rows[0].start, _DEVIRT_START)
    last = text.line_end(text.line_end(rows[-1].end) + 1)
    end = _DEVIRT_END.search(text.text, rows[-1].end, last)
    memory_map = MemoryMap(
        descriptors=numbered(kept),
        extent="partial",
        origin="firmware",
        located=text.record(rows[0].start, rows[-1].end),
    )
    frame = tuple(span for span in (start, end and end.span()) if span)
    printed = PrintedMap(memory_map, DEVIRT, rows, frame)
    wrong = start and end and _sum_differs(text, kept, end, refused)
    return printed, [wrong] if wrong else []


def _sum_differs(
    text: CaptureText, rows: Sequence[Printed], end: re.Match[str], refused: Refused
) -> Unreadable | None:
    """The line with the sum, when lines that were read add up to another one."""
    if refused.between(rows[0].start, end.start()):
        return None
    skipped = [is_skipped(text, row) for row in rows]
    if None in skipped:
        return None
    pages = sum(
        row.descriptor.number_of_pages
        for row, left in zip(rows, skipped, strict=True)
        if left is False
    )
    if decimal(end[1]) == pages << 2:
        return None
    what = f"a sum of {shortened(end[1])} KB where the lines above it make {pages << 2} KB"
    return Unreadable(end.start(), end.end(), what)


def _dumped_map(
    text: CaptureText,
    rows: Sequence[Printed],
    header: tuple[int, int] | None,
    refused: Refused,
) -> PrintedMap:
    values = _values(text, header, rows[0].start)
    kept = _counted(rows, values.get("NumberOfEntries"), refused)
    memory_map = MemoryMap(
        descriptors=numbered(kept),
        descriptor_size=values.get("DescriptorSize"),
        size=values.get("Size"),
        extent=_extent(text, rows, len(kept), values, refused),
        origin="firmware",
        located=text.record(rows[0].start, rows[-1].end),
    )
    return PrintedMap(memory_map, MAP, rows, (header,) if header else ())


def _dumped_table(
    text: CaptureText, rows: Sequence[Printed], header: tuple[int, int], refused: Refused
) -> MemoryAttributesTable:
    values = _values(text, header, rows[0].start)
    kept = _counted(rows, values.get("NumberOfEntries"), refused)
    return MemoryAttributesTable(
        entries=numbered(kept),
        version=values.get("Version"),
        number_of_entries=values.get("NumberOfEntries"),
        descriptor_size=values.get("DescriptorSize"),
        extent=_extent(text, rows, len(kept), values, refused),
        located=text.record(rows[0].start, rows[-1].end),
    )


def _values(text: CaptureText, header: tuple[int, int] | None, before: int) -> dict[str, int]:
    """The numbers between the header and the first row, in bytes or a count."""
    if header is None:
        return {}
    found: Iterable[re.Match[str]] = _NUMBERS.finditer(text.text, header[1], before)
    return {one[1]: int(one[2], 16) for one in found}


def _counted(rows: Sequence[Printed], count: int | None, refused: Refused) -> Sequence[Printed]:
    """The rows, without what a console printed twice unless their number is right."""
    return rows if count == len(rows) else without_copies(rows, refused)


def _extent(
    text: CaptureText,
    rows: Sequence[Printed],
    found: int,
    values: dict[str, int],
    refused: Refused,
) -> Extent:
    count = values.get("NumberOfEntries")
    if count is None:
        start, end = rows[0].start, rows[-1].end
        return extent_of_lines(text, start, end, refused, without_gaps="unknown")
    return "whole" if count == found else "partial"
