"""The entries of the page tables, bit by bit.

An entry of 64 bits is empty, leads to a table, or maps memory::

    63      48 47            14 13    5   4   3   2   1   0
    | reserved |  page number  | free |  U | X | W | L | V |
"""

from __future__ import annotations

from typing import Final

from efipolicy.plugin import Access, Level, RadixGeometry
from efipolicy.plugin.paging import AddressPart, BitField, EntryFormat, EntryFormats, Fault

V, L, W, X, U = (1 << bit for bit in range(5))

_NUMBER: Final = (AddressPart(physical_low=14, bits=34, entry_low=14),)
"""Address bits 14 to 47 stand where they are in the address."""

_UPPER: Final = (1 << 64) - (1 << 48)
"""Bits that have to be clear: the processor faults on an entry in which one is set."""

_ACCESS: Final[dict[Access, int]] = {"R": 0, "RW": W, "RX": X, "RWX": W | X}
"""What is valid can be read."""

_FLAGS: Final = (
    BitField("V", 0, values={0: "empty", 1: "valid"}),
    BitField("L", 1, values={0: "leads to a table", 1: "maps memory"}),
    BitField("free", 5, bits=9, meaning="for software"),
)
_LEAF_FLAGS: Final = (
    *_FLAGS,
    BitField("W", 2, values={0: "not writable", 1: "writable"}),
    BitField("X", 3, values={0: "not executable", 1: "executable"}),
    BitField("U", 4, values={0: "cached", 1: "uncached"}),
)

_TABLE: Final = EntryFormat(
    mask=V | L,
    value=V,
    address=_NUMBER,
    fields=_FLAGS,
    reserved=_UPPER | W | X | U,
)
"""An entry that leads to a table: of the bits of a leaf it has none."""


def formats_of(geometry: RadixGeometry) -> EntryFormats:
    """Lay out the entries of each level: every level but the last has tables below it."""
    return EntryFormats(
        tables={level.name: _TABLE for level in geometry.levels[:-1]},
        leaves={level.name: _leaf(level, geometry) for level in geometry.levels if level.leaf},
        describe=describe,
        physical_address_bits=48,
        present=V,
    )


def _leaf(level: Level, geometry: RadixGeometry) -> EntryFormat:
    """Lay out an entry that maps memory. The number of a large page ends in zeros."""
    return EntryFormat(
        mask=V | L,
        value=V | L,
        address=_NUMBER,
        fields=_LEAF_FLAGS,
        access=_ACCESS,
        access_mask=W | X,
        cache={"cached": 0, "uncached": U},
        cache_mask=U,
        reserved=_UPPER | (level.entry_size - geometry.page_size),
    )


def describe(fault: Fault) -> str:
    """Put a fault in the words of the processor's manual: what the reader will find in a log."""
    where = f" at level {fault.level.name}" if fault.level else ""
    match fault.cause:
        case "not-canonical":
            return f"address fault ({fault.kind}): the upper bits do not repeat bit 46"
        case "not-mapped":
            return f"translation fault ({fault.kind}){where}: V is clear"
        case "reserved-bits":
            return f"translation fault ({fault.kind}){where}: bits {fault.reserved:#x} are set"
        case "permission":
            return f"permission fault ({fault.kind}){where}"
        case _:
            return f"bus fault ({fault.kind}){where}: no memory has such an address"
