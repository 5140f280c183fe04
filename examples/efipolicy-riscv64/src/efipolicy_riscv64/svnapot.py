"""Pages of 64 KiB made of sixteen entries that are all alike (the extension Svnapot).

Bit N says so, and the lowest four bits of the page's number are 1000b, so that the entries do not
tell which of the sixteen they are. The address within the 64 KiB supplies these bits.

Linux uses them for memory of programs and of the kernel; it maps firmware without.
"""

from __future__ import annotations

from typing import Final

from efipolicy.plugin import Access, RadixGeometry, round_down
from efipolicy.plugin.paging import DecodedEntry, EntryFormats, decode, encode

from efipolicy_riscv64.entries import N_FIELD, N

NAPOT_SIZE: Final = 64 << 10
"""Bytes. The specification defines no other size."""

_PATTERN: Final = 0b1111 << 10
_64K: Final = 0b1000 << 10
"""The lowest bits of the page's number in an entry of 64 KiB. Other patterns are reserved."""


def encode_napot(
    formats: EntryFormats, geometry: RadixGeometry, physical: int, access: Access, cache: str
) -> int:
    """The entry that stands sixteen times for the 64 KiB from a physical address on.

    Raises `ValueError` for an address that is no multiple of 64 KiB, and where the format has no
    Svnapot or cannot express access or memory type.
    """
    page = formats.leaves[geometry.levels[-1].name]
    if N_FIELD not in page.fields:
        raise ValueError("these entries have no bit N: the hart lacks Svnapot")
    if physical % NAPOT_SIZE:
        raise ValueError(f"{physical:#x} is no multiple of 64 KiB")
    return encode(page, physical, access, cache, also=N | _64K)


def decode_napot(formats: EntryFormats, geometry: RadixGeometry, entry: int) -> DecodedEntry:
    """What an entry of the last level says; one of 64 KiB with the address all sixteen share.

    With N set, a page number that ends in anything but 1000b is reserved, and its lowest bits are
    told as such; N is where they are clear.
    """
    level = geometry.levels[-1]
    decoded = decode(formats, level, entry)
    napot = entry & N and N_FIELD in formats.leaves[level.name].fields
    if decoded.kind != "leaf" or not napot:
        return decoded
    if entry & _PATTERN != _64K:
        # 0000b has no bit to point at: what is wrong then is N itself.
        return decoded._replace(reserved=decoded.reserved | entry & _PATTERN or N)
    start = round_down(decoded.physical or 0, NAPOT_SIZE)
    return decoded._replace(physical=start, contiguous=True)
