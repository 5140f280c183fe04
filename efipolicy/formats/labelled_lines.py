"""Lines ``label - 0x1F`` and ``label = 0x1F``, of which firmware's logs make records.

A record that takes several lines can lose some of them, and what is left of two records then looks
like one. Readers must ask for more than the right labels in the right order.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from typing import Final

from efipolicy.formats.logical_lines import CaptureText
from efipolicy.formats.printed_rows import GAP, tail
from efipolicy.named_tuple import NamedTuple

FULL_WIDTH: Final = 16
"""Digits of a number that is printed with leading zeros."""

EQUALS: Final = rf"(?:[ \t]|\r?\n[ \t>]*+)*+=(?:3D)?{GAP}"
"""An equals sign between blanks. At the end of a line it is no soft line end of a mail."""

CANNOT_BE_READ: Final = "a number that cannot be read"

_HEXADECIMAL: Final = re.compile(r"[ \t]*[0-9a-fA-F]+")


class Labelled(NamedTuple):
    """A label and its number, ``None`` when that cannot be read; where it all stands."""

    label: str
    number: int | None
    start: int
    end: int
    digits: tuple[int, int]


def around(text: CaptureText, words: Iterable[str], reach: int) -> Iterator[tuple[int, int]]:
    """The parts of a text that reach so many characters around some words.

    Words are found fast in a log of megabytes, patterns with alternatives are not.
    """
    places = sorted(one.start() for word in words for one in re.finditer(word, text.text))
    low = high = 0
    for place in places:
        if place - reach > high:
            if high:
                yield low, high
            low = place - reach
        low, high = max(low, 0), place + reach
    if high:
        yield low, high


def labelled(
    text: CaptureText,
    pattern: re.Pattern[str],
    widths: Mapping[str, int],
    parts: Iterable[tuple[int, int]],
) -> Iterator[Labelled]:
    """The labelled numbers in parts of a text. ``pattern`` has a group and ends behind ``0x``.

    The group is ``label``; ``widths`` says of which labels the number has leading zeros, and how
    many digits.
    """
    for match in chain.from_iterable(pattern.finditer(text.text, *part) for part in parts):
        if text.is_remark(match.start()):
            continue
        label = match["label"]
        number, digits = hexadecimal(text, match.end(), width=widths.get(label))
        end = max(match.end(), digits[1])
        yield Labelled(label, number, match.start(), end, digits)


def hexadecimal(
    text: CaptureText, start: int, *, width: int | None = None
) -> tuple[int | None, tuple[int, int]]:
    """The hexadecimal number at an offset, and where it stands.

    One with ``width`` digits may have been broken in two by a terminal. Of any other nothing tells
    whether the digits alone on the next line are its own: then it is ``None``.
    """

    def read(characters: str) -> int | None:
        fits = len(characters) == width if width else 0 < len(characters) <= FULL_WIDTH
        return int(characters, 16) if fits else None

    number, (first, after) = tail(text, start, _HEXADECIMAL, read)
    broken = not width and "\n" in text.text[first:after]
    if broken or text.text[after : after + 1].isalnum():
        number = None
    return number, (first, after)


def last_above(
    text: CaptureText, pattern: re.Pattern[str], low: int, high: int
) -> re.Match[str] | None:
    """The last match between two offsets, remarks left out."""
    found = list(pattern.finditer(text.text, max(low, 0), high))
    return next((one for one in reversed(found) if not text.is_remark(one.start())), None)
