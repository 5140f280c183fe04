"""What stands below the last line of a hex dump: repeated lines, and the address of its end."""

from __future__ import annotations

import re
from typing import Final

from efipolicy.formats.capture_reading import Unreadable
from efipolicy.formats.dump_lines import DumpLine, completed
from efipolicy.formats.dumped_memory import Memory
from efipolicy.formats.logical_lines import CaptureText

BASES: Final = (16, 8, 10)
"""Of addresses: ``od`` prints octal ones unless told otherwise, and decimal ones if asked to."""
WIDEST: Final = 256
"""Bytes of a line."""
QUOTE_MARKS: Final = " \t\r\n>"
_MOST_REPEATED: Final = 1 << 20
_FURTHEST: Final = 4096
"""Bytes behind the last line at which an address without groups still belongs to the dump."""
_STAR: Final = re.compile(r"(\*)[ \t\r]*$", re.MULTILINE)
_END: Final = re.compile(r"([0-9A-Fa-f]{6,16})[ \t\r]*$", re.MULTILINE)
_NO_GROUPS: Final = re.compile(r"([0-9A-Fa-f]{4,16}):[ \t\r]*$", re.MULTILINE)
_LINES_BELOW: Final = 4


def add_repeated(memory: Memory, at: int) -> bool:
    """Add the lines that a ``*`` right below the last one stands for, up to an address."""
    text, last = memory.text, memory.lines[-1]
    width = len(memory.lines[0].content)
    if len(last.content) < width:
        last = completed(text, last, width) or last
    missing = at - memory.start_of_last - len(last.content)
    if len(last.content) < width or not 0 < missing <= _MOST_REPEATED or missing % width:
        return False
    star = _below(text, last, _STAR, lines=1)
    if star is None:
        return False
    memory.replace_last(last)
    memory.add(
        last._replace(
            start=star.start(1),
            end=star.end(1),
            content=last.content * (missing // width),
            repeated=True,
        )
    )
    return True


def _below(
    text: CaptureText, last: DumpLine, words: re.Pattern[str], *, lines: int = _LINES_BELOW
) -> re.Match[str] | None:
    """Words on one of the lines below, blank ones aside, in the column of the last address."""
    column = last.start - text.line_start(last.start)
    at = text.line_end(last.end)
    while lines and at < len(text.text):
        start = at + 1
        at = text.line_end(start)
        if not text.text[start:at].strip(QUOTE_MARKS):
            continue
        found = words.match(text.text, start + column, at)
        if found:
            return found
        lines -= 1
    return None


def is_number(digits: str, base: int) -> bool:
    """Whether digits, hexadecimal ones at most, are a number in one of the bases."""
    return base == 16 or (digits.isdecimal() and (base == 10 or not set(digits) & {"8", "9"}))


def finish(memory: Memory, base: int) -> None:
    """The end of a memory: as the address behind it says, or wrapped as its other lines were."""
    text, last = memory.text, memory.lines[-1]
    end = _below(text, last, _NO_GROUPS if last.marked else _END)
    if end and len(end[1]) == len(last.address) and is_number(end[1], base):
        _finish_at(memory, end, _end_address(memory, end[1], base))
    elif len(memory.lines) > 1 and text.line_end(memory.lines[-2].first) < memory.lines[-2].end:
        wider = completed(text, last, len(memory.lines[-2].content))
        if wider:
            memory.replace_last(wider)


def _end_address(memory: Memory, digits: str, base: int) -> int:
    """What an address is; behind a single line no second one has shown the base yet."""
    if len(memory.lines) > 1 or memory.lines[0].marked:
        return int(digits, base)
    bases = [base, *(one for one in BASES if is_number(digits, one))]
    return next((at for one in bases if (at := int(digits, one)) == memory.end), int(digits, base))


def _finish_at(memory: Memory, end: re.Match[str], at: int) -> None:
    last = memory.lines[-1]
    if at > memory.end + (_FURTHEST if last.marked else _MOST_REPEATED):
        return
    size = at - memory.start_of_last
    wider = completed(memory.text, last, size) if 0 < size <= WIDEST else None
    if wider:
        memory.replace_last(wider)
    elif at > memory.end and not add_repeated(memory, at):
        what = f"{at - memory.end} bytes are missing from the hex dump before address {at:#x}"
        memory.unended = Unreadable(*end.span(), what)
    if at == memory.end and last.marked:
        memory.unended = Unreadable(*end.span(), "a line of a hex dump that was cut")
    elif at == memory.end:
        memory.ending = end.span(1)
