"""``efi: memNN: …`` lines of Linux on x86 and ia64, in each of the forms they have had."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from efipolicy.formats.capture_reading import (
    LOST_DIGIT,
    Printed,
    Unreadable,
    decimal,
    lost_a_digit,
    pages_between,
    shortened,
)
from efipolicy.formats.linux_cells import read_cell
from efipolicy.formats.logical_lines import CaptureText, JoinedLines, continuation, joined
from efipolicy.model.memory_map import MemoryDescriptor
from efipolicy.named_tuple import NamedTuple

RAW: Final = "linux-x86-raw"
HALF_OPEN: Final = "linux-x86-cells-half-open"
CLOSED: Final = "linux-x86-cells-closed"
INVALID: Final = "linux-x86-invalid-entries"
MMIO: Final = "linux-x86-mmio-e820"
IA64: Final = "linux-ia64"
DIALECTS: Final = (RAW, HALF_OPEN, CLOSED, INVALID, MMIO, IA64)

_CANDIDATE: Final = re.compile(r"mem(\d+):")
_REST_OF_NUMBER: Final = r"\n[ \t>]{0,40}(?:e?m)?\d{0,10}:[ \t]{0,2}(?=type|\[|MMIO)"
_BELOW: Final = re.compile(_REST_OF_NUMBER)
_WRAPPED_CANDIDATE: Final = re.compile(
    rf"\bm(?:e(?:m\d{{0,9}})?)?=?[ \t\r]{{0,2}}{_REST_OF_NUMBER}"
)
"""``mem`` / ``03: [``: the line end stands in the number, in the word, or behind them."""
_PADDED: Final = re.compile(r"mem0\d:")
_LONGEST_NUMBER: Final = 16
"""Characters of ``mem`` and the digits behind it, with what stands at the end of a line."""
_LONGEST_POST: Final = 1 << 21
"""Characters; in longer texts nobody has wrapped the lines."""

_SIZE: Final = r"\((?:(?P<size>[ \t]*\d+)(?P<unit>[KMGTP]B)|(?P<invalid>invalid))\)"
_ENTRY: Final = re.compile(
    r"mem(?P<index>\d{1,10}):[ \t]*"
    r"(?:(?P<mmio>MMIO)"
    r"|type=?(?:3D)?(?P<type>[ \t]*\d{1,20}),[ \t]*attr=?(?:3D)?(?P<attribute>0x[0-9a-fA-F]{1,16}),"
    r"|\[(?P<cell>[^\]\[:<>\n]{0,256})\])"
    r"[ \t]*range=?(?:3D)?[ \t]*"
    r"\[(?P<start>0x[0-9a-fA-F]+)-(?P<end>0x[0-9a-fA-F]+)(?P<close>[\])])"
    rf"(?:[ \t]*{_SIZE})?"
)
_REST: Final = re.compile(_SIZE)
_OPEN: Final = re.compile(r"[ \t]*(\([^()\n]{0,24})(?:\n|\Z)")
"""A size that its line does not end: ``(inva``, wrapped in its middle."""
_GOES_ON: Final = re.compile(r"[ \t]*(?:[Mt\[=\s]|\Z)")
"""What stands behind ``memNN:`` where an entry follows, on this line or wrapped to the next."""

_LONGEST_TAIL: Final = 256
"""Characters behind an entry, all blank, in which the end of its line is looked for."""

_SHIFTS: Final = {"KB": 10, "MB": 20, "GB": 30, "TB": 40, "PB": 50}


class Lines(NamedTuple):
    """The ``memNN`` lines of a log: entries, unreadable ones, and whether ia64 printed them."""

    entries: list[Printed]
    unreadable: list[Unreadable]
    ia64: bool


class _Line:
    """An entry as the text has it: on one line, or on several that were joined."""

    __slots__ = ("cut", "end", "lines", "match", "rest", "start")

    def __init__(self, text: str, match: re.Match[str], lines: JoinedLines | None = None) -> None:
        self.match = match
        self.lines = lines
        self.start, self.end = lines.span(*match.span()) if lines else match.span()
        self.rest = match
        self.cut = False
        if match["size"] is None and match["invalid"] is None:
            self._find_rest(text)

    def _find_rest(self, text: str) -> None:
        """The size may have been wrapped to the line below, or in its middle."""
        opened = _OPEN.match(text, self.end)
        if opened:
            self._close(text, opened.start(1))
            return
        line_end = text.find("\n", self.end, self.end + _LONGEST_TAIL)
        if line_end < 0 or text[self.end : line_end].strip(" \t\r="):
            return
        at = continuation(text, line_end)
        if at is None or text[at : at + 1] != "(":
            return
        rest = _REST.match(text, at)
        if rest:
            self.rest = rest
            self.end = rest.end()
        else:
            self._close(text, at)

    def _close(self, text: str, start: int) -> None:
        """Read what a parenthesis opens on one line and closes further down."""
        for lines in joined(text, start):
            rest = _REST.match(lines.text)
            if rest:
                self.rest = rest
                self.end = lines.span(*rest.span())[1]
                return
        # Without its end `(invalid)` still says that the kernel rejected the entry.
        self.cut = text[start + 1 : start + 2] in ("", "i", "\r", "\n", "=")

    def span(self, group: str) -> tuple[int, int]:
        """Where a part of it stands."""
        return self.lines.span(*self.match.span(group)) if self.lines else self.match.span(group)


def read_lines(text: CaptureText) -> Lines:
    """Every ``memNN`` line of a text."""
    entries: list[Printed] = []
    unreadable: list[Unreadable] = []
    ia64 = end = 0
    for candidate in _candidates(text):
        if candidate.start() < end:
            continue
        line = _line_at(text.text, candidate.start())
        if line is None and "\n" in candidate[0]:
            continue
        read = _broken(text, candidate) if line is None else _read(text, line)
        if isinstance(read, Printed):
            entries.append(read)
            if line and _is_ia64(line):
                ia64 += 1
            if line and read.descriptor.attribute is None and line.match["cell"] is not None:
                read = _unknown_flag(line)
        if isinstance(read, Unreadable):
            unreadable.append(read)
        if read is not None:
            end = read.end
    unreadable += _without_short_numbers(text.text, entries)
    return Lines(entries, unreadable, ia64 * 2 > len(entries))


def _candidates(text: CaptureText) -> Iterable[re.Match[str]]:
    """Where ``memNN:`` stands; wrapped in its middle too, where a person can have posted it."""
    found = _CANDIDATE.finditer(text.text)
    if len(text.text) > _LONGEST_POST:
        return found
    wrapped = [
        number
        for below in _BELOW.finditer(text.text)
        if (
            number := _WRAPPED_CANDIDATE.search(
                text.text, max(0, below.start() - _LONGEST_NUMBER), below.end() + 4
            )
        )
    ]
    return sorted([*found, *wrapped], key=re.Match.start) if wrapped else found


def _without_short_numbers(text: str, entries: list[Printed]) -> list[Unreadable]:
    """Take out the lines ``mem1:`` where others are ``mem01:``: the kernel pads to two digits."""
    short = [one for one in entries if text.startswith(":", one.start + 4)]
    if not short or not any(_PADDED.match(text, one.start) for one in entries):
        return []
    starts = {one.start for one in short}
    entries[:] = [one for one in entries if one.start not in starts]
    what = "a number of one digit, where others are padded to two"
    return [Unreadable(one.start, one.end, what) for one in short]


def _line_at(text: str, start: int) -> _Line | None:
    match = _ENTRY.match(text, start)
    if match:
        return _Line(text, match)
    if not _GOES_ON.match(text, text.index(":", start) + 1):
        return None
    for lines in joined(text, start):
        match = _ENTRY.match(lines.text)
        if match:
            return _Line(text, match, lines)
    return None


def _read(text: CaptureText, line: _Line) -> Printed | Unreadable | None:
    read = _read_range(text, line)
    if line.cut and read is not None:
        return _refused(line, "no size behind its range, or an `(invalid)` that does not end")
    return read


def _read_range(text: CaptureText, line: _Line) -> Printed | Unreadable | None:
    if text.is_remark(line.start):
        return None
    match = line.match
    start, last = int(match["start"], 16), int(match["end"], 16)
    closed = match["close"] == "]"
    pages: int | None
    wrong = _wrong_numbers(match, start, last + closed)
    if wrong:
        return _refused(line, wrong)
    if closed and last == 0 and line.rest["invalid"]:
        pages = 0  # the kernel prints 0 as the end of an entry without pages
    else:
        pages = pages_between(start, last + closed, exact=len(match["end"]) > 18)
    if pages is None:
        return _refused(line, "not a whole number of pages from its start to its end")
    unit = line.rest["unit"]
    if unit and decimal(line.rest["size"]) != pages << 12 >> _SHIFTS[unit]:
        printed = f"{shortened(line.rest['size'].strip())}{unit}"
        return _refused(line, f"a range that is not of the size printed behind it, {printed}")
    if match["mmio"]:
        return _printed(text, line, MMIO, _Values(11, None, start, pages))
    if match["type"] is not None:
        memory_type = int(match["type"])
        if memory_type >> 32:
            return _refused(line, f"type {memory_type}, which does not fit 32 bits")
        values = _Values(memory_type, int(match["attribute"], 16), start, pages)
        return _printed(text, line, RAW, values)
    cell = read_cell(match["cell"])
    if cell.type is None:
        return _refused(line, f"the unknown type `{shortened(cell.unknown or '')}`")
    kind = INVALID if line.rest["invalid"] else CLOSED if closed else HALF_OPEN
    values = _Values(cell.type, cell.attribute, start, pages, cell.columns)
    return _printed(text, line, kind, values)


def _wrong_numbers(match: re.Match[str], start: int, end: int) -> str | None:
    """What is wrong with the range of a line, from one address up to another."""
    if _lost_a_digit(match):
        return LOST_DIGIT
    if start >> 64:
        return "a number that does not fit 64 bits"
    if (end - start) >> 76:
        return "more pages than the 64 bits of a descriptor's count hold"
    return None


def _lost_a_digit(match: re.Match[str]) -> bool:
    """Whether a number has not the digits to which kernels pad it.

    On ia64 that holds for the attribute too; a kernel for x86 does not pad it.
    """
    if lost_a_digit(match["start"], match["end"], 8 if match["mmio"] else 16):
        return True
    padded = match["type"] is not None and (
        match["type"][0] in " \t" or match["attribute"].startswith("0x00")
    )
    return padded and len(match["attribute"]) != 18


class _Values(NamedTuple):
    """What a line says of its descriptor."""

    type: int
    attribute: int | None
    physical_start: int
    number_of_pages: int
    columns: int = 0


def _printed(text: CaptureText, line: _Line, kind: str, values: _Values) -> Printed:
    match = line.match
    fields = {"physical_start": line.span("start"), "pages": line.span("end")}
    if match["type"] is not None:
        fields["type"] = line.span("type")
        fields["attribute"] = line.span("attribute")
    elif match["cell"] is not None:
        fields["type"], fields["attribute"] = _cell_spans(line)
    descriptor = MemoryDescriptor(
        index=int(match["index"]),
        type=values.type,
        physical_start=values.physical_start,
        number_of_pages=values.number_of_pages,
        attribute=values.attribute,
        located=text.record(line.start, line.end, fields),
    )
    return Printed(line.start, line.end, kind, descriptor, values.columns)


def _cell_spans(line: _Line) -> tuple[tuple[int, int], tuple[int, int]]:
    """Where the type stands in a cell, and where its flags do."""
    first, after = line.match.span("cell")
    name = line.match["cell"].partition("|")[0].rstrip()
    flags = line.match["cell"].find("|") + 1
    where = line.lines.span if line.lines else lambda start, end: (start, end)
    return where(first, first + len(name)), where(first + flags, after)


def _refused(line: _Line, what: str) -> Unreadable:
    return Unreadable(line.start, line.end, what)


def _unknown_flag(line: _Line) -> Unreadable | None:
    unknown = read_cell(line.match["cell"]).unknown
    return _refused(line, f"the unknown flag `{shortened(unknown)}`") if unknown else None


def _broken(text: CaptureText, candidate: re.Match[str]) -> Unreadable | None:
    """A ``memNN:`` that no entry follows: to be reported when it looks like the start of one."""
    start = candidate.start()
    before = text.text[text.line_start(start) : start].rstrip()
    after = text.text[candidate.end() : candidate.end() + 8].lstrip()
    looks_like = before[-4:].lower() == "efi:" or after.startswith(("type=", "[", "MMIO"))
    if not looks_like or text.is_remark(start):
        return None
    what = f"no type and range behind `{shortened(candidate[0])}`"
    return Unreadable(start, text.line_end(start), what)


def _is_ia64(line: _Line) -> bool:
    """ia64 pads type, attribute and size, and prints the size in a unit that fits."""
    match = line.match
    padded = match["type"] is not None and (
        match["type"][0] in " \t" or match["attribute"].startswith("0x00")
    )
    return padded or (line.rest["unit"] or "MB") != "MB" or (line.rest["size"] or "1")[0] in " \t"
