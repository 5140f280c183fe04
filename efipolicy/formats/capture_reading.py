"""What readers of captured texts share: gathering what was read, and making a platform of it."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final

from efipolicy.formats.logical_lines import CaptureText
from efipolicy.model.address import EFI_PAGE_SIZE
from efipolicy.model.memory_map import Extent, MemoryDescriptor, MemoryMap
from efipolicy.model.platform import UnreadableLine
from efipolicy.named_tuple import NamedTuple

_WORD: Final = 1 << 64

_MOST_DIGITS: Final = 20
"""Decimal digits of the largest number of 64 bits. Python refuses to read thousands of them."""
LOST_DIGIT: Final = "a padded number that lost digits or has too many"
"""What `lost_a_digit` finds."""
_LONGEST_QUOTE: Final = 40
_AROUND: Final = 256
"""Characters, most of them blank, between a map and the line that stands for more of it."""
_BLANK: Final = " \t\r\n>"

ELLIPSIS: Final = re.compile(
    r"^[ \t>]*(?:[\[(<]?(?:\.{3,}|\u2026)[\])>]?|[\[(<]{1,2}snip(?:ped)?[\])>]{1,2})[ \t\r]*$",
    re.MULTILINE | re.IGNORECASE,
)
"""A line by which a poster stands for entries that were left out."""


class Printed(NamedTuple):
    """A descriptor as the text prints it, from one offset up to another; what kind of line.

    ``columns`` is the number of its flags, where lines of one program all have the same.
    """

    start: int
    end: int
    kind: str
    descriptor: MemoryDescriptor
    columns: int = 0


class Unreadable(NamedTuple):
    """A line that looks like a descriptor, and why it cannot be read as one."""

    start: int
    end: int
    what: str

    def line(self, text: CaptureText) -> UnreadableLine:
        """The same, placed in the original text."""
        return UnreadableLine(what=self.what, located=text.record(self.start, self.end))


def decimal(digits: str) -> int | None:
    """The number, blanks around it allowed; ``None`` when it has more digits than 64 bits hold."""
    digits = digits.strip()
    return int(digits) if len(digits) <= _MOST_DIGITS else None


def shortened(words: str) -> str:
    """Words of the text for a message: not endless."""
    return words if len(words) <= _LONGEST_QUOTE else words[: _LONGEST_QUOTE - 1] + "…"


def lost_a_digit(first: str, last: str, width: int) -> bool:
    """Whether one of two numbers ``0x…`` was padded to a width and is of another one.

    Such a number lost a digit on a serial line, or the digits of another line got into it. Numbers
    that a person shortened are not padded, and those that need more digits have no 0 in front.
    """
    if len(first) == len(last) == width + 2:
        return False
    digits = [first.removeprefix("0x"), last.removeprefix("0x")]
    padded = [len(one) > 1 and one[0] == "0" for one in digits]
    if any(pad and len(one) > width for pad, one in zip(padded, digits, strict=True)):
        return True
    (shorter, is_padded), (longer, _) = sorted(
        zip(digits, padded, strict=True), key=lambda pair: len(pair[0])
    )
    return is_padded and len(shorter) < width <= len(longer)


class Refused:
    """Where a text has lines that could not be read, for questions about many parts of it."""

    __slots__ = ("_starts",)

    def __init__(self, lines: Iterable[Unreadable] = ()) -> None:
        self._starts = sorted(line.start for line in lines)

    def between(self, start: int, end: int) -> bool:
        """Whether one starts from one offset up to another, the latter not included."""
        at = bisect_left(self._starts, start)
        return at < len(self._starts) and self._starts[at] < end


def extent_of_lines(
    text: CaptureText, start: int, end: int, refused: Refused, *, without_gaps: Extent
) -> Extent:
    """How much of a map its lines are, as far as they and the lines around them tell.

    ``partial`` where one could not be read or a poster left some out, else ``without_gaps``. Blank
    lines may stand in between. What was left out above a header belongs to something else.
    """
    behind = text.line_end(text.line_end(end) + 1)
    if refused.between(start, behind + 1):
        return "partial"
    low, high = _line_above(text, start), _line_below(text, end)
    return "partial" if ELLIPSIS.search(text.text, low, max(behind, high)) else without_gaps


def _line_above(text: CaptureText, start: int) -> int:
    """Where the last line with words above that of an offset starts; the offset at a line's end."""
    line = text.line_start(start)
    if not text.text[start : text.line_end(start)].strip():
        return start
    above = text.text[max(0, line - _AROUND) : line].rstrip(_BLANK)
    return line - min(line, _AROUND) + above.rfind("\n") + 1


def _line_below(text: CaptureText, end: int) -> int:
    """Where the first line with words below that of an offset ends."""
    line = text.line_end(end)
    below = text.text[line : line + _AROUND]
    return text.line_end(line + len(below) - len(below.lstrip(_BLANK)))


def pages_between(start: int, end: int, *, exact: bool = False) -> int | None:
    """The number of EFI pages from a start up to an end that was printed as a 64-bit number.

    Kernels print the end of a descriptor modulo 2^64, so an end below its start stands for a sum
    that left 64 bits; the least number of pages that prints so is meant. ``exact`` is for ends
    printed with more digits. ``None`` when it is not a whole number of pages.
    """
    size = end - start
    if not exact:
        size %= _WORD
    if size < 0 or size % EFI_PAGE_SIZE or size >= _WORD * EFI_PAGE_SIZE:
        return None
    return size // EFI_PAGE_SIZE


def without_copies(entries: Sequence[Printed], refused: Refused | None = None) -> list[Printed]:
    """The entries, each one that a console printed twice in a row only once.

    Two equal entries with an unreadable line between them are not neighbours.
    """
    kept: list[Printed] = []
    for entry in entries:
        if (
            not kept
            or not is_copy(kept[-1], entry)
            or (refused and refused.between(kept[-1].end, entry.start))
        ):
            kept.append(entry)
    return kept


def is_copy(entry: Printed, other: Printed) -> bool:
    """Whether two neighbours say the same."""
    return entry.descriptor == other.descriptor and entry.kind == other.kind


def numbered(entries: Iterable[Printed]) -> tuple[MemoryDescriptor, ...]:
    """The descriptors of lines without an index, counted from 0."""
    return tuple(replace(entry.descriptor, index=index) for index, entry in enumerate(entries))


def preferred(maps: Sequence[MemoryMap]) -> int:
    """Which of several maps is the platform's: firmware's own, whole, first; else the largest."""

    def rank(position: int) -> tuple[bool, bool, int, int]:
        one = maps[position]
        whole = one.extent == "whole"
        return (
            one.origin == "firmware",
            whole,
            0 if whole else len(one.descriptors),
            -position,
        )

    return max(range(len(maps)), key=rank)


class UsedLines:
    """Which lines of a text were of use."""

    def __init__(self, text: CaptureText) -> None:
        self._text = text
        self._starts: set[int] = set()

    def __len__(self) -> int:
        return len(self._starts)

    def use(self, start: int, end: int) -> None:
        """The lines from one offset up to another were read."""
        text = self._text.text
        self._starts.add(self._text.line_start(start))
        at = text.find("\n", start, end)
        while at >= 0:
            self._starts.add(at + 1)
            at = text.find("\n", at + 1, end)

    def unused(self) -> int:
        """How many lines nobody used."""
        text = self._text.text
        # The line of the end is counted once, with the lines of everything that was read.
        line, column = self._text.plain.position(len(text))
        return max(line - (column == 1) - len(self._starts), 0)


def slug(words: str) -> str:
    """A name for files and anchors: lower-case words joined by hyphens."""
    return re.sub(r"[^a-z0-9]+", "-", words.lower()).strip("-")[:80].strip("-")


def name_of_path(path: str) -> str:
    """The slug of a file's name without its suffix; ``capture`` when nothing is left of it."""
    stem = path.replace("\\", "/").rpartition("/")[2]
    return slug(stem.rpartition(".")[0] or stem) or "capture"
