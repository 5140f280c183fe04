"""A list of entries in a kernel log, and the boot it belongs to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Final

from efipolicy.formats.capture_reading import Printed, Unreadable, is_copy
from efipolicy.formats.linux_log import Boot
from efipolicy.formats.logical_lines import CaptureText
from efipolicy.named_tuple import NamedTuple

_ABOVE: Final = 1024
"""Characters above a list in which its wrapped header is looked for."""
_LINE_ENDS: Final = dict.fromkeys(map(ord, " \t\r\n>="))


class Listing(NamedTuple):
    """One list of the map: the boot it belongs to, its entries, and the kind of the first.

    ``runtime_list`` says that it is the list the kernel makes for itself.
    """

    boot: Boot
    entries: list[Printed]
    kind: str
    runtime_list: bool = False

    @property
    def start(self) -> int:
        """Where its first line starts."""
        return self.entries[0].start

    @property
    def end(self) -> int:
        """Where its last line ends."""
        return self.entries[-1].end


def with_boots(entries: Iterable[Printed], boots: Sequence[Boot]) -> Iterator[tuple[Boot, Printed]]:
    """Each entry behind the boot that printed it. Entries and boots stand as in the text."""
    number = 0
    for entry in entries:
        while entry.start >= boots[number].end and number + 1 < len(boots):
            number += 1
        yield boots[number], entry


def announced(text: CaptureText, words: str, low: int, high: int) -> bool:
    """Whether the words above a list stand between two offsets, on one line or wrapped anywhere."""
    if high - low < len(words):
        return False
    if text.text.find(words, low, high) >= 0:
        return True
    near = text.text[max(low, high - _ABOVE) : high].translate(_LINE_ENDS)
    return words.replace(" ", "") in near


def stands_between(listed: Sequence[Printed], entry: Printed, ahead: Printed) -> bool:
    """Whether an entry whose number goes back stands in a list that goes on behind it.

    Either it is a copy of an entry of the list, or its own number is missing there. Two lists never
    look so: what follows an entry of another list has the number after it.
    """
    number = listed[-1].descriptor.index
    if len(listed) < 2 or entry.descriptor.index >= number:
        return False
    known = any(is_copy(one, entry) for one in listed)
    return ahead.descriptor.index == number + (1 if known else 2)


def doubt_lost_columns(entries: list[Printed]) -> list[Unreadable]:
    """Forget attributes whose cell has not the columns of most others in a list; their lines.

    One kernel prints the same columns on every line. Where some are missing, a part of the line
    was lost, and flags may have been lost with it.
    """
    counts = Counter(entry.columns for entry in entries if entry.columns)
    if len(counts) < 2:
        return []
    usual, lines = counts.most_common(1)[0]
    if lines < 3 or 2 * lines <= counts.total():
        return []
    doubtful = []
    for place, entry in enumerate(entries):
        if entry.columns and entry.columns != usual:
            what = f"a cell of {entry.columns} columns, where other lines have {usual}"
            doubtful.append(Unreadable(entry.start, entry.end, what))
            unknown = replace(entry.descriptor, attribute=None)
            entries[place] = entry._replace(descriptor=unknown)
    return doubtful
