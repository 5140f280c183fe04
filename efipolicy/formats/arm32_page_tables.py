"""Page tables as 32-bit Arm kernels dump them: ``efi_page_tables`` and ``kernel_page_tables``.

The layout was read in Linux 6.16 (``arch/arm/mm/dump.c``). Rows are for entries that are set; holes
are not printed, and neither are physical addresses. A section has no memory type among its flags.
A page without one is not read: it cannot be told from a row that was cut.
"""

from __future__ import annotations

import re
from typing import Final

from efipolicy.formats.logical_lines import CaptureText
from efipolicy.formats.page_table_dumps import Reading, dumps_reading
from efipolicy.formats.page_table_geometry import TableGeometry, geometry, proven
from efipolicy.formats.page_table_grouping import Dump
from efipolicy.formats.page_table_rows import (
    CLOSED,
    NARROW,
    SIZE,
    Cells,
    Form,
    access,
    cells,
    flags,
    part_of_a_row,
)
from efipolicy.model.platform import ArchitectureReason
from efipolicy.plugin.types import CaptureReading

ARM32_PAGE_TABLES: Final = "arm32-page-tables"

_MEMORY_TYPES: Final[dict[str, str | None]] = {
    "SO/UNCACHED": "device-nGnRnE",
    "MEM/BUFFERABLE/WC": "normal-nc",
    "MEM/CACHED/WT": "normal-wt",
    "MEM/CACHED/WBRA": "normal",
    "MEM/CACHED/WBWA": "normal",
    "MEM/MINICACHE": None,
    "DEV/SHARED": "device-nGnRE",
    "DEV/NONSHARED": "device-nGnRE",
    "DEV/WC": None,
    "DEV/CACHED": None,
}
"""Cells to the words of a plan; ``None`` where what the hardware does depends on the processor."""

_DOMAIN: Final = "KERNEL|USER|IO|VECTORS|unknown"
_PROTECTION: Final = cells("USR?", "RW|ro", "NX|x", "SHD?")
_ROW: Final = rf"{NARROW}{SIZE}(?P<level>(?P<page>PTE)|PGD|PMD)(?P<domain>{_DOMAIN})?"

_GEOMETRIES: Final[tuple[TableGeometry, ...]] = (
    geometry(12, 9, 32, ("PTE", "PMD", "PGD"), leaves=("PTE", "PMD"), low_bits=32, space=32),
    geometry(12, 8, 32, ("PTE", "PGD"), leaves=("PTE", "PGD"), low_bits=32, space=32),
)
"""With large physical addresses (pages of 4 KiB, blocks of 2 MiB), and without (sections of 1 MiB).
"""


def read(text: CaptureText) -> CaptureReading | None:
    """The page tables that a text dumps, without a memory map."""
    return dumps_reading(text, _FORM, ARM32_PAGE_TABLES, _judged)


def _read(match: re.Match[str]) -> Cells | None:
    words = flags(match)
    return Cells(
        flags=tuple(word for word in (match["domain"], *words, match["memory"]) if word),
        access=access(write="RW" in words, execute="x" in words),
        cache=_MEMORY_TYPES[match["memory"]] if match["memory"] else None,
    )


_FORM: Final = Form(
    fields=re.compile(
        rf"{_ROW}{_PROTECTION}(?(page)(?P<memory>{'|'.join(_MEMORY_TYPES)})){CLOSED}"
    ),
    surely=re.compile(
        r"0x[0-9a-f]{8}-0x[0-9a-f]{8}[ \t]+\d+[KMGTPE][ \t]+(?:PGD|PMD|PTE)(?:[ \t]|=?\r?$)",
        re.MULTILINE,
    ),
    looks_like=part_of_a_row(
        r"(?<!\w)(?:SO/UNCACHED|MEM/(?:BUFFERABLE|CACHED|MINICACHE)|DEV/(?:N?O?N?SHARED|WC|CACHED))",
        behind_size=r"(?![ \t]+(?:USR|RW|ro|NX|x|p[gum4t]d|pte)(?!\w))",
    ),
    read=_read,
)


def _judged(dump: Dump) -> Reading:
    row = dump.rows[0]
    words = " ".join((row.level, *(row.cells.flags if row.cells else ())))
    evidence = f"a page-table row of 32-bit Arm, `{words}`"
    typed = any(one.cells and one.cells.cache for one in dump.rows)
    reason = ArchitectureReason(kind="stated" if typed else "dialect", evidence=evidence)
    return Reading(proven(_GEOMETRIES, dump.rows), ("arm32", reason))
