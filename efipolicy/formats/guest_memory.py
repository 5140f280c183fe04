"""A memory map read back from the memory of a stopped guest, decoded one entry a line.

Above the list stand the place it was read from (the x86 ``boot_params``, or the properties of the
device tree) and ``desc_size=48 desc_version=1 entries=129``. A kernel has edited it by then: it
fills in virtual addresses, and marks and splits what it keeps. One that kexec started on x86 was
given no more than what the kernel before it had mapped. Page counts are decimal.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from efipolicy.formats.capture_reading import (
    Printed,
    Refused,
    Unreadable,
    extent_of_lines,
    without_copies,
)
from efipolicy.formats.linux_x86_lists import looks_handed_over
from efipolicy.formats.logical_lines import CaptureText
from efipolicy.formats.printed_maps import NOTHING_SAYS, About, PrintedMap, chosen, reading
from efipolicy.formats.printed_rows import GAP, Layout, Row, grouped, left_over, row_at, starts_of
from efipolicy.formats.type_names import SPECIFICATION
from efipolicy.model.memory_map import Extent, MemoryDescriptor, MemoryMap
from efipolicy.model.platform import ArchitectureReason, Firmware
from efipolicy.named_tuple import NamedTuple
from efipolicy.plugin.types import CaptureReading

GUEST_MEMORY: Final = "guest-memory"

_NAMES: Final[dict[str, int]] = {
    **SPECIFICATION,
    "Reserved": 0,
    "Unusable": 8,
    "ACPIReclaim": 9,
    "ACPINVS": 10,
    "MMIO": 11,
    "MMIOPort": 12,
    "Persistent": 14,
    "Unaccepted": 15,
}
_ADDRESS: Final = "0x[0-9a-f]{16}"
_FIELDS: Final = (
    r"(?P<index>\d{1,10})",
    r"(?P<type>[A-Z][A-Za-z]{2,40})",
    rf"(?P<start>{_ADDRESS})",
    rf"(?P<virtual>{_ADDRESS})",
    r"(?P<pages>\d{1,20})",
    rf"(?P<attribute>{_ADDRESS})(?![0-9a-f])",
)
_BEGINS: Final = re.compile(rf"(?<![\w.:=-])\d{{1,10}}{GAP}[A-Z][A-Za-z]")
_LAYOUT: Final = Layout(
    whole=re.compile(GAP.join(_FIELDS)),
    joined=re.compile("".join(_FIELDS)),
    begins=_BEGINS,
)
_LOOKS_LIKE: Final = re.compile(
    rf"(?<![\w.:=-])\d{{1,10}}[ \t]+[A-Z][A-Za-z]{{2,40}}[ \t]+0x|{_ADDRESS}[ \t]+{_ADDRESS}"
    rf"|(?<![\w.:=-])\d{{1,20}}[ \t]+{_ADDRESS}"
)
_FROM: Final = re.compile(r"UEFI memory map at ([^\n]{1,200})")
_HEADER: Final = re.compile(
    rf"desc_size=(?:3D)?(?P<size>\d{{1,10}}){GAP}desc_version=(?:3D)?(?P<version>\d{{1,10}}){GAP}"
    r"entries=(?:3D)?(?P<entries>\d{1,10})\b"
)
_COLUMNS: Final = re.compile(r"idx type phys_start virt_start num_pages attribute")
_BOOT_PARAMS: Final = re.compile(r"boot_params\b[^\n]{0,80}\bsig=(?:3D)?EL(32|64)")
_ABOVE: Final = 1024
"""Characters above the first entry in which the header stands."""


class _Header(NamedTuple):
    """What stands above a list: how many entries it has, and how they were laid out (bytes)."""

    size: int | None = None
    version: int | None = None
    entries: int | None = None
    bits: int | None = None
    lines: tuple[tuple[int, int], ...] = ()


def read(text: CaptureText) -> CaptureReading | None:
    """What a decoded list says of a platform."""
    found = list(_rows(text))
    rows = [row for row in found if isinstance(row, Printed)]
    if not rows:
        return None
    refused = [row for row in found if isinstance(row, Unreadable)]
    refused += left_over(text, found, _LOOKS_LIKE)
    lines = Refused(refused)
    groups = grouped(rows, _goes_back)
    headers = _headers(text, groups)
    maps = [_map(text, group, header, lines) for group, header in zip(groups, headers, strict=True)]
    header = headers[maps.index(chosen(maps))]
    about = About(
        architecture=_architecture(header),
        firmware=Firmware(bits=header.bits) if header.bits else None,
    )
    return reading(text, maps, refused, GUEST_MEMORY, about)


def _rows(text: CaptureText) -> Iterator[Printed | Unreadable]:
    for start in starts_of(text, _BEGINS):
        row = row_at(text, start, _LAYOUT)
        if row:
            yield _read(text, row)


def _read(text: CaptureText, row: Row) -> Printed | Unreadable:
    memory_type = _NAMES.get(row["type"])
    if memory_type is None:
        return row.refused(f"the type `{row['type']}`: its number is not printed")
    pages = int(row["pages"])
    if pages >> 64:
        return row.refused(f"{row['pages']} pages, which does not fit 64 bits")
    fields = {
        "type": row.span("type"),
        "physical_start": row.span("start"),
        "virtual_start": row.span("virtual"),
        "pages": row.span("pages"),
        "attribute": row.span("attribute"),
    }
    descriptor = MemoryDescriptor(
        index=int(row["index"]),
        type=memory_type,
        physical_start=int(row["start"], 16),
        virtual_start=int(row["virtual"], 16),
        number_of_pages=pages,
        attribute=int(row["attribute"], 16),
        located=text.record(row.start, row.end, fields),
    )
    return Printed(row.start, row.end, GUEST_MEMORY, descriptor)


def _goes_back(last: Printed, row: Printed) -> bool:
    return row.descriptor.index <= last.descriptor.index and row.descriptor != last.descriptor


def _headers(text: CaptureText, groups: Iterable[Sequence[Printed]]) -> list[_Header]:
    """The header of each list, which stands between it and the one above."""
    headers, after = [], 0
    for rows in groups:
        headers.append(_header(text, max(after, rows[0].start - _ABOVE), rows[0].start))
        after = rows[-1].end
    return headers


def _header(text: CaptureText, after: int, before: int) -> _Header:
    origin = [*_FROM.finditer(text.text, after, before)][-1:]
    found = [*_HEADER.finditer(text.text, after, before)][-1:]
    columns = [*_COLUMNS.finditer(text.text, after, before)][-1:]
    lines = tuple(match.span() for match in (*origin, *found, *columns))
    params = _BOOT_PARAMS.search(origin[0][0]) if origin else None
    bits = int(params[1]) if params else None
    if not found:
        return _Header(bits=bits, lines=lines)
    size, version, entries = map(int, found[0].groups())
    return _Header(size, version, entries, bits, lines)


def _map(
    text: CaptureText, group: Sequence[Printed], header: _Header, refused: Refused
) -> PrintedMap:
    rows = without_copies(group, refused)
    missing = _missing([row.descriptor.index for row in rows], header.entries)
    descriptors = tuple(row.descriptor for row in rows)
    handed_over = looks_handed_over(descriptors)
    counted = _extent(text, rows, header, refused, missing=bool(missing))
    memory_map = MemoryMap(
        descriptors=descriptors,
        descriptor_size=header.size,
        descriptor_version=header.version,
        extent="partial" if handed_over else counted,
        missing=missing,
        origin="kexec" if handed_over else "kernel-edited",
        located=text.record(rows[0].start, rows[-1].end),
    )
    return PrintedMap(memory_map, GUEST_MEMORY, rows, header.lines)


def _missing(indices: Sequence[int], entries: int | None) -> tuple[tuple[int, int], ...]:
    """The gaps in the indices, up to the number of entries where the text says it."""
    ends = (*indices, indices[-1] + 1 if entries is None else entries)
    pairs = zip((-1, *indices), ends, strict=True)
    return tuple((low + 1, high - 1) for low, high in pairs if high > low + 1)


def _extent(
    text: CaptureText, rows: Sequence[Printed], header: _Header, refused: Refused, *, missing: bool
) -> Extent:
    """Whole when there are as many entries as the header says."""
    if missing or header.entries not in (None, len(rows)):
        return "partial"
    known: Extent = "unknown" if header.entries is None else "whole"
    return extent_of_lines(text, rows[0].start, rows[-1].end, refused, without_gaps=known)


def _architecture(header: _Header) -> tuple[str, ArchitectureReason]:
    """x86_64 where 64-bit firmware filled in ``boot_params``, which Linux has on x86 only.

    Firmware of 32 bits runs below 32-bit kernels and below those of 64 bits in mixed mode.
    """
    if header.bits == 64:
        evidence = "`boot_params` with the loader signature EL64"
        return "x86_64", ArchitectureReason(kind="stated", evidence=evidence)
    return NOTHING_SAYS
