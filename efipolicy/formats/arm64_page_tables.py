"""Page tables as arm64 kernels dump them to ``efi_page_tables`` and ``kernel_page_tables``.

The layout was read in Linux 5.7 to 6.16 (``arch/arm64/mm/ptdump.c``, before that ``dump.c``).
Physical addresses are not printed. ``NX`` is the kernel's own (PXN), ``UXN`` the user's.
"""

from __future__ import annotations

import re
from typing import Final

from efipolicy.formats.logical_lines import CaptureText
from efipolicy.formats.page_table_dumps import Reading, dumps_reading
from efipolicy.formats.page_table_geometry import TableGeometry, geometry, proven
from efipolicy.formats.page_table_grouping import LAST, Dump
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
from efipolicy.formats.printed_maps import NOTHING_SAYS
from efipolicy.model.platform import ArchitectureReason
from efipolicy.plugin.types import CaptureReading

ARM64_PAGE_TABLES: Final = "arm64-page-tables"

_MEMORY_TYPES: Final[dict[str, str]] = {
    "DEVICE/nGnRnE": "device-nGnRnE",
    "DEVICE/nGnRE": "device-nGnRE",
    "DEVICE/GRE": "device-GRE",
    "MEM/NORMAL-NC": "normal-nc",
    "MEM/NORMAL-TAGGED": "normal",
    "MEM/NORMAL": "normal",
}
"""Cells to the words of a plan. Tags change no cacheability."""

_LEVEL: Final = "(?:PGD|P4D|PUD|PMD|PTE)"
_SET: Final = cells(
    "F?",
    "USR?",
    "RW|ro",
    "NX|x",
    "SHD?",
    "AF?",
    "NG?",
    "CON?",
    "BLK?",
    "UXN?",
    "GP?",
    "|".join(_MEMORY_TYPES),
)


def read(text: CaptureText) -> CaptureReading | None:
    """The page tables that a text dumps, without a memory map."""
    return dumps_reading(text, _FORM, ARM64_PAGE_TABLES, _judged)


def _read(match: re.Match[str]) -> Cells | None:
    """What the cells say; ``F`` marks entries that are not valid, so nothing is mapped there."""
    words = flags(match)
    if not words or "F" in words:
        return None
    return Cells(
        flags=words,
        access=access(write="RW" in words, execute="x" in words),
        cache=_MEMORY_TYPES[words[-1]],
    )


_FORM: Final = Form(
    fields=re.compile(rf"{WIDE}{SIZE}(?P<level>{_LEVEL})(?:{_SET})?{CLOSED}"),
    surely=re.compile(
        rf"0x[0-9a-f]{{16}}-0x[0-9a-f]{{16}}[ \t]+\d+[KMGTPE][ \t]+{_LEVEL}"
        r"(?:[ \t]+(?:F|USR|RW|ro)\b|[ \t=]*\r?$)",
        re.MULTILINE,
    ),
    looks_like=part_of_a_row(
        r"(?<!\w)(?:MEM/NORMAL|DEVICE/n?G)|(?<!\w)(?:RW|ro)[ \t]+(?:NX|x)[ \t]+SHD(?!\w)",
        behind_size=r"(?![ \t]+(?:USR|RW|ro|NX|x|[A-Z.][ \t][A-Z.]|0x|\d|p[gum4t]d|pte)(?!\w))",
    ),
    read=_read,
)


def _tables(page_shift: int, bits: int, contiguous: dict[str, int]) -> TableGeometry:
    """The tables of a page size and a width (paging of Arm A-profile, VMSAv8-64).

    A kernel built for five levels prints its own name for a level that a machine folds.
    """
    index = page_shift - 3
    names = {
        2: ("PTE", "PGD"),
        3: ("PTE", "PMD", "PUD PGD" if (page_shift, bits) == (14, 47) else "PGD"),
        4: ("PTE", "PMD", "PUD", "P4D PGD" if (page_shift, bits) == (12, 48) else "PGD"),
        5: ("PTE", "PMD", "PUD", "P4D", "PGD"),
    }[(bits - 4) // index]
    leaves = [name for name in ("PTE", "PMD", "PUD") if name in names]
    return geometry(
        page_shift, index, bits, names, leaves=leaves, low_bits=bits, contiguous=contiguous
    )


_GEOMETRIES: Final = tuple(
    _tables(page_shift, bits, contiguous)
    for page_shift, widths, contiguous in (
        (12, (39, 48, 52), {"PTE": 1 << 16, "PMD": 1 << 25}),
        (14, (36, 47, 48, 52), {"PTE": 1 << 21, "PMD": 1 << 30}),
        (16, (42, 48, 52), {"PTE": 1 << 21, "PMD": 1 << 34}),
    )
    for bits in widths
)
"""Every page size and width that Linux offers."""


def _judged(dump: Dump) -> Reading:
    """What the rows prove. Only a row with flags has words that no other kernel prints."""
    known = proven(_of_width(dump), dump.rows)
    for row in dump.present:
        words = " ".join(row.cells.flags if row.cells else ())
        evidence = f"a page-table row with the flags of arm64, `{words}`"
        return Reading(known, ("arm64", ArchitectureReason(kind="stated", evidence=evidence)))
    return Reading(known, NOTHING_SAYS)


def _of_width(dump: Dump) -> tuple[TableGeometry, ...]:
    """The geometries as wide as the walk: from 0, behind the window, to the end of the space.

    With 52 bits a row follows the name of the window's end, which is at 48 bits.
    """
    if LAST not in dump.named or dump.rows[0].virtual.start:
        return _GEOMETRIES
    end = dump.rows[-1].virtual.end
    widths = tuple(one for one in _GEOMETRIES if one.low_end == end)
    return widths or _GEOMETRIES
