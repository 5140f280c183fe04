"""``[#00] Type: Efi…  Attr: …`` with ``Phys: …-…`` below: the print of small UEFI applications.

Layouts were read in programs that descend from one published in 2012. Newer ones print the words
of the attribute and the last byte of the range; older ones the attribute as a number, the end
itself, a line ``Virt:`` and the sizes that GetMemoryMap returned. Some print the low 32 bits of the
number only. Types that had no name then are printed without their number.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from efipolicy.formats.capture_reading import Printed, Refused
from efipolicy.formats.indexed_maps import goes_back, indexed_map
from efipolicy.formats.logical_lines import CaptureText
from efipolicy.formats.printed_maps import PrintedMap, header_above, reading
from efipolicy.formats.printed_rows import grouped, left_over
from efipolicy.formats.uefi_application_rows import (
    LOOKS_LIKE,
    UEFI_APPLICATION,
    WORDS_PRINTED,
    entries_of,
)
from efipolicy.model.memory_map import MemoryMap
from efipolicy.plugin.types import CaptureReading

_NEXT_LINE: Final = r"[^\n]{0,40}\n(?:[ \t>\r]*\n)?[^\n]{0,80}?"
_HEADER: Final = re.compile(
    rf"Memory Map Size: ([0-9]{{1,9}}){_NEXT_LINE}Map Key: ([0-9]{{1,20}}){_NEXT_LINE}"
    rf"Descriptor Version: ([0-9]{{1,9}}){_NEXT_LINE}Descriptor Size: ([0-9]{{1,9}})"
)
_HIGH_HALF: Final = 32
"""The first bit of an attribute that some programs cut off."""
_LEAST_SIZE: Final = 40
"""Bytes of EFI_MEMORY_DESCRIPTOR (UEFI 2.11, 7.2.3)."""


def read(text: CaptureText) -> CaptureReading | None:
    """What such an application says of a platform."""
    rows, refused = entries_of(text)
    if not rows and not refused:
        return None
    refused += left_over(text, [*rows, *refused], LOOKS_LIKE)
    lines = Refused(refused)
    maps = [_map(text, group, lines) for group in grouped(rows, goes_back)]
    return reading(text, maps, refused, UEFI_APPLICATION)


def _map(text: CaptureText, rows: Sequence[Printed], refused: Refused) -> PrintedMap:
    rows = _without_cut_attributes(rows)
    memory_map = indexed_map(text, rows, refused)
    header = header_above(text, rows[0].start, _HEADER)
    if header:
        memory_map = _with_sizes(memory_map, text.text[slice(*header)])
    return PrintedMap(memory_map, UEFI_APPLICATION, rows, (header,) if header else ())


def _without_cut_attributes(rows: Sequence[Printed]) -> Sequence[Printed]:
    """The rows, their attributes unknown where numbers are printed and none has a high half.

    Nothing else tells that the program cut them, and with it EFI_MEMORY_RUNTIME off.
    """
    if all(row.kind == WORDS_PRINTED for row in rows):
        return rows
    if any((row.descriptor.attribute or 0) >> _HIGH_HALF for row in rows):
        return rows
    return [row._replace(descriptor=replace(row.descriptor, attribute=None)) for row in rows]


def _with_sizes(memory_map: MemoryMap, header: str) -> MemoryMap:
    """The map with what GetMemoryMap returned besides; its size says how many entries there are.

    Some programs print version and size under each other's name: then nothing is taken over.
    """
    found = _HEADER.match(header)
    size, key, version, descriptor_size = map(int, found.groups()) if found else (0, 0, 0, 0)
    if version != 1 or descriptor_size < _LEAST_SIZE or size % descriptor_size:
        return memory_map
    whole = size // descriptor_size == len(memory_map.descriptors) and not memory_map.missing
    return replace(
        memory_map,
        size=size,
        map_key=key,
        descriptor_version=version,
        descriptor_size=descriptor_size,
        extent="whole" if whole else "partial",
    )
