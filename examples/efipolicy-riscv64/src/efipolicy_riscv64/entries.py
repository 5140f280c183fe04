"""The entries of Sv39, Sv48 and Sv57: bits, memory types and exceptions.

RISC-V Privileged Specification 1.12 and later, "Supervisor-Level ISA": the translation modes, and
the extensions Svpbmt and Svnapot. What an operating system sets in all its entries is what Linux
sets in those for firmware (6.12, arch/riscv/kernel/efi.c).

An entry maps memory where one of R, W and X is set. The formats here ask for R: W without it is
reserved, and no plan makes memory that may be run but not read, so both are read as no entry that
is valid.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from efipolicy.plugin import Access, Level, RadixGeometry
from efipolicy.plugin.paging import (
    AccessKind,
    AddressPart,
    BitField,
    EntryFormat,
    EntryFormats,
    Fault,
)

PHYSICAL_ADDRESS_BITS: Final = 56
"""What a page number of 44 bits names."""


class MemoryTypes(NamedTuple):
    """The field of an entry in which its memory type stands, and the value of each.

    ``used`` are its bits, where they stand; none on a hart without such a field.
    """

    name: str
    low: int
    bits: int
    values: dict[str, int]

    @property
    def used(self) -> int:
        """The bits, where they stand."""
        return ((1 << self.bits) - 1) << self.low

    @property
    def choices(self) -> dict[str, int]:
        """The bits that select each type, where they stand."""
        return {name: value << self.low for name, value in self.values.items()}


SVPBMT: Final = MemoryTypes("PBMT", 61, 2, {"PMA": 0, "NC": 1, "IO": 2})
"""Page-based memory types. The value 3 is reserved: an entry with it faults, and reads here as one
without a memory type."""

NO_TYPES: Final = MemoryTypes("PBMT", 61, 0, {"PMA": 0})
"""A hart without Svpbmt: memory is what the platform made of it, and the bits have to be clear."""

THEAD: Final = MemoryTypes("MAEE", 59, 5, {"PMA": 0b01110, "NC": 0, "IO": 0b10000})
"""T-Head's C9xx, which came before Svpbmt and took its bits and three more for itself."""

_V, _R, _W, _X, _U, _G, _A, _D = (1 << bit for bit in range(8))
N: Final = 1 << 63
"""One of sixteen pages that are one of 64 KiB (Svnapot)."""

_NUMBER_LOW: Final = 10
_NUMBER: Final = (AddressPart(physical_low=12, bits=44, entry_low=_NUMBER_LOW),)
_UPPER: Final = (1 << 64) - (1 << 54)
_ACCESS: Final[dict[Access, int]] = {"R": _R, "RW": _R | _W, "RX": _R | _X, "RWX": _R | _W | _X}

_POINTERS_FLAGS: Final = (
    BitField("V", 0, values={0: "not valid", 1: "valid"}),
    BitField("R", 1, values={0: "not readable", 1: "readable"}),
    BitField("W", 2, values={0: "not writable", 1: "writable"}),
    BitField("X", 3, values={0: "not executable", 1: "executable"}),
    BitField("G", 5, values={0: "of this address space", 1: "of every address space"}),
    BitField("RSW", 8, bits=2, meaning="for software"),
)
_LEAVES_FLAGS: Final = (
    *_POINTERS_FLAGS,
    BitField("U", 4, values={0: "for the supervisor", 1: "for user mode"}),
    BitField("A", 6, values={0: "not used yet", 1: "used"}),
    BitField("D", 7, values={0: "not written yet", 1: "written"}),
)


def formats_with(
    geometry: RadixGeometry, *, memory_types: MemoryTypes = SVPBMT, svnapot: bool = True
) -> EntryFormats:
    """The entries of a geometry on a hart with these extensions.

    What a hart lacks the extension for is reserved: a set bit makes every use of the entry fault.
    Where the memory type has bit 63, as T-Head's, there is no Svnapot.
    Pages of Svnapot are made and read by `efipolicy_riscv64.svnapot`: their sixteen entries are
    alike, while the builder gives each leaf of a run a frame of its own. So no level of the
    geometries says that its leaves can be contiguous.
    """
    return EntryFormats(
        tables={level.name: _POINTER for level in geometry.levels[:-1]},
        leaves={
            level.name: _leaf(level, geometry.page_size, memory_types, svnapot=svnapot)
            for level in geometry.levels
        },
        describe=describe,
        physical_address_bits=PHYSICAL_ADDRESS_BITS,
    )


_POINTER: Final = EntryFormat(
    mask=_V | _R | _W | _X,
    value=_V,
    address=_NUMBER,
    fields=_POINTERS_FLAGS,
    reserved=_UPPER | _U | _A | _D,
)
"""An entry that leads to a table: none of R, W and X, and of the bits above the address none."""


def _leaf(level: Level, page_size: int, memory_types: MemoryTypes, *, svnapot: bool) -> EntryFormat:
    """An entry that maps memory. Linux marks its own as used and written from the start.

    Above the last level the lowest bits of the page's number have to be clear, and there is no N.
    """
    napot = svnapot and level.entry_size == page_size and not memory_types.used & N
    below = (level.entry_size // page_size - 1) << _NUMBER_LOW
    return EntryFormat(
        mask=_V | _R,
        value=_V | _R,
        address=_NUMBER,
        fields=(*_LEAVES_FLAGS, *_type_field(memory_types), *((N_FIELD,) if napot else ())),
        always=_A | _D,
        access=_ACCESS,
        access_mask=_R | _W | _X,
        cache=memory_types.choices,
        cache_mask=memory_types.used,
        reserved=below | _UPPER & ~memory_types.used & ~(N if napot else 0),
    )


N_FIELD: Final = BitField("N", 63, values={0: "", 1: "one of sixteen entries for 64 KiB"})


def _type_field(types: MemoryTypes) -> tuple[BitField, ...]:
    if not types.bits:
        return ()
    words = {value: name for name, value in types.values.items()}
    return (BitField(types.name, types.low, types.bits, meaning="reserved", values=words),)


_EXCEPTIONS: Final[dict[AccessKind, tuple[str, int, int]]] = {
    "execute": ("instruction", 12, 1),
    "read": ("load", 13, 5),
    "write": ("store/AMO", 15, 7),
}
"""The kind of access in the words of scause, and its codes for page and access faults."""


def describe(fault: Fault) -> str:
    """The exception with its code in scause (Privileged Specification, "Supervisor Cause").

    What translation refuses is a page fault whatever the reason. An address no memory can have is
    an access fault.
    """
    kind, page_fault, access_fault = _EXCEPTIONS[fault.kind]
    if fault.cause == "address-size":
        return f"{kind} access fault (scause {access_fault}): no memory has such an address"
    return f"{kind} page fault (scause {page_fault}): {_why(fault)}"


def _why(fault: Fault) -> str:
    match fault.cause:
        case "not-canonical":
            return "the upper bits do not repeat the highest one that is translated"
        case "not-mapped":
            return f"the entry in the {fault.level.name if fault.level else 'PGD'} is not valid"
        case "reserved-bits":
            return f"reserved bits {fault.reserved:#x} are set in the entry"
        case "unaligned":
            return "the page of the entry does not start where one of its size can"
        case _:
            return "the entry does not grant it"
