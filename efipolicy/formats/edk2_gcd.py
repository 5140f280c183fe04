"""The address-space map of edk2's DXE core, which its debug log and others print (DEBUG_GCD).

``SystemMem  0000000080000000-0000000080000FFF 800000000002700F 0000000000002008*``: the type in
nine characters, a closed range, capabilities, attributes, and a star where an image owns it. The
layout was read in MdeModulePkg/Core/Dxe/Gcd/Gcd.c of several revisions, old and new, all alike;
Patina (its DXE core of 2025) prints small digits and two handles behind them. It tells what the
address space can do. What the operating system gets is another list.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Final

from efipolicy.formats.capture_reading import Unreadable
from efipolicy.formats.labelled_lines import around
from efipolicy.formats.logical_lines import CaptureText
from efipolicy.formats.printed_rows import GAP, PART, Layout, Row, row_at
from efipolicy.formats.type_names import any_of
from efipolicy.model.address import AddressRange
from efipolicy.model.evidence import ReportedRange
from efipolicy.named_tuple import NamedTuple

GCD: Final = "edk2-gcd"

_NAMES: Final = (
    "NonExist",
    "Reserved",
    "SystemMem",
    "MMIO",
    "PersisMem",
    "MoreRelia",
    "Unaccepte",
    "Unknown",
)
_OWN_NAMES: Final = ("NonExist", "SystemMem", "PersisMem", "MoreRelia", "Unaccepte")
"""Names that the shell's ``memmap``, whose rows look the same, does not have."""
_HEADING: Final = re.compile(r"GCDMemType[ \t]+Range|GCDIoType[ \t]+Range|Type[ \t]+Start[ \t]+End")
_MEMORY: Final = "GCDMem"
"""How the heading of a dump begins; the others are of I/O ports and of the shell's table."""
_RANGE: Final = r"(?P<start>[0-9a-fA-F]{16})-(?P<last>[0-9a-fA-F]{16})"
_BEGINS: Final = re.compile(rf"(?<![\w.])(?:{any_of(_NAMES)})[ \t]{{2,}}[0-9a-fA-F]{{4}}")
_LAYOUT: Final = Layout(
    whole=re.compile(
        rf"(?P<type>{any_of(_NAMES)}){GAP}{_RANGE}{GAP}(?P<capabilities>[0-9a-fA-F]{{16}})"
        rf"{GAP}(?P<attributes>[0-9a-fA-F]{{16}})(?!\w)"
    ),
    joined=re.compile(
        rf"(?P<type>{any_of(_NAMES)}){_RANGE}(?P<capabilities>[0-9a-fA-F]{{16}})"
        r"(?P<attributes>[0-9a-fA-F]{16})(?![0-9a-fA-F]{1,15}(?:\W|\Z))"
    ),
    begins=_BEGINS,
)
_RANGE_ALONE: Final = re.compile(r"(?<![0-9A-Za-z])[0-9a-fA-F]{16}-[0-9a-fA-F]{16}(?!\w)")
_APART: Final = 4096
"""Characters between two rows of one dump, or a heading and its first row."""


class Dumps(NamedTuple):
    """The ranges of the last dump, the spans of all that were read, and what could not be."""

    ranges: tuple[ReportedRange, ...]
    lines: tuple[tuple[int, int], ...]
    refused: tuple[Unreadable, ...]


class _Dump:
    """The rows below one heading, where there is one. It ends where the addresses go back."""

    def __init__(self, heading: re.Match[str] | None = None) -> None:
        self.of_memory = heading is None or heading[0].startswith(_MEMORY)
        self.own = heading is not None and self.of_memory
        self.ranges: list[ReportedRange] = []
        self.lines = [heading.span()] if heading else []
        self.refused: list[Unreadable] = []

    @property
    def end(self) -> int:
        """The first address behind the rows."""
        return self.ranges[-1].physical.end if self.ranges else 0

    def add(self, text: CaptureText, row: Row, one: ReportedRange) -> None:
        self.own = self.own or row["type"] in _OWN_NAMES
        self.lines.append((row.start, row.end))
        last = self.ranges[-1] if self.ranges else None
        if last is None or (last.physical, last.what) != (one.physical, one.what):
            self.ranges.append(one)


def gcd_dumps(text: CaptureText) -> Dumps:
    """The address-space map as the text prints it last; with DEBUG_GCD every change prints it."""
    dumps = [dump for dump in _dumps(text) if dump.own]
    ranges = [dump.ranges for dump in dumps if dump.ranges]
    lines = tuple(span for dump in dumps for span in dump.lines)
    refused = tuple(line for dump in dumps for line in (*dump.refused, *_lost(text, dump)))
    return Dumps(tuple(ranges[-1]) if ranges else (), lines, refused)


def _lost(text: CaptureText, dump: _Dump) -> list[Unreadable]:
    """The ranges between the rows of a dump that have lost their type."""
    known = sorted([*dump.lines, *((line.start, line.end) for line in dump.refused)])
    lost: list[Unreadable] = []
    for (_, end), (start, _) in pairwise(known):
        for found in _RANGE_ALONE.finditer(text.text, end, start):
            at = found.start()
            if (not lost or at >= lost[-1].end) and not text.is_remark(at):
                lost.append(Unreadable(at, text.line_end(at), PART))
    return lost


def _dumps(text: CaptureText) -> list[_Dump]:
    parts = list(around(text, (*_OWN_NAMES, _MEMORY), _APART))
    headings = [one for part in parts for one in _HEADING.finditer(text.text, *part)]
    rows = (one.start() for part in parts for one in _BEGINS.finditer(text.text, *part))
    dumps = [_Dump()]
    at = passed = 0
    for start in rows:
        if start < at or text.is_remark(start):
            continue
        if passed < len(headings) and headings[passed].start() < start:
            while passed < len(headings) and headings[passed].start() < start:
                passed += 1
            near = start - headings[passed - 1].end() <= _APART
            dumps.append(_Dump(headings[passed - 1] if near else None))
        elif start - at > _APART:
            dumps.append(_Dump())
        if not dumps[-1].of_memory:
            at = start
            continue
        row = row_at(text, start, _LAYOUT)
        at = row.end if row else text.line_end(start)
        one = _range(text, row) if row else None
        if row and one:
            if one.physical.start < dumps[-1].end and not _is_last(dumps[-1], one):
                dumps.append(_Dump())
            dumps[-1].add(text, row, one)
        else:
            what = "a range that ends below its start" if row else PART
            dumps[-1].refused.append(Unreadable(start, at, what))
    return dumps


def _is_last(dump: _Dump, one: ReportedRange) -> bool:
    return bool(dump.ranges) and dump.ranges[-1].physical == one.physical


def _range(text: CaptureText, row: Row) -> ReportedRange | None:
    """What a row says; ``None`` when its range ends below its start."""
    first, after = int(row["start"], 16), int(row["last"], 16) + 1
    if after < first:
        return None
    capabilities, attributes = int(row["capabilities"], 16), int(row["attributes"], 16)
    what = f"{row['type']}, capabilities {capabilities:#x}, attributes {attributes:#x}"
    return ReportedRange(AddressRange(first, after), what, "gcd", text.record(row.start, row.end))
