"""The runtime map with an entry on a line: ``0 type=0xb phys=0x… virt=0x… pages=0x… attr=0x…``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from efipolicy.formats.capture_reading import Printed, Unreadable
from efipolicy.formats.logical_lines import CaptureText
from efipolicy.formats.printed_rows import GAP, Layout, Row, row_at
from efipolicy.formats.sysfs_files import number_at
from efipolicy.model.memory_map import MemoryDescriptor

_BEGINS: Final = re.compile(rf"(?<![\w.:=-])\d{{1,10}}{GAP}type=(?:3D)?0x")
_TYPE: Final = re.compile(r"type=(?:3D)?0x")
_INDEX: Final = re.compile(rf"(?<![\w.:=-])\d{{1,10}}{GAP}\Z")
_WIDEST_GAP: Final = 64
"""Characters in which the number of an entry, and the blanks behind it, stand."""
_NUMBER: Final = r"0x[0-9a-fA-F]{1,16}"
_FIELDS: Final = (
    r"(?P<index>\d{1,10})",
    rf"type=(?:3D)?(?P<type>{_NUMBER})",
    rf"phys=(?:3D)?(?P<start>{_NUMBER})",
    rf"virt=(?:3D)?(?P<virtual>{_NUMBER})",
    rf"pages=(?:3D)?(?P<pages>{_NUMBER})",
    r"attr=(?=(?:3D)?0|[ \t=]*$)",
)
_LAYOUT: Final = Layout(
    whole=re.compile(GAP.join(_FIELDS), re.MULTILINE),
    joined=re.compile("".join(_FIELDS)),
    begins=_BEGINS,
)
LOOKS_LIKE: Final = re.compile(
    rf"{_BEGINS.pattern}|type=(?:3D)?0x[0-9a-f]{{1,16}}[ \t]+phys=|\bvirt=(?:3D)?0x[0-9a-f]"
)


def listed(text: CaptureText) -> Iterator[Printed | Unreadable]:
    """The entries that stand on a line of their own."""
    after = 0
    for start in _starts(text.text):
        if start < after or text.is_remark(start):
            continue
        row = row_at(text, start, _LAYOUT)
        if row:
            after = row.end
            yield _read(text, row)


def _starts(text: str) -> Iterator[int]:
    """Where entries may start: with the number before a type."""
    for found in _TYPE.finditer(text):
        number = _INDEX.search(text, max(0, found.start() - _WIDEST_GAP), found.start())
        if number:
            yield number.start()


def _read(text: CaptureText, row: Row) -> Printed | Unreadable:
    attribute = number_at(text, row.end)
    end = max(row.end, attribute.span[1])
    if attribute.value is None or attribute.value >> 64:
        return row.refused("no attribute of 64 bits that is known for certain", end)
    memory_type = int(row["type"], 16)
    if memory_type >> 32:
        return row.refused(f"type {row['type']}, which does not fit 32 bits", end)
    fields = {
        "type": row.span("type"),
        "physical_start": row.span("start"),
        "virtual_start": row.span("virtual"),
        "pages": row.span("pages"),
        "attribute": attribute.span,
    }
    read = MemoryDescriptor(
        index=int(row["index"]),
        type=memory_type,
        physical_start=int(row["start"], 16),
        number_of_pages=int(row["pages"], 16),
        attribute=attribute.value,
        virtual_start=int(row["virtual"], 16),
        located=text.record(row.start, end, fields),
    )
    return Printed(row.start, end, "runtime-map", read)
