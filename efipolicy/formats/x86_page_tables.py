"""Page tables as x86 kernels dump them: ``/sys/kernel/debug/page_tables/*`` and the kernel log.

The layout was read in Linux 4.15 to 6.16 (``arch/x86/mm/dump_pagetables.c``); a kernel built with
``EFI_PGT_DUMP`` prints the same to its log. Physical addresses are not printed.

PAT, PCD and PWT are bits 2, 1 and 0 of an index into the page attribute table. What stands there is
Linux' choice, taken from today's kernels: 0 WB, 1 WC, 2 UC-, 3 UC, 4 WB, 5 WP, 6 UC-, 7 WT. Kernels
started with ``nopat`` mean WT by 1; on some Pentium processors 5 and 7 are WC and UC.
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
    SIZE,
    WIDE_OR_NARROW,
    Cells,
    Form,
    access,
    cells,
    flags,
    part_of_a_row,
)
from efipolicy.model.platform import ArchitectureReason
from efipolicy.plugin.types import CaptureReading

X86_PAGE_TABLES: Final = "x86-page-tables"

LINUX_PAT: Final = ("WB", "WC", "UC-", "UC", "WB", "WP", "UC-", "WT")
"""Memory types by their index in the page attribute table, as Linux programs it."""

_LEVEL: Final = "(?:pgd|p4d|pud|pmd|pte)"
_SET: Final = cells("USR?", "RW|ro", "PWT?", "PCD?", "PSE?", "PAT?", "GLB?", "NX|x")
_BEGINS: Final = r"0x[0-9a-f]{8,16}-0x[0-9a-f]{8,16}[ \t]+\d+[BKMGTPE][ \t]+"

_WIDE: Final[tuple[TableGeometry, ...]] = (
    geometry(12, 9, 48, ("pte", "pmd", "pud", "pgd"), leaves=("pte", "pmd", "pud"), low_bits=47),
    geometry(
        12, 9, 57, ("pte", "pmd", "pud", "p4d", "pgd"), leaves=("pte", "pmd", "pud"), low_bits=56
    ),
)
_PAE: Final = geometry(
    12, 9, 32, ("pte", "pmd", "pud pgd"), leaves=("pte", "pmd"), low_bits=32, space=32
)
_TWO_LEVELS: Final = geometry(
    12,
    10,
    32,
    ("pte", "pmd pud pgd"),
    leaves=("pte", "pmd", "pud", "pgd"),
    low_bits=32,
    space=32,
)


def read(text: CaptureText) -> CaptureReading | None:
    """The page tables that a text dumps, without a memory map."""
    return dumps_reading(text, _FORM, X86_PAGE_TABLES, _judged)


def cache_of(words: tuple[str, ...]) -> str:
    """The memory type that flags choose in Linux' page attribute table."""
    return LINUX_PAT[4 * ("PAT" in words) + 2 * ("PCD" in words) + ("PWT" in words)]


def _read(match: re.Match[str]) -> Cells | None:
    words = flags(match)
    if not words:
        return None
    return Cells(
        flags=words,
        access=access(write="RW" in words, execute="x" in words),
        cache=cache_of(words),
    )


_FORM: Final = Form(
    fields=re.compile(rf"{WIDE_OR_NARROW}{SIZE}(?:{_SET})?(?P<level>{_LEVEL}){CLOSED}"),
    surely=re.compile(rf"{_BEGINS}(?:(?:USR|RW|ro|NX|x)\b|{_LEVEL}\b)"),
    looks_like=part_of_a_row(
        rf"(?<!\w)(?:RW|ro|PWT|PCD|PSE|PAT|GLB|NX|x)[ \t]+{_LEVEL}(?!\w)",
        behind_size=r"(?![ \t]+(?:0x|P[GUM4T]|[0-9]))",
    ),
    read=_read,
)


def _judged(dump: Dump) -> Reading:
    """What the rows of a dump prove: only 64-bit kernels print addresses of 16 digits."""
    first = dump.rows[0].fields["virtual_start"]
    if first[1] - first[0] > 8:
        known, name = proven(_WIDE, dump.rows), "x86_64"
    else:
        known, name = proven(_narrow(dump), dump.rows), "i386"
    return Reading(known, (name, _reason(dump, name)))


def _narrow(dump: Dump) -> tuple[TableGeometry, ...]:
    """The tables of a 32-bit kernel: those of two levels have no NX bit."""
    if any(row.cells and "NX" in row.cells.flags for row in dump.rows):
        return (_PAE,)
    return (_PAE, _TWO_LEVELS)


def _reason(dump: Dump, name: str) -> ArchitectureReason:
    """Why it is x86: its flags have names that no other kernel prints; levels alone are a shape."""
    digits = 16 if name == "x86_64" else 8
    for row in dump.present:
        words = " ".join((*(row.cells.flags if row.cells else ()), row.level))
        evidence = f"a page-table row of x86, `{words}`, behind addresses of {digits} digits"
        return ArchitectureReason(kind="stated", evidence=evidence)
    evidence = f"page-table rows with levels in lower case and addresses of {digits} digits"
    return ArchitectureReason(kind="dialect", evidence=evidence)
