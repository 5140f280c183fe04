"""``[type|flag|flag|…]``: the cell in which kernels print type and attribute of a descriptor.

Forms were read in kernels 4.15 to 6.12 and seen in logs from 3.18 to 6.16.
"""

from __future__ import annotations

import re
from typing import Final

from efipolicy.named_tuple import NamedTuple

TYPE_NAMES: Final[dict[str, int]] = {
    "Reserved": 0,
    "LoaderCode": 1,
    "LoaderData": 2,
    "BootCode": 3,
    "BootData": 4,
    "RuntimeCode": 5,
    "RuntimeData": 6,
    "ConventionalMemory": 7,
    "Conventional": 7,
    "UnusableMemory": 8,
    "Unusable": 8,
    "ACPIReclaimMemory": 9,
    "ACPIReclaim": 9,
    "ACPIMemoryNVS": 10,
    "ACPIMemNVS": 10,
    "MemoryMappedI/O": 11,
    "MMIO": 11,
    "MMIOPortSpace": 12,
    "MMIOPort": 12,
    "PALCode": 13,
    "PersistentMemory": 14,
    "Persistent": 14,
    "Unaccepted": 15,
}
"""Names in the cell of a log line, blanks removed: up to 5.7, and the shorter ones since."""

FLAGS: Final[dict[str, int]] = {
    "RUN": 1 << 63,
    "RT": 1 << 63,
    "HP": 0x10_0000,
    "CC": 0x8_0000,
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
"""Columns of the cell. Their number changed often, so they are read by name, not by place."""


class Cell(NamedTuple):
    """``[type|flag|flag|…]``: the type, the attribute, and what is unknown in either.

    ``attribute`` is ``None`` when the line prints no flags or one that is unknown. ``columns`` is
    the number of flags and blanks instead of flags; 0 where the attribute is printed as a number.
    """

    type: int | None
    attribute: int | None
    unknown: str | None
    columns: int = 0


_cells: dict[str, Cell] = {}


def read_cell(words: str) -> Cell:
    """Read what stands between the brackets."""
    cell = _cells.get(words)
    if cell is None:
        if len(_cells) > 10_000:
            _cells.clear()
        cell = _cells[words] = _read_cell("".join(words.split()))
    return cell


def _read_cell(words: str) -> Cell:
    name, *flags = words.split("|")
    memory_type = TYPE_NAMES.get(name)
    if memory_type is None:
        # Not without any mark: of `type=20` at a line's end the `=20` was taken for a soft blank.
        number = re.fullmatch(r"type(?:=|=?3D)(\d{1,20})", name)
        if number is None or int(number[1]) >> 32:
            return Cell(None, None, name)
        memory_type = int(number[1])
    if not flags:
        return Cell(memory_type, None, None)
    if len(flags) == 1 and (raw := re.fullmatch(r"attr=?(?:3D)?0x([0-9a-fA-F]{16})", flags[0])):
        return Cell(memory_type, int(raw[1], 16), None)
    attribute = 0
    for flag in flags:
        if flag:
            bit = FLAGS.get(flag)
            if bit is None:
                return Cell(memory_type, None, flag)
            attribute |= bit
    return Cell(memory_type, attribute, None, len(flags))
