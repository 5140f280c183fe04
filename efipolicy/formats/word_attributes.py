"""Attributes that a table prints as words in one fixed order, bits without a word left out."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final

from efipolicy.formats.logical_lines import CaptureText
from efipolicy.formats.printed_rows import tail

_RANGE: Final = r"[ \t]+[0-9a-f]{16}-"
_WORDS: Final = re.compile(rf"(?:[ \t]*+[A-Z_]++(?![a-z-]|{_RANGE}))*+")
_OTHER_WORDS: Final = re.compile(
    rf"[ \t]*+(?![A-Za-z-]{{2,8}}(?:[ \t]+[0-9a-f]{{2,8}})?{_RANGE})[A-Za-z0-9]"
)
"""Something else than a word of an attribute, or than the next row of a text without line ends."""

CACHE_AND_PROTECTION: Final[dict[str, int]] = {
    "UC": 0x1,
    "WC": 0x2,
    "WT": 0x4,
    "WB": 0x8,
    "UCE": 0x10,
    "WP": 0x1000,
    "RP": 0x2000,
    "XP": 0x4000,
    "NV": 0x8000,
}
"""Words of the specification in the order of their bits (UEFI 2.11, 7.2.3)."""


def in_order(bits: Mapping[str, int]) -> Callable[[str], int | None]:
    """A reader of words that stand in the order of ``bits``, blanks between them removed.

    It gives the attribute, 0 for no words, and ``None`` for a word that is unknown, comes twice or
    stands where it never does.
    """
    order = re.compile("".join(f"({word})?" for word in bits))

    def attribute(words: str) -> int | None:
        found = order.fullmatch(words)
        return sum(bits[word] for word in found.groups() if word) if found else None

    return attribute


def words_behind(
    text: CaptureText, start: int, read: Callable[[str], int | None]
) -> tuple[int | None, tuple[int, int]]:
    """The attribute whose words are the last field of a row, and where they stand.

    A row may well have none of them; ``None`` where something else stands in their place.
    """
    attribute, span = tail(text, start, _WORDS, read)
    empty = span[1] <= start
    return (None if empty and _OTHER_WORDS.match(text.text, start) else attribute), span
