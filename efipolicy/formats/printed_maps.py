"""Platforms of texts that hold memory maps and hardly anything else."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
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
from efipolicy.formats.logical_lines import CaptureText
from efipolicy.model.declared import FirmwareAccess, RuntimeProperties, SystemTable
from efipolicy.model.evidence import PageTableDump, Remapping, ReportedRange
from efipolicy.model.memory_map import Extent, MemoryAttributesTable, MemoryMap
from efipolicy.model.platform import (
    UNKNOWN_ARCHITECTURE,
    ArchitectureReason,
    Capture,
    ConfigurationTable,
    Firmware,
    MappingDeclaration,
    Platform,
    Revision,
)
from efipolicy.named_tuple import NamedTuple
from efipolicy.plugin.types import CaptureReading

_HEADER_BEFORE: Final = 1024
"""Characters above the first row in which the header of its table stands."""

NOTHING_SAYS: Final = (
    UNKNOWN_ARCHITECTURE,
    ArchitectureReason(kind="dialect", evidence="nothing in the text says"),
)


class PrintedMap(NamedTuple):
    """A map as a text prints it: its dialect, its rows, and the lines that frame them."""

    memory_map: MemoryMap
    dialect: str
    rows: Sequence[Printed]
    frame: tuple[tuple[int, int], ...] = ()


class About(NamedTuple):
    """What a text says of its machine besides the maps; ``lines`` is where.

    ``other_maps`` are maps that are evidence only, such as the list of what a kernel has mapped.
    """

    architecture: tuple[str, ArchitectureReason] = NOTHING_SAYS
    title: str | None = None
    name: str | None = None
    uefi: Revision | None = None
    firmware: Firmware | None = None
    tables: tuple[ConfigurationTable, ...] | None = None
    tables_extent: Extent = "whole"
    attributes_table: MemoryAttributesTable | None = None
    runtime_properties: RuntimeProperties | None = None
    system_table: SystemTable | None = None
    mapping: tuple[MappingDeclaration, ...] | None = None
    accesses: tuple[FirmwareAccess, ...] | None = None
    other_maps: tuple[MemoryMap, ...] = ()
    remappings: tuple[Remapping, ...] = ()
    page_tables: tuple[PageTableDump, ...] = ()
    reported_ranges: tuple[ReportedRange, ...] = ()
    lines: tuple[tuple[int, int], ...] = ()


def table_map(
    text: CaptureText,
    rows: Sequence[Printed],
    refused: Refused,
    header: re.Pattern[str],
    dialect: str,
) -> PrintedMap:
    """The map of a table whose rows have no index: nothing tells whether it is whole."""
    found = header_above(text, rows[0].start, header)
    low = found[1] if found else rows[0].start
    kept = without_copies(rows, refused)
    memory_map = MemoryMap(
        descriptors=numbered(kept),
        extent=extent_of_lines(text, low, rows[-1].end, refused, without_gaps="unknown"),
        origin="firmware",
        located=text.record(rows[0].start, rows[-1].end),
    )
    return PrintedMap(memory_map, dialect, rows, (found,) if found else ())


def header_above(text: CaptureText, start: int, header: re.Pattern[str]) -> tuple[int, int] | None:
    """Where the last header above a row stands, remarks left out."""
    spans = [
        match.span()
        for match in header.finditer(text.text, max(0, start - _HEADER_BEFORE), start)
        if not text.is_remark(match.start())
    ]
    return spans[-1] if spans else None


def chosen(maps: Sequence[PrintedMap]) -> PrintedMap:
    """The map of several that is the platform's."""
    return maps[preferred([one.memory_map for one in maps])]


def reading(
    text: CaptureText,
    maps: Sequence[PrintedMap],
    refused: Iterable[Unreadable],
    dialect: str,
    about: About | None = None,
) -> CaptureReading:
    """The platform of a text, and how many lines were understood.

    ``dialect`` names the form of the text where it holds no map that can be read.
    """
    about = about or About()
    best = chosen(maps) if maps else None
    lines = sorted(refused)
    understood, skipped = _lines(text, maps, lines, about)
    architecture, reason = about.architecture
    whole = text.record(0, len(text.text))
    memory_map = best.memory_map if best else MemoryMap(located=whole)
    platform = Platform(
        name=about.name or name_of_path(text.source.path),
        title=about.title,
        architecture=architecture,
        architecture_reason=reason,
        uefi=about.uefi,
        firmware=about.firmware,
        memory_map=memory_map,
        memory_attributes_table=about.attributes_table,
        configuration_tables=about.tables,
        configuration_tables_extent=about.tables_extent,
        runtime_properties=about.runtime_properties,
        system_table=about.system_table,
        mapping=about.mapping,
        firmware_accesses=about.accesses,
        capture=Capture(
            dialect=best.dialect if best else dialect,
            skipped_lines=skipped,
            unreadable=tuple(line.line(text) for line in lines),
            other_maps=(
                *(one.memory_map for one in maps if one is not best),
                *about.other_maps,
            ),
            remappings=about.remappings,
            page_tables=about.page_tables,
            reported_ranges=about.reported_ranges,
            located=whole,
        ),
        located=memory_map.located,
    )
    return CaptureReading(platform=platform, understood=understood)


def _lines(
    text: CaptureText,
    maps: Iterable[PrintedMap],
    refused: Iterable[Unreadable],
    about: About,
) -> tuple[int, int]:
    """How many lines were understood, and how many nobody used."""
    used = UsedLines(text)
    for one in maps:
        for row in one.rows:
            used.use(row.start, row.end)
        for span in one.frame:
            used.use(*span)
    for span in about.lines:
        used.use(*span)
    understood = len(used)
    for line in refused:
        used.use(line.start, line.end)
    return understood, used.unused()
