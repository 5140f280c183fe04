"""Memory out of the lines of hex dumps: what their addresses prove to follow one another.

Nothing behind a gap is taken for the continuation of what stands before it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Final

from efipolicy.formats.dump_characters import AS_PRINTED
from efipolicy.formats.dump_ends import (
    BASES,
    QUOTE_MARKS,
    WIDEST,
    add_repeated,
    finish,
    is_number,
)
from efipolicy.formats.dump_lines import DumpLine, completed, dump_lines, is_wrapped
from efipolicy.formats.dumped_memory import Memory
from efipolicy.formats.logical_lines import CaptureText

_OD_DIGITS: Final = 7
"""The fewest of such addresses."""
_OD_WIDTH: Final = 16
"""Bytes of its lines; the addresses of a line that was wrapped prove nothing."""
_MOST_OPEN: Final = 4
"""Dumps that may be printed line by line in turn."""
_NEAR: Final = 4096
"""Bytes; two dumps of one memory are rarely as close to one another, two parts of a dump are."""
_DISAGREE: Final = "a line of a hex dump whose digits and characters disagree"


def memories(text: CaptureText) -> list[Memory]:
    """The memory that the hex dumps of a text show, in the order of the text."""
    kinds: dict[tuple[bool, int], list[DumpLine]] = {}
    for line in dump_lines(text):
        kinds.setdefault((line.marked, line.group), []).append(line)
    found = [memory for lines in kinds.values() for memory in _assembled(text, lines)]
    _add_parts_of_groups(found)
    return sorted(found, key=lambda memory: memory.lines[0].start)


def _add_parts_of_groups(found: Iterable[Memory]) -> None:
    """Add to each memory a last line that has nothing but a part of a group, so a smaller group."""
    parts = {
        memory.address: memory.lines[0]
        for memory in found
        if len(memory.lines) == 1 and len(memory) == memory.lines[0].group
    }
    for memory in found:
        part, last = parts.get(memory.end), memory.lines[-1]
        if part and part.shown and part.group < last.group and part.start > last.start:
            memory.add(part._replace(group=last.group, orders=AS_PRINTED))


def _assembled(text: CaptureText, lines: Sequence[DumpLine]) -> list[Memory]:
    base = _base(text, lines)
    found: list[Memory] = []
    opened: list[Memory] = []
    for line in lines:
        if base != 16 and not is_number(line.address, base):
            continue
        at = int(line.address, base)
        memory = next((one for one in reversed(opened) if _goes_on(one, line, at)), None)
        if memory is None:
            memory = _another(text, opened, line, at)
            found.append(memory)
        else:
            opened.remove(memory)
        opened = [*opened[1 - _MOST_OPEN :], memory]
    kept = [memory for memory in found if memory.before is None or memory.why]
    for memory in kept:
        finish(memory, base)
    return kept


def _base(text: CaptureText, lines: Sequence[DumpLine]) -> int:
    """The base in which most addresses follow one another."""
    if len(lines[0].address) < _OD_DIGITS or lines[0].marked:
        return 16

    def following(base: int) -> int:
        return sum(
            int(line.address, base) + len(line.content) == int(other.address, base)
            for line, other in pairwise(lines)
            if (base == 16 or len(line.content) == _OD_WIDTH)
            and is_number(line.address, base)
            and is_number(other.address, base)
        )

    base = max(BASES, key=following)
    return 16 if any(is_wrapped(text, line) for line in lines[:2]) else base


def _goes_on(memory: Memory, line: DumpLine, at: int) -> bool:
    """Whether a line continues what was read so far; if so, it is added."""
    last, size = memory.lines[-1], at - memory.start_of_last
    if memory.end != at:
        if _is_copy(memory, line, at):
            return True
        wider = completed(memory.text, last, size) if 0 < size <= WIDEST else None
        if wider:
            memory.replace_last(wider)
        elif not add_repeated(memory, at):
            return False
    if not line.orders:
        return False
    for lost in memory.lost:  # words that only looked like a line of the dump
        lost.why = ""
    memory.lost.clear()
    memory.add(line)
    return True


def _is_copy(memory: Memory, line: DumpLine, at: int) -> bool:
    """Whether a line says again what the last one said; the longer of the two counts."""
    last = memory.lines[-1]
    if at != memory.start_of_last or last.repeated or not (line.orders and last.orders):
        return False
    if last.content.startswith(line.content):
        return True
    if not line.content.startswith(last.content):
        return False
    memory.replace_last(line)
    return True


def _another(text: CaptureText, opened: Iterable[Memory], line: DumpLine, at: int) -> Memory:
    """New memory, which a gap parts from what was read before unless another dump begins."""
    before = next((one for one in reversed([*opened]) if _is_gap(one, line, at)), None)
    if before is None:
        memory = Memory(text, at, why="" if line.orders else _DISAGREE)
    else:
        memory = Memory(text, at, before=before, why=_why(before, line, at))
        before.lost.append(memory)
    memory.add(line)
    return memory


def _why(before: Memory, line: DumpLine, at: int) -> str:
    if not line.orders:
        return _DISAGREE
    if at < before.end:
        return f"a line of a hex dump whose address, {at:#x}, was there before with other bytes"
    return f"{at - before.end} bytes are missing from the hex dump before address {at:#x}"


def _is_gap(before: Memory, line: DumpLine, at: int) -> bool:
    """Whether a line is a later part of a dump of which something was lost."""
    if at <= before.address:
        return False
    if at - before.end <= _NEAR:
        return True
    text = before.text.text
    start = before.text.line_end(before.lines[-1].end)
    between = (
        text[start : before.text.line_start(line.start)] if line.start - start < _NEAR else "?"
    )
    return not between.strip(QUOTE_MARKS + ".")
