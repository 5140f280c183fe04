"""Output of ``memmap`` in the EFI shell: EFI 1.x, the UEFI shell, and its ``-sfo`` form.

The layouts are edk2's (ShellPkg, UefiShellDebug1CommandsLib) and those seen of EFI 1.10 shells.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from efipolicy.formats.capture_reading import (
    Printed,
    Refused,
    Unreadable,
    UsedLines,
    extent_of_lines,
    name_of_path,
    numbered,
    preferred,
    without_copies,
)
from efipolicy.formats.efi_shell_rows import (
    AROUND,
    NEW,
    OLD,
    left_over,
    sfo_rows,
    table_rows,
)
from efipolicy.formats.efi_shell_totals import Totals, compared, differences, totals_below
from efipolicy.formats.logical_lines import CaptureText
from efipolicy.formats.printed_rows import starts_again
from efipolicy.model.efi import EfiMemoryType
from efipolicy.model.memory_map import Extent, MemoryMap
from efipolicy.model.platform import (
    UNKNOWN_ARCHITECTURE,
    ArchitectureReason,
    Capture,
    Firmware,
    Platform,
    Revision,
)
from efipolicy.plugin.types import CaptureReading

_HEADER: Final = re.compile(r"Type[ \t]+Start[ \t]+End[ \t]+# Pages[ \t]+Attributes")
_BANNER: Final = re.compile(r"UEFI v(\d{1,5})\.(\d{2,5}) \(([^\n]{0,256}?), 0x[0-9A-Fa-f]{8}\)")


@dataclass(slots=True)
class _Table:
    """One table: its rows, where their lines may start, its header, its totals."""

    rows: list[Printed]
    low: int = 0
    header: tuple[int, int] | None = None
    totals: Totals | None = None

    @property
    def start(self) -> int:
        """Where its first row starts."""
        return self.rows[0].start

    @property
    def end(self) -> int:
        """Where its last row ends."""
        return self.rows[-1].end

    @property
    def below(self) -> int:
        """Where its totals end, or its last row without any."""
        return self.totals.span[1] if self.totals else self.end


def read(text: CaptureText) -> CaptureReading | None:
    """What the output of ``memmap`` says of a platform."""
    found = sorted([*table_rows(text), *sfo_rows(text)], key=lambda row: row.start)
    rows = [row for row in found if isinstance(row, Printed)]
    if not rows:
        return None
    refused = [row for row in found if isinstance(row, Unreadable)]
    refused += left_over(text, found)
    tables = _tables(text, rows)
    lines = Refused(refused)
    maps = [_memory_map(text, table, lines) for table in tables]
    chosen = preferred(maps)
    refused += filter(None, [_wrong_totals(text, table, lines) for table in tables])
    return _reading(text, tables, maps, chosen, sorted(refused))


def _tables(text: CaptureText, rows: Sequence[Printed]) -> list[_Table]:
    """Group rows: a new table starts at a column header, and behind the totals of another.

    Without these, behind the command itself, and where the first row comes again.
    """
    tables: list[_Table] = []
    for row in rows:
        last = tables[-1] if tables else None
        if last is None or _new_table(text, last.end, row.start) or starts_again(last.rows, row):
            tables.append(_Table([row]))
        else:
            last.rows.append(row)
    for number, table in enumerate(tables):
        table.low = tables[number - 1].below if number else max(0, table.start - 512)
        for header in _HEADER.finditer(text.text, table.low, table.start):
            table.header = header.span()
            table.low = header.end()
        high = tables[number + 1].start if number + 1 < len(tables) else len(text.text)
        table.totals = totals_below(text, table.end, min(high, table.end + AROUND))
    return tables


def _new_table(text: CaptureText, end: int, start: int) -> bool:
    between = text.text[end:start]
    return "memmap" in between or (
        len(between) > 32
        and (
            _HEADER.search(between) is not None
            or 'ShellCommand,"' in between
            or "Total Memory:" in between
        )
    )


def _memory_map(text: CaptureText, table: _Table, refused: Refused) -> MemoryMap:
    rows = table.rows
    if compared(rows, table.totals) != "whole":
        rows = without_copies(rows, refused)
    return MemoryMap(
        descriptors=numbered(rows),
        extent=_extent(text, table, rows, refused),
        origin="firmware",
        located=text.record(table.start, table.end),
    )


def _extent(text: CaptureText, table: _Table, rows: Sequence[Printed], refused: Refused) -> Extent:
    so_far = compared(rows, table.totals)
    if so_far == "partial":
        return so_far
    return extent_of_lines(text, table.low, table.below, refused, without_gaps=so_far)


def _wrong_totals(text: CaptureText, table: _Table, refused: Refused) -> Unreadable | None:
    """The lines with the totals, where no gap that can be seen explains that they differ."""
    if table.totals is None:
        return None
    rows = table.rows
    if compared(rows, table.totals) != "whole":
        rows = without_copies(rows, refused)
    differing = differences(rows, table.totals)
    seen = extent_of_lines(text, table.low, table.below, refused, without_gaps="unknown")
    if not differing or seen == "partial":
        return None
    words = "; ".join(what for _, what in differing)
    return Unreadable(*differing[0][0], f"totals that the rows above do not make: {words}")


def _reading(
    text: CaptureText,
    tables: Sequence[_Table],
    maps: Sequence[MemoryMap],
    chosen: int,
    refused: Sequence[Unreadable],
) -> CaptureReading:
    used = UsedLines(text)
    for table in tables:
        for row in table.rows:
            used.use(row.start, row.end)
        for span in (table.header, table.totals and table.totals.span):
            if span:
                used.use(*span)
    banner = _BANNER.search(text.text)
    if banner:
        used.use(*banner.span())
    understood = len(used)
    for line in refused:
        used.use(line.start, line.end)
    table = tables[chosen]
    old = sum(row.kind == OLD for row in table.rows)
    whole = text.record(0, len(text.text))
    architecture, reason = _architecture(maps[chosen])
    platform = Platform(
        name=name_of_path(text.source.path),
        architecture=architecture,
        architecture_reason=reason,
        uefi=Revision(int(banner[1]), *divmod(int(banner[2]), 10)) if banner else None,
        firmware=Firmware(vendor=banner[3]) if banner else None,
        memory_map=maps[chosen],
        capture=Capture(
            dialect=OLD if old * 2 > len(table.rows) and not table.header else NEW,
            skipped_lines=used.unused(),
            unreadable=tuple(line.line(text) for line in refused),
            other_maps=tuple(one for one in maps if one is not maps[chosen]),
            located=whole,
        ),
        located=maps[chosen].located,
    )
    return CaptureReading(platform=platform, understood=understood)


def _architecture(memory_map: MemoryMap) -> tuple[str, ArchitectureReason]:
    """A shell runs on every architecture; only the processor abstraction layer is ia64's alone."""
    if any(one.type == EfiMemoryType.EfiPalCode for one in memory_map.descriptors):
        return "ia64", ArchitectureReason(kind="stated", evidence="PAL code in the map")
    evidence = "nothing in the text says"
    return UNKNOWN_ARCHITECTURE, ArchitectureReason(kind="dialect", evidence=evidence)
