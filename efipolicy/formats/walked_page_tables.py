"""Page tables that were walked from outside the kernel, through the memory of a stopped machine.

The remarks above the rows give width and page size; each row gives the physical address of its
first leaf, the size of its leaves and their flags. Rows of one kind are contiguous on both sides.

An arm64 leaf names its memory type by an index into MAIR_EL1: what stands there is Linux' choice
since 5.14, 0 and 1 normal, 2 normal-nc, 3 device-nGnRnE, 4 device-nGnRE. Flags of x86 are read as
in `x86_page_tables`.
"""

from __future__ import annotations

import re
from typing import Final

from efipolicy.formats.logical_lines import CaptureText
from efipolicy.formats.page_table_dumps import Reading, dumps_reading
from efipolicy.formats.page_table_geometry import Proven, TableGeometry
from efipolicy.formats.page_table_grouping import Dump
from efipolicy.formats.page_table_rows import (
    CLOSED,
    SIZE,
    WIDE,
    Cells,
    Form,
    access,
    cells,
    flags,
    part_of_a_row,
)
from efipolicy.formats.x86_page_tables import cache_of
from efipolicy.model.platform import ArchitectureReason
from efipolicy.plugin.types import CaptureReading

WALKED_PAGE_TABLES: Final = "walked-page-tables"

_LINUX_MAIR: Final = ("normal", "normal", "normal-nc", "device-nGnRnE", "device-nGnRE")
_X86_BITS: Final = {4: 48, 5: 57}
"""Width of addresses by the number of levels."""
_X86_PAGE_SIZE: Final = 4096

_LEAF: Final = r"(?P<level>(?P<leaf>\d{1,4})(?P<leaf_unit>[KMGT]))"
_INDEX: Final = re.compile(r"(?<!\w)ATTR[0-7](?!\w)")
_ARM64: Final = cells(
    "RW|ro",
    "NX|x",
    "UXN?",
    "PXN?",
    "NG?",
    "AF?",
    "SH[0-3]?",
    "DBM?",
    "CON?",
    "ATTR[0-7]",
)
_X86: Final = cells(
    "RW|ro",
    "NX|x",
    "USR?",
    "PWT?",
    "PCD?",
    "PAT?",
    "PSE?",
    "GLB?",
    "A",
    "D?",
)
"""``A`` is set in every leaf that Linux makes: without it a row may have been cut."""

_REMARK: Final = r"[ \t>]*#[^\r\n]*"
_HEADER: Final = re.compile(
    rf"(?:^{_REMARK}page tables[^\r\n]*\r?\n)?^[ \t>]*#[ \t]*"
    r"(?P<stated>(?:levels=(?:3D)?(?P<levels>[45])|va_bits=(?:3D)?(?P<bits>\d\d)[ \t]+"
    r"page_shift=(?:3D)?(?P<shift>1[246]))[ \t]+pgd_pa=(?:3D)?0x[0-9a-f]{1,16}(?!\w)"
    r"(?P<x86>[ \t]+CR4=(?:3D)?0x[0-9a-f]{1,16}(?!\w))?)[^\r\n]*"
    rf"(?:\r?\n{_REMARK})*+",
    re.MULTILINE,
)


def read(text: CaptureText) -> CaptureReading | None:
    """The page tables that a text shows, without a memory map.

    Without a header that says so, nothing is read as x86: an ``A`` may be the rest of an ``ATTR0``
    that was cut.
    """
    headers = list(_HEADER.finditer(text.text))
    x86 = bool(headers) and not any(header["bits"] for header in headers)
    form = _X86_FORM if x86 else _ARM64_FORM
    return dumps_reading(text, form, WALKED_PAGE_TABLES, _judged, headers)


def _of_arm64(match: re.Match[str]) -> Cells:
    words = flags(match)
    index = int(words[-1][-1])
    return _leaf(match, words, _LINUX_MAIR[index] if index < len(_LINUX_MAIR) else None)


def _of_x86(match: re.Match[str]) -> Cells:
    words = flags(match)
    return _leaf(match, words, cache_of(words))


def _leaf(match: re.Match[str], words: tuple[str, ...], cache: str | None) -> Cells:
    return Cells(
        flags=words,
        access=access(write="RW" in words, execute="x" in words),
        cache=cache,
        physical_start=int(match["physical_start"], 16),
        leaf_size=int(match["leaf"]) << 10 * (1 + "KMGT".index(match["leaf_unit"])),
    )


_ROW: Final = rf"{WIDE}0x(?P<physical_start>[0-9a-f]{{12}}){SIZE}{_LEAF}"
_X86_FORM: Final = Form(
    fields=re.compile(rf"{_ROW}{_X86}{CLOSED}"),
    surely=re.compile(
        r"0x[0-9a-f]{16}-0x[0-9a-f]{16}[ \t]+0x[0-9a-f]{12}[ \t]+\d+[KMGT][ \t]+\d+[KMGT](?!\w)"
    ),
    looks_like=part_of_a_row(
        r"-0x[0-9a-f]{16}[ \t]+0x[0-9a-f]{0,12}+(?:[ \t]+\d{1,20}[KMGT](?!\w)|[ \t=]*\r?$)"
        r"|-0x[0-9a-f]{16}[ \t=]*\r?$|(?<!\w)\d{1,4}[KMGT][ \t]+(?:RW|ro)[ \t]+(?:NX|x)(?!\w)"
        rf"|{_INDEX.pattern}",
        behind_size=r"(?!)",
    ),
    read=_of_x86,
)
_ARM64_FORM: Final = _X86_FORM._replace(
    fields=re.compile(rf"{_ROW}{_ARM64}{CLOSED}"), read=_of_arm64
)


def _judged(dump: Dump) -> Reading:
    """What the header says; the flags of arm64 and the register CR4 tell whose tables these are."""
    header = dump.opens
    known = Proven((_stated(header),) if header else ())
    words = dump.rows[0].cells.flags if dump.rows[0].cells else ()
    evidence = f"a leaf with the flags `{' '.join(words)}`"
    if words[-1].startswith("ATTR"):
        return Reading(known, ("arm64", ArchitectureReason(kind="stated", evidence=evidence)))
    if header is None or not header["x86"]:
        return Reading(known, ("x86_64", ArchitectureReason(kind="dialect", evidence=evidence)))
    stated = f"`{' '.join(header['stated'].split())}`"
    return Reading(known, ("x86_64", ArchitectureReason(kind="stated", evidence=stated)))


def _stated(header: re.Match[str]) -> TableGeometry:
    bits = int(header["bits"]) if header["bits"] else _X86_BITS[int(header["levels"])]
    page_size = 1 << int(header["shift"]) if header["shift"] else _X86_PAGE_SIZE
    return TableGeometry(page_size, bits, 1 << bits, 0, {}, {}, {})
