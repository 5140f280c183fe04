"""Memory that a hex dump shows: its bytes, and where in the text each of them stands."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import Final

from efipolicy.formats.capture_reading import Unreadable
from efipolicy.formats.dump_characters import AS_PRINTED, REVERSED, in_order
from efipolicy.formats.dump_lines import DumpLine, Place, places
from efipolicy.formats.logical_lines import CaptureText

_MOST_KEPT: Final = 8
"""Lines whose places are kept: those of a record and its neighbours."""


class Memory:
    """A run of memory that a text shows, whole lines of a dump one behind the other.

    ``before`` is the memory it should be the continuation of, and ``why`` says what is wrong with
    it; ``lost`` are those that stand so to it. ``ending`` is where the address behind its last byte
    stands, ``unended`` the line that says there was more. ``order`` is how its bytes are meant.
    """

    __slots__ = (
        "_kept",
        "_starts",
        "address",
        "before",
        "ending",
        "lines",
        "lost",
        "order",
        "text",
        "unended",
        "why",
    )

    def __init__(
        self, text: CaptureText, address: int, *, before: Memory | None = None, why: str = ""
    ) -> None:
        self.text = text
        self.address = address
        self.before = before
        self.why = why
        self.lost: list[Memory] = []
        self.ending: Place | None = None
        self.unended: Unreadable | None = None
        self.lines: list[DumpLine] = []
        self.order = AS_PRINTED
        self._starts = [0]
        self._kept: dict[int, list[Place]] = {}

    def add(self, line: DumpLine) -> None:
        """The next line."""
        self.lines.append(line)
        self._starts.append(self._starts[-1] + len(line.content))

    def replace_last(self, line: DumpLine) -> None:
        """The last line as it turned out to be."""
        self.lines.pop()
        self._starts.pop()
        self.add(line)

    def __len__(self) -> int:
        return self._starts[-1]

    @property
    def end(self) -> int:
        """The address behind its last byte."""
        return self.address + len(self)

    @property
    def start_of_last(self) -> int:
        """The address of its last line."""
        return self.address + self._starts[-2]

    @property
    def orders(self) -> list[int]:
        """The orders of bytes that its lines leave possible."""
        mask = AS_PRINTED | REVERSED if self.lines[0].group > 1 else AS_PRINTED
        for line in self.lines:
            mask &= line.orders
        return [order for order in (AS_PRINTED, REVERSED) if mask & order]

    def ordered(self, order: int) -> bytes:
        """Its bytes as they lie in memory if this is the order in which they are printed."""
        self.order = order
        self._kept.clear()
        group = self.lines[0].group
        return b"".join(in_order(line.content, group, order) for line in self.lines)

    @property
    def faults(self) -> tuple[Unreadable, ...]:
        """What its last line and the address behind it say of bytes that are not there."""
        last = self.lines[-1]
        shorter = len(last.content) < len(self.lines[0].content)
        if last.cut or (shorter and not last.shown and self.lines[0].shown):
            end = self.text.line_end(last.end)
            return (Unreadable(last.start, end, "a line of a hex dump that was cut"),)
        return (self.unended,) if self.unended else ()

    def places(self, first: int, after: int) -> list[Place]:
        """Where each byte from one offset up to another stands in the text."""
        lines = range(self._line_of(first), self._line_of(after - 1) + 1)
        return [place for number in lines for place in self._within(number, first, after)]

    def span(self, first: int, after: int) -> Place:
        """Where the bytes from one offset up to another stand, from end to end."""
        lines = {self._line_of(first), self._line_of(after - 1)}
        return around([place for number in lines for place in self._within(number, first, after)])

    def _line_of(self, offset: int) -> int:
        return bisect_right(self._starts, offset) - 1

    def _within(self, number: int, first: int, after: int) -> list[Place]:
        """The places of those of the bytes that are on a line."""
        start, line = self._starts[number], self.lines[number]
        first, after = max(first - start, 0), min(after - start, len(line.content))
        if line.repeated:
            return [(line.start, line.end)] * (after - first)
        found = self._kept.get(number)
        if found is None:
            found = self._in_order(places(self.text, line), line.group)
            if len(self._kept) >= _MOST_KEPT:
                self._kept.clear()
            self._kept[number] = found
        return found[first:after]

    def _in_order(self, printed: list[Place], group: int) -> list[Place]:
        if self.order == AS_PRINTED:
            return printed
        groups = range(0, len(printed), group)
        return [place for at in groups for place in printed[at : at + group][::-1]]


def around(found: Sequence[Place]) -> Place:
    """From the start of the first place to the end of the last, wherever these are in the list."""
    return min(start for start, _ in found), max(end for _, end in found)
