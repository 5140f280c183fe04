"""``MMap[N]: …``: the list in the log of esx-boot, the boot loader of VMware ESXi.

The layout was read in esx-boot 6.5 to 8.0 (``efi_log_memory_map``). The length is bytes, decimal.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from efipolicy.formats.capture_reading import (
    Printed,
    Refused,
    Unreadable,
    decimal,
    extent_of_lines,
    shortened,
    without_copies,
)
from efipolicy.formats.logical_lines import CaptureText
from efipolicy.formats.printed_maps import PrintedMap, reading
from efipolicy.formats.printed_rows import (
    GAP,
    GAP_OR_NOT,
    PART,
    Layout,
    Row,
    grouped,
    left_over,
    row_at,
    starts_of,
    tail,
)
from efipolicy.model.address import EFI_PAGE_SIZE
from efipolicy.model.memory_map import Extent, MemoryDescriptor, MemoryMap
from efipolicy.plugin.types import CaptureReading

ESX_BOOT: Final = "esx-boot"

_BEGINS: Final = re.compile(r"MMap\[\d{1,10}\]:")
_NUMBER: Final = r"0x[0-9a-f]{1,16}"
_FIELDS: Final = (
    r"MMap\[(?P<index>\d{1,10})\]:",
    rf"(?P<start>{_NUMBER})",
    "-",
    rf"(?P<end>{_NUMBER})",
    r"len=(?:3D)?(?P<length>\d{1,40}),",
    r"type=(?:3D)?(?P<type>\d{1,20}),",
    r"attr=(?:3D)?(?=0x)",
)
_LAYOUT: Final = Layout(
    whole=re.compile(GAP.join(_FIELDS)),
    joined=re.compile("".join(_FIELDS)),
    begins=_BEGINS,
)
_DOUBT: Final = "an attribute that is no number of 64 bits, or may go on in the line below"
_ATTRIBUTE: Final = re.compile(r"[0-9a-fx]*")
_LOOKS_LIKE: Final = re.compile(rf"MMap\[|len=(?:3D)?\d+,{GAP_OR_NOT}type=|type=\d+,[ \t]+attr=")


def read(text: CaptureText) -> CaptureReading | None:
    """What the loader's log says of a platform."""
    found = [one for start in starts_of(text, _BEGINS) for one in _row(text, start)]
    if not found:
        return None
    rows = [one for one in found if isinstance(one, Printed)]
    refused = [one for one in found if isinstance(one, Unreadable)]
    refused += left_over(text, found, _LOOKS_LIKE)
    lines = Refused(refused)
    maps = [_map(text, group, lines) for group in grouped(rows, _goes_back)]
    return reading(text, maps, refused, ESX_BOOT)


def _goes_back(last: Printed, row: Printed) -> bool:
    """The loader prints its list several times; a console may print each line twice."""
    return row.descriptor.index <= last.descriptor.index and row.descriptor != last.descriptor


def _row(text: CaptureText, start: int) -> list[Printed | Unreadable]:
    row = row_at(text, start, _LAYOUT)
    if row is None:
        return [Unreadable(start, text.line_end(start), PART)]
    attribute, span = tail(text, row.end, _ATTRIBUTE, _attribute)
    after = max(row.end, span[1])
    size = (int(row["end"], 16) + 1 - int(row["start"], 16)) % (1 << 64)
    memory_type = decimal(row["type"])
    fault = _fault(row, size, memory_type)
    if fault or attribute is None or memory_type is None:
        return [row.refused(fault or _DOUBT, after)]
    fields = {
        "type": row.span("type"),
        "physical_start": row.span("start"),
        "pages": row.span("length"),
        "attribute": span,
    }
    descriptor = MemoryDescriptor(
        index=int(row["index"]),
        type=memory_type,
        physical_start=int(row["start"], 16),
        number_of_pages=size // EFI_PAGE_SIZE,
        attribute=attribute,
        located=text.record(row.start, after, fields),
    )
    return [Printed(row.start, after, ESX_BOOT, descriptor)]


def _fault(row: Row, size: int, memory_type: int | None) -> str | None:
    """What no descriptor can say, of a row whose range is so many bytes long."""
    if decimal(row["length"]) != size:
        return f"a range that is not {shortened(row['length'])} bytes long, as printed"
    if size % EFI_PAGE_SIZE:
        return f"a length that is not a whole number of pages, {size}"
    if memory_type is None or memory_type >> 32:
        return f"type {shortened(row['type'])}, which does not fit 32 bits"
    return None


def _attribute(digits: str) -> int | None:
    return int(digits, 16) if re.fullmatch(r"0x[0-9a-f]{1,16}", digits) else None


def _map(text: CaptureText, rows: Sequence[Printed], refused: Refused) -> PrintedMap:
    descriptors = tuple(row.descriptor for row in without_copies(rows, refused))
    # An unreadable line between two copies keeps them apart; the index tells them to be one.
    descriptors = tuple({one.index: one for one in descriptors}.values())
    missing = _missing(descriptors)
    extent: Extent = "partial"
    if not missing and {5, 7} <= {one.type for one in descriptors}:
        start, end = rows[0].start, rows[-1].end
        extent = extent_of_lines(text, start, end, refused, without_gaps="whole")
    memory_map = MemoryMap(
        descriptors=descriptors,
        extent=extent,
        missing=missing,
        origin="firmware",
        located=text.record(rows[0].start, rows[-1].end),
    )
    return PrintedMap(memory_map, ESX_BOOT, rows)


def _missing(descriptors: Sequence[MemoryDescriptor]) -> tuple[tuple[int, int], ...]:
    """The gaps in the indices, what precedes the first entry included."""
    expected = [0, *(one.index + 1 for one in descriptors)]
    return tuple(
        (first, one.index - 1)
        for first, one in zip(expected, descriptors, strict=False)
        if one.index > first
    )
