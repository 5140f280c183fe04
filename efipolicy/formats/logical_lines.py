"""Captured texts as they were before mail clients, forums and terminals got hold of them.

Readers search for the core of an entry anywhere in a text, so prefixes of every kind need no
handling. What is left is damage *inside* an entry: markup between its characters, and line ends
in its middle. Every offset leads back to the original text.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Final

from efipolicy.formats.kernel_stamps import unstamped
from efipolicy.source import SourceText, TextRecord

_LONGEST_POST: Final = 1 << 21
"""Characters; markup is looked for in texts a person can have posted, not in huge logs."""

_TAGS: Final = (
    r"\[/?(?:b|i|u|s|code|color|font|size|quote|url|indent|list|pre|center|left|right|spoiler)"
    r"(?:=[^\]\n]{0,80})?\]"
)
_ELEMENTS: Final = r"</?(?:wbr|br|b|i|em|strong|span|font|code|pre|p|div)(?:[ \t][^>\n]{0,120})?/?>"
_REMOVED: Final = (
    ("[/", _TAGS),
    ("\x1b", r"\x1b(?:\[[0-9;?]{0,16}[A-Za-z]|[()][0-9A-Z])"),
    ("<", _ELEMENTS),
    ("\\", r"\\(?=[\[\]|_*#>-])"),
)
"""What forums, terminals, web pages and Markdown put between characters; by what it is known."""
_REPLACED: Final = {"&nbsp;": " ", "&gt;": ">", "&lt;": "<", "&amp;": "&"}
_NUMBERED: Final = r"&#(?:x(?:a0|[2-7][0-9a-f])|3[2-9]|[4-9]\d|1[01]\d|12[0-6]|160);"
"""``&#91;``: a character of ASCII or a no-break space, by its number."""
_LINE_OF_ITS_OWN: Final = re.compile(r"\x1b\[\d{1,3};0{0,2}1H")
"""The cursor is sent to the start of a line: firmware may draw its lines and end none of them."""
_FOREIGN: Final = {
    **dict.fromkeys("\N{NO-BREAK SPACE}\N{NARROW NO-BREAK SPACE}\N{FIGURE SPACE}", " "),
    **dict.fromkeys("\N{EN DASH}\N{EM DASH}\N{NON-BREAKING HYPHEN}\N{MINUS SIGN}", "-"),
    **dict.fromkeys("\N{ZERO WIDTH SPACE}\N{WORD JOINER}\N{SOFT HYPHEN}", ""),
    "\N{ZERO WIDTH NO-BREAK SPACE}": "",
}
"""What editors and web pages make of blanks and hyphens."""

_MOST_JOINS: Final = 3
"""How many further lines an entry may have been wrapped to."""

_LONGEST_ENTRY: Final = 256
"""Characters, blanks aside; no kernel or shell prints an entry of more than 150."""

_LONGEST_LINE: Final = 4096
"""Characters; a log that somebody put on one line is not searched from end to end for its ends."""

_REMARK: Final = re.compile(r"[ \t>]{0,15}#[^\r\n]{0,4000}(?:[\r\n]|\Z)")

_ARROW: Final = re.compile(r"=(?:3D)?>\Z")
"""The end of ``EFI remap 0x… =>``; any other ``>`` is the mark of a pager that cut a long line."""

_QUOTE_MARKS: Final = " \t\r>"
_WORD: Final = re.compile(r"\S+")

_STARTS_A_RECORD: Final = re.compile(
    r"(?:<\d>)?(?:\[[ \t]*\d+\.\d+\]|efi:|EFI:|mem\d+:|kernel:|\.{3}|#)|"
    r"[^|\n]*\b(?:efi: |EFI: |mem\d+:)|[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d "
)


class CaptureText:
    """A captured text without markup, whose offsets lead back to the original.

    ``plain`` is the text without markup as one of its own: the source itself where there is none.
    ``unprinted`` are the lines of a long log that no kernel of Linux printed, and ``unprinted_at``
    the line ends before them. Of any other text it is ``plain``, and they are not known: ``None``.
    """

    __slots__ = (
        "_cleaned",
        "_originals",
        "plain",
        "source",
        "text",
        "unprinted",
        "unprinted_at",
    )

    def __init__(self, source: SourceText) -> None:
        self.source = source
        self.plain = source
        self.text = source.text
        self._cleaned: list[int] = []
        self._originals: list[int] = []
        markup = _markup_in(source)
        if markup:
            self._clean(markup)
        found = unstamped(self.text)
        self.unprinted = source.with_text(found.text) if found else self.plain
        self.unprinted_at = found.line_ends if found else None

    def _clean(self, markup: str) -> None:
        pieces: list[str] = []
        length = at = 0
        text = self.source.text
        for found in re.finditer(markup, text, re.IGNORECASE):
            self._note(length, at)
            instead = _instead(found[0])
            pieces += (text[at : found.start()], instead)
            length += found.start() - at
            if instead:
                self._note(length, found.start())
                length += 1
            at = found.end()
        self._note(length, at)
        self.text = "".join([*pieces, text[at:]])
        self.plain = self.source.with_text(self.text)

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
        """Whether the line of an offset is a remark of whoever kept the log (``# source: …``).

        Not where a text has lost its line ends and its one line starts with a remark, or has a
        ``#`` where the look for its start is given up.
        """
        text = self.text
        start = self.line_start(offset)
        start = max(start, text.rfind("\r", start, offset) + 1)
        is_a_start = start == 0 or text[start - 1] in "\r\n"
        return is_a_start and _REMARK.match(text, start) is not None


@lru_cache(maxsize=1)
def captured(source: SourceText) -> CaptureText:
    """The text without markup; the formats ask for it one after the other."""
    return CaptureText(source)


def _markup_in(source: SourceText) -> str:
    """A pattern of the kinds of markup that a text may have; empty when it has none."""
    text = source.text
    if len(text) >= _LONGEST_POST:
        return ""
    kinds = [pattern for mark, pattern in _REMOVED if source.holds(mark)]
    if source.holds("&"):
        kinds += [*map(re.escape, _REPLACED), _NUMBERED]
    if not text.isascii():
        kinds.append(f"[{''.join(_FOREIGN)}]")
    return "|".join(kinds)


def _instead(markup: str) -> str:
    """The character that stands for a piece of markup, if any does."""
    if markup.startswith("&#"):
        digits = markup[2:-1].lower()
        number = int(digits[1:], 16) if digits[0] == "x" else int(digits)
        return chr(number).replace("\N{NO-BREAK SPACE}", " ")
    if markup.startswith("\x1b"):
        return "\n" if _LINE_OF_ITS_OWN.fullmatch(markup) else ""
    return _REPLACED.get(markup.lower()) or _FOREIGN.get(markup, "")


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
    words: list[str] = []
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
        for word in _WORD.finditer(line):
            words.append(word[0])
            offsets += range(at + word.start(), at + word.end())
            if len(offsets) >= _LONGEST_ENTRY:
                break
        del offsets[_LONGEST_ENTRY:]
        yield JoinedLines("".join(words)[:_LONGEST_ENTRY], offsets)
        if len(offsets) >= _LONGEST_ENTRY or (line.endswith(">") and not _ARROW.search(line)):
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
