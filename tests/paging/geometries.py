"""Entries of further architectures: those that no plugin here lays out as the types carry them.

Sources: RISC-V privileged specification 1.12, 4.3 to 4.5 and Svpbmt; LoongArch reference manual
volume 1, 5.4, and Linux' arch/loongarch/include/asm/pgtable-bits.h.

What a type cannot say: a run of Svnapot. Its sixteen entries are all alike, with 1000b where the
lowest bits of the frame's number would be, while a contiguous leaf here keeps a frame of its own.
So the bit N is reserved below, as it is on a processor without Svnapot.
"""

from __future__ import annotations

from typing import NamedTuple

from efipolicy.model.mapping import Access
from efipolicy.paging import Level, RadixGeometry
from efipolicy.paging.entries import AddressPart, BitField, EntryFormat, EntryFormats, Fault
from efipolicy_i386 import CLASSIC, PAE
from efipolicy_i386.entries import entry_formats as i386_formats
from tests.paging.trees import LOONGARCH, riscv


class Laid(NamedTuple):
    """A geometry and how its entries are laid out."""

    name: str
    geometry: RadixGeometry
    formats: EntryFormats


def flags(first: int, *names: str) -> tuple[BitField, ...]:
    """Fields of one bit each, from a bit upwards."""
    return tuple(BitField(name, first + n) for n, name in enumerate(names))


def page_fault(fault: Fault) -> str:
    """A fault in the fewest words."""
    return f"page fault: {fault.cause}"


# RISC-V -------------------------------------------------------------------------------------------

_RV_ACCESS: dict[Access, int] = {"R": 1 << 1, "RW": 3 << 1, "RX": 5 << 1, "RWX": 7 << 1}
_RV_BITS = flags(0, "V", "R", "W", "X", "U", "G", "A", "D")


def riscv_formats(geometry: RadixGeometry, *, svpbmt: bool = True) -> EntryFormats:
    """Entries of Sv32 to Sv57; memory types in bits 62:61 where there is Svpbmt."""
    short = geometry.entry_bytes == 4
    number = AddressPart(12, 22 if short else 44, 10)
    software = BitField("RSW", 8, bits=2)
    upper = 0 if short else ((1 << 64) - (1 << 54))
    types = {"PMA": 0}
    fields = (*_RV_BITS, software)
    reserved = upper
    if svpbmt and not short:
        types = {"PMA": 0, "NC": 1 << 61, "IO": 2 << 61}
        fields = (*fields, BitField("PBMT", 61, bits=2, values={3: "reserved"}))
        reserved &= ~(3 << 61)
    leaf = EntryFormat(
        # A leaf can be read: write-only is reserved, and no plan asks for execute-only.
        mask=3,
        value=3,
        address=(number,),
        fields=fields,
        always=1 << 6 | 1 << 7,
        access=_RV_ACCESS,
        access_mask=7 << 1,
        cache=types,
        cache_mask=3 << 61 if len(types) > 1 else 0,
        reserved=reserved,
    )
    table = EntryFormat(
        mask=0xF,
        value=1,
        address=(number,),
        fields=(*_RV_BITS[:4], *flags(5, "G"), software),
        reserved=upper | 1 << 4 | 3 << 6,
    )
    return EntryFormats(
        tables={level.name: table for level in geometry.levels[:-1]},
        leaves={
            level.name: leaf._replace(reserved=reserved | _unaligned(level, low=10))
            for level in geometry.levels
        },
        describe=page_fault,
        physical_address_bits=34 if short else 56,
    )


def _unaligned(level: Level, *, low: int) -> int:
    """The bits of a frame's number that a leaf above the last level has to leave clear."""
    return (1 << (level.shift - 12 + low)) - (1 << low)


# LoongArch ----------------------------------------------------------------------------------------

_LA_NX = 1 << 62
_LA_ACCESS: dict[Access, int] = {"R": _LA_NX, "RW": _LA_NX | 0x102, "RX": 0, "RWX": 0x102}


def _loongarch() -> EntryFormats:
    """An entry that leads to a table has no bit that says it is there: Linux keeps the address of
    the table in the cached window, whose bits are set in all of them. So an entry is empty when it
    is zero, and ``present`` is any bit.
    """
    page_shift = LOONGARCH.levels[-1].shift
    table = EntryFormat(
        mask=1 << 6,
        value=0,
        address=(AddressPart(page_shift, 48 - page_shift, page_shift),),
        fields=(
            BitField("ignored", 0, bits=6),
            *flags(6, "HUGE"),
            BitField("ignored", 7, bits=page_shift - 7),
            BitField("window", 48, bits=16, values={0x9000: "the cached window"}),
        ),
        always=0x9000 << 48,
    )
    return EntryFormats(
        tables={level.name: table for level in LOONGARCH.levels[:-1]},
        leaves={
            level.name: _loongarch_leaf(level, page_shift)
            for level in LOONGARCH.levels
            if level.leaf
        },
        describe=page_fault,
        physical_address_bits=48,
        present=(1 << 64) - 1,
    )


def _loongarch_leaf(level: Level, page_shift: int) -> EntryFormat:
    huge = level.shift > page_shift
    names = ("HUGE", "P", "W") if huge else ("G", "P", "W")
    above = ("HGLOBAL", "ignored") if huge else ("ignored", "ignored")
    return EntryFormat(
        mask=0x41 if huge else 1,
        value=0x41 if huge else 1,
        address=(AddressPart(page_shift, 48 - page_shift, page_shift),),
        fields=(
            *flags(0, "V", "D"),
            BitField("PLV", 2, bits=2),
            BitField("MAT", 4, bits=2),
            *flags(6, *names),
            BitField("software", 9, bits=3),
            *flags(12, *above),
            BitField("ignored", 48, bits=13),
            *flags(61, "NR", "NX", "RPLV"),
        ),
        always=1 << 7,
        access=_LA_ACCESS,
        access_mask=_LA_NX | 0x102,
        cache={"SUC": 0, "CC": 1 << 4, "WUC": 2 << 4},
        cache_mask=3 << 4,
        reserved=(1 << level.shift) - (1 << page_shift),
    )


LAID = (
    *(
        Laid(f"riscv-sv{bits}", riscv(bits), riscv_formats(riscv(bits)))
        for bits in (32, 39, 48, 57)
    ),
    Laid("riscv-sv39-no-svpbmt", riscv(39), riscv_formats(riscv(39), svpbmt=False)),
    Laid("i386-classic", CLASSIC, i386_formats(CLASSIC)._replace(describe=page_fault)),
    Laid("i386-pae", PAE, i386_formats(PAE)._replace(describe=page_fault)),
    Laid("loongarch", LOONGARCH, _loongarch()),
)
"""The geometries that stand for other plugins' own."""
