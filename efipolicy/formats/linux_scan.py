"""Everything a kernel log holds of maps: entries in each form, and the lists of each boot."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from efipolicy.formats import (
    linux_fdt,
    linux_log,
    linux_restarts,
    linux_x86,
    linux_x86_lists,
)
from efipolicy.formats.capture_reading import Printed, Refused, Unreadable
from efipolicy.formats.linux_listing import doubt_lost_columns, with_boots
from efipolicy.formats.linux_log import Boot
from efipolicy.formats.logical_lines import CaptureText, captured
from efipolicy.model.memory_map import MemoryMap
from efipolicy.named_tuple import NamedTuple
from efipolicy.source import SourceText

_NAMES: Final = (
    r"(?:Reserved|(?:Loader|Boot|Runtime) (?:Code|Data)|Conventional|Unusable|Unaccepted|"
    r"ACPI (?:Reclaim|Mem)|Memory Mapped|MMIO|PAL Code|Persistent)"
)
_LEFT_OVER: Final = re.compile(
    r"\|(?:UC|[ \t]{0,3})\]|\| {2,3}\||"
    r"(?:range=(?:3D)?\[|attr=(?:3D)?|efi:[ \t]+|memattr:[ \t!]*)0x[0-9a-fA-F]|"
    rf"\[(?:(?<=[0-9a-fA-F]{{3}}\[)|(?<=[0-9a-fA-F]{{3}}[ \t]\[)){_NAMES}|"
    r"(?P<size>[\])](?<=[0-9a-fA-F]{3}[\])]) \([ \d]{1,9}[KMGTP]B\))|"
    r"(?<!mem )(?<!\[)0x[0-9a-fA-F]{12}(?:-|[ \t]+\[[A-Z])"
)
"""What of an entry stands nowhere else: parts of a cell, ranges with a size or a cell behind, and
numbers of 12 digits: other lines of a kernel pad theirs to 8 or 16.
"""
_AROUND: Final = 2048
"""Characters before and after what was read in which more of the same is looked for."""
_LONGEST_PREFIX: Final = 256
"""Characters before an entry that belong to it: the rest of a long line does not."""


class Map(NamedTuple):
    """A map that was read, with its dialect and where it stands."""

    memory_map: MemoryMap
    dialect: str
    boot: Boot
    entries: list[Printed]


class Scan:
    """Everything a log holds."""

    def __init__(self, source: SourceText) -> None:
        self.text = captured(source)
        self.x86 = linux_x86.read_lines(self.text)
        printed, broken = linux_fdt.read_lines(self.text)
        self.fdt = [entry for entry in printed if entry.kind == linux_fdt.FDT]
        self.attributes = [entry for entry in printed if entry.kind != linux_fdt.FDT]
        self.unreadable = [*self.x86.unreadable, *broken]
        self.unreadable += self._left_over()
        lists = linux_restarts.Lists(self.x86.entries, self.fdt, self.attributes)
        boots = linux_log.boots(self.text)
        self.boots = linux_restarts.with_restarts(self.text, boots, lists)
        tables: dict[Boot, list[Printed]] = {}
        for boot, entry in with_boots(self.attributes, self.boots):
            tables.setdefault(boot, []).append(entry)
        for entries in tables.values():
            self.unreadable += doubt_lost_columns(entries)
        self.attributes = [entry for entries in tables.values() for entry in entries]
        self.maps = self._maps()

    def _left_over(self) -> list[Unreadable]:
        """Lines among those that were read that look the same and were not."""
        printed = [*self.x86.entries, *self.fdt, *self.attributes]
        known = [*((one.start, one.end) for one in printed)]
        known += ((one.start, one.end) for one in self.unreadable)
        if not known:
            return []
        found: dict[int, Unreadable] = {}
        text = self.text
        for low, high in _between(text, sorted(known)):
            for match in _LEFT_OVER.finditer(text.text, low, high):
                at = match.start()
                if text.is_remark(at) or (match["size"] and _is_other(text.text, at)):
                    continue
                line = text.line_start(at)
                what = "a part of an entry whose other part is missing"
                found.setdefault(line, Unreadable(at, text.line_end(at), what))
        return list(found.values())

    def _maps(self) -> list[Map]:
        maps = []
        listings, refused = linux_x86_lists.listings(self.text, self.x86.entries, self.boots)
        others = linux_fdt.listings(self.text, self.fdt, self.boots)
        self.unreadable += refused
        for listing in (*listings, *others):
            self.unreadable += doubt_lost_columns(listing.entries)
        lines = Refused(self.unreadable)
        edited: dict[Boot, bool] = {}
        for one in listings:
            if one.boot not in edited:
                edited[one.boot] = linux_log.says(self.text, "efi_fake_mem=", one.boot)
            faked = edited[one.boot]
            memory_map = linux_x86_lists.memory_map(self.text, one, lines, edited=faked)
            dialect = linux_x86_lists.dialect(one, ia64=self.x86.ia64)
            maps.append(Map(memory_map, dialect, one.boot, one.entries))
        blocks: dict[Boot, linux_fdt.Parameters | None] = {}
        for other in others:
            if other.boot not in blocks:
                blocks[other.boot] = linux_fdt.parameters(self.text, other.boot)
            memory_map = linux_fdt.memory_map(self.text, other, blocks[other.boot], lines)
            maps.append(Map(memory_map, linux_fdt.FDT, other.boot, other.entries))
        return maps


def _is_other(text: str, end: int) -> bool:
    """Whether a range that ends here is ``[mem 0x…-0x…]``, which no line of a map has."""
    return text.startswith("[mem", max(0, text.rfind("[", max(0, end - 64), end)))


def _between(text: CaptureText, known: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """From where to where nothing was read: around and between spans, their prefixes left out."""
    after = max(0, text.line_start(known[0][0]) - _AROUND)
    for start, end in known:
        before = max(text.line_start(start), start - _LONGEST_PREFIX)
        if before > after:
            yield after, before
        after = max(after, end)
    yield after, after + _AROUND
