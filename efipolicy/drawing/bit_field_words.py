"""The words that are worth a picture: the attribute of a memory descriptor, page-table entries."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from efipolicy.drawing.bit_field_cells import BitWord, WordField, word_of
from efipolicy.model.efi import (
    ATTRIBUTE_BITS,
    DEFINED_ATTRIBUTES,
    EFI_MEMORY_ISA_MASK,
    EFI_MEMORY_RO,
    EFI_MEMORY_RUNTIME,
    EFI_MEMORY_XP,
)
from efipolicy.paging.entries import AddressPart, BitField, EntryFormat

ATTRIBUTE_PHRASES: Final = {
    "RUNTIME": "must be mapped for runtime services",
    "ISA_VALID": "bits 59\N{EN DASH}44 are valid",
    "HOT_PLUGGABLE": "may be removed",
    "CPU_CRYPTO": "can be encrypted by the CPU",
    "SP": "specific purpose",
    "RO": "read only",
    "MORE_RELIABLE": "mirrored",
    "NV": "non-volatile",
    "XP": "no execute",
    "RP": "no read",
    "WP": "write-protected cacheable",
    "UCE": "uncached, exported",
    "WB": "write-back",
    "WT": "write-through",
    "WC": "write-combining",
    "UC": "uncached",
    "ISA_MASK": "ISA-specific",
}
"""What each bit of a memory descriptor's attribute says, in a few words (UEFI 2.11, 7.2.3)."""

_ATTRIBUTE_BITS: Final = 64
_RANGE: Final = "\N{EN DASH}"
_EMPHASISED: Final = EFI_MEMORY_RUNTIME | EFI_MEMORY_RO | EFI_MEMORY_XP

Href = Callable[[int], str | None]
"""The link to where a field is described, given its lowest bit."""


def attribute_word(value: int | None = None, href: Href = lambda _low: None) -> BitWord:
    """The attribute of a memory descriptor (UEFI 2.11, 7.2.3), what is undefined as reserved.

    Raises `ValueError` for a value that does not fit 64 bits.
    """
    fields = [_attribute(name, bits, href) for name, bits in ATTRIBUTE_BITS.items()]
    fields.append(_attribute("ISA_MASK", EFI_MEMORY_ISA_MASK, href))
    undefined = ~DEFINED_ATTRIBUTES & ((1 << _ATTRIBUTE_BITS) - 1)
    fields += [_reserved(high, low) for high, low in _runs(undefined)]
    return word_of(_ATTRIBUTE_BITS, tuple(fields), value)


def _attribute(name: str, bits: int, href: Href) -> WordField:
    high, low = bits.bit_length() - 1, (bits & -bits).bit_length() - 1
    return WordField(
        high,
        low,
        name,
        ATTRIBUTE_PHRASES[name],
        emphasised=bool(bits & _EMPHASISED),
        href=href(low),
    )


def entry_word(
    format: EntryFormat, *, bits: int, value: int | None = None, href: Href = lambda _low: None
) -> BitWord:
    """An entry of ``bits`` bits as its format describes it.

    What no part of the format describes is a field without a name. Bits of the address that are a
    field or reserved hold nothing of it. Raises `ValueError` for a value that does not fit.
    """
    fields: list[WordField] = []
    free = (1 << bits) - 1
    for field in format.fields:
        free &= ~field.mask
        fields.append(_named(field, format, value, href))
    reserved = format.reserved & free
    fields += [_reserved(high, low) for high, low in _runs(reserved)]
    free &= ~reserved
    for part in format.address:
        fields += _address(part, free & part.mask, href)
        free &= ~part.mask
    fields += [WordField(high, low, "?", "not described") for high, low in _runs(free)]
    return word_of(bits, tuple(fields), value)


def _named(field: BitField, format: EntryFormat, value: int | None, href: Href) -> WordField:
    phrase, detail = _meaning(field, value)
    return WordField(
        field.low + field.bits - 1,
        field.low,
        field.name,
        phrase,
        detail,
        emphasised=bool(field.mask & format.access_mask),
        href=href(field.low),
    )


def _meaning(field: BitField, value: int | None) -> tuple[str, str]:
    """A phrase for the picture and all there is to say.

    With a value that is what it means. Without one a single bit says what it means when it is set.
    """
    if value is not None:
        held = field.of(value)
        return field.values.get(held, field.meaning), ""
    told = {number: text for number, text in sorted(field.values.items()) if text}
    detail = ", ".join(f"{number} {text}" for number, text in told.items())
    if field.bits == 1:
        zero = f"0: {told[0]}" if 0 in told else ""
        return told.get(1, zero or field.meaning), detail or field.meaning
    # The meaning of a field with values is that of the values it does not name.
    other = f"; else {field.meaning}" if detail and field.meaning else field.meaning
    return ", ".join(told.values()) or field.meaning, f"{detail}{other}"


def _address(part: AddressPart, bits: int, href: Href) -> Iterator[WordField]:
    """What is left of a part of an address; each says which bits of the address it holds."""
    for high, low in _runs(bits):
        top, bottom = (bit - part.entry_low + part.physical_low for bit in (high, low))
        which = f"{top}{_RANGE}{bottom}" if top > bottom else str(top)
        phrase = f"physical address bit{'s' if top > bottom else ''} {which}"
        yield WordField(high, low, "address", phrase, address=True, href=href(low))


def _reserved(high: int, low: int) -> WordField:
    return WordField(high, low, phrase="must be clear", reserved=True)


def _runs(bits: int) -> Iterator[tuple[int, int]]:
    """The highest and the lowest of neighbouring set bits, the lowest run first."""
    while bits:
        low = (bits & -bits).bit_length() - 1
        length = (~(bits >> low) & ((bits >> low) + 1)).bit_length() - 1
        yield low + length - 1, low
        bits &= ~(((1 << length) - 1) << low)
