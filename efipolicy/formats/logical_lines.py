"""Captured texts as they were before mail clients, forums and terminals got hold of them.

Readers search for the core of an entry anywhere in a text, so prefixes of every kind need no
handling. What is left is damage *inside* an entry: forum tags between its characters, and line
ends in its middle. Every offset leads back to the original text.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from typing import Final

from efipolicy.source import SourceText, TextRecord

_LONGEST_POST: Final = 1 << 21
"""Characters; forum tags are looked for in texts a person can have posted, not in huge logs."""

_TAG: Final = re.compile(
    r"\[/?(?:b|i|u|s|code|color|font|size|quote|url|indent|list|pre|center|left|right|spoiler)"
    r"(?:=[^\]\n]{0,80})?\]",
    re.IGNORECASE,
)

_MOST_JOINS: Final = 3
"""How many further lines an entry may have been wrapped to."""

_LONGEST_ENTRY: Final = 256
"""Characters, blanks aside; no kernel or shell prints an entry of more than 150."""

_LONGEST_LINE: Final = 4096
"""Characters; a log that somebody put on one line is not searched from end to end for its ends."""

_QUOTE_MARKS: Final = " \t\r>"

_STARTS_A_RECORD: Final = re.compile(
    r"(?:<\d>)?(?:\[[ \t]*\d+\.\d+\]|efi:|EFI:|mem\d+:|kernel:|\.{3}|#)|"
    r"[^|\n]*\b(?:efi: |EFI: |mem\d+:)|[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d "
)


class CaptureText:
    """A captured text without forum tags, whose offsets lead back to the original."""

    __slots__ = ("_cleaned", "_originals", "source", "text")

    def __init__(self, source: SourceText) -> None:
        self.source = source
        self.text = source.text
        self._cleaned: list[int] = []
        self._originals: list[int] = []
        if len(self.text) < _LONGEST_POST and "[/" in self.text:
            self._remove_tags()

    def _remove_tags(self) -> None:
        pieces: list[str] = []
        length = at = 0
        text = self.source.text
        for tag in _TAG.finditer(text):
            self._note(length, at)
            pieces.append(text[at : tag.start()])
            length += tag.start() - at
            at = tag.end()
        self._note(length, at)
        self.text = "".join([*pieces, text[at:]])

    def _note(self, cleaned: int, original: int) -> None:
        self._cleaned.append(cleaned)
        self._originals.append(original)

    def original(self, offset: int) -> int:
        """The offset of a character in the text as it was given."""
        if not self._cleaned:
            return offset
        piece = bisect_right(self._cleaned, offset) - 1
        return self._originals[piece] + offset - self._cleaned[piece]

    def record(
        self, start: int, end: int, fields: Mapping[str, tuple[int, int]] | None = None
    ) -> TextRecord:
        """A record of the original text, from offsets of this one."""
        if not self._cleaned:
            return TextRecord(self.source, start, end, fields)
        placed = {
            name: (self.original(first), self.original(after - 1) + 1)
            for name, (first, after) in (fields or {}).items()
        }
        return TextRecord(self.source, self.original(start), self.original(end - 1) + 1, placed)

    def line_start(self, offset: int) -> int:
        """Where the line of an offset starts."""
        low = max(0, offset - _LONGEST_LINE)
        return self.text.rfind("\n", low, offset) + 1 or low

    def line_end(self, offset: int) -> int:
        """Where the line of an offset ends, its end not included."""
        return _line_end(self.text, offset)

    def is_remark(self, offset: int) -> bool:
        """Whether the line of an offset is a remark of whoever kept the log (``# source: …``)."""
        start = self.line_start(offset)
        return self.text[start : start + 16].lstrip().startswith("#")


def _line_end(text: str, offset: int) -> int:
    high = min(len(text), offset + _LONGEST_LINE)
    end = text.find("\n", offset, high)
    return high if end < 0 else end


class JoinedLines:
    """A few lines read as one, without any blank: where the wrapping stood no longer matters."""

    __slots__ = ("offsets", "text")

    def __init__(self, text: str, offsets: list[int]) -> None:
        self.text = text
        self.offsets = offsets

    def span(self, start: int, end: int) -> tuple[int, int]:
        """The offsets, in the text that was joined, of a run of characters."""
        return self.offsets[start], self.offsets[end - 1] + 1


def joined(text: str, start: int) -> Iterator[JoinedLines]:
    """The text from an offset to the end of its line, then with one more line at a time.

    Ends at a line that starts a record of its own. Quote marks of the continuation, blank lines
    and the soft line ends of quoted-printable (``=`` at the end) are left out. Nothing is joined
    behind more characters than an entry has.
    """
    characters: list[str] = []
    offsets: list[int] = []
    at: int | None = start
    for _ in range(_MOST_JOINS + 1):
        if at is None:
            return
        end = _line_end(text, at)
        line = text[at:end].rstrip()
        for suffix in ("=20", "=09", "="):
            if line.endswith(suffix):
                line = line[: -len(suffix)]
                break
        for place, character in enumerate(line, at):
            if not character.isspace():
                characters.append(character)
                offsets.append(place)
                if len(offsets) >= _LONGEST_ENTRY:
                    break
        yield JoinedLines("".join(characters), offsets)
        if len(offsets) >= _LONGEST_ENTRY:
            return
        at = continuation(text, end)


def continuation(text: str, line_end: int) -> int | None:
    """Where the next line with words starts, behind its quote marks; ``None`` for a new record."""
    at = line_end
    while at < len(text):
        at += 1
        end = _line_end(text, at)
        words = text[at:end].lstrip(_QUOTE_MARKS)
        if words.rstrip():
            return None if _STARTS_A_RECORD.match(words) else end - len(words)
        at = end
    return None
