"""The descriptors of AArch64 stage 1 translation: bits, memory types and faults.

Arm ARM (DDI 0487), D8.3, "Translation table descriptor formats". What an operating system sets in
all its entries is what Linux sets for firmware's memory (6.12, arch/arm64/mm/mmu.c).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from efipolicy.plugin import Access, Level, RadixGeometry
from efipolicy.plugin.paging import AddressPart, BitField, EntryFormat, EntryFormats, Fault

MemoryTypes = tuple[str, ...]
"""The memory types of MAIR_ELx, one for each value of AttrIndx from 0 on."""

LINUX_MEMORY_TYPES: MemoryTypes = (
    "normal",
    "normal-tagged",
    "normal-nc",
    "device-nGnRnE",
    "device-nGnRE",
    "normal-wt",
)
"""The indices 0 to 4 are those of Linux since 5.14. It has no write-through memory: UEFI's binding
does (UEFI 2.10, 2.3.6), and has it here at the first index that Linux leaves free."""

EDK2_MEMORY_TYPES: MemoryTypes = ("device-nGnRnE", "normal-nc", "normal-wt", "normal")
"""The indices that edk2 uses in the tables under which firmware hands over."""

TranslationRegime = Literal["EL1", "EL2"]
"""Who is translated for: an operating system at EL1, or at EL2 with VHE, which sees the same bits;
or software at EL2 without VHE, where nothing is below and one bit forbids execution."""

_VALID, _TYPE = 1 << 0, 1 << 1
_AP1, _AP2 = 1 << 6, 1 << 7
_INNER_SHAREABLE = 3 << 8
_AF, _NG = 1 << 10, 1 << 11
_NT = 1 << 16
_DBM, _CONTIGUOUS, _PXN, _UXN = 1 << 51, 1 << 52, 1 << 53, 1 << 54
_XN = _UXN
_UXN_TABLE = 1 << 60


def entry_formats(geometry: RadixGeometry) -> EntryFormats:
    """The entries Linux makes: seen from EL1, with its memory types.

    A tree of 52 bits names physical addresses of 52 bits (FEAT_LPA2), others 48; with pages of
    64 KiB there is a place for 52 in every tree (FEAT_LPA), which Linux uses whatever its width.
    """
    wide = geometry.virtual_address_bits == 52 or geometry.page_size == 1 << 16
    return formats_with(geometry, physical_address_bits=52 if wide else 48)


def formats_with(
    geometry: RadixGeometry,
    *,
    physical_address_bits: Literal[48, 52] = 48,
    memory_types: MemoryTypes = LINUX_MEMORY_TYPES,
    regime: TranslationRegime = "EL1",
) -> EntryFormats:
    """The entries of a geometry, with the width its descriptors are set up for.

    With 52 bits and a granule of 4 or 16 KiB that is the format of TCR_ELx.DS, where shareability
    is a matter of TCR_ELx and its bits hold an address.
    """
    page_shift = geometry.levels[-1].shift
    wide = physical_address_bits == 52
    return EntryFormats(
        tables={
            level.name: _table(page_shift, regime, wide=wide) for level in geometry.levels[:-1]
        },
        leaves={
            level.name: _leaf(level, page_shift, memory_types, regime, wide=wide)
            for level in geometry.levels
            if level.leaf
        },
        describe=describe,
        physical_address_bits=physical_address_bits,
    )


def _address(page_shift: int, *, wide: bool) -> tuple[AddressPart, ...]:
    """Where a descriptor keeps an address: 48 bits stand where they mean, the rest is scattered."""
    if not wide:
        return (AddressPart(page_shift, 48 - page_shift, page_shift),)
    if page_shift == 16:
        return AddressPart(16, 32, 16), AddressPart(48, 4, 12)
    return AddressPart(page_shift, 50 - page_shift, page_shift), AddressPart(50, 2, 8)


def _not_address(address: tuple[AddressPart, ...], *, up_to: int) -> int:
    """The bits from 12 up to, not including, one that hold nothing of an address: RES0."""
    bits = (1 << up_to) - (1 << 12)
    for part in address:
        bits &= ~part.mask
    return bits


def _table(page_shift: int, regime: TranslationRegime, *, wide: bool) -> EntryFormat:
    """A descriptor that leads to a table. Linux forbids EL0 to execute below it, since 5.13."""
    address = _address(page_shift, wide=wide)
    return EntryFormat(
        mask=_VALID | _TYPE,
        value=_VALID | _TYPE,
        address=address,
        fields=(*_in_tables(regime), *_ignored_low(address)),
        always=_UXN_TABLE if regime == "EL1" else 0,
        reserved=_not_address(address, up_to=51),
    )


def _in_tables(regime: TranslationRegime) -> Iterator[BitField]:
    yield BitField("valid", 0, values={0: "invalid", 1: "valid"})
    yield BitField("type", 1, values={0: "block", 1: "leads to a table"})
    yield BitField("ignored", 51, bits=8)
    if regime == "EL1":
        yield BitField("PXNTable", 59, values={0: "", 1: "nothing below is executable at EL1"})
        yield BitField("UXNTable", 60, values={0: "", 1: "nothing below is executable at EL0"})
    else:
        yield BitField("RES0", 59)
        yield BitField("XNTable", 60, values={0: "", 1: "nothing below is executable"})
    yield BitField(
        "APTable",
        61,
        bits=2,
        values={
            0: "",
            1: "nothing below is for EL0",
            2: "nothing below is writable",
            3: "nothing below is writable, or for EL0",
        },
    )
    yield BitField("NSTable", 63, meaning="what is below is Non-secure, in Secure state")


def _ignored_low(address: tuple[AddressPart, ...]) -> Iterator[BitField]:
    """What is left of the bits 11:2 of a descriptor that leads to a table."""
    if any(part.entry_low == 8 for part in address):
        yield BitField("ignored", 2, bits=6)
        yield BitField("ignored", 10, bits=2)
    else:
        yield BitField("ignored", 2, bits=10)


def _leaf(
    level: Level,
    page_shift: int,
    memory_types: MemoryTypes,
    regime: TranslationRegime,
    *,
    wide: bool,
) -> EntryFormat:
    """A descriptor of a page, at the last level, or of a block.

    The address of a block goes in as it is, bits below the size of the block included, as Linux
    writes it. They are RES0, but for nT, which is at 16.
    """
    address = _address(page_shift, wide=wide)
    is_page = level.shift == page_shift
    has_sh = not any(part.entry_low == 8 for part in address)
    below = 0 if is_page else (1 << level.shift) - (1 << page_shift)
    return EntryFormat(
        mask=_VALID | _TYPE,
        value=_VALID | _TYPE if is_page else _VALID,
        address=address,
        fields=(
            *_in_leaves(memory_types, regime),
            *_of_block(is_page=is_page),
            *_shareability(has_sh=has_sh),
        ),
        always=_always(regime) | (_INNER_SHAREABLE if has_sh else 0),
        access=_ACCESS[regime],
        access_mask=_AP2 | (_DBM | _PXN if regime == "EL1" else _XN),
        cache={name: index << 2 for index, name in enumerate(memory_types)},
        cache_mask=7 << 2,
        contiguous=_CONTIGUOUS,
        reserved=(_not_address(address, up_to=50) | below) & ~(0 if is_page else _NT),
        other_access=_OTHER_ACCESS[regime],
    )


def _always(regime: TranslationRegime) -> int:
    """Used, not global, and nothing for EL0. AP[1] has to be set where there is no EL0."""
    return _AF | (_NG | _UXN if regime == "EL1" else _AP1)


_ACCESS: dict[TranslationRegime, dict[Access, int]] = {
    # Linux keeps in DBM whether memory may be written; AP[2] alone forbids it.
    "EL1": {"R": _AP2 | _PXN, "RW": _DBM | _PXN, "RX": _AP2, "RWX": _DBM},
    "EL2": {"R": _AP2 | _XN, "RW": _XN, "RX": _AP2, "RWX": 0},
}


_OTHER_ACCESS: dict[TranslationRegime, dict[int, Access]] = {
    # As firmware writes it, or hardware that does not track what was written.
    "EL1": {_PXN: "RW", 0: "RWX"},
    "EL2": {},
}


def _in_leaves(memory_types: MemoryTypes, regime: TranslationRegime) -> Iterator[BitField]:
    yield BitField("valid", 0, values={0: "invalid", 1: "valid"})
    yield BitField(
        "AttrIndx",
        2,
        bits=3,
        meaning="an index into MAIR that nobody set up",
        values=dict(enumerate(memory_types)),
    )
    yield BitField("NS", 5, meaning="Non-secure, in Secure state")
    yield from _permissions(regime)
    yield BitField("AF", 10, values={0: "not used yet", 1: "used"})
    yield BitField("GP", 50, values={0: "", 1: "branches may only go to their targets"})
    yield BitField("DBM", 51, values={0: "", 1: "writable, for Linux or the processor's tracking"})
    yield BitField("Contiguous", 52, values={0: "", 1: "one of a run of equal neighbours"})
    yield BitField("software", 55, bits=4, meaning="for software")
    yield BitField("PBHA", 59, bits=4, meaning="page-based hardware attributes, or ignored")
    yield BitField("ignored", 63)


def _permissions(regime: TranslationRegime) -> Iterator[BitField]:
    if regime == "EL2":
        yield BitField("AP[1]", 6, values={1: "has to be set"})
        yield BitField("AP[2]", 7, values={0: "writable", 1: "read-only"})
        yield BitField("RES0", 11)
        yield BitField("RES0", 53)
        yield BitField("XN", 54, values={0: "executable", 1: "not executable"})
        return
    yield BitField("AP[1]", 6, values={0: "not for EL0", 1: "for EL0 as well"})
    yield BitField("AP[2]", 7, values={0: "writable", 1: "read-only"})
    yield BitField("nG", 11, values={0: "of every address space", 1: "of this address space"})
    yield BitField("PXN", 53, values={0: "executable at EL1", 1: "not executable at EL1"})
    yield BitField("UXN", 54, values={0: "executable at EL0", 1: "not executable at EL0"})


def _of_block(*, is_page: bool) -> Iterator[BitField]:
    if is_page:
        yield BitField("type", 1, values={1: "page"})
    else:
        yield BitField("type", 1, values={0: "block"})
        yield BitField("nT", 16, values={0: "", 1: "not to be cached in a TLB while it changes"})


def _shareability(*, has_sh: bool) -> Iterator[BitField]:
    if has_sh:
        values = {0: "not shareable", 1: "reserved", 2: "outer shareable", 3: "inner shareable"}
        yield BitField("SH", 8, bits=2, values=values)


_STATUS = {
    "not-canonical": ("translation", 0b000100),
    "not-mapped": ("translation", 0b000100),
    "permission": ("permission", 0b001100),
    "address-size": ("address size", 0b000000),
}
_LEVEL_MINUS_1 = {"translation": 0b101011, "address size": 0b101001}


def describe(fault: Fault) -> str:
    """The fault with its level and the status code of ESR_ELx, DFSC or IFSC (Arm ARM, D17.2.37).

    An address that no base register covers is said to fail at level 0. What a processor does with
    bits that are RES0 nobody promises.
    """
    level = int(fault.level.name.removeprefix("L")) if fault.level else 0
    if fault.cause not in _STATUS:
        return f"RES0 bits {fault.reserved:#x} set in the entry of level {level}: no defined effect"
    name, status = _STATUS[fault.cause]
    status = _LEVEL_MINUS_1.get(name, status) if level < 0 else status | level
    register = "IFSC" if fault.kind == "execute" else "DFSC"
    return f"{name} fault, level {level} ({register} {status:#04x})"
