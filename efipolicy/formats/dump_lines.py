"""Lines of hex dumps, whoever printed them: an address, groups of bytes, perhaps characters.

``xxd``, ``hexdump``, ``od``, the UEFI shell's ``dmem`` and ``hexedit``, U-Boot's ``md``, QEMU's
``xp`` and gdb's ``x`` differ in what separates address and groups, in the size of a group, and in
the order of the bytes in it. Where the characters of the bytes are printed as well, they prove the
order, and that nothing was lost.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from efipolicy.formats.dump_characters import AS_PRINTED, orders_of
from efipolicy.formats.logical_lines import CaptureText, continuation
from efipolicy.named_tuple import NamedTuple

_HEX: Final = "[0-9A-Fa-f]"
_DIGITS: Final = rf"(?:0x)?({_HEX}{{1,16}})(?![0-9A-Za-z_:])"
_GROUP: Final = _DIGITS.replace("(0", "(?:0").replace(f"({_HEX}", f"(?:{_HEX}")
_GAP: Final = r"(?:[ \t]{1,8}|[ \t]?[-|][ \t]?)"
_GROUPS: Final = rf"{_GROUP}(?:{_GAP}{_GROUP}){{0,255}}+"
_ADDRESS: Final = rf"(?:(?P<marked>{_HEX}{{4,16}}):|(?P<plain>{_HEX}{{6,16}}))"
_LINE: Final = re.compile(rf"(?<![0-9A-Za-z_])(?:0x)?{_ADDRESS}[ \t]{{1,8}}(?P<groups>{_GROUPS})")
_TOKEN: Final = re.compile(_DIGITS)
_MORE: Final = re.compile(_GROUPS)
_SIZES: Final = (2, 4, 8, 16)
_MOST_JOINS: Final = 3

Place = tuple[int, int]
"""Offsets in the text: from one up to another."""


class DumpLine(NamedTuple):
    """One line of a hex dump.

    ``start`` is where its address stands, ``first`` its first group, ``end`` the end of its last.
    ``marked`` says whether a colon follows the ``address``, whose base is yet to be found out.
    ``content`` are the bytes in the order of their digits, ``group`` is bytes of a group, and
    ``orders`` is a mask of the orders that may be meant: none where the line contradicts itself.
    ``shown`` says whether the characters of the bytes confirm that they are all there, ``cut``
    whether half a byte or half a group was left at its end. Of a line that stands for repetitions
    of the one before it ``repeated`` is true.
    """

    start: int
    first: int
    end: int
    address: str
    marked: bool
    content: bytes
    group: int
    orders: int
    shown: bool
    cut: bool
    repeated: bool = False


def dump_lines(text: CaptureText) -> Iterator[DumpLine]:
    """The lines of a text that may be of a hex dump, remarks of whoever kept it left out."""
    at = 0
    while match := _LINE.search(text.text, at):
        line = _line(text, match)
        if line and not text.is_remark(match.start()):
            yield line
        at = text.text.find("\n", match.end())
        if at < 0:
            return


def _line(text: CaptureText, match: re.Match[str]) -> DumpLine | None:
    groups = [token.span(1) for token in _TOKEN.finditer(text.text, *match.span("groups"))]
    digits = groups[0][1] - groups[0][0]
    if digits not in _SIZES:
        return None
    marked = match["marked"] is not None
    blank = DumpLine(
        start=match.start(),
        first=match.start("groups"),
        end=match.end(),
        address=match["marked"] or match["plain"],
        marked=marked,
        content=b"",
        group=digits // 2,
        orders=0,
        shown=False,
        cut=False,
    )
    return _resolved(text, blank, groups)


def _resolved(text: CaptureText, blank: DumpLine, groups: list[tuple[int, int]]) -> DumpLine:
    """The line with as many of the groups as are bytes; the others are of its characters."""
    line_end = text.line_end(blank.end)
    readings = [
        _with(text, blank, groups[:count], line_end) for count in _counts(groups, 2 * blank.group)
    ]
    for reading in readings:
        if reading.shown:
            return reading
    return readings[-1]


def _counts(groups: list[tuple[int, int]], digits: int) -> list[int]:
    """How many of the groups may be bytes, the most first: a wide gap may end them.

    A narrow one in the middle of sixteen bytes may as well be a gap between halves.
    """
    usual = groups[1][0] - groups[0][1] if len(groups) > 1 else 1
    counts = [len(groups)]
    for place in range(len(groups) - 1, 0, -1):
        gap = groups[place][0] - groups[place - 1][1]
        middle = digits == 2 and place == 8 and len(groups) > 15 and gap <= usual + 2
        if gap > usual and not middle:
            counts.append(place)
    return counts


def _with(
    text: CaptureText, blank: DumpLine, groups: list[tuple[int, int]], line_end: int
) -> DumpLine:
    """The line with these groups as its bytes; of a part of a group only if that is confirmed."""
    words = [text.text[start:end] for start, end in groups]
    digits = 2 * blank.group
    whole = next((at for at, word in enumerate(words) if len(word) != digits), len(words))
    if whole == len(words) - 1 and len(words[whole]) < digits and len(words[whole]) % 2 == 0:
        line = _told(text, blank, "".join(words), groups[-1][1], line_end)
        if line.shown and line.orders & AS_PRINTED:
            return line._replace(orders=AS_PRINTED)
    line = _told(text, blank, "".join(words[:whole]), groups[whole - 1][1], line_end)
    return line._replace(cut=whole < len(words) and not line.shown)


def _told(text: CaptureText, blank: DumpLine, digits: str, end: int, line_end: int) -> DumpLine:
    content = bytes.fromhex(digits)
    orders, shown = orders_of(content, blank.group, text.text[end:line_end])
    return blank._replace(content=content, end=end, orders=orders, shown=shown)


def completed(text: CaptureText, line: DumpLine, size: int) -> DumpLine | None:
    """The line with the bytes that were wrapped to the lines below, ``size`` of them in all."""
    if line.shown or line.repeated or len(line.content) >= size:
        return None
    found = _groups_at(text, line.first)
    for _ in range(_MOST_JOINS):
        if not found or sum(len(word.digits) for word in found) >= 2 * size:
            break
        at = continuation(text.text, text.line_end(found[-1].end))
        more = _groups_at(text, at) if at is not None and not _LINE.match(text.text, at) else []
        found += more
        if not more:
            return None
    digits = ""
    for word in found:
        digits += word.digits
        if len(digits) == 2 * size:
            whole = _told(text, line, digits, word.end, text.line_end(word.end))
            return whole._replace(cut=False) if whole.orders else None
    return None


def is_wrapped(text: CaptureText, line: DumpLine) -> bool:
    """Whether groups without an address stand below a line."""
    below = continuation(text.text, text.line_end(line.end))
    return below is not None and not _LINE.match(text.text, below) and bool(_groups_at(text, below))


class _Group(NamedTuple):
    digits: str
    end: int


def _groups_at(text: CaptureText, start: int) -> list[_Group]:
    """The groups that stand one behind the other on a line."""
    groups = _MORE.match(text.text, start, text.line_end(start))
    found = _TOKEN.finditer(text.text, *groups.span()) if groups else ()
    return [_Group(token[1], token.end()) for token in found]


def places(text: CaptureText, line: DumpLine) -> list[Place]:
    """Where each byte stands, in the order of the digits."""
    digits = [
        at
        for token in _TOKEN.finditer(text.text, line.first, line.end)
        for at in range(*token.span(1))
    ][: 2 * len(line.content)]
    return [(first, second + 1) for first, second in zip(digits[::2], digits[1::2], strict=True)]
