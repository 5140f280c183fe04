"""Lists of hand-off blocks in edk2's debug log. They are evidence, no descriptors (`hob_ranges`).

Four prints, as read in edk2's sources and in logs of 2011 to 2024:

* MdeModulePkg/Library/HobPrintLib (commit 0249702) and before it UefiPayloadPkg's PrintHob.c: a
  line ``HOB[9]: Type = EFI_HOB_TYPE_…, Offset = 0x1C0, Length = 0x30`` and labelled lines below
  it (`edk2_hob_list`);
* the DXE and PEI cores: ``Memory Allocation 0x00000004 0x43FE4000 - 0x43FEFFFF`` with the number
  of the memory type, ``FV Hob            0x40200000 - 0x4031FFFF``; the range is closed;
* the test points of MinPlatformPkg and the VT-d drivers: ``  BA=… L=… Attr=… Mem`` below
  ``Resource Descriptor HOBs``, ``FV HOBs`` and ``Memory Allocation HOBs``;
* UefiPayloadPkg and its forerunners: ``buildhob: base = 0x0, size = 0xA0000, type = 0x0`` with the
  number of the resource type.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator
from typing import Final

from efipolicy.formats.capture_reading import Unreadable
from efipolicy.formats.edk2_build import built_for
from efipolicy.formats.edk2_hob_list import hob_list
from efipolicy.formats.hob_ranges import (
    FIRMWARE_VOLUME,
    RESOURCE_TYPES,
    hob_range,
    is_memory,
    once,
    resource_type,
)
from efipolicy.formats.labelled_lines import CANNOT_BE_READ, EQUALS, hexadecimal
from efipolicy.formats.logical_lines import CaptureText
from efipolicy.formats.printed_maps import About, reading
from efipolicy.formats.printed_rows import GAP, NOT_PAGES, PART, starts_of
from efipolicy.model.address import EFI_PAGE_SIZE
from efipolicy.model.efi import type_name
from efipolicy.model.evidence import ReportedRange
from efipolicy.named_tuple import NamedTuple
from efipolicy.plugin.types import CaptureReading

HOB: Final = "edk2-hob"

_HEX: Final = r"[0-9a-fA-F]"
_ALLOCATION_BEGINS: Final = re.compile(rf"Memory(?<!\wMemory){GAP}Allocation{GAP}0x{_HEX}")
_VOLUME_BEGINS: Final = re.compile(rf"FV(?<!\wFV)[23]?{GAP}Hob{GAP}0x{_HEX}")
_CLOSED: Final = re.compile(
    rf"(?:Memory{GAP}Allocation{GAP}0x(?P<type>{_HEX}{{8}})|FV[23]?{GAP}Hob){GAP}"
    rf"0x(?P<start>{_HEX}{{1,16}}){GAP}-{GAP}0x"
)
_BUILT_BEGINS: Final = re.compile(r"buildhob: base")
_BUILT: Final = re.compile(
    rf"buildhob:{GAP}base{EQUALS}0x(?P<start>{_HEX}{{1,16}}),{GAP}"
    rf"size{EQUALS}0x(?P<length>{_HEX}{{1,16}}),{GAP}type{EQUALS}0x"
)
_SHORT_BEGINS: Final = re.compile(rf"BA=(?<!\wBA=)(?:3D)?{_HEX}{{16}}")
_SHORT_HEADING: Final = re.compile(r" HOBs")
_LONGEST_HEADING: Final = 10
"""Characters of the word before ``HOBs``: ``Descriptor``, ``FV2``, ``Allocation``."""
_VOLUMES: Final = (["FV"], ["FV2"], ["FV3"])
_SHORT: Final = re.compile(
    rf"BA=(?:3D)?(?P<start>{_HEX}{{16}}){GAP}L=(?:3D)?(?P<length>{_HEX}{{16}})(?!\w)"
    rf"(?:[ \t]+Attr=(?:3D)?(?P<attribute>{_HEX}{{8,16}}))?[ \t]*(?P<words>[^\n\r]{{0,120}})"
)
_SHORT_RESOURCES: Final = dict(
    zip(
        ("Mem", "MMIO", "I/O", "FD", "MM Port I/O", "Reserved Mem", "Reserved I/O"),
        RESOURCE_TYPES,
        strict=False,
    )
)
_SHORT_TYPES: Final = (
    "Reserved",
    "LoaderCode",
    "LoaderData",
    "BS_Code",
    "BS_Data",
    "RT_Code",
    "RT_Data",
    "Available",
    "Unusable",
    "ACPI_Recl",
    "ACPI_NVS",
    "MMIO",
    "MMIO_Port",
    "PalCode",
    "Persistent",
)


class _Row(NamedTuple):
    """A row of one line: where it stands, and its range; ``None`` when it is of I/O ports."""

    start: int
    end: int
    range: ReportedRange | None


def read(text: CaptureText) -> CaptureReading | None:
    """The ranges of memory that the hand-off blocks of a log tell."""
    listed = hob_list(text)
    rows: list[_Row] = []
    refused = list(listed.refused)
    for one in _rows(text):
        if isinstance(one, _Row):
            rows.append(one)
        else:
            refused.append(one)
    found = [(one.located.span.start, one) for one in listed.ranges]
    found += [(row.start, row.range) for row in rows if row.range]
    found.sort(key=lambda pair: pair[0])
    if not found and not refused:
        return None
    lines = (*listed.lines, *((row.start, row.end) for row in rows))
    about = About(
        architecture=built_for(text),
        reported_ranges=once(one for _, one in found),
        lines=lines,
    )
    return reading(text, [], refused, HOB, about)


def _rows(text: CaptureText) -> Iterator[_Row | Unreadable]:
    for begins in (_ALLOCATION_BEGINS, _VOLUME_BEGINS):
        for start in starts_of(text, begins):
            yield _closed(text, start)
    for start in starts_of(text, _BUILT_BEGINS):
        yield _built(text, start)
    headings = [
        (at, text.text[max(0, at - _LONGEST_HEADING) : at].split()[-1:])
        for at in (one.start() for one in _SHORT_HEADING.finditer(text.text))
    ]
    for start in starts_of(text, _SHORT_BEGINS):
        place = bisect_left(headings, (start, []))
        yield _short(text, start, volume=bool(place) and headings[place - 1][1] in _VOLUMES)


def _closed(text: CaptureText, start: int) -> _Row | Unreadable:
    """A row of the DXE or PEI core: both ends of the range are its own."""
    match = _CLOSED.match(text.text, start)
    if match is None:
        return Unreadable(start, text.line_end(start), PART)
    last, (_, end) = hexadecimal(text, match.end())
    end = max(end, match.end())
    if last is None:
        return Unreadable(start, end, CANNOT_BE_READ)
    first = int(match["start"], 16)
    if last + 1 < first or (last + 1) % EFI_PAGE_SIZE:
        return Unreadable(start, end, NOT_PAGES)
    number = match["type"]
    what = type_name(int(number, 16)) if number else FIRMWARE_VOLUME
    return _Row(start, end, hob_range(text, first, last + 1 - first, what, (start, end)))


def _built(text: CaptureText, start: int) -> _Row | Unreadable:
    """A row of a payload that makes resource descriptors of its boot loader's map."""
    match = _BUILT.match(text.text, start)
    if match is None:
        return Unreadable(start, text.line_end(start), PART)
    number, (_, end) = hexadecimal(text, match.end())
    end = max(end, match.end())
    if number is None:
        return Unreadable(start, end, CANNOT_BE_READ)
    return _resource(text, (start, end), match, resource_type(number))


def _short(text: CaptureText, start: int, *, volume: bool) -> _Row | Unreadable:
    """A row of a test point, of what the heading above says; nothing else tells volumes."""
    match = _SHORT.match(text.text, start)
    if match is None:
        return Unreadable(start, text.line_end(start), PART)
    span = start, match.end()
    words = re.split(r"[({]|Fv=", match["words"])[0].strip(" \t>=")
    what: str | None
    if match["attribute"]:
        what = _SHORT_RESOURCES.get(words)
    elif volume:
        what = None if words else FIRMWARE_VOLUME
    else:
        what = type_name(_SHORT_TYPES.index(words)) if words in _SHORT_TYPES else None
    if what is None:
        return Unreadable(*span, f"a type of memory that is not known, `{words[:40]}`")
    return _resource(text, span, match, what)


def _resource(text: CaptureText, span: tuple[int, int], match: re.Match[str], what: str) -> _Row:
    if not is_memory(what):
        return _Row(*span, None)
    start, length = int(match["start"], 16), int(match["length"], 16)
    return _Row(*span, hob_range(text, start, length, what, span))
