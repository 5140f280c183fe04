"""Everything a kernel log holds of maps: entries in each form, and the lists of each boot."""

from __future__ import annotations

import re
from bisect import bisect_right
from typing import Final, NamedTuple

from efipolicy.formats import (
    linux_fdt,
    linux_log,
    linux_restarts,
    linux_x86,
    linux_x86_lists,
)
from efipolicy.formats.capture_reading import Printed, Refused, Unreadable
from efipolicy.formats.linux_log import Boot
from efipolicy.formats.logical_lines import captured
from efipolicy.model.memory_map import MemoryMap
from efipolicy.source import SourceText

_LEFT_OVER: Final = re.compile(
    r"\|(?:UC|[ \t]{0,3})\]|"
    r"(?:range=(?:3D)?\[|\|attr=(?:3D)?|efi:[ \t]+|memattr:[ \t!]*)0x[0-9a-fA-F]"
)
_AROUND: Final = 2048
"""Characters before and after what was read in which more of the same is looked for."""


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
        self.maps = self._maps()

    def _left_over(self) -> list[Unreadable]:
        """Lines among those that were read that look the same and were not."""
        printed = [*self.x86.entries, *self.fdt, *self.attributes]
        known = sorted(
            [(self.text.line_start(one.start), one.end) for one in printed]
            + [(self.text.line_start(one.start), one.end) for one in self.unreadable]
        )
        if not known:
            return []
        starts = [start for start, _ in known]
        found: dict[int, Unreadable] = {}
        text = self.text
        low, high = max(0, starts[0] - _AROUND), max(end for _, end in known) + _AROUND
        for match in _LEFT_OVER.finditer(text.text, low, high):
            at = match.start()
            nearest = bisect_right(starts, at) - 1
            if (nearest >= 0 and at < known[nearest][1]) or text.is_remark(at):
                continue
            line = text.line_start(at)
            what = "a part of an entry whose other part is missing"
            found.setdefault(line, Unreadable(at, text.line_end(at), what))
        return list(found.values())

    def _maps(self) -> list[Map]:
        maps = []
        listings, refused = linux_x86_lists.listings(self.text, self.x86.entries, self.boots)
        self.unreadable += refused
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
        for other in linux_fdt.listings(self.text, self.fdt, self.boots):
            if other.boot not in blocks:
                blocks[other.boot] = linux_fdt.parameters(self.text, other.boot)
            memory_map = linux_fdt.memory_map(self.text, other, blocks[other.boot], lines)
            maps.append(Map(memory_map, linux_fdt.FDT, other.boot, other.entries))
        return maps
