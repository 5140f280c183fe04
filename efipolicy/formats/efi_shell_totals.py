"""What ``memmap`` prints below its table: the pages of each type, a checksum over the rows.

Read in edk2's ShellPkg of 2015 to 2025 (UefiShellDebug1CommandsLib). Two of its generations count
persistent memory as available. The first of these prints no total of it; the second has a place
for one and no number, so what stands there contradicts itself.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

from efipolicy.formats.capture_reading import Printed, decimal
from efipolicy.formats.efi_shell_rows import type_of
from efipolicy.formats.logical_lines import CaptureText
from efipolicy.model.address import EFI_PAGE_SIZE
from efipolicy.model.efi import EfiMemoryType, type_name
from efipolicy.model.memory_map import Extent
from efipolicy.named_tuple import NamedTuple

_SFO_TYPES: Final = {
    15: (0, 3, 4, 5, 6, 1, 2, 7, 11, 12, 8, 9, 10, 13),
    16: (0, 3, 4, 5, 6, 1, 2, 7, 11, 12, 8, 9, 10, 13, 14),
    17: (0, 3, 4, 5, 6, 1, 2, 7, 11, 12, 8, 9, 10, 13, 15, 14),
}
"""Types in the order of ``MemoryMapSummary``, behind the grand total, by how many numbers it has.

Bytes, decimal.
"""
_NOT_COUNTED: Final = (0, 8, 11, 12)
"""Types that the grand total leaves out."""
_AVAILABLE: Final = int(EfiMemoryType.EfiConventionalMemory)
_PERSISTENT: Final = int(EfiMemoryType.EfiPersistentMemory)

_TOTAL: Final = re.compile(
    r"(?:^|(?<=[\r:]))[ \t>]*(?P<type>[A-Za-z_]+|[0-9A-Fa-f]{8})[ \t]*:[ \t]+"
    r"(?P<pages>[\d,.]+) Pages(?:[ \t]+\((?P<bytes>[\d,.]+) Bytes\))?",
    re.MULTILINE,
)
_SFO_TOTALS: Final = re.compile(r'MemoryMapSummary((?:,[ \t]*"\d+")+)')

Place = tuple[int, int]
"""Offsets in the text: from one up to another."""
_Pages = Mapping[int, int | None]
"""Pages of each type; ``None`` for a number too long to be one, which no rows add up to."""


class Totals(NamedTuple):
    """Pages of each type, and where the lines stand that say so: all of them, and each.

    ``counted`` is the number of pages in the grand total of ``-sfo``, which has those of types
    that it prints no rows of.
    """

    pages: _Pages
    span: Place
    places: Mapping[int, Place] = MappingProxyType({})
    counted: int | None = None


def totals_below(text: CaptureText, low: int, high: int) -> Totals | None:
    """The totals between two offsets."""
    summary = _SFO_TOTALS.search(text.text, low, high)
    found = _sfo_totals(summary) if summary else None
    if found:
        return found
    pages: dict[int, int | None] = {}
    places: dict[int, Place] = {}
    start = end = low
    for line in _TOTAL.finditer(text.text, low, high):
        memory_type = type_of(line["type"])
        if memory_type is None:
            continue
        start = start if places else line.start("type")
        end = line.end()
        places[memory_type] = (line.start("type"), end)
        number = _number(line["pages"])
        size = _number(line["bytes"]) if line["bytes"] else None
        if memory_type == _PERSISTENT and None not in (number, size) and not _agree(number, size):
            continue
        pages[memory_type] = number
    return Totals(pages, (start, end), places) if pages else None


def _number(grouped: str) -> int | None:
    return decimal(re.sub(r"\D", "", grouped))


def _agree(pages: int | None, size: int | None) -> bool:
    return pages is not None and pages * EFI_PAGE_SIZE == size


def _sfo_totals(summary: re.Match[str]) -> Totals | None:
    numbers = [decimal(number) for number in re.findall(r"\d+", summary[1])]
    types = _SFO_TYPES.get(len(numbers))
    if types is None:
        return None
    counted, *sizes = (None if size is None else size // EFI_PAGE_SIZE for size in numbers)
    pages = dict(zip(types, sizes, strict=True))
    others = sum(
        size or 0 for kind, size in pages.items() if kind not in (*_NOT_COUNTED, _PERSISTENT)
    )
    if others == counted:
        pages.pop(_PERSISTENT, None)  # 0, or not a number that anybody put there
    return Totals(pages, summary.span(), counted=counted)


def compared(rows: Sequence[Printed], totals: Totals | None) -> Extent:
    """What the totals say of the rows.

    ``partial`` where they differ, ``unknown`` while the total of a type that occurs is missing.
    """
    if totals and differences(rows, totals):
        return "partial"
    known = set(totals.pages) if totals else set()
    sums = _sums(rows)
    if totals and _counts_persistent(sums, totals.pages):
        known.add(_PERSISTENT)
    return "whole" if sums.keys() <= known else "unknown"


def differences(rows: Sequence[Printed], totals: Totals) -> list[tuple[Place, str]]:
    """Each total that the rows do not make: where it stands, and how it differs."""
    sums = _sums(rows)
    if _counts_persistent(sums, totals.pages):
        sums[_AVAILABLE] = sums.get(_AVAILABLE, 0) + sums[_PERSISTENT]
        del sums[_PERSISTENT]
    differing = [
        (
            totals.places.get(kind, totals.span),
            f"{_pages(pages)} of {type_name(kind)}, not {sums.get(kind, 0)}",
        )
        for kind, pages in totals.pages.items()
        if sums.get(kind, 0) != pages
    ]
    counted = sum(pages for kind, pages in sums.items() if kind not in _NOT_COUNTED)
    if not differing and totals.counted not in (None, counted):
        what = f"{totals.counted} pages in all, not {counted}"
        if (totals.counted or 0) > counted:
            what += ", as of types of OEMs and operating systems, which -sfo leaves out"
        differing.append((totals.span, what))
    return differing


def _pages(number: int | None) -> str:
    return "a number of more than 64 bits of pages" if number is None else f"{number} pages"


def _sums(rows: Sequence[Printed]) -> dict[int, int]:
    sums: dict[int, int] = {}
    for row in rows:
        memory_type = row.descriptor.type
        sums[memory_type] = sums.get(memory_type, 0) + row.descriptor.number_of_pages
    return sums


def _counts_persistent(sums: Mapping[int, int], pages: _Pages) -> bool:
    """Whether the total of available memory has the persistent memory in it."""
    return (
        _PERSISTENT in sums
        and _PERSISTENT not in pages
        and pages.get(_AVAILABLE) == sums.get(_AVAILABLE, 0) + sums[_PERSISTENT]
    )
