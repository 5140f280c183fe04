"""The capture that Patina's DXE readiness tool writes: the hand-off blocks as JSON.

``{"hob_list": [{"type": "memory_allocation", "alloc_descriptor": {…}}, …], "fv_list": […]}``, read
in patina-readiness-tool (commits 29d6d2c and 548f511, 2025) and its ``q35_capture.json``. There is
no memory map in it: the tool runs in the place of the DXE core, which is to make one. The blocks
are evidence, no descriptors (`hob_ranges`). Numbers were decimal at first (and the list one level
deeper, below ``hobs``); since then one field after the other became a string ``"0x7f000000"``, so
every field is read in both spellings.

The tool prints to a serial console, and consoles put prefixes before lines: what is read are the
innermost objects with these members, whatever is between them, not the document as a whole.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from efipolicy.formats.capture_reading import Unreadable, decimal
from efipolicy.formats.hob_ranges import FIRMWARE_VOLUME, hob_range, is_memory, resource_type
from efipolicy.formats.labelled_lines import CANNOT_BE_READ
from efipolicy.formats.logical_lines import CaptureText
from efipolicy.formats.printed_maps import About, reading
from efipolicy.formats.printed_rows import GAP_OR_NOT, PART, starts_of
from efipolicy.model.efi import type_name
from efipolicy.model.evidence import ReportedRange
from efipolicy.named_tuple import NamedTuple
from efipolicy.plugin.types import CaptureReading

PATINA: Final = "patina-json"

_BEGINS: Final = re.compile(r'"(?:memory_base_address|physical_start)"|"firmware_volume"')
_MEMBER: Final = re.compile(
    r'"(?P<name>memory_base_address|memory_length|memory_type|physical_start|resource_length'
    rf'|resource_type|base_address|length)"{GAP_OR_NOT}:{GAP_OR_NOT}'
    r'(?:"0x(?P<hexadecimal>[0-9a-fA-F]{1,16})"|(?P<decimal>[0-9]{1,21}))'
    r"(?=[ \t]*(?:[,}]|\r?\n[ \t>]*(?![0-9a-fA-F])))"
)
_LONGEST_OBJECT: Final = 1024
_BLOCKS: Final = (
    ("memory_base_address", "memory_length", "memory_type"),
    ("physical_start", "resource_length", "resource_type"),
    ("base_address", "length", None),
)
"""For each object: its start, its length in bytes, and the number of its type."""


class _Object(NamedTuple):
    """An innermost object: where it stands, and its numbers. ``twice``: one differs from itself."""

    start: int
    end: int
    numbers: dict[str, int | None]
    twice: bool


def read(text: CaptureText) -> CaptureReading | None:
    """The ranges of memory that the capture tells."""
    ranges: list[ReportedRange] = []
    lines: list[tuple[int, int]] = []
    refused: list[Unreadable] = []
    for one in _objects(text):
        found = one if isinstance(one, Unreadable) else _range(text, one)
        if isinstance(found, Unreadable):
            refused.append(found)
            continue
        lines.append((one.start, one.end))
        if found:
            ranges.append(found)
    if not ranges and not refused:
        return None
    about = About(reported_ranges=tuple(ranges), lines=tuple(lines))
    return reading(text, [], refused, PATINA, about)


def _objects(text: CaptureText) -> Iterator[_Object | Unreadable]:
    """The objects with a range, from brace to brace."""
    at = 0
    for start in starts_of(text, _BEGINS):
        if start < at:
            continue
        opens = text.text.rfind("{", max(at, start - _LONGEST_OBJECT), start)
        closes = text.text.find("}", start, start + _LONGEST_OBJECT)
        another = text.text.find("{", start, closes) if closes >= 0 else -1
        if opens < 0 or closes < 0 or another >= 0:
            at = text.line_end(start)
            yield Unreadable(start, at, PART)
            continue
        at = closes + 1
        yield _object(text, opens, at)


def _object(text: CaptureText, start: int, end: int) -> _Object:
    numbers: dict[str, int | None] = {}
    twice = False
    for member in _MEMBER.finditer(text.text, start, end):
        digits = member["hexadecimal"]
        number = int(digits, 16) if digits else decimal(member["decimal"])
        twice = twice or numbers.setdefault(member["name"], number) != number
    return _Object(start, end, numbers, twice)


def _range(text: CaptureText, one: _Object) -> ReportedRange | Unreadable | None:
    """The range of an object; ``None`` when it is one of I/O ports."""
    blocks = (names for names in _BLOCKS if names[0] in one.numbers or names[2] in one.numbers)
    first, size, kind = next(blocks, (None, None, None))
    if first is None or size is None:
        return Unreadable(one.start, one.end, PART)
    start, length = one.numbers.get(first), one.numbers.get(size)
    number = one.numbers.get(kind) if kind else 0
    if one.twice or start is None or length is None or number is None:
        return Unreadable(one.start, one.end, CANNOT_BE_READ)
    what = FIRMWARE_VOLUME
    if kind:
        what = type_name(number) if kind == "memory_type" else resource_type(number)
    if not is_memory(what):
        return None
    return hob_range(text, start, length, what, (one.start, one.end))
