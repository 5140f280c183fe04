"""A text and spans of it. Offsets count code points; lines and columns are worked out late."""

from __future__ import annotations

import codecs
from collections.abc import Mapping
from typing import Protocol

from efipolicy.errors import EfipolicyError, ExitStatus

_MOST_NULS = 100  # a serial line spills a NUL now and then; binary data is full of them
_BLOCK = 4096  # characters
_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


class SourceText:
    """One input: its path as the user gave it, and its text. Lines end at LF, be it CRLF or not.

    ``encoding`` and ``mark`` (a byte order mark) say how the text was written as bytes; ``content``
    are the bytes themselves where the text does not hold all of them. ``descriptor_size`` is what
    the user says of raw memory, which does not say it itself: bytes from one descriptor to the
    next.
    """

    __slots__ = (
        "_breaks",
        "_content",
        "_held",
        "descriptor_size",
        "encoding",
        "mark",
        "path",
        "text",
    )

    def __init__(
        self,
        path: str,
        text: str,
        *,
        encoding: str = "utf-8",
        mark: bytes = b"",
        content: bytes | None = None,
    ) -> None:
        self.path = path
        self.text = text
        self.encoding = encoding
        self.mark = mark
        self.descriptor_size: int | None = None
        self._content = content
        self._breaks = [0]
        self._held: dict[str, bool] = {}

    def holds(self, words: str) -> bool:
        """Whether words stand in the text. Each is looked for once: a log may have megabytes."""
        held = self._held.get(words)
        if held is None:
            held = self._held[words] = words in self.text
        return held

    def with_text(self, text: str) -> SourceText:
        """Another text of the same input, written as this one is."""
        return SourceText(self.path, text, encoding=self.encoding, mark=self.mark)

    @property
    def content(self) -> bytes:
        """The bytes the text was read from, or would be written as."""
        return self._encoded if self._content is None else self._content

    @property
    def lossless(self) -> bool:
        """Whether all of the bytes could be decoded, so that the text stands for them."""
        return self._content is None or self._content == self._encoded

    @property
    def _encoded(self) -> bytes:
        return self.mark + self.text.encode(self.encoding)

    def __repr__(self) -> str:
        return f"SourceText({self.path!r}, {len(self.text)} characters)"

    def position(self, offset: int) -> tuple[int, int]:
        """Line and column of an offset, both counted from 1.

        Line ends are counted once, block by block and up to where a place was asked for, so that
        one in a log of megabytes costs neither a table of its lines nor a walk from its start.
        """
        text, breaks = self.text, self._breaks
        for start in range((len(breaks) - 1) * _BLOCK, offset + 1 - _BLOCK, _BLOCK):
            breaks.append(breaks[-1] + text.count("\n", start, start + _BLOCK))
        block = offset // _BLOCK
        line = breaks[block] + text.count("\n", block * _BLOCK, offset) + 1
        return line, offset - text.rfind("\n", 0, offset)

    def line_at(self, offset: int) -> str:
        """The text of the line in which an offset lies, without its end."""
        start = self.text.rfind("\n", 0, offset) + 1
        end = self.text.find("\n", offset)
        return self.text[start : end if end >= 0 else len(self.text)].rstrip("\r")

    def span(self, start: int, end: int) -> SourceSpan:
        """The span from one offset up to, not including, another."""
        return SourceSpan(self, start, end)


class SourceSpan:
    """A half-open run of characters of a text."""

    __slots__ = ("end", "source", "start")

    def __init__(self, source: SourceText, start: int, end: int) -> None:
        self.source = source
        self.start = start
        self.end = max(start, end)

    def __repr__(self) -> str:
        return f"SourceSpan({self})"

    def __str__(self) -> str:
        return f"{self.path}:{self.line}:{self.column}"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, SourceSpan):
            return NotImplemented
        return (self.source.path, self.start, self.end) == (
            other.source.path,
            other.start,
            other.end,
        )

    def __hash__(self) -> int:
        return hash((self.source.path, self.start, self.end))

    @property
    def path(self) -> str:
        """The path of the text, as the user gave it."""
        return self.source.path

    @property
    def line(self) -> int:
        """The line of the first character, counted from 1."""
        return self.source.position(self.start)[0]

    @property
    def column(self) -> int:
        """The column of the first character, counted from 1 in code points."""
        return self.source.position(self.start)[1]

    @property
    def end_line(self) -> int:
        """The line of the position after the last character."""
        return self.source.position(self.end)[0]

    @property
    def end_column(self) -> int:
        """The column of the position after the last character."""
        return self.source.position(self.end)[1]

    @property
    def text(self) -> str:
        """The characters themselves: the spelling the user chose."""
        return self.source.text[self.start : self.end]


class InputError(EfipolicyError):
    """An input could not be read or understood.

    ``found`` and ``expected`` are noun phrases; ``span`` is ``None`` when the whole input is meant.
    """

    status = ExitStatus.INPUT
    path: str

    def __init__(
        self, path: str, found: str, expected: str, *, span: SourceSpan | None = None
    ) -> None:
        self.path = path
        self.found = found
        self.expected = expected
        self.span = span
        place = str(span) if span else path
        super().__init__(f"{place}: found {found}, expected {expected}")

    @classmethod
    def at(cls, span: SourceSpan, found: str, expected: str) -> InputError:
        """An error about the part of an input that ``span`` covers."""
        return cls(span.path, found, expected, span=span)

    @property
    def message(self) -> str:
        """The sentence without its place."""
        return f"found {self.found}, expected {self.expected}"


class ForeignInputError(InputError):
    """An input that is nothing of ours. It is an error when named; a walk passes over it."""


class Located(Protocol):
    """Something that was read and knows where."""

    @property
    def span(self) -> SourceSpan:
        """Where the whole of it stands."""

    def span_of(self, field: str) -> SourceSpan | None:
        """Where one field of it stands, or ``None`` when the field is not written out."""


class TextRecord:
    """One record of a captured text, such as a descriptor printed on a line of a kernel log."""

    __slots__ = ("_fields", "source", "span")

    def __init__(
        self,
        source: SourceText,
        start: int,
        end: int,
        fields: Mapping[str, tuple[int, int]] | None = None,
    ) -> None:
        self.source = source
        self.span = SourceSpan(source, start, end)
        self._fields = fields or {}

    def span_of(self, field: str) -> SourceSpan | None:
        """Where a field stands, or ``None`` when the capture does not print it."""
        at = self._fields.get(field)
        return SourceSpan(self.source, *at) if at else None


def decode(path: str, content: bytes) -> SourceText:
    """Turn the bytes of an input into text.

    UTF-8 and UTF-16, which the UEFI shell writes when redirected: with its byte order mark, or the
    rest of such a file, whose start was cut off. A stray byte in a log must not cost the map in it,
    so undecodable bytes and the odd NUL become U+FFFD; one behind a carriage return, as telnet
    sends it (RFC 854), is none.

    Raises `InputError` for content that is not text.
    """
    for mark, encoding in _BYTE_ORDER_MARKS:
        if content.startswith(mark):
            text = content[len(mark) :].decode(encoding, "replace")
            return _decoded(path, content, text, encoding=encoding, mark=mark)
    nuls = content.count(0) if b"\0" in content else 0
    if nuls * _MOST_NULS > len(content):
        unmarked = _unmarked_utf_16(content)
        if unmarked:
            return SourceText(
                path,
                content[: len(content) & ~1].decode(unmarked, "replace"),
                encoding=unmarked,
                content=content,
            )
        if (nuls - content.count(b"\r\0")) * _MOST_NULS > len(content):
            raise ForeignInputError(path, "binary data", "text: a platform file or a captured log")
    text = content.decode("utf-8", "replace")
    if nuls:
        text = text.replace("\r\0", "\r").replace("\0", "\N{REPLACEMENT CHARACTER}")
        return SourceText(path, text, content=content)
    return _decoded(path, content, text)


def _unmarked_utf_16(content: bytes) -> str | None:
    """The encoding of lines in ASCII with a NUL beside each character, if that is what it is.

    Numbers in raw memory have their zeros at even and at odd places.
    """
    for encoding, first in (("utf-16-le", 0), ("utf-16-be", 1)):
        letters, others = content[first::2], content[1 - first :: 2]
        zeros = others.count(0) * _MOST_NULS >= len(others) * (_MOST_NULS - 1)
        if zeros and b"\n" in letters and 0 not in letters:
            return encoding
    return None


def _decoded(
    path: str, content: bytes, text: str, *, encoding: str = "utf-8", mark: bytes = b""
) -> SourceText:
    """The text, with its bytes if it may not hold them all."""
    kept = content if "\N{REPLACEMENT CHARACTER}" in text else None
    return SourceText(path, text, encoding=encoding, mark=mark, content=kept)
