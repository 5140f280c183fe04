"""``ACPI=0x… ACPI 2.0=0x…``: names and addresses of configuration tables, on one line or wrapped.

A line of many tables is wrapped more often than any other: between two of them, inside a name of
two words, and by terminals inside any word or number.
"""

from __future__ import annotations

import re
from typing import Final

from efipolicy.formats.logical_lines import CaptureText
from efipolicy.named_tuple import NamedTuple

_PAIR: Final = re.compile(
    r"(?<![\w.])(?P<name>[A-Z][A-Za-z]*\d*(?:[ \t]\d\.\d)?)=(?:3D)?"
    r"(?P<address>0x[0-9a-fA-F]{1,16})\b"
)
_OPEN_ADDRESS: Final = re.compile(r"=(?:3D)?(?:0(?:x[0-9a-fA-F]{0,15})?)?\Z")
_REST_OF_ADDRESS: Final = re.compile(
    r"(?:0?x)?[0-9a-fA-F]{1,16}(?:(?=(?:=20|=09|=)\Z)|(?![\w.,:=-]))(?![ \t]+\d{1,2}[ \t]+\d\d:)"
    r"|0?x[0-9a-fA-F]{1,16}(?![\w-])"
)
"""The day of a time stamp behind it makes it the name of a month: ``dec 05 09:18:59``. A comma
behind it makes it the level of a record of ``/dev/kmsg`` or netconsole: ``6,105,0,-;efi: …``.
"""
_OPEN_NAME: Final = re.compile(
    r"(?:^|[ \t])[A-Z][A-Za-z]{0,24}\d{0,4}(?P<number>[ \t]\d(?:\.\d?)?)?\Z"
)
_REST_OF_NAME: Final = re.compile(r"[A-Za-z]{0,24}\d{0,4}(?:[ \t]?\d?\.?\d)?=(?:3D)?0")
_SECOND_WORD: Final = re.compile(r"\d\.\d=")
_ONE_NAME: Final = re.compile(
    r"efi:[ \t]+[A-Z][A-Za-z]*\d*(?:[ \t]\d?\.?\d?)?(?:=(?:3D)?(?:0(?:x[0-9a-fA-F]{0,15})?)?)?\Z"
)
"""The first line, wrapped before the end of the first table."""

_MOST_OTHERS: Final = 6
"""Lines without a table behind the banner: the rest of it, blank ones, ``efi:`` wrapped alone."""
_LONGEST_TAIL: Final = 48
"""Characters of a name and an address."""


class Pair(NamedTuple):
    """``ACPI 2.0=0x…``: the name, the address, and where each stands in the text."""

    name: str
    address: int
    name_span: tuple[int, int]
    address_span: tuple[int, int]


def pairs(text: CaptureText, at: int, end: int) -> list[Pair]:
    """The tables listed from an offset on: up to the first line below them that lists none."""
    lines = _Unwrapped()
    blank = 0
    listed = False
    while at < end and blank < _MOST_OTHERS:
        line_end = text.line_end(at)
        line = text.text[at:line_end]
        words = line.strip(" \t\r>")
        found = _PAIR.search(line) is not None
        if lines.add(words, at + line.find(words), found):
            listed = True
        elif listed and words:
            break
        else:
            blank += 1
        at = line_end + 1
    return lines.pairs()


class _Unwrapped:
    """Lines put together where they were wrapped; every character knows where it stood."""

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._offsets: list[int] = []
        self._tail = ""

    def add(self, words: str, start: int, found: bool) -> bool:
        """Take a line that lists tables, or the rest of one; whether it is of that kind."""
        if "=3D" in words and words.endswith("="):
            words = words[:-1].rstrip()  # the soft line end of quoted-printable
        between = _between(self._tail, words) if self._tail and words else "\n"
        goes_on = found or between != "\n"
        if not goes_on and not _ONE_NAME.search(words):
            if words:
                self._tail = ""
            return False
        self._pieces += [between, words]
        self._offsets += [start] * len(between)
        self._offsets += range(start, start + len(words))
        self._tail = (self._tail + between + words)[-_LONGEST_TAIL:]
        return goes_on

    def pairs(self) -> list[Pair]:
        """Every table in them."""
        found = []
        for match in _PAIR.finditer("".join(self._pieces)):
            name = match["name"].replace("\t", " ")
            address = int(match["address"], 16)
            found.append(Pair(name, address, self._span(match, 1), self._span(match, 2)))
        return found

    def _span(self, match: re.Match[str], group: int) -> tuple[int, int]:
        start, end = match.span(group)
        return self._offsets[start], self._offsets[end - 1] + 1


def _between(tail: str, words: str) -> str:
    """What stood where a line ends and the next one starts: nothing, a blank or a line end."""
    if _OPEN_ADDRESS.search(tail) and _REST_OF_ADDRESS.match(words):
        return ""
    name = _OPEN_NAME.search(tail)
    if name is None or not _REST_OF_NAME.match(words):
        return "\n"
    return " " if _SECOND_WORD.match(words) and name["number"] is None else ""
