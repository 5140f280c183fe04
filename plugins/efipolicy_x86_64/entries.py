"""The 64-bit entries of x86: bits, page-attribute tables and page faults.

Intel SDM volume 3, 5.5 and 5.12, AMD64 APM volume 2, 5.4 and 7.8. What an operating system sets in
all its entries is what Linux sets for the kernel's own memory.
"""

from __future__ import annotations

from collections.abc import Iterator

from efipolicy.plugin import Level, RadixGeometry
from efipolicy.plugin.paging import AddressPart, BitField, EntryFormat, EntryFormats, Fault

PageAttributeTable = tuple[str, str, str, str, str, str, str, str]
"""The cache type of each of the eight combinations of the bits PAT, PCD and PWT."""

LINUX_PAT: PageAttributeTable = ("WB", "WC", "UC-", "UC", "WB", "WP", "UC-", "WT")
"""As Linux programs it. ``UC-`` gives way to an MTRR that says WC."""

LINUX_ERRATA_PAT: PageAttributeTable = ("WB", "WC", "UC-", "UC", "WB", "WC", "UC-", "UC")
"""As Linux programs it where an erratum of early Intel family 6 and 15 ignores the bit PAT."""

POWER_ON_PAT: PageAttributeTable = ("WB", "WT", "UC-", "UC", "WB", "WT", "UC-", "UC")
"""As a processor starts with it: what tables mean that are used before anybody programs it."""

PHYSICAL_ADDRESS_BITS = 52

_P, _RW, _US, _PWT, _PCD, _A, _D, _PS = (1 << bit for bit in range(8))
_NX = 1 << 63
_PAT_OF_A_PAGE, _PAT_OF_A_LARGE_PAGE = 7, 12

_ADDRESS = (AddressPart(physical_low=12, bits=40, entry_low=12),)

_COMMON = (
    BitField("P", 0, values={0: "not present", 1: "present"}),
    BitField("RW", 1, values={0: "read-only", 1: "writable"}),
    BitField("US", 2, values={0: "supervisor only", 1: "user mode as well"}),
    BitField("PWT", 3, meaning="lowest bit of the index into the PAT"),
    BitField("PCD", 4, meaning="middle bit of the index into the PAT"),
    BitField("A", 5, values={0: "not used yet", 1: "used"}),
    BitField("NX", 63, values={0: "executable", 1: "not executable"}),
)
_IN_TABLES = (
    *_COMMON,
    BitField("ignored", 6, meaning="no meaning in an entry that leads to a table"),
    BitField("ignored", 8, bits=4, meaning="for software"),
    BitField("ignored", 52, bits=11, meaning="for software"),
)
_IN_LEAVES = (
    *_COMMON,
    BitField("D", 6, values={0: "not written yet", 1: "written"}),
    BitField("G", 8, values={0: "of this address space", 1: "kept when CR3 changes"}),
    BitField("software", 9, bits=3, meaning="for software"),
    BitField("ignored", 52, bits=5, meaning="for software"),
    BitField("software", 57, bits=2, meaning="for software, used by Linux"),
    BitField("PKEY", 59, bits=4, meaning="protection key, judged where CR4.PKE or CR4.PKS is set"),
)


def entry_formats(geometry: RadixGeometry) -> EntryFormats:
    """The entries of tables of four or five levels, under the PAT of Linux."""
    return formats_with(geometry, LINUX_PAT)


def formats_with(geometry: RadixGeometry, pat: PageAttributeTable) -> EntryFormats:
    """The entries of a geometry where the page-attribute table holds these cache types.

    Only the cache types the PAT holds can be encoded; the first index that gives one is used.
    """
    return EntryFormats(
        tables={level.name: _table(level) for level in geometry.levels[:-1]},
        leaves={level.name: _leaf(level, pat) for level in geometry.levels if level.leaf},
        describe=describe,
        physical_address_bits=PHYSICAL_ADDRESS_BITS,
    )


def without_gigabyte_pages(geometry: RadixGeometry) -> RadixGeometry:
    """The same tables on a processor without pages of 1 GiB: that bit 7 is reserved there."""
    levels = tuple(
        level._replace(leaf=False) if level.shift == 30 else level for level in geometry.levels
    )
    return geometry._replace(name=f"{geometry.name}-2m", levels=levels)


def pat_index(level: Level, entry: int) -> int:
    """Which of the eight types of the PAT a leaf of a level selects."""
    pat = entry >> _pat_bit(level) & 1
    return pat << 2 | bool(entry & _PCD) << 1 | bool(entry & _PWT)


def _pat_bit(level: Level) -> int:
    return _PAT_OF_A_PAGE if level.shift == 12 else _PAT_OF_A_LARGE_PAGE


def _table(level: Level) -> EntryFormat:
    """An entry that leads to a table. Where no leaf can stand, bit 7 has to be clear.

    Linux forbids nothing in them: writable, executable, used and written.
    """
    page_size = (BitField("PS", 7, values={0: "leads to a table"}),) if level.leaf else ()
    return EntryFormat(
        mask=_P | _PS if level.leaf else _P,
        value=_P,
        address=_ADDRESS,
        fields=(*_IN_TABLES, *page_size),
        always=_RW | _A | _D,
        reserved=0 if level.leaf else _PS,
    )


def _leaf(level: Level, pat: PageAttributeTable) -> EntryFormat:
    """An entry that maps memory.

    The address of a large page goes into the entry as it is, bits below the size of the page
    included, as Linux writes it (6.12, arch/x86/mm/pat/set_memory.c). A frame that does not start
    where such a page can sets reserved bits that way, or the bit PAT, which is at 12.
    """
    large = level.shift > 12
    pat_bit = _pat_bit(level)
    pat_field = BitField("PAT", pat_bit, meaning="highest bit of the index into the PAT")
    page_size = (BitField("PS", 7, values={1: "maps memory"}),) if large else ()
    return EntryFormat(
        mask=_P | _PS if large else _P,
        value=_P | _PS if large else _P,
        address=_ADDRESS,
        fields=(*_IN_LEAVES, pat_field, *page_size),
        always=_A,
        access={"R": _NX, "RW": _RW | _NX, "RX": 0, "RWX": _RW},
        access_mask=_RW | _NX,
        cache=_cache(pat, 1 << pat_bit),
        cache_mask=1 << pat_bit | _PCD | _PWT,
        reserved=level.entry_size - (1 << 13) if large else 0,
        other_cache=dict(_choices(pat, 1 << pat_bit)),
    )


def _cache(pat: PageAttributeTable, pat_bit: int) -> dict[str, int]:
    """The bits that select each cache type, those of the first index where several do."""
    bits: dict[str, int] = {}
    for chosen, cache in _choices(pat, pat_bit):
        bits.setdefault(cache, chosen)
    return bits


def _choices(pat: PageAttributeTable, pat_bit: int) -> Iterator[tuple[int, str]]:
    """The bits that select each index, and the cache type there."""
    for index, cache in enumerate(pat):
        chosen = (pat_bit if index & 4 else 0) | (_PCD if index & 2 else 0)
        yield chosen | (_PWT if index & 1 else 0), cache


_ERROR_CODE = {1: "P", 2: "W", 4: "U", 8: "RSVD", 16: "I", 32: "PK"}


def page_fault(error_code: int) -> str:
    """A page fault with the bits of its error code by name."""
    names = [name for bit, name in _ERROR_CODE.items() if error_code & bit]
    return f"#PF, error code {error_code:#x} ({', '.join(names) or 'not present'})"


def describe(fault: Fault) -> str:
    """What the processor raises: supervisor code makes the access, with CR0.WP and EFER.NXE set.

    An address wider than the processor's is a set reserved bit to it.
    """
    if fault.cause == "not-canonical":
        return "#GP: not canonical"
    error_code = 0 if fault.cause == "not-mapped" else 1
    if fault.cause in ("reserved-bits", "address-size", "unaligned"):
        error_code |= 8
    if fault.kind == "write":
        error_code |= 2
    elif fault.kind == "execute":
        error_code |= 16
    return page_fault(error_code)
