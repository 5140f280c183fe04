"""Page tables as 64-bit RISC-V kernels dump them: ``efi_page_tables`` and ``kernel_page_tables``.

The layouts were read in Linux 5.13 to 6.16 (``arch/riscv/mm/ptdump.c``): the flags are ``RSW`` and
eight letters, in newer kernels with ``N`` (Svnapot) and ``MT(…)`` (Svpbmt) in front of them and a
number behind ``RSW``. Holes are not printed. The physical address is that of the first frame.
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
    WIDE,
    Cells,
    Form,
    access,
    part_of_a_row,
)
from efipolicy.model.mapping import Access
from efipolicy.model.platform import ArchitectureReason
from efipolicy.plugin.types import CaptureReading

RISCV_PAGE_TABLES: Final = "riscv-page-tables"

_LEVEL: Final = "(?:PGD|P4D|PUD|PMD|PTE)"
_LETTERS: Final = r"(?!\.{8})" + "".join(f"(?P<{letter}>[{letter}.])" for letter in "DAGUXWRV")
"""One of them is set: entries without a flag are not printed."""
_NEW: Final = r"(?P<napot>[N.])(?P<type>MT\((?:NC|IO|\?\?)\)|\.\.)(?P<software>RSW\([1-3]\)|\.\.)"
_OLD: Final = r"(?P<old_software>RSW)?"
_LETTERED: Final = (
    r"[D.][ \t]+[A.][ \t]+[G.][ \t]+[U.][ \t]+[X.][ \t]+[W.][ \t]+[R.][ \t]+[V.](?!\w)"
)

_GEOMETRIES: Final[tuple[TableGeometry, ...]] = tuple(
    geometry(12, 9, bits, names, leaves=" ".join(names).split(), low_bits=bits - 1)
    for bits, names in (
        (39, ("PTE", "PMD", "PUD PGD")),
        (48, ("PTE", "PMD", "PUD", "PGD")),
        (57, ("PTE", "PMD", "PUD", "P4D", "PGD")),
    )
)
"""Sv39, Sv48 and Sv57; a kernel built for more levels than the machine has folds the upper ones."""


def read(text: CaptureText) -> CaptureReading | None:
    """The page tables that a text dumps, without a memory map."""
    return dumps_reading(text, _FORM, RISCV_PAGE_TABLES, _judged)


def _read(match: re.Match[str]) -> Cells | None:
    """What the letters say; without ``V`` an entry is not valid.

    The memory type is the platform's own (physical memory attributes) unless ``MT`` overrides it.
    """
    if match["V"] != "V":
        return None
    words = [match[name] for name in ("napot", "type", "software", "old_software", *"DAGUXWRV")]
    kind = match["type"]
    return Cells(
        flags=tuple(word for word in words if word and word.strip(".")),
        access=_access(match),
        cache=kind[3:5] if kind in ("MT(NC)", "MT(IO)") else None,
        physical_start=int(match["physical_start"], 16),
    )


def _access(match: re.Match[str]) -> Access | None:
    """The access of an entry; ``None`` for one that can be run only, or is reserved."""
    if match["R"] != "R":
        return None
    return access(write=match["W"] == "W", execute=match["X"] == "X")


_FORM: Final = Form(
    fields=re.compile(
        rf"{WIDE}0x(?P<physical_start>[0-9a-f]{{16}}){SIZE}(?P<level>{_LEVEL})"
        rf"(?:{_NEW}|{_OLD}){_LETTERS}{CLOSED}"
    ),
    surely=re.compile(
        rf"0x[0-9a-f]{{16}}-0x[0-9a-f]{{16}}[ \t]+0x[0-9a-f]{{16}}[ \t]+\d+[KMGTPE][ \t]+{_LEVEL}"
    ),
    looks_like=part_of_a_row(
        rf"{_LETTERED}|-0x[0-9a-f]{{16}}[ \t]+0x[0-9a-f]{{0,16}}+"
        r"(?:[ \t]+\d{1,20}[KMGTPE](?!\w)|[ \t=]*\r?$)"
        r"|-0x[0-9a-f]{16}[ \t=]*\r?$",
        behind_size=r"(?!)",
    ),
    read=_read,
)


def _judged(dump: Dump) -> Reading:
    row = dump.rows[0]
    words = " ".join((row.level, *(row.cells.flags if row.cells else ())))
    evidence = f"a page-table row of RISC-V, `{words}`, behind addresses of 16 digits"
    reason = ArchitectureReason(kind="stated", evidence=evidence)
    return Reading(proven(_GEOMETRIES, dump.rows), ("riscv64", reason))
