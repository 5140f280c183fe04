"""``0x… - 0x… (… MiB NAME)``: the list that kernels started by Multiboot2 loaders print.

The layout was seen in a report about Limine of 2024. The end is exclusive, the size rounded, the
names are those of the Rust crate ``uefi``; attributes are not printed, so nothing is known of them.
"""

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
from efipolicy.formats.printed_maps import reading
from efipolicy.formats.printed_rows import GAP, GAP_OR_NOT, NOT_PAGES, Layout, row_at
from efipolicy.formats.printed_tables import Table, maps_of, rows_of
from efipolicy.formats.rust_names import RUST_TYPES
from efipolicy.formats.type_names import any_of
from efipolicy.model.address import EFI_PAGE_SIZE
from efipolicy.model.memory_map import MemoryDescriptor
from efipolicy.plugin.types import CaptureReading

LOADER_LIST: Final = "loader-list"

_MIB: Final = 1 << 20
_PRECISION: Final = 22
"""Bits of a size that survive single precision, in which some of these programs divide."""

_HEX: Final = "[0-9a-fA-F]{9,16}"
_NUMBERED: Final = r"MemoryType\([0-9]{1,20}\)"


def _fields(gap: str) -> tuple[str, ...]:
    return (
        rf"0x(?P<start>{_HEX})",
        "-",
        rf"0x(?P<end>{_HEX})",
        r"\((?P<size>[0-9]{1,20}\.[0-9]{1,9})",
        "MiB",
        rf"(?P<type>[A-Z][A-Z_]{{2,40}}|{_NUMBERED}){gap}\)",
    )


_BEGINS: Final = re.compile(rf"(?<![0-9A-Za-z])0x{_HEX}{GAP}-{GAP}(?=0x)")
_LAYOUT: Final = Layout(
    whole=re.compile(GAP.join(_fields(GAP_OR_NOT))),
    joined=re.compile("".join(_fields(""))),
    begins=_BEGINS,
)
_PART_OF_NAME: Final = r"[A-Z][A-Z_]{0,40}|Me[a-zA-Z]{0,8}\(?[0-9]{0,20}"
_LOOKS_LIKE: Final = re.compile(
    rf"0x{_HEX} - 0?x?[0-9a-fA-F]{{0,16}} ?\(?[0-9.]{{0,30}} ?(?:M|Mi|MiB)? ?"
    rf"(?:{_PART_OF_NAME})?(?:\)|[\"'`,|\\ \t]{{0,8}}(?=\r?$))"
    rf"|0x{_HEX} - 0x{_HEX} \([0-9][0-9.]{{0,30}}+(?! MiB [A-Z]?[a-z ]{{1,40}}\))"
    rf"|iB (?:{any_of(RUST_TYPES)}|{_NUMBERED})\)",
    re.MULTILINE,
)
_NEVER: Final = re.compile(r"(?!)")


def read(text: CaptureText) -> CaptureReading | None:
    """What such a list says of a platform."""
    rows, refused = rows_of(text, _TABLE)
    if not rows:
        return None
    return reading(text, maps_of(text, _TABLE, rows, refused), refused, LOADER_LIST)


def _row(text: CaptureText, start: int) -> list[Printed | Unreadable]:
    row = row_at(text, start, _LAYOUT)
    if row is None:
        return []
    memory_type = _type(row["type"])
    if memory_type is None:
        return [row.refused(f"the unknown type `{shortened(row['type'])}`")]
    first = int(row["start"], 16)
    pages = pages_between(first, int(row["end"], 16))
    if pages is None:
        return [row.refused(NOT_PAGES)]
    if not _is_about(row["size"], pages * EFI_PAGE_SIZE):
        size = f"{shortened(row['size'])} MiB"
        return [row.refused(f"a range that is not of the size printed behind it, {size}")]
    fields = {
        "type": row.span("type"),
        "physical_start": row.span("start"),
        "pages": row.span("end"),
    }
    descriptor = MemoryDescriptor(
        index=0,
        type=memory_type,
        physical_start=first,
        number_of_pages=pages,
        located=text.record(row.start, row.end, fields),
    )
    return [Printed(row.start, row.end, LOADER_LIST, descriptor)]


def _type(words: str) -> int | None:
    number = re.search("[0-9]+", words)
    memory_type = decimal(number[0]) if number else RUST_TYPES.get(words)
    return None if memory_type is None or memory_type >> 32 else memory_type


def _is_about(printed: str, size: int) -> bool:
    """Whether a size in MiB, rounded to the digits printed, stands for so many bytes."""
    whole, _, fraction = printed.partition(".")
    scale: int = 10 ** len(fraction)
    exact, rounded = size * scale, int(whole + fraction) * _MIB
    return abs(rounded - exact) <= _MIB // 2 + (exact >> _PRECISION)


_TABLE: Final = Table(LOADER_LIST, _BEGINS, _row, _LOOKS_LIKE, _NEVER)
