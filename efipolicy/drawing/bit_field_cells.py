"""The cells of a word's picture: its fields, cut into rows, and what each of them holds."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Final

from efipolicy.drawing.text_width import text_width
from efipolicy.named_tuple import NamedTuple

LEFT: Final = 12
"""Where the highest bit of a row begins."""

BIT: Final = 23
"""The width of a bit. A row has 32 of them."""

_RANGE: Final = "\N{EN DASH}"
_LEAST_NAMED: Final = 4
_WORD: Final = 58
_AROUND: Final = 4


class WordField(NamedTuple):
    """Neighbouring bits of a word that mean one thing, ``high`` and ``low`` included.

    ``phrase`` is a few words for the picture, ``detail`` what is said where there is room for more.
    A set bit of a ``reserved`` field is an error. ``address`` is part of an address, ``emphasised``
    what grants or forbids access. ``href`` is where the field is described.
    """

    high: int
    low: int
    name: str = ""
    phrase: str = ""
    detail: str = ""
    reserved: bool = False
    address: bool = False
    emphasised: bool = False
    href: str | None = None

    @property
    def bits(self) -> int:
        """How many bits it has."""
        return self.high - self.low + 1

    def of(self, value: int) -> int:
        """The value of the field in a word."""
        return value >> self.low & ((1 << self.bits) - 1)

    def told(self, value: int | None) -> str:
        """The complete fact: its bits, its name, what it means, and what it holds."""
        name = "reserved" if self.reserved else self.name
        told = f"{named_bits(self.high, self.low)} {name}".rstrip()
        if value is not None:
            told += f" = {hex_text(self.of(value), self.bits)}"
        meaning = self.detail or self.phrase
        return f"{told}: {meaning}" if meaning else told


class BitWord(NamedTuple):
    """A word of any number of bits: its fields, the highest first, and perhaps a value.

    Build it with `word_of`, which sees to it that every bit is in exactly one field.
    """

    bits: int
    fields: tuple[WordField, ...]
    value: int | None = None

    @property
    def reserved_bits_set(self) -> list[int]:
        """The bits that are set and must not be, the highest first."""
        value = self.value or 0
        return [
            bit
            for field in self.fields
            if field.reserved
            for bit in range(field.high, field.low - 1, -1)
            if value >> bit & 1
        ]


def word_of(bits: int, fields: tuple[WordField, ...], value: int | None = None) -> BitWord:
    """A word whose fields cover it, in any order.

    Raises `ValueError` for fields that overlap, leave a bit out or reach beyond the word, and for a
    value that does not fit it.
    """
    ordered = tuple(sorted(fields, key=lambda field: -field.high))
    expected = bits - 1
    for field in ordered:
        if field.high != expected or not 0 <= field.low <= field.high:
            found = named_bits(field.high, field.low)
            raise ValueError(f"found a field of {found}, expected bit {expected} next")
        expected = field.low - 1
    if expected != -1:
        raise ValueError(f"{named_bits(expected, 0)} are in no field")
    if value is not None and not 0 <= value < 1 << bits:
        raise ValueError(f"{value:#x} does not fit {bits} bits")
    return BitWord(bits, ordered, value)


class Piece(NamedTuple):
    """The part of a field that is in one row. ``row_high`` is the bit at the row's left end."""

    field: WordField
    high: int
    low: int
    row_high: int
    value: int | None
    explained: bool = True

    def __str__(self) -> str:
        """``63 NX = 1``, ``61-60 reserved``."""
        name = "reserved" if self.field.reserved else self.field.name
        held = "" if self.value is None else f" = {hex_text(self.value, self.bits)}"
        where = " inside" if self.inside else ""
        return f"{bits_text(self.high, self.low)} {name}{held}{where}"

    @property
    def bits(self) -> int:
        """How many bits of the field are in this row."""
        return self.high - self.low + 1

    @property
    def left(self) -> float:
        """The left edge."""
        return self.left_of(self.high)

    @property
    def width(self) -> float:
        """From edge to edge."""
        return self.bits * BIT

    @property
    def middle(self) -> float:
        """Half-way between the edges."""
        return self.left + self.width / 2

    @property
    def digits(self) -> str:
        """What it holds as a hexadecimal number; empty without a value."""
        return "" if self.value is None else hex_text(self.value, self.bits)

    @property
    def inside(self) -> bool:
        """Whether the name and the value stand in the cell itself."""
        if self.field.reserved or self.bits < _LEAST_NAMED:
            return False
        taken = text_width(self.field.name, 11, bold=True)
        if self.digits:
            taken += text_width(" ", 11) + text_width(self.digits, 11.5, mono=True)
        return taken + 2 * _AROUND <= self.width

    @property
    def set_bits(self) -> list[int]:
        """The bits that are set, the highest first."""
        return [bit for bit in range(self.high, self.low - 1, -1) if self.is_set(bit)]

    @property
    def word_place(self) -> float | None:
        """The middle of the widest part without a set bit; ``None`` where no word fits it."""
        edges = [self.high + 1, *self.set_bits, self.low - 1]
        count, high = max((above - below - 1, above - 1) for above, below in pairwise(edges))
        if count * BIT < _WORD + 2 * _AROUND:
            return None
        return self.left_of(high) + count * BIT / 2

    def is_set(self, bit: int) -> bool:
        """Whether a bit of the word is set."""
        return bool(self.value is not None and self.value >> (bit - self.low) & 1)

    def left_of(self, bit: int) -> float:
        """The left edge of a bit."""
        return LEFT + (self.row_high - bit) * BIT

    def told(self) -> str:
        """The complete fact about the field, with the value of this part where it is cut."""
        whole = self.high == self.field.high and self.low == self.field.low
        if whole and self.value is not None:
            return self.field.told(self.value << self.low)
        return self.field.told(None)


def pieces_of(word: BitWord, high: int, low: int) -> Iterator[Piece]:
    """The pieces of a word's fields between two bits, both included, the highest first.

    What is reserved is explained below only where no cell has room for the word.
    """
    written = any(field.reserved and field.bits >= _LEAST_NAMED for field in word.fields)
    for field in word.fields:
        top, bottom = min(field.high, high), max(field.low, low)
        if top >= bottom:
            value = None
            if word.value is not None:
                value = word.value >> bottom & ((1 << (top - bottom + 1)) - 1)
            yield Piece(field, top, bottom, high, value, not (field.reserved and written))


def bits_text(high: int, low: int) -> str:
    """``62\N{EN DASH}59``, or one number."""
    return str(high) if high == low else f"{high}{_RANGE}{low}"


def named_bits(high: int, low: int) -> str:
    """``bit 63``, ``bits 62\N{EN DASH}59``."""
    return f"bit{'' if high == low else 's'} {bits_text(high, low)}"


def hex_text(value: int, bits: int) -> str:
    """A number with as many digits as the bits need, in groups of four: ``0x7_ffe0``."""
    digits = f"{value:0{-(-bits // 4)}x}"
    first = len(digits) % 4 or 4
    return "0x" + "_".join(
        [digits[:first], *(digits[at : at + 4] for at in range(first, len(digits), 4))]
    )
