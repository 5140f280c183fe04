"""Rows ``0x…-0x… [cell]`` that a mail client or a terminal wrapped before or inside a number."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from efipolicy.formats.logical_lines import CaptureText, JoinedLines, continuation, joined

_LINE_END: Final = re.compile(
    r"\n(?:(?<=[0-9a-fA-Fx=-]\n)|(?<=[0-9a-fA-Fx=-][ \t\r]\n)|(?<=[0-9a-fA-Fx=-][ \t\r]{2}\n))"
)
"""Behind a number or its start, and the ``\\r\\r`` of a terminal that translated line ends twice.

It starts with the line end, which is found fast in long logs.
"""
_WRAPPED: Final = re.compile(rf"{_LINE_END.pattern}(?!\[[ \t]*\d)")
"""The same, without a time stamp below it."""
_BROKEN: Final = re.compile(
    r"(?<![0-9A-Za-z])0(?:x[0-9a-fA-F]{0,16}(?:-(?:0(?:x[0-9a-fA-F]{0,16})?)?)?)?"
    r"(?==?[ \t\r]{0,2}\Z)"
)
"""The start of a row up to the end of its line, before any cell."""
_ROW: Final = re.compile(
    r"(?P<first>0x[0-9a-fA-F]{1,32})-(?P<last>0x[0-9a-fA-F]{1,32})\[(?![ \t]*\d+\.\d+\])"
    r"(?P<cell>[^\]\n]{0,256})\](?P<reserved>\*?)"
)
_HALF: Final = re.compile(r"0x[0-9a-fA-F]{12,16}-")
_OPEN_PREFIX: Final = re.compile(r"(?:memattr:!?|efi:)\Z")
_TIME_STAMP: Final = re.compile(r"[ \t>]*(?:\[[ \t]*\d+\.\d+\])?[ \t]*\Z")

_LONGEST_WORDS: Final = 32
"""Characters of ``efi: memattr: ! `` and more; further off are others, in a log on one line."""
_LONGEST_PREFIX: Final = 64
"""Characters of a line's end in which the words are that belong to the next."""

DIGITS: Final = 12
"""Of each number, at least: the kernel pads them."""


def words_before(text: CaptureText, start: int) -> str:
    """What stands before a row on its line, and above it where the prefix was wrapped as well.

    A prefix that goes on from the line above is given without blanks: ``efi:memattr:!``.
    """
    line = text.line_start(start)
    own = text.text[max(line, start - _LONGEST_WORDS) : start]
    if "efi:" in own or "memattr" in own:
        return own
    above = _end_of_line_above(text, line)
    together = above + "".join(own.split()).lstrip(">")
    return together if _OPEN_PREFIX.search(together) else own


def _end_of_line_above(text: CaptureText, line: int) -> str:
    """The last words of the nearest line above that has any, without blanks and soft breaks."""
    low = max(0, line - 1024)
    above = text.text[low:line].rstrip(" \t\r\n>")
    at = low + len(above)
    if text.is_remark(at):
        return ""
    words = above[above.rfind("\n") + 1 :][-_LONGEST_PREFIX:].removesuffix("=20")
    return "".join(words.removesuffix("=").split())


def wrapped_rows(text: CaptureText) -> Iterator[tuple[int, JoinedLines, re.Match[str]]]:
    """Each row with a line end before its cell, joined: where it starts, and its parts."""
    for start, _ in _broken(text, _wrapped_line_ends(text)):
        for lines in joined(text.text, start):
            row = _ROW.match(lines.text)
            if row:
                yield start, lines, row
                break


def halves(text: CaptureText, low: int, high: int) -> Iterator[tuple[int, int]]:
    """Lines that hold the start of a row and nothing else, with no rest of it below them."""
    for start, end in _broken(text, _LINE_END.finditer(text.text, low, high)):
        before = text.text[text.line_start(start) : start]
        if not _HALF.match(text.text, start, end) or not _TIME_STAMP.match(before):
            continue
        below = continuation(text.text, text.line_end(end))
        if below is None or text.text[below] not in "])":
            yield start, end


def _wrapped_line_ends(text: CaptureText) -> Iterator[re.Match[str]]:
    """Line ends that a row may go on behind: what it goes on with has no stamp."""
    if text.unprinted_at is None:
        return _WRAPPED.finditer(text.text)
    found = (_WRAPPED.match(text.text, at) for at in text.unprinted_at)
    return (line_end for line_end in found if line_end)


def _broken(text: CaptureText, line_ends: Iterator[re.Match[str]]) -> Iterator[tuple[int, int]]:
    """Where the start of a row stands at the end of a line, remarks left out."""
    for line_end in line_ends:
        at = max(0, line_end.start() - _LONGEST_PREFIX)
        tail = text.text[at : line_end.start()]
        word = tail.rsplit(None, 1)[-1].lstrip(">!:")
        broken = _BROKEN.search(tail) if word.startswith("0") else None
        if broken and not text.is_remark(at + broken.start()):
            yield at + broken.start(), at + broken.end()
