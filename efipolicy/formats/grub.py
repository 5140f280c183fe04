"""The table of ``lsefimmap`` in GRUB, in the style of 2010 to 2015 and the one since.

Layouts were read in GRUB 2.00 to 2.12 (``grub_cmd_lsefimmap``). The end of a row is its last byte,
modulo 2^64. The pages, in hexadecimal, and the size tell once more how long it is: exact with a
binary unit since December 2015, rounded down before. Attribute bits without a word are left out.
"""

from __future__ import annotations

import re
from typing import Final

from efipolicy.formats.capture_reading import Printed, Unreadable, shortened
from efipolicy.formats.logical_lines import CaptureText
from efipolicy.formats.printed_maps import reading
from efipolicy.formats.printed_rows import GAP, Layout, Row, row_at, with_doubt
from efipolicy.formats.printed_tables import Table, maps_of, rows_of
from efipolicy.formats.type_names import any_of
from efipolicy.formats.word_attributes import CACHE_AND_PROTECTION, in_order, words_behind
from efipolicy.model.address import EFI_PAGE_SIZE
from efipolicy.model.memory_map import MemoryDescriptor
from efipolicy.plugin.types import CaptureReading

GRUB: Final = "grub-lsefimmap"

_NAMES: Final[dict[str, int]] = {
    "reserved": 0,
    "ldr-code": 1,
    "ldr-data": 2,
    "BS-code": 3,
    "BS-data": 4,
    "RT-code": 5,
    "RT-data": 6,
    "conv-mem": 7,
    "unusable": 8,
    "ACPI-rec": 9,
    "ACPI-nvs": 10,
    "MMIO": 11,
    "IO-ports": 12,
    "PAL-code": 13,
    "persist": 14,
}
_attribute = in_order({"RT": 1 << 63, **CACHE_AND_PROTECTION, "MR": 0x1_0000, "RO": 0x2_0000})

_WORD: Final = 1 << 64
_UNITS: Final = ("KiB", "MiB", "GiB", "TiB", "PiB", "EiB")
_OLD_UNITS: Final = ("KB", "MB", "GB")
_LEAST_DIGITS: Final = 8
"""Hexadecimal digits of a page count: more only where it needs them."""

_BEGINS: Final = re.compile(
    rf"(?<![A-Za-z0-9_-])(?:{any_of(_NAMES)}|Unk{GAP}[0-9a-f]{{2,8}}){GAP}[0-9a-f]{{4}}"
)
_RANGE: Final = r"(?P<start>[0-9a-f]{16})-(?P<end>[0-9a-f]{16})"
_UNIT: Final = r"(?P<unit>[KMGTPE]i?B)"


def _type(gap: str) -> str:
    return rf"(?P<type>{any_of(_NAMES)}|Unk{gap}(?P<number>[0-9a-f]{{2,8}}))"


_LAYOUT: Final = Layout(
    whole=re.compile(
        rf"{_type(GAP)}{GAP}{_RANGE}{GAP}(?P<pages>[0-9a-f]{{8,16}}){GAP}"
        rf"(?P<size>[0-9]{{1,20}}){_UNIT}(?![A-Za-z0-9])"
    ),
    # Without blanks nothing tells where the pages end and the size begins but the range.
    joined=re.compile(rf"{_type('')}{_RANGE}(?P<pages>[0-9a-f]{{9,36}})(?P<size>){_UNIT}"),
    begins=_BEGINS,
)
_TABLE_ROW: Final = r"(?<![0-9a-fA-Fx-])[0-9a-f]{16}-[0-9a-f]{1,16}"
_LOOKS_LIKE: Final = re.compile(
    rf"{_BEGINS.pattern}|{_TABLE_ROW}[ \t]+[0-9a-f]{{8}}(?![0-9a-fA-F])|{_TABLE_ROW}[ \t\r]*$"
    r"|(?<![0-9a-fA-Fx])[0-9a-f]{8}[ \t]+[0-9]{1,14}[KMGTPE]i?B\b",
    re.MULTILINE,
)
_HEADER: Final = re.compile(r"Type[ \t]+Physical start[ \t]+-[ \t]+end[ \t]+#Pages[ \t]+Size[^\n]*")


def read(text: CaptureText) -> CaptureReading | None:
    """What GRUB's table says of a platform."""
    rows, refused = rows_of(text, _TABLE)
    if not rows and not refused:
        return None
    return reading(text, maps_of(text, _TABLE, rows, refused), refused, GRUB)


def _row(text: CaptureText, start: int) -> list[Printed | Unreadable]:
    row = row_at(text, start, _LAYOUT)
    if row is None:
        return []
    pages = _pages(row)
    if pages is None:
        what = "a range that is not of the pages or the size printed behind it"
        return [row.refused(f"{what}, {shortened(_behind(row))}")]
    attribute, span = words_behind(text, row.end, _attribute)
    after = max(row.end, span[1])
    number = row["number"]
    descriptor = MemoryDescriptor(
        index=0,
        type=int(number, 16) if number else _NAMES[row["type"]],
        physical_start=int(row["start"], 16),
        number_of_pages=pages,
        attribute=attribute,
        located=text.record(row.start, after, _fields(row, span)),
    )
    return with_doubt(row, Printed(row.start, after, GRUB, descriptor), text.text[slice(*span)])


def _behind(row: Row) -> str:
    return f"{row['pages']} {row['size']}".strip() + row["unit"]


def _pages(row: Row) -> int | None:
    """The number of pages, where the range, the pages and the size all say the same."""
    digits = row["pages"] + row["size"]
    start, last = int(row["start"], 16), int(row["end"], 16)
    for count in range(_LEAST_DIGITS, min(len(digits), 17)):
        pages = int(digits[:count], 16)
        if (
            f"{pages:08x}" == digits[:count]
            and digits[count:] + row["unit"] in (_size(pages), _old_size(pages))
            and (start + pages * EFI_PAGE_SIZE - 1) % _WORD == last
        ):
            return pages
    return None


def _size(pages: int) -> str:
    """The size in the largest binary unit that is exact."""
    size = pages * EFI_PAGE_SIZE % _WORD >> 10
    for unit in _UNITS[:-1]:
        if size % 1024:
            return f"{size}{unit}"
        size >>= 10
    return f"{size}{_UNITS[-1]}"


def _old_size(pages: int) -> str:
    """The size in the largest unit of the old style that it fills, rounded down."""
    size = pages * EFI_PAGE_SIZE >> 10
    for unit in _OLD_UNITS[:-1]:
        if size < 1024:
            return f"{size}{unit}"
        size >>= 10
    return f"{size}{_OLD_UNITS[-1]}"


def _fields(row: Row, attribute: tuple[int, int]) -> dict[str, tuple[int, int]]:
    """Where each field stands; no attribute is printed when no bit is set."""
    fields = {
        "type": row.span("type"),
        "physical_start": row.span("start"),
        "pages": row.span("pages"),
    }
    return fields | {"attribute": attribute} if attribute[1] > attribute[0] else fields


_TABLE: Final = Table(GRUB, _BEGINS, _row, _LOOKS_LIKE, _HEADER)
