"""The entries of IA-32: bits, memory types and page faults.

Intel SDM volume 3, 5.3 and 5.4, AMD64 APM volume 2, 5.2. What an operating system sets in all its
entries is what Linux sets for the kernel's own memory.
"""

from __future__ import annotations

from typing import Final

from efipolicy.plugin import Access, Level, RadixGeometry
from efipolicy.plugin.paging import AddressPart, BitField, EntryFormat, EntryFormats, Fault

LINUX_PAT: Final = ("WB", "WC", "UC-", "UC", "WB", "WP", "UC-", "WT")
"""The cache type of each combination of PAT, PCD and PWT, as Linux programs it."""

CLASSIC_PHYSICAL_BITS: Final = 40
"""What PSE-36 gives a leaf of 4 MiB on processors with 40 bits; one of 4 KiB has 32."""

PAE_PHYSICAL_BITS: Final = 52

_P, _RW, _US, _PWT, _PCD, _A, _D, _PS = (1 << bit for bit in range(8))
_NX: Final = 1 << 63
_ABOVE_52: Final = 0x7FF << 52

_COMMON: Final = (
    BitField("P", 0, values={0: "not present", 1: "present"}),
    BitField("RW", 1, values={0: "read-only", 1: "writable"}),
    BitField("US", 2, values={0: "supervisor only", 1: "user mode as well"}),
    BitField("PWT", 3, meaning="lowest bit of the index into the PAT"),
    BitField("PCD", 4, meaning="middle bit of the index into the PAT"),
    BitField("A", 5, values={0: "not used yet", 1: "used"}),
)
_NO_EXECUTE: Final = BitField("NX", 63, values={0: "executable", 1: "not executable"})


def entry_formats(geometry: RadixGeometry) -> EntryFormats:
    """The entries of classic or of PAE tables, under the page-attribute table of Linux."""
    return _pae(geometry) if geometry.entry_bytes == 8 else _classic(geometry)


def _classic(geometry: RadixGeometry) -> EntryFormats:
    """Entries of 32 bits, none of which forbids execution.

    A leaf of 4 MiB keeps the bits 39:32 of its frame at 20:13 (PSE-36); bit 21 has to be clear.
    """
    directory, page = geometry.levels
    scattered = (AddressPart(22, 10, 22), AddressPart(32, 8, 13))
    whole = (AddressPart(12, 20, 12),)
    return EntryFormats(
        tables={directory.name: _table(whole)},
        leaves={
            directory.name: _leaf(directory, scattered, reserved=1 << 21),
            page.name: _leaf(page, whole),
        },
        describe=describe,
        physical_address_bits=CLASSIC_PHYSICAL_BITS,
    )


def _pae(geometry: RadixGeometry) -> EntryFormats:
    """Entries of 64 bits. Of the four at the top hardly a bit means anything, or may be set."""
    top, middle, page = geometry.levels
    address = (AddressPart(12, 40, 12),)
    pointer = EntryFormat(
        mask=_P,
        value=_P,
        address=address,
        fields=(_COMMON[0], *_COMMON[3:5], BitField("ignored", 9, bits=3, meaning="for software")),
        reserved=_RW | _US | 0xF << 5 | 0xFFF << 52,
    )
    large = middle.entry_size - (1 << 13)
    return EntryFormats(
        tables={top.name: pointer, middle.name: _table(address, no_execute=True)},
        leaves={
            middle.name: _leaf(middle, address, no_execute=True, reserved=_ABOVE_52 | large),
            page.name: _leaf(page, address, no_execute=True, reserved=_ABOVE_52),
        },
        describe=describe,
        physical_address_bits=PAE_PHYSICAL_BITS,
    )


def _table(address: tuple[AddressPart, ...], *, no_execute: bool = False) -> EntryFormat:
    """An entry that leads to a table. Linux forbids nothing in them."""
    return EntryFormat(
        mask=_P | _PS,
        value=_P,
        address=address,
        fields=(
            *_COMMON,
            BitField("ignored", 6, meaning="no meaning in an entry that leads to a table"),
            BitField("PS", 7, values={0: "leads to a table"}),
            BitField("ignored", 8, bits=4, meaning="for software"),
            *((_NO_EXECUTE,) if no_execute else ()),
        ),
        always=_RW | _A | _D,
        reserved=_ABOVE_52 if no_execute else 0,
    )


def _leaf(
    level: Level,
    address: tuple[AddressPart, ...],
    *,
    no_execute: bool = False,
    reserved: int = 0,
) -> EntryFormat:
    """An entry that maps memory."""
    large = level.shift > 12
    pat = 12 if large else 7
    execute: dict[Access, int] = {"RX": 0, "RWX": _RW}
    others: dict[Access, int] = {"R": _NX, "RW": _NX | _RW} if no_execute else {}
    page_size = (BitField("PS", 7, values={1: "maps memory"}),) if large else ()
    return EntryFormat(
        mask=_P | _PS if large else _P,
        value=_P | _PS if large else _P,
        address=address,
        fields=(
            *_COMMON,
            BitField("D", 6, values={0: "not written yet", 1: "written"}),
            *page_size,
            BitField("G", 8, values={0: "of this address space", 1: "kept when CR3 changes"}),
            BitField("software", 9, bits=3, meaning="for software"),
            BitField("PAT", pat, meaning="highest bit of the index into the PAT"),
            *((_NO_EXECUTE,) if no_execute else ()),
        ),
        always=_A | _D,
        access=execute | others,
        access_mask=_RW | (_NX if no_execute else 0),
        cache=_cache(1 << pat),
        cache_mask=1 << pat | _PCD | _PWT,
        reserved=reserved,
        other_cache=dict(_choices(1 << pat)),
    )


def _choices(pat_bit: int) -> list[tuple[int, str]]:
    """The bits that select each of the eight types, and the type there."""
    return [
        ((pat_bit if index & 4 else 0) | (index & 3) * _PWT, cache)
        for index, cache in enumerate(LINUX_PAT)
    ]


def _cache(pat_bit: int) -> dict[str, int]:
    """The bits of each cache type, those of the first index where several give it."""
    bits: dict[str, int] = {}
    for chosen, cache in _choices(pat_bit):
        bits.setdefault(cache, chosen)
    return bits


_ERROR_CODE: Final = {1: "P", 2: "W", 4: "U", 8: "RSVD", 16: "I"}


def describe(fault: Fault) -> str:
    """What the processor raises: supervisor code makes the access, with CR0.WP set.

    Reserved bits in one of the four entries at the top of PAE are found when CR3 is loaded.
    """
    if fault.cause == "reserved-bits" and fault.level and fault.level.shift == 30:
        return "#GP as soon as CR3 is loaded"
    error_code = 0 if fault.cause in ("not-mapped", "not-canonical") else 1
    if fault.cause in ("reserved-bits", "address-size", "unaligned"):
        error_code |= 8
    if fault.kind == "write":
        error_code |= 2
    elif fault.kind == "execute":
        error_code |= 16
    names = [name for bit, name in _ERROR_CODE.items() if error_code & bit]
    return f"#PF, error code {error_code:#x} ({', '.join(names) or 'not present'})"
