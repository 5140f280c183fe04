"""The Memory Attributes Table as edk2's debug log prints it (UEFI 2.10, 4.6.4).

Above the records stand ``MemoryAttributesTable:`` and its version, number of entries and
descriptor size. It is printed each time the DXE core makes the table anew, so the last one counts.

System Management Mode has an attributes table of its own. MdeModulePkg/Core/PiSmmCore prints it in
exactly these words, UefiCpuPkg/PiSmmCpuDxeSmm with wider labels in its heading. It describes
SMRAM, which no operating system sees: it is told by entries that are not runtime memory, and by
attributes without EFI_MEMORY_RUNTIME, which the DXE core leaves in every entry.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Final

from efipolicy.formats.capture_reading import Printed, Unreadable, numbered, without_copies
from efipolicy.formats.edk2_records import Record, records
from efipolicy.formats.labelled_lines import hexadecimal, last_above
from efipolicy.formats.logical_lines import CaptureText
from efipolicy.formats.printed_rows import GAP
from efipolicy.model.efi import EfiMemoryType
from efipolicy.model.memory_map import Extent, MemoryAttributesTable
from efipolicy.named_tuple import NamedTuple

_HEADING: Final = re.compile(r"(?<![\w.])MemoryAttributesTable:")
_NUMBER: Final = re.compile(
    rf"(?<!\w)(?P<label>Version|NumberOfEntries|DescriptorSize)(?P<blanks>{GAP})-{GAP}0x"
)
_WIDE: Final = 10
"""Blanks behind ``NumberOfEntries`` in the heading of System Management Mode's table; else 6."""
_RUNTIME_TYPES: Final = (EfiMemoryType.EfiRuntimeServicesCode, EfiMemoryType.EfiRuntimeServicesData)
_APART: Final = 4096
"""Characters between the records of two tables, where no heading stands between them."""
_POINTER: Final = 1 << 32
_STRIDE: Final = 0x30
"""Bytes of a descriptor with which edk2 makes its map on every architecture."""

NOT_CERTAIN: Final = (
    "an attributes table without EFI_MEMORY_RUNTIME: System Management Mode prints its own so"
)
LINES_MISSING: Final = "lines are missing here: parts of two records look like one"


class Heading(NamedTuple):
    """What stands above the records; where it starts and ends. Numbers that are not there: -1."""

    start: int
    end: int
    numbers: dict[str, int]
    wide: bool


class Tables(NamedTuple):
    """The table that counts, the spans of what was read, and what could not be."""

    table: MemoryAttributesTable | None
    lines: tuple[tuple[int, int], ...]
    refused: tuple[Unreadable, ...]


def attributes_table(text: CaptureText) -> Tables:
    """The operating system's attributes table, as the text prints it last."""
    found = list(records(text))
    table: MemoryAttributesTable | None = None
    lines: list[tuple[int, int]] = []
    refused: list[Unreadable] = []
    for group in _groups(text, found):
        heading = _heading(text, group)
        whole = [one for one in group if isinstance(one, Record)]
        kind = _whose(heading, whole)
        if kind == "smm":
            continue
        start = heading.start if heading else _span(group[0])[0]
        if kind == "unknown":
            refused.append(Unreadable(start, _span(group[-1])[1], NOT_CERTAIN))
            continue
        kept, doubted = _without_doubt(text, heading, group)
        broken = [one for one in group if isinstance(one, Unreadable)] + doubted
        refused += broken
        lines.append((start, _span(group[-1])[1]))
        if kept:
            table = _table(text, heading, kept, broken)
    return Tables(table, tuple(lines), tuple(refused))


def _span(one: Record | Unreadable) -> tuple[int, int]:
    part = one.printed if isinstance(one, Record) else one
    return part.start, part.end


def _groups(
    text: CaptureText, found: Iterable[Record | Unreadable]
) -> list[list[Record | Unreadable]]:
    """The records of each table."""
    groups: list[list[Record | Unreadable]] = []
    end = 0
    for one in found:
        start, after = _span(one)
        apart = start - end > _APART or _HEADING.search(text.text, end, start) is not None
        if apart or not groups:
            groups.append([one])
        else:
            groups[-1].append(one)
        end = after
    return groups


def _heading(text: CaptureText, group: Sequence[Record | Unreadable]) -> Heading | None:
    first = _span(group[0])[0]
    heading = last_above(text, _HEADING, first - _APART, first)
    if heading is None:
        return None
    numbers: dict[str, int] = {}
    wide, end = False, heading.end()
    for match in _NUMBER.finditer(text.text, heading.end(), first):
        number, (_, end) = hexadecimal(text, match.end(), width=8)
        if number is not None:
            numbers[match["label"]] = number
        wide = wide or (match["label"] == "NumberOfEntries" and len(match["blanks"]) >= _WIDE)
    return Heading(heading.start(), end, numbers, wide)


def _whose(heading: Heading | None, whole: Sequence[Record]) -> str:
    """Whether the table is the operating system's (``os``), or of System Management Mode."""
    if heading and heading.wide:
        return "smm"
    descriptors = [one.printed.descriptor for one in whole]
    if not descriptors or any(one.runtime for one in descriptors):
        return "os"
    if any(one.type not in _RUNTIME_TYPES for one in descriptors):
        return "smm"
    return "unknown"


def _without_doubt(
    text: CaptureText, heading: Heading | None, group: Sequence[Record | Unreadable]
) -> tuple[list[Printed], list[Unreadable]]:
    """The records that are none of two halves: the addresses above them are evenly spaced."""
    stride = _stride(heading, group)
    kept: list[Printed] = []
    doubted: list[Unreadable] = []
    for place, one in enumerate(group):
        if isinstance(one, Unreadable):
            continue
        behind = group[place + 1] if place + 1 < len(group) else None
        if (
            _has_gap(one, behind, stride)
            or (place and one.pointer is None)
            or (behind is None and _ends_early(text, heading, group, stride))
        ):
            doubted.append(Unreadable(one.printed.start, one.printed.end, LINES_MISSING))
        else:
            kept.append(one.printed)
    return kept, doubted


def _stride(heading: Heading | None, group: Sequence[Record | Unreadable]) -> int:
    """Bytes from one entry to the next: as the heading says, else the least there is."""
    stated = heading.numbers.get("DescriptorSize") if heading else None
    if stated:
        return stated
    pointers = [one.pointer for one in group if isinstance(one, Record)]
    steps = [
        (after - before) % _POINTER
        for before, after in pairwise(pointers)
        if before is not None and after is not None and before != after
    ]
    return min([*steps, _STRIDE])


def _has_gap(one: Record, behind: Record | Unreadable | None, stride: int) -> bool:
    if not isinstance(behind, Record) or one.pointer is None or behind.pointer is None:
        return False
    return (behind.pointer - one.pointer) % _POINTER not in (0, stride)


def _ends_early(
    text: CaptureText,
    heading: Heading | None,
    group: Sequence[Record | Unreadable],
    stride: int,
) -> bool:
    """Whether fewer entries are there than the heading says, although the text goes on."""
    stated = heading.numbers.get("NumberOfEntries") if heading else None
    first, last = group[0], group[-1]
    if not isinstance(first, Record) or not isinstance(last, Record):
        return False
    if stated is None or first.pointer is None or last.pointer is None:
        return False
    entries = (last.pointer - first.pointer) % _POINTER // stride + 1
    end = last.printed.end
    return entries < stated and bool(text.text[end : end + _APART].strip())


def _table(
    text: CaptureText,
    heading: Heading | None,
    kept: Sequence[Printed],
    broken: Sequence[Unreadable],
) -> MemoryAttributesTable:
    entries = numbered(without_copies(kept))
    numbers = heading.numbers if heading else {}
    stated = numbers.get("NumberOfEntries")
    extent: Extent = "unknown" if stated is None else "partial"
    if broken:
        extent = "partial"
    elif stated == len(entries):
        extent = "whole"
    return MemoryAttributesTable(
        entries=entries,
        version=numbers.get("Version"),
        number_of_entries=stated,
        descriptor_size=numbers.get("DescriptorSize"),
        extent=extent,
        located=text.record(heading.start if heading else kept[0].start, kept[-1].end),
    )
