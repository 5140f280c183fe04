"""Rows of ``memmap``: of the plain table and of ``-sfo``.

The layouts are edk2's (ShellPkg, UefiShellDebug1CommandsLib) and those seen of EFI 1.10 shells.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import Final

from efipolicy.formats.capture_reading import Printed, Unreadable
from efipolicy.formats.logical_lines import CaptureText, JoinedLines, joined
from efipolicy.model.memory_map import MemoryDescriptor
from efipolicy.named_tuple import NamedTuple

OLD: Final = "efi-shell-1"
NEW: Final = "efi-shell-2"

AROUND: Final = 4096
"""Characters around what was read in which more of it is looked for."""

NAMES: Final[dict[str, int]] = {
    "reserved": 0,
    "loadercode": 1,
    "loaderdata": 2,
    "bs_code": 3,
    "bs_data": 4,
    "rt_code": 5,
    "rt_data": 6,
    "available": 7,
    "unusable": 8,
    "acpi_recl": 9,
    "acpi_nvs": 10,
    "mmio": 11,
    "memmapio": 11,
    "mmio_port": 12,
    "memportio": 12,
    "palcode": 13,
    "pal_code": 13,
    "persistent": 14,
    "unaccepted": 15,
}
"""Names in the table, case folded: old shells write ``RT_code``, new ones ``RT_Code``."""

_LONG_NAMES: Final[dict[str, int]] = {
    "Reserved": 0,
    "LoaderCode": 1,
    "LoaderData": 2,
    "BootServiceCode": 3,
    "BootServiceData": 4,
    "RuntimeCode": 5,
    "RuntimeData": 6,
    "Available": 7,
    "UnusableMemory": 8,
    "ACPIReclaimMemory": 9,
    "ACPIMemoryNVS": 10,
    "MemoryMappedIO": 11,
    "MemoryMappedIOPortSpace": 12,
    "PalCode": 13,
    "Persistent": 14,
    "Unaccepted": 15,
}
"""Names with ``-sfo``."""

_BEFORE: Final = 48
"""Characters before the last address in which type and first address stand."""
_LONGEST_ROW: Final = 512
"""Characters behind the first address, padding included, in which the rest of its row stands."""


_CANDIDATE: Final = re.compile(r"-[0-9A-F]{16}(?=[\s=])")
"""Where a row may be: found by its hyphen, without looking at every line."""
_REST: Final = re.compile(r"-(?:[0-9A-F][\s>=]*){48}")
"""The three last numbers of a row, however it was wrapped. Cheap to try."""
_ROW: Final = re.compile(
    r"(?P<type>[A-Za-z][A-Za-z_]*?|(?<![0-9A-Fa-f])[0-9A-Fa-f]{8})[ \t]*"
    r"(?P<start>[0-9A-F]{16})-(?P<end>[0-9A-F]{16})"
    r"(?P<gap>[ \t]*)(?P<pages>[0-9A-F]{16})[ \t]*(?P<attribute>[0-9A-F]{16})(?![0-9A-Za-z])"
)
_JOINED_ROW: Final = re.compile(
    rf"(?P<type>(?i:{'|'.join(NAMES)})|(?<![0-9A-Fa-f])[0-9A-Fa-f]{{8}})"
    r"(?P<start>[0-9A-F]{16})-(?P<end>[0-9A-F]{16})"
    r"(?P<gap>)(?P<pages>[0-9A-F]{16})(?P<attribute>[0-9A-F]{16})(?![0-9A-Za-z])"
)
_NAMED: Final = re.compile(rf"\b(?i:{'|'.join(NAMES)})[ \t]+[0-9A-F]{{8}}")
"""How a row starts; what else it has is missing or damaged."""
_LOOKS_LIKE_A_ROW: Final = re.compile(
    rf"{_NAMED.pattern}"
    r"|(?<![0-9A-Fa-fx])[0-9A-F]{16}-|-[0-9A-F]{16}\b"
    r"|(?<![0-9A-Fa-f])[0-9A-F]{16}[ \t]{1,2}[0-9A-F]{16}(?![0-9A-Za-z])"
)
_DIGITS: Final = 16
_ADDRESS: Final = re.compile(r"[0-9A-F]{16}")
_PART: Final = "a part of a row whose other part is missing"
_SFO_ROW: Final = re.compile(
    r'MemoryMap,"(?P<type>\w+)","(?P<start>[0-9A-F]{1,16})","(?P<end>[0-9A-F]{1,16})",'
    r'"(?P<pages>[0-9A-F]{1,16})","(?P<attribute>[0-9A-F]{1,16})"'
)


def table_rows(text: CaptureText) -> Iterator[Printed | Unreadable]:
    """The rows of plain tables."""
    end = 0
    for candidate in _CANDIDATE.finditer(text.text):
        at = candidate.start()
        if at < end:
            continue
        complete = _REST.match(text.text, at)
        first = _range_start(text, at)
        if (not complete and (first is None or first == at - _DIGITS)) or text.is_remark(at):
            continue
        row, lines = _row_at(text, text.line_start(at), at) if complete else (None, None)
        if row is not None:
            read = _read_row(text, row, lines)
            end = read.end
            yield read
        elif first is not None:
            yield Unreadable(first, text.line_end(at), _PART)


def _row_at(
    text: CaptureText, line_start: int, at: int
) -> tuple[re.Match[str] | None, JoinedLines | None]:
    start = max(line_start, at - _BEFORE)
    row = _ROW.search(text.text, start, min(text.line_end(at), at + _LONGEST_ROW))
    if row and row.end("start") == at:
        return row, None
    for first in (start, _end_of_line_before(text, line_start)):
        for lines in joined(text.text, first):
            row = _JOINED_ROW.search(lines.text)
            if row and lines.offsets[row.end("start")] == at:
                return row, lines
    return None, None


def _range_start(text: CaptureText, at: int) -> int | None:
    """Where the type, or without one the first address, right before a range's hyphen starts."""
    if not _ADDRESS.fullmatch(text.text, max(0, at - _DIGITS), at):
        return None
    named = _NAMED.search(text.text, max(0, at - _BEFORE), at)
    return named.start() if named else at - _DIGITS


def _end_of_line_before(text: CaptureText, line_start: int) -> int:
    """Where the last words of the lines above start: type and address may have stayed there."""
    end = line_start - 1
    while end > 0 and not text.text[text.line_start(end) : end].strip(" \t\r>"):
        end = text.line_start(end) - 1
    end = max(end, 0)
    line = text.line_start(end)
    return max(line, line + len(text.text[line:end].rstrip()) - _BEFORE)


def type_of(word: str) -> int | None:
    """The number of a type as tables name it: a short name, or eight digits for any other."""
    memory_type = NAMES.get(word.lower())
    if memory_type is None and re.fullmatch(r"[0-9A-Fa-f]{8}", word):
        memory_type = int(word, 16)
    return memory_type


def _read_row(
    text: CaptureText, row: re.Match[str], lines: JoinedLines | None
) -> Printed | Unreadable:
    where = lines.span if lines else lambda start, end: (start, end)
    start, end = where(*row.span())
    memory_type = type_of(row["type"])
    if memory_type is None:
        return Unreadable(start, end, f"the unknown type `{row['type']}`")
    fields = {
        "type": where(*row.span("type")),
        "physical_start": where(*row.span("start")),
        "pages": where(*row.span("pages")),
        "attribute": where(*row.span("attribute")),
    }
    old = row["gap"] == "  " or row["type"] in ("available", "reserved", "MemMapIO", "PAL_code")
    return _checked(text, row, memory_type, fields, Place(start, end, OLD if old else NEW))


class Place(NamedTuple):
    """Where a row stands, and the dialect it is printed in."""

    start: int
    end: int
    kind: str


def _checked(
    text: CaptureText,
    row: re.Match[str],
    memory_type: int,
    fields: dict[str, tuple[int, int]],
    place: Place,
) -> Printed | Unreadable:
    first, last, pages = (int(row[name], 16) for name in ("start", "end", "pages"))
    if (last + 1 - first - (pages << 12)) % (1 << 64):
        what = f"a range that is not {pages:#x} pages long, as printed behind it"
        return Unreadable(place.start, place.end, what)
    descriptor = MemoryDescriptor(
        index=0,
        type=memory_type,
        physical_start=first,
        number_of_pages=pages,
        attribute=int(row["attribute"], 16),
        located=text.record(place.start, place.end, fields),
    )
    return Printed(*place, descriptor)


def sfo_rows(text: CaptureText) -> Iterator[Printed | Unreadable]:
    """The rows of ``memmap -sfo``."""
    at = text.text.find('MemoryMap,"')
    while at >= 0:
        row = _SFO_ROW.match(text.text, at)
        memory_type = _LONG_NAMES.get(row["type"]) if row else None
        if row is None or memory_type is None:
            yield Unreadable(at, text.line_end(at), "not a row of `memmap -sfo`")
        else:
            fields = {
                "type": row.span("type"),
                "physical_start": row.span("start"),
                "pages": row.span("pages"),
                "attribute": row.span("attribute"),
            }
            yield _checked(text, row, memory_type, fields, Place(*row.span(), NEW))
        at = text.text.find('MemoryMap,"', at + 1)


def left_over(text: CaptureText, found: Sequence[Printed | Unreadable]) -> list[Unreadable]:
    """Lines among the rows that look like rows and were not read."""
    ends = [row.end for row in found]
    starts = [text.line_start(row.start) for row in found]
    for place in range(1, len(starts)):
        if ends[place - 1] > starts[place]:  # on the line of the one before it
            starts[place] = found[place].start
    lines: dict[int, Unreadable] = {}
    low, high = _neighbourhood(text, starts[0], ends[-1])
    for row in _LOOKS_LIKE_A_ROW.finditer(text.text, low, high):
        nearest = bisect_right(starts, row.start()) - 1
        if (nearest >= 0 and row.start() < ends[nearest]) or text.is_remark(row.start()):
            continue
        end = text.line_end(row.end())
        lines.setdefault(text.line_start(row.start()), Unreadable(row.start(), end, _PART))
    return list(lines.values())


def _neighbourhood(text: CaptureText, low: int, high: int) -> tuple[int, int]:
    """Where else rows may stand: near those that were read, and near those found that way."""
    while before := _NAMED.search(text.text, max(0, low - AROUND), low):
        low = before.start()
    while behind := _NAMED.search(text.text, high, high + AROUND):
        high = behind.end()
    return max(0, low - AROUND), high + AROUND
