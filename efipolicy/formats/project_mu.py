"""Project Mu: the files of its paging audit, and the map it protects memory by.

The audit (mu_plus, UefiTestingPkg/AuditTests/PagingAudit and its forerunner SmmPagingAudit) writes
``MemoryInfoDatabase.dat`` and ``MAT.dat``, rows of text with hexadecimal numbers:

* ``MemoryMap,TYPE,PHYSICAL,VIRTUAL,PAGES,ATTRIBUTE``, in the first revisions: GetMemoryMap, row by
  row. Later (commits ce3708d, 00c3877) an EFI_GCD_MEMORY_TYPE follows. Such a map is the tool's:
  it is sorted, a descriptor that two GCD types share takes two rows, and holes are filled with
  rows of a type behind EfiMaxMemoryType, which are no descriptors;
* ``MAT,…`` in the same columns: the Memory Attributes Table, without a count of entries;
* ``TSEG,…`` in the same columns: System Management RAM, from the SMRR of x86;
* images, stacks, guard pages and descriptor tables, which no rule needs; they are left alone.

Page tables are in ``1G.dat``, ``2M.dat`` and ``4K.dat``, which are no text, and in the report that
a script makes of all of them (`project_mu_report`).

``Memory Range: 0x… - 0x…. Type:4, Attributes: 0x4000`` is printed by mu_basecore
(MdeModulePkg/Core/Dxe/Misc/MemoryProtectionSupport.c) below captions such as ``---Memory Map With
Separated Image Descriptors---``. Its end is open. Images are cut out of that map, holes filled
from the GCD, and attributes replaced by those of the protection: no descriptors either.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from efipolicy.formats.capture_reading import Printed, Refused, Unreadable, numbered, without_copies
from efipolicy.formats.edk2_build import built_for
from efipolicy.formats.labelled_lines import hexadecimal
from efipolicy.formats.logical_lines import CaptureText
from efipolicy.formats.printed_maps import About, PrintedMap, reading, table_map
from efipolicy.formats.printed_rows import (
    GAP,
    NOT_PAGES,
    PART,
    Layout,
    Row,
    grouped,
    row_at,
    starts_of,
)
from efipolicy.formats.project_mu_report import AUDIT, page_tables
from efipolicy.model.address import EFI_PAGE_SIZE, AddressRange
from efipolicy.model.declared import Hardware, Place
from efipolicy.model.efi import type_name
from efipolicy.model.evidence import ReportedRange
from efipolicy.model.memory_map import MemoryAttributesTable, MemoryDescriptor
from efipolicy.model.platform import ArchitectureReason
from efipolicy.named_tuple import NamedTuple
from efipolicy.plugin.types import CaptureReading

MAP: Final = "mu-memory-map"

_HEX: Final = r"[0-9a-fA-F]"
_KINDS: Final = ("MemoryMap", "MAT", "TSEG")
_BEGINS: Final = re.compile(rf"(?:{'|'.join(_KINDS)}),0x{_HEX}")
_EACH_BEGINS: Final = tuple(re.compile(rf"{kind},0x(?<!\w{kind},0x)(?={_HEX})") for kind in _KINDS)
"""The same kind by kind, which is found fast in a log of megabytes."""
_ROW: Final = (
    rf"(?P<kind>MemoryMap|MAT|TSEG),0x(?P<type>{_HEX}{{16}}),0x(?P<start>{_HEX}{{16}}),"
    rf"0x(?P<virtual>{_HEX}{{16}}),0x(?P<pages>{_HEX}{{16}}),0x(?P<attribute>{_HEX}{{16}})"
    rf"(?:,0x(?P<gcd>{_HEX}{{1,16}}))?+(?![0-9a-fA-F,])"
)
_LAYOUT: Final = Layout(re.compile(_ROW), re.compile(_ROW), _BEGINS)
_NO_HEADER: Final = re.compile(r"(?!)")
_FILLED: Final = frozenset({17, 18})
"""What the tool calls a hole: two more than EfiMaxMemoryType, which grew with UEFI 2.9."""
_GCD_TYPES: Final = (
    "NonExistent",
    "Reserved",
    "SystemMemory",
    "MemoryMappedIo",
    "Persistent",
    "MoreReliable",
    "Unaccepted",
)
_PROTECTED_BEGINS: Final = re.compile(rf"Memory(?<!\wMemory){GAP}Range:{GAP}0x(?={_HEX})")
_PROTECTED: Final = re.compile(
    rf"Memory{GAP}Range:{GAP}0x(?P<start>{_HEX}{{1,16}}){GAP}-{GAP}0x(?P<end>{_HEX}{{1,16}})"
    rf"\.{GAP}Type:(?P<type>\d{{1,10}}),{GAP}Attributes:{GAP}0x"
)
_X86: Final = "x86_64"


class _Rows(NamedTuple):
    """The rows of the audit's files by what they begin with."""

    maps: list[Row]
    attributes: list[Row]
    tseg: list[Row]
    refused: list[Unreadable]


def read(text: CaptureText) -> CaptureReading | None:
    """What Project Mu's texts say of a platform."""
    rows = _rows(text)
    protected, lines, refused = _protected(text)
    dumps, broken = page_tables(text)
    refused += [*rows.refused, *broken]
    printed = [one for one in (_descriptor(text, row) for row in rows.maps) if one]
    entries = [one for one in (_descriptor(text, row) for row in rows.attributes) if one]
    known = Refused(refused)
    found = rows.maps or rows.attributes or rows.tseg
    if not (found or protected or dumps or refused):
        return None
    about = About(
        architecture=_architecture(text, rows.tseg),
        attributes_table=_attributes_table(text, entries, known),
        reported_ranges=(*_address_space(text, rows.maps), *protected),
        page_tables=dumps,
        lines=(
            *((row.start, row.end) for row in (*rows.maps, *rows.attributes, *rows.tseg)),
            *((one.located.span.start, one.located.span.end) for one in dumps),
            *lines,
        ),
    )
    maps = [_map(text, group, known, rows.maps) for group in grouped(printed)]
    result = reading(text, maps, refused, MAP if protected and not found else AUDIT, about)
    if not rows.tseg:
        return result
    return result._replace(
        platform=replace(
            result.platform, hardware=Hardware(off_limits=_off_limits(text, rows.tseg))
        )
    )


def _rows(text: CaptureText) -> _Rows:
    rows = _Rows([], [], [], [])
    kinds = {"MemoryMap": rows.maps, "MAT": rows.attributes, "TSEG": rows.tseg}
    for start in sorted(start for begins in _EACH_BEGINS for start in starts_of(text, begins)):
        row = row_at(text, start, _LAYOUT)
        if row is None:
            rows.refused.append(Unreadable(start, text.line_end(start), PART))
        elif int(row["type"], 16) >> 32:
            rows.refused.append(row.refused(f"type 0x{row['type']}, which does not fit 32 bits"))
        else:
            kinds[row["kind"]].append(row)
    if any(row["gcd"] for row in rows.maps):
        # A row without its last column may be one by which the tool fills a hole.
        rows.refused.extend(row.refused(PART) for row in rows.maps if not row["gcd"])
        rows.maps[:] = [row for row in rows.maps if row["gcd"]]
    return rows


def _descriptor(text: CaptureText, row: Row) -> Printed | None:
    """The descriptor of a row; ``None`` for one by which the tool fills a hole."""
    memory_type, virtual = int(row["type"], 16), int(row["virtual"], 16)
    attribute = int(row["attribute"], 16)
    if row["gcd"] and memory_type in _FILLED and not virtual and not attribute:
        return None
    fields = {
        "type": row.span("type"),
        "physical_start": row.span("start"),
        "virtual_start": row.span("virtual"),
        "pages": row.span("pages"),
        "attribute": row.span("attribute"),
    }
    descriptor = MemoryDescriptor(
        index=0,
        type=memory_type,
        physical_start=int(row["start"], 16),
        virtual_start=virtual,
        number_of_pages=int(row["pages"], 16),
        attribute=attribute,
        located=text.record(row.start, row.end, fields),
    )
    return Printed(row.start, row.end, AUDIT, descriptor)


def _map(
    text: CaptureText, group: Sequence[Printed], known: Refused, rows: Sequence[Row]
) -> PrintedMap:
    """A map of the audit; one with GCD types has the order and the cuts of the tool."""
    printed = table_map(text, group, known, _NO_HEADER, AUDIT)
    starts = {one.start for one in group}
    if any(row["gcd"] for row in rows if row.start in starts):
        return printed._replace(memory_map=replace(printed.memory_map, origin="unknown"))
    return printed


def _attributes_table(
    text: CaptureText, entries: Sequence[Printed], known: Refused
) -> MemoryAttributesTable | None:
    if not entries:
        return None
    start, end = entries[0].start, entries[-1].end
    return MemoryAttributesTable(
        entries=numbered(without_copies(entries, known)),
        extent="partial" if known.between(start, end) else "unknown",
        located=text.record(start, end),
    )


def _address_space(text: CaptureText, rows: Sequence[Row]) -> Iterator[ReportedRange]:
    """What the rows say of the address space behind them, neighbours alike as one range."""
    last: ReportedRange | None = None
    for row in rows:
        if not row["gcd"]:
            continue
        number, start = int(row["gcd"], 16), int(row["start"], 16)
        end = start + int(row["pages"], 16) * EFI_PAGE_SIZE
        what = _GCD_TYPES[number] if number < len(_GCD_TYPES) else f"GCD type {number:#x}"
        if last and last.what == what and last.physical.end == start:
            last = last._replace(physical=AddressRange(last.physical.start, end))
            continue
        if last:
            yield last
        located = text.record(row.start, row.end)
        last = ReportedRange(AddressRange(start, end), what, "gcd", located)
    if last:
        yield last


def _off_limits(text: CaptureText, rows: Sequence[Row]) -> tuple[Place, ...]:
    places = (
        Place(
            start=int(row["start"], 16),
            size=int(row["pages"], 16) * EFI_PAGE_SIZE,
            what="TSEG",
            located=text.record(
                row.start, row.end, {"start": row.span("start"), "size": row.span("pages")}
            ),
        )
        for row in rows
    )
    return tuple(dict.fromkeys(places))


def _architecture(text: CaptureText, tseg: Sequence[Row]) -> tuple[str, ArchitectureReason]:
    """TSEG is read from registers that x86 alone has; the rest is the same on arm64."""
    if not tseg:
        return built_for(text)
    evidence = f"`{text.text[tseg[0].start : tseg[0].start + 4]}`, which x86 alone has"
    return _X86, ArchitectureReason(kind="stated", evidence=evidence)


def _protected(
    text: CaptureText,
) -> tuple[list[ReportedRange], list[tuple[int, int]], list[Unreadable]]:
    """The map for memory protection as it was printed last, its lines, and what is unreadable."""
    ranges: list[ReportedRange] = []
    lines: list[tuple[int, int]] = []
    refused: list[Unreadable] = []
    for begins in starts_of(text, _PROTECTED_BEGINS):
        match = _PROTECTED.match(text.text, begins)
        if match is None:
            refused.append(Unreadable(begins, text.line_end(begins), PART))
            continue
        start, end = int(match["start"], 16), int(match["end"], 16)
        attributes, (_, after) = hexadecimal(text, match.end())
        span = match.start(), max(after, match.end())
        if attributes is None or end < start or (end - start) % EFI_PAGE_SIZE:
            refused.append(Unreadable(*span, NOT_PAGES if attributes is not None else PART))
            continue
        lines.append(span)
        what = f"{type_name(int(match['type']))}, attributes {attributes:#x} for its protection"
        one = ReportedRange(AddressRange(start, end), what, "gcd", text.record(*span))
        if ranges and start < ranges[-1].physical.start:
            ranges.clear()  # printed anew
        if not ranges or (ranges[-1].physical, ranges[-1].what) != (one.physical, what):
            ranges.append(one)
    return ranges, lines, refused if lines else []  # `Memory Range:` is no rare pair of words
