"""``efi:   0x…-0x… [cell]`` lines of Linux on arm64, arm, riscv64 and loongarch64.

The Memory Attributes Table is printed in the same form on every architecture, behind
``memattr:``; a ``!`` marks an entry the kernel rejected.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from operator import itemgetter
from typing import Final

from efipolicy.formats.capture_reading import (
    LOST_DIGIT,
    Printed,
    Refused,
    Unreadable,
    extent_of_lines,
    lost_a_digit,
    numbered,
    pages_between,
    shortened,
    without_copies,
)
from efipolicy.formats.linux_cells import read_cell
from efipolicy.formats.linux_listing import Listing, announced, with_boots
from efipolicy.formats.linux_log import Boot
from efipolicy.formats.linux_wrapped_rows import DIGITS, halves, words_before, wrapped_rows
from efipolicy.formats.logical_lines import CaptureText, JoinedLines, joined
from efipolicy.model.memory_map import Extent, MemoryDescriptor, MemoryMap
from efipolicy.named_tuple import NamedTuple

FDT: Final = "linux-fdt"
MEMATTR: Final = "linux-memattr"
REJECTED: Final = "linux-memattr-rejected"

_CANDIDATE: Final = re.compile(r"-(0x[0-9a-fA-F]+)[\s>=]*\[(?![ \t]*\d+\.\d+\])")
_START: Final = re.compile(r"0x[0-9a-fA-F]+\Z")
_CELL: Final = re.compile(r"\[(?P<cell>[^\]\n]{0,256})\](?P<reserved>\*?)")

_AROUND: Final = 2048
"""Characters before and after the rows that were read in which the halves of others are."""

MAP_HEADER: Final = "Processing EFI memory map"
"""Above the list of a map, where the kernel prints one."""


class _Line(NamedTuple):
    """One line: where it and its two numbers stand, and its cell, joined when it was wrapped.

    ``wrapped`` says that the line end stood before the cell: in a number, or next to one.
    """

    start: int
    end: int
    first: tuple[int, int]
    last: tuple[int, int]
    numbers: tuple[str, str]
    cell: re.Match[str]
    lines: JoinedLines | None
    wrapped: bool = False

    def where(self, start: int, end: int) -> tuple[int, int]:
        """Where a part of the cell stands."""
        return self.lines.span(start, end) if self.lines else (start, end)


def read_lines(text: CaptureText) -> tuple[list[Printed], list[Unreadable]]:
    """Every line of this form: entries of the map and of the Memory Attributes Table."""
    entries: list[Printed] = []
    unreadable: list[Unreadable] = []
    for at, line in _lines(text):
        before = words_before(text, at)
        read = _read(text, line, before) if line else _open_cell(text, at, before)
        if isinstance(read, Printed):
            entries.append(read)
            if line and read.descriptor.attribute is None:
                read = _unknown_flag(line)
        if isinstance(read, Unreadable):
            unreadable.append(read)
    starts = sorted([one.start for one in entries] + [one.start for one in unreadable])
    return entries, unreadable + (_halves(text, starts) if entries else [])


def _lines(text: CaptureText) -> list[tuple[int, _Line | None]]:
    """Where each line starts, in the order of the text; ``None`` where its cell does not end."""
    found: dict[int, _Line | None] = {}
    for candidate in _CANDIDATE.finditer(text.text):
        at = candidate.start()
        number = _START.search(text.text, text.line_start(at), at)
        if number is not None and not text.is_remark(at):
            found[number.start()] = _line(text.text, number, candidate)
    for start, lines, row in wrapped_rows(text):
        if start not in found:
            found[start] = _wrapped_line(start, lines, row)
    return sorted(found.items(), key=itemgetter(0))


def _line(text: str, number: re.Match[str], candidate: re.Match[str]) -> _Line | None:
    bracket = candidate.end() - 1
    start, numbers = number.start(), (number[0], candidate[1])
    cell, lines = _CELL.match(text, bracket), None
    if cell:
        end = cell.end()
        return _Line(start, end, number.span(), candidate.span(1), numbers, cell, lines)
    for lines in joined(text, bracket):
        cell = _CELL.match(lines.text)
        if cell:
            end = lines.span(*cell.span())[1]
            return _Line(start, end, number.span(), candidate.span(1), numbers, cell, lines)
    return None


def _wrapped_line(start: int, lines: JoinedLines, row: re.Match[str]) -> _Line:
    first, last = lines.span(*row.span("first")), lines.span(*row.span("last"))
    numbers = (row["first"], row["last"])
    end = lines.span(*row.span())[1]
    return _Line(start, end, first, last, numbers, row, lines, wrapped=True)


def _halves(text: CaptureText, starts: Sequence[int]) -> list[Unreadable]:
    """Rows cut off before their cell, among those that start at some offsets."""
    low, high = max(0, starts[0] - _AROUND), starts[-1] + _AROUND
    known = frozenset(starts)
    what = "a part of an entry whose other part is missing"
    return [
        Unreadable(start, end, what) for start, end in halves(text, low, high) if start not in known
    ]


def _read(text: CaptureText, line: _Line, before: str) -> Printed | Unreadable | None:
    cell = read_cell(line.cell["cell"])
    if cell.type is None:
        if "|" in line.cell["cell"] or _says_efi(before):
            what = f"the unknown type `{shortened(cell.unknown or '')}`"
            return Unreadable(line.start, line.end, what)
        return None
    if line.wrapped and any(len(number) < DIGITS + 2 for number in line.numbers):
        return Unreadable(line.start, line.end, "a wrapped number whose digits are not all there")
    lengths = sorted(map(len, line.numbers))
    if lost_a_digit(*line.numbers, DIGITS) or lengths[0] < DIGITS + 2 <= lengths[1]:
        return Unreadable(line.start, line.end, LOST_DIGIT)
    first, last = (int(number, 16) for number in line.numbers)
    if first >> 64 or last >> 64:
        return Unreadable(line.start, line.end, "a number that does not fit 64 bits")
    pages = pages_between(first, last + 1)
    if pages is None:
        what = "not a whole number of pages from its start to its end"
        return Unreadable(line.start, line.end, what)
    descriptor = MemoryDescriptor(
        index=0,
        type=cell.type,
        physical_start=first,
        number_of_pages=pages,
        attribute=cell.attribute,
        located=text.record(line.start, line.end, _fields(line)),
    )
    return Printed(line.start, line.end, _kind(before), descriptor, cell.columns)


def _fields(line: _Line) -> dict[str, tuple[int, int]]:
    inside, after = line.cell.span("cell")
    name = line.cell["cell"].partition("|")[0].rstrip()
    fields = {
        "physical_start": line.first,
        "pages": line.last,
        "type": line.where(inside, inside + len(name)),
    }
    flags = line.cell["cell"].find("|") + 1
    if flags:
        fields["attribute"] = line.where(inside + flags, after)
    return fields


def _kind(before: str) -> str:
    if "memattr" not in before:
        return FDT
    return REJECTED if before.rstrip().endswith("!") else MEMATTR


def _says_efi(before: str) -> bool:
    return "efi:" in before or "memattr" in before


def _open_cell(text: CaptureText, start: int, before: str) -> Unreadable | None:
    """A cell that never ends: to be reported where the kernel's EFI code wrote the line."""
    if not _says_efi(before):
        return None
    return Unreadable(start, text.line_end(start), "a type cell that does not end")


def _unknown_flag(line: _Line) -> Unreadable | None:
    unknown = read_cell(line.cell["cell"]).unknown
    if not unknown:
        return None
    return Unreadable(line.start, line.end, f"the unknown flag `{shortened(unknown)}`")


class Parameters(NamedTuple):
    """The block ``MemMap Size``, …: where, and its numbers, in bytes."""

    start: int
    end: int
    values: dict[str, int]

    @property
    def entries(self) -> int | None:
        """How many descriptors the buffer holds."""
        size, each = self.values.get("MemMap Size"), self.values.get("MemMap Desc. Size")
        return size // each if size is not None and each else None


_PARAMETER: Final = re.compile(
    r"(System Table|MemMap Address|MemMap Size|MemMap Desc\. Size|MemMap Desc\. Version|"
    r"Secure Boot Enabled)[ \t]*:[ \t]*0x([0-9a-fA-F]{1,16})"
)


def parameters(text: CaptureText, boot: Boot) -> Parameters | None:
    """What the stub told the kernel about the map, in one boot."""
    at = text.text.find("MemMap Size", boot.start, boot.end)
    while at >= 0 and text.is_remark(at):
        at = text.text.find("MemMap Size", at + 1, boot.end)
    if at < 0:
        return None
    found = list(_PARAMETER.finditer(text.text, max(boot.start, at - 512), at + 512))
    if not found:
        return None
    values = {match[1]: int(match[2], 16) for match in reversed(found)}
    return Parameters(found[0].start(), found[-1].end(), values)


def listings(text: CaptureText, entries: Iterable[Printed], boots: Sequence[Boot]) -> list[Listing]:
    """The lists of a log, copies included: a new one starts at a boot and at a list's header."""
    found: list[Listing] = []
    for boot, entry in with_boots(entries, boots):
        last = found[-1] if found else None
        if last and last.boot is boot and not announced(text, MAP_HEADER, last.end, entry.start):
            last.entries.append(entry)
        else:
            found.append(Listing(boot, [entry], FDT))
    return found


def memory_map(
    text: CaptureText, listing: Listing, block: Parameters | None, refused: Refused
) -> MemoryMap:
    """The map of one list. Without an index, only the parameter block tells how many there are."""
    entries = listing.entries
    count = block.entries if block else None
    if count != len(entries):
        entries = without_copies(entries, refused)
    values = block.values if block else {}
    extent: Extent
    if count is None:
        extent = extent_of_lines(text, listing.start, listing.end, refused, without_gaps="unknown")
    else:
        extent = "whole" if count == len(entries) else "partial"
    return MemoryMap(
        descriptors=numbered(entries),
        descriptor_version=values.get("MemMap Desc. Version"),
        descriptor_size=values.get("MemMap Desc. Size"),
        size=values.get("MemMap Size"),
        extent=extent,
        origin="firmware",
        located=text.record(listing.start, listing.end),
    )
