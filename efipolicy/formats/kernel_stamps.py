"""Lines of a long kernel log that the kernel of Linux did not print: those without its time stamp.

A log of 10 MB is nearly all lines of the kernel, ``[    0.000000] Linux version …``. What another
program printed - firmware, its shell, a boot loader, another kernel - stands on lines of its own
between them, so these few lines tell which formats a text can hold.
"""

from __future__ import annotations

import re
from itertools import repeat
from typing import Final

from efipolicy.named_tuple import NamedTuple

_LONGEST_WHOLE: Final = 1 << 21
"""Characters; a shorter text is searched as a whole."""
_MOST: Final = 8
"""Where more than one in so many characters has no stamp, the whole text is searched instead."""

_FIRST_LINE: Final = "[    0.000000] Linux version "
"""No clock runs when a kernel starts. What else stamps lines, such as a program that records a
serial console, does so at other times: then all lines are its own, and a kernel's are none."""

_LONGEST_LINE: Final = 2048
"""Characters; no kernel prints as many on a line, and a text without line ends is one line."""

_STAMP: Final = r"\[(?:....|.....)[0-9]\.[0-9].....\] "
"""Few classes of characters, and ``\\d`` would be a slow one, as most of the time goes into these:
nothing but a stamp has a point and a bracket at these places."""
_UNSTAMPED: Final = re.compile(rf"\n(?!{_STAMP}[^-])(?!{_STAMP}(?!---\[ (?!end trace)))")
"""The line end before a line without ``[    0.000000] ``, or one that announces page tables.

Those are the one dump of another format that a kernel prints itself. Nearly every line of a log is
told by the first half alone, which looks at one character behind the stamp.
"""


class Unstamped(NamedTuple):
    """Lines without a stamp: the line ends before them, and their text, line ends included."""

    line_ends: tuple[int, ...]
    text: str


def unstamped(text: str) -> Unstamped | None:
    """The lines that the kernel did not print; ``None`` where the text is to be searched itself.

    That is a text that is short, that no kernel's start proves to be its log, or that has many
    lines without stamps, as logs of ``syslog`` have.
    """
    if len(text) <= _LONGEST_WHOLE or not _is_stamped(text):
        return None
    line_ends: list[int] = []
    pieces = [text[: text.index("\n")]]
    most = len(text) // _MOST
    for found in _UNSTAMPED.finditer(text):
        start = found.start()
        end = text.find("\n", start + 1)
        pieces.append(text[start : end if end >= 0 else len(text)])
        line_ends.append(start)
        most -= len(pieces[-1])
        if most < 0:
            return None
    return Unstamped(tuple(line_ends), "".join(pieces))


def _is_stamped(text: str) -> bool:
    """Whether a kernel stamped its lines: the first one of a boot starts with a stamp.

    What stands on a line behind its stamp is the kernel's, unless line ends have been lost.
    """
    at = text.find(_FIRST_LINE)
    if at < 0 or (at > 0 and text[at - 1] != "\n"):
        return False
    starts = range(0, len(text) - _LONGEST_LINE, _LONGEST_LINE)
    ends = range(_LONGEST_LINE, len(text), _LONGEST_LINE)
    return -1 not in map(text.find, repeat("\n"), starts, ends)
