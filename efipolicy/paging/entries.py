"""Page-table entries as data: where each bit stands, what it means, and what faults when set."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Literal, TypeVar

from efipolicy.model.mapping import Access
from efipolicy.named_tuple import NamedTuple
from efipolicy.paging.geometry import Level

_Word = TypeVar("_Word", bound=str)


class BitField(NamedTuple):
    """Some bits of an entry: their name, the lowest one, how many, and what their values mean.

    ``meaning`` is said of the field as a whole where ``values`` has no words for its value.
    """

    name: str
    low: int
    bits: int = 1
    meaning: str = ""
    values: Mapping[int, str] = {}

    @property
    def mask(self) -> int:
        """The bits, where they stand."""
        return ((1 << self.bits) - 1) << self.low

    def of(self, entry: int) -> int:
        """The value of the field in an entry."""
        return (entry & self.mask) >> self.low


class AddressPart(NamedTuple):
    """``bits`` bits of a physical address from bit ``physical_low`` on, at ``entry_low``."""

    physical_low: int
    bits: int
    entry_low: int

    @property
    def mask(self) -> int:
        """The bits of the entry it takes."""
        return ((1 << self.bits) - 1) << self.entry_low


class EntryFormat(NamedTuple):
    """How one kind of entry is laid out at one level.

    An entry is of this kind when its bits ``mask`` are ``value``. ``always`` are further bits that
    an operating system sets in all it makes. ``access`` and ``cache`` give the bits of each choice
    among those of their masks; ``other_access`` and ``other_cache`` are bits that mean the same and
    are read but never written. A set bit of ``reserved`` makes every use of the entry a fault;
    ``contiguous`` marks one of several neighbours that are one translation. ``address`` is empty
    for a kind whose place nobody states.
    """

    mask: int
    value: int
    address: tuple[AddressPart, ...]
    fields: tuple[BitField, ...]
    always: int = 0
    access: Mapping[Access, int] = {}
    access_mask: int = 0
    cache: Mapping[str, int] = {}
    cache_mask: int = 0
    contiguous: int = 0
    reserved: int = 0
    other_access: Mapping[int, Access] = {}
    other_cache: Mapping[int, str] = {}

    def holds(self, entry: int) -> bool:
        """Whether an entry is of this kind."""
        return entry & self.mask == self.value


FaultCause = Literal[
    "not-canonical", "not-mapped", "reserved-bits", "permission", "address-size", "unaligned"
]
"""Why a processor stops: in the words of no architecture."""
AccessKind = Literal["read", "write", "execute"]
"""What code does at an address."""


class Fault(NamedTuple):
    """Why a processor does not complete an access, and the entry that stops it.

    ``number`` counts the levels from the root, 0 first; ``None`` before any entry is read.
    ``reserved`` are the offending bits of the entry.
    """

    cause: FaultCause
    kind: AccessKind
    level: Level | None = None
    number: int | None = None
    reserved: int = 0


class EntryFormats(NamedTuple):
    """The entries of a geometry: by level name those that lead to a table, and the leaves.

    ``present`` are the bits of which every entry that is not empty has one set. ``describe`` puts a
    fault in the architecture's words. ``physical_address_bits`` is the widest address a leaf can
    hold.
    """

    tables: Mapping[str, EntryFormat]
    leaves: Mapping[str, EntryFormat]
    describe: Callable[[Fault], str]
    physical_address_bits: int
    present: int = 1


class FieldValue(NamedTuple):
    """One field of an entry, its value, and what that value means."""

    field: BitField
    value: int
    meaning: str


class DecodedEntry(NamedTuple):
    """What an entry says. ``physical`` is the frame, or the table; bits below it are dropped.

    ``access`` and ``cache`` are ``None`` where its bits are none of the format's. ``reserved`` are
    the set bits that make its use a fault, ``unknown`` those that no field describes.
    """

    entry: int
    kind: Literal["empty", "table", "leaf", "invalid"]
    physical: int | None = None
    access: Access | None = None
    cache: str | None = None
    contiguous: bool = False
    fields: tuple[FieldValue, ...] = ()
    reserved: int = 0
    unknown: int = 0


def wider(access: Access, format: EntryFormat) -> Access:
    """The least access a format has that grants this one: not every table can forbid execution.

    Raises `ValueError` when there is none.
    """
    for choice in (access, *_WIDER[access]):
        if choice in format.access:
            return choice
    raise ValueError(f"no entry of this kind grants {access}")


_WIDER: dict[Access, tuple[Access, ...]] = {
    "R": ("RX", "RW", "RWX"),
    "RW": ("RWX",),
    "RX": ("RWX",),
    "RWX": (),
}


def encode(
    format: EntryFormat,
    physical: int,
    access: Access,
    cache: str,
    *,
    contiguous: bool = False,
    also: int = 0,
) -> int:
    """A leaf as an operating system writes it, its address not checked for alignment.

    ``also`` are further bits, such as one that marks encrypted memory. Bits of the address that the
    entry has no place for are lost, as in hardware. Raises `ValueError` for an access or a cache
    type that the format cannot express.
    """
    if cache not in format.cache:
        known = ", ".join(format.cache)
        raise ValueError(f"no entry of this kind makes memory {cache}; it has {known}")
    entry = format.value | format.always | format.access[wider(access, format)]
    entry |= format.cache[cache] | also
    if contiguous:
        entry |= format.contiguous
    for part in format.address:
        entry |= (physical >> part.physical_low & ((1 << part.bits) - 1)) << part.entry_low
    return entry


def decode(formats: EntryFormats, level: Level, entry: int) -> DecodedEntry:
    """What an entry of a level's table says, each field with the meaning of its value."""
    if not entry & formats.present:
        return DecodedEntry(entry, "empty")
    leaf, table = formats.leaves.get(level.name), formats.tables.get(level.name)
    if leaf and leaf.holds(entry):
        return _decoded_leaf(leaf, level, entry)
    if table and table.holds(entry):
        return _decoded(table, entry, "table", _gathered(table, entry))
    return DecodedEntry(entry, "invalid", unknown=entry)


def _decoded_leaf(format: EntryFormat, level: Level, entry: int) -> DecodedEntry:
    physical = _gathered(format, entry) & -level.entry_size
    decoded = _decoded(format, entry, "leaf", physical)
    return decoded._replace(
        access=_choice(format.access, format.other_access, entry & format.access_mask),
        cache=_choice(format.cache, format.other_cache, entry & format.cache_mask),
        contiguous=bool(format.contiguous and entry & format.contiguous == format.contiguous),
    )


def _decoded(
    format: EntryFormat, entry: int, kind: Literal["table", "leaf"], physical: int
) -> DecodedEntry:
    described = 0
    for field in format.fields:
        described |= field.mask
    for part in format.address:
        described |= part.mask
    return DecodedEntry(
        entry,
        kind,
        physical,
        fields=tuple(_fields(format, entry)),
        reserved=entry & format.reserved,
        unknown=entry & ~(described | format.reserved),
    )


def _fields(format: EntryFormat, entry: int) -> Iterator[FieldValue]:
    """The fields from the lowest bit up."""
    for field in sorted(format.fields, key=lambda field: field.low):
        value = field.of(entry)
        yield FieldValue(field, value, field.values.get(value, field.meaning))


def _gathered(format: EntryFormat, entry: int) -> int:
    physical = 0
    for part in format.address:
        physical |= (entry >> part.entry_low & ((1 << part.bits) - 1)) << part.physical_low
    return physical


def _choice(choices: Mapping[_Word, int], others: Mapping[int, _Word], bits: int) -> _Word | None:
    written = (word for word, value in choices.items() if value == bits)
    return next(written, None) or others.get(bits)


def with_encryption_bit(formats: EntryFormats, bit: int) -> EntryFormats:
    """The same entries where one address bit marks encrypted memory instead (AMD SEV).

    Tables are encrypted themselves, so the entries that lead to them carry it as well.
    """
    field = BitField("C", bit, meaning="the page is encrypted", values={0: "not encrypted"})

    def marked(format: EntryFormat) -> EntryFormat:
        address = tuple(piece for part in format.address for piece in _around(part, bit))
        return format._replace(address=address, fields=(*format.fields, field))

    return formats._replace(
        tables={
            name: marked(format)._replace(always=format.always | 1 << bit)
            for name, format in formats.tables.items()
        },
        leaves={name: marked(format) for name, format in formats.leaves.items()},
        physical_address_bits=min(formats.physical_address_bits, bit),
    )


def _around(part: AddressPart, bit: int) -> Iterator[AddressPart]:
    """The part of an address below an entry's bit; those above it hold nothing any more."""
    below = bit - part.entry_low
    if below >= part.bits:
        yield part
    elif below > 0:
        yield part._replace(bits=below)
