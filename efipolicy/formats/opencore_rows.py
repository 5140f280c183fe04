"""Rows of OpenCore's debug log: of the MMIO list and of the dump of a map."""

from __future__ import annotations

import re
from typing import Final

from efipolicy.formats.capture_reading import (
    Printed,
    Unreadable,
    decimal,
    pages_between,
    shortened,
)
from efipolicy.formats.logical_lines import CaptureText
from efipolicy.formats.printed_rows import (
    GAP,
    GAP_OR_NOT,
    NOT_PAGES,
    PART,
    Layout,
    Row,
    row_at,
    with_doubt,
)
from efipolicy.model.memory_map import MemoryDescriptor

DEVIRT: Final = "opencore-devirt"
MAP: Final = "opencore-map"

_NAMES: Final[dict[str, int]] = {
    "Reserved": 0,
    "LDRCode": 1,
    "LDRData": 2,
    "BSCode": 3,
    "BSData": 4,
    "RTCode": 5,
    "RTData": 6,
    "Available": 7,
    "Unusable": 8,
    "ACPIRECL": 9,
    "ACPINVS": 10,
    "MemMapIO": 11,
    "MemPortIO": 12,
    "PALCode": 13,
    "Persist": 14,
}
_ATTRIBUTES: Final[dict[str, int]] = {
    "RUN": 1 << 63,
    "CRY": 0x8_0000,
    "SP": 0x4_0000,
    "RO": 0x2_0000,
    "MR": 0x1_0000,
    "NV": 0x8000,
    "XP": 0x4000,
    "RP": 0x2000,
    "WP": 0x1000,
    "UCE": 0x10,
    "WB": 0x8,
    "WT": 0x4,
    "WC": 0x2,
    "UC": 0x1,
}
_MIB: Final = 1 << 20

BEGINS_DEVIRT: Final = re.compile(r"MMIO[\s>=]{1,8}devirt[\s>=]{1,8}0x")
BEGINS_MAP: Final = re.compile(r"OCMM:[\s>=]{1,8}[A-Z][A-Za-z\s>=]{1,24}\[")
LOOKS_LIKE: Final = re.compile(
    rf"{BEGINS_DEVIRT.pattern}|{BEGINS_MAP.pattern}|0x[0-9A-Fa-f]+ pages, 0x|\bskip [01]\b"
    r"|-> 0x[0-9A-F]"
)

_HEX: Final = "[0-9A-Fa-f]"
_DEVIRT_FIELDS: Final = (
    "MMIO",
    "devirt",
    rf"0x(?P<start>{_HEX}{{1,16}})",
    rf"\(0x(?P<pages>{_HEX}{{1,16}})",
    "pages,",
    rf"0x(?P<attribute>{_HEX}{{1,16}})\)",
)
_SKIP: Final = ("(?:skip", "(?P<skip>[01]))?")
_DEVIRT: Final = Layout(
    whole=re.compile(f"{GAP.join(_DEVIRT_FIELDS)}{GAP_OR_NOT}{GAP.join(_SKIP)}"),
    joined=re.compile("".join((*_DEVIRT_FIELDS, *_SKIP))),
    begins=BEGINS_DEVIRT,
)
_CELL: Final = r"(?P<cell>\[[A-Z|\s>]{0,120}\])"
_MAP_FIELDS: Final = (
    "OCMM:",
    rf"(?P<type>[A-Z][A-Za-z]*(?:{GAP}[A-Z][A-Za-z]*)?)",
    _CELL,
    rf"0x(?P<start>{_HEX}{{1,16}})-0x(?P<end>{_HEX}{{1,16}})",
    "->",
    rf"0x(?P<virtual>{_HEX}{{1,16}})",
    r"\((?P<size>\d{1,20})",
    r"(?P<unit>[KM]B)\)",
)
_DUMPED: Final = Layout(
    whole=re.compile(GAP_OR_NOT.join(_MAP_FIELDS)),
    joined=re.compile("".join(_MAP_FIELDS).replace(GAP, "")),
    begins=BEGINS_MAP,
)


def devirt_row(text: CaptureText, start: int) -> list[Printed | Unreadable]:
    """``MMIO devirt 0x… (0x… pages, 0x…) skip N``, the page count in hexadecimal."""
    row = row_at(text, start, _DEVIRT)
    if row is None:
        return [Unreadable(start, text.line_end(start), PART)]
    fields = {
        "physical_start": row.span("start"),
        "pages": row.span("pages"),
        "attribute": row.span("attribute"),
    }
    descriptor = MemoryDescriptor(
        index=0,
        type=11,
        physical_start=int(row["start"], 16),
        number_of_pages=int(row["pages"], 16),
        attribute=int(row["attribute"], 16),
        located=text.record(row.start, row.end, fields),
    )
    return [Printed(row.start, row.end, DEVIRT, descriptor)]


def is_skipped(text: CaptureText, row: Printed) -> bool | None:
    """Whether OpenCore left a row in the map; ``None`` when its line lost that word."""
    found = row_at(text, row.start, _DEVIRT)
    return found["skip"] == "1" if found and found["skip"] else None


def map_row(text: CaptureText, start: int) -> list[Printed | Unreadable]:
    """``OCMM: RT Code  [RUN|…] 0x…-0x… -> 0x… (N KB)``, of the map or of another table."""
    row = row_at(text, start, _DUMPED)
    if row is None:
        return [Unreadable(start, text.line_end(start), PART)]
    memory_type = _NAMES.get(re.sub(r"[^A-Za-z]", "", row["type"]))
    if memory_type is None:
        return [row.refused(f"the unknown type `{shortened(row['type'])}`")]
    first, last = int(row["start"], 16), int(row["end"], 16)
    pages = pages_between(first, last + 1)
    if pages is None:
        return [row.refused(NOT_PAGES)]
    size = pages << 12
    if decimal(row["size"]) != (size // _MIB if size >= _MIB else size >> 10):
        printed = f"{shortened(row['size'])} {row['unit']}"
        return [row.refused(f"a range that is not of the size printed behind it, {printed}")]
    return _dumped(text, row, memory_type, pages)


def _dumped(
    text: CaptureText, row: Row, memory_type: int, pages: int
) -> list[Printed | Unreadable]:
    attribute = _attribute(row["cell"])
    virtual = int(row["virtual"], 16)
    fields = {
        "type": row.span("type"),
        "physical_start": row.span("start"),
        "virtual_start": row.span("virtual"),
        "pages": row.span("end"),
        "attribute": row.span("cell"),
    }
    descriptor = MemoryDescriptor(
        index=0,
        type=memory_type,
        physical_start=int(row["start"], 16),
        # OpenCore prints the low half of the number only: what is not 0 there is not known.
        virtual_start=virtual if virtual == 0 or virtual >> 32 else None,
        number_of_pages=pages,
        attribute=attribute,
        located=text.record(row.start, row.end, fields),
    )
    return with_doubt(row, Printed(row.start, row.end, MAP, descriptor), row["cell"])


def _attribute(cell: str) -> int | None:
    attribute = 0
    for flag in re.sub(r"[\s>\[\]]", "", cell).split("|"):
        if flag and flag not in _ATTRIBUTES:
            return None
        attribute |= _ATTRIBUTES[flag] if flag else 0
    return attribute
