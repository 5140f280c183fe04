"""The translation Itanium inserts for a granule, and the register that says how large it is.

Intel Itanium Architecture Software Developer's Manual, volume 2, 4.1.1.5. What an operating system
sets in all it inserts is what Linux sets for the kernel's identity regions (4.15, ivt.S).
"""

from __future__ import annotations

from efipolicy.plugin import Level
from efipolicy.plugin.paging import AddressPart, BitField, EntryFormat, EntryFormats, Fault

PHYSICAL_ADDRESS_BITS = 50

_P, _A, _D, _ED = 1 << 0, 1 << 5, 1 << 6, 1 << 52
_RESERVED = 1 << 1 | 3 << 50

_MEMORY_ATTRIBUTE = {"WB": 0, "UC": 4, "UCE": 5, "WC": 6}
_ACCESS_RIGHTS = {
    0: "read",
    1: "read, execute",
    2: "read, write",
    3: "read, write, execute",
    4: "read; at level 0 write as well",
    5: "read, execute; at level 0 write as well",
    6: "read, write, execute; at level 0 not execute",
    7: "execute, to enter the level PL; at level 0 read as well",
}

_FIELDS = (
    BitField("P", 0, values={0: "not present", 1: "present"}),
    BitField(
        "MA",
        2,
        bits=3,
        meaning="reserved, or for software",
        values={**{value: name for name, value in _MEMORY_ATTRIBUTE.items()}, 7: "NaT page"},
    ),
    BitField("A", 5, values={0: "not used yet", 1: "used"}),
    BitField("D", 6, values={0: "not written yet", 1: "written"}),
    BitField("PL", 7, bits=2, meaning="privilege level", values={0: "the kernel's", 3: "users'"}),
    BitField("AR", 9, bits=3, values=_ACCESS_RIGHTS),
    BitField("ED", 52, values={0: "", 1: "speculative loads defer exceptions"}),
    BitField("ignored", 53, bits=11, meaning="for software"),
)


ITIR_FIELDS = (
    BitField("ps", 2, bits=6, meaning="page size, as a power of two"),
    BitField("key", 8, bits=24, meaning="protection key"),
)
"""The register ITIR, which goes with a translation. Its other bits are reserved."""

PAGE_SIZES = tuple(1 << shift for shift in (12, 13, 14, 16, 18, 20, 22, 24, 26, 28, 30, 32))
"""Bytes a translation may span; the last two are the processor's choice."""


def granule_level(granule: int) -> Level:
    """The granules of a region as a level of entries, so that they decode as those of a table."""
    shift = granule.bit_length() - 1
    return Level("granule", shift=shift, bits=61 - shift, leaf=True)


def translation(granule: int) -> EntryFormat:
    """A translation of so many bytes as ``itc`` and ``itr`` take it.

    Linux makes granules of the identity regions writable and executable. Bits of the address below
    the granule are ignored.
    """
    shift = granule.bit_length() - 1
    return EntryFormat(
        mask=_P,
        value=_P,
        address=(AddressPart(shift, PHYSICAL_ADDRESS_BITS - shift, shift),),
        fields=(*_FIELDS, BitField("ignored", 12, bits=shift - 12)),
        always=_P | _A | _D | _ED,
        access={"R": 0 << 9, "RX": 1 << 9, "RW": 2 << 9, "RWX": 3 << 9},
        access_mask=7 << 9,
        cache={name: value << 2 for name, value in _MEMORY_ATTRIBUTE.items()},
        cache_mask=7 << 2,
        reserved=_RESERVED,
    )


def translation_formats(granule: int) -> EntryFormats:
    """The translations of granules of so many bytes: no entry leads to a table."""
    return EntryFormats(
        tables={},
        leaves={"granule": translation(granule)},
        describe=describe,
        physical_address_bits=PHYSICAL_ADDRESS_BITS,
    )


def itir(page_size: int, *, key: int = 0) -> int:
    """The register ITIR for a translation of so many bytes. Raises `ValueError` for other sizes."""
    if page_size not in PAGE_SIZES:
        raise ValueError(f"no translation spans {page_size:#x} bytes")
    return (page_size.bit_length() - 1) << 2 | key << 8


def itir_page_size(value: int) -> int:
    """Bytes of the translation that a value of ITIR describes."""
    return 1 << ITIR_FIELDS[0].of(value)


def describe(fault: Fault) -> str:
    """The fault by its name in the manual, volume 2, 5.5."""
    side = "Instruction" if fault.kind == "execute" else "Data"
    if fault.cause == "not-canonical":
        return f"Unimplemented {side} Address {'trap' if side == 'Instruction' else 'fault'}"
    if fault.cause == "permission":
        return f"{side} Access Rights fault"
    if fault.cause == "not-mapped":
        return "Page Not Present fault"
    return "Reserved Register/Field fault, when the translation is inserted"
