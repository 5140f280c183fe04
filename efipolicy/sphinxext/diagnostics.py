"""What the linter prints, with its long lines folded to the width of a page's text."""

from __future__ import annotations

import re
from textwrap import wrap
from typing import Final

PAGE_COLUMNS: Final = 98
"""Characters of a code block in a column of the site."""

_FARTHEST_LABEL = 20
_LABEL = re.compile(r"(?P<bar> *\| )(?P<blank> *)(?P<mark>\^+|-+) (?P<label>\S.*)")
_NOTE = re.compile(r"(?P<start> *= (?:[a-z]+: )?|  +(?=\S))(?P<text>.*)")
_SOURCE = re.compile(r" *\d* \||\.\.\.$")


def folded(output: str, columns: int = PAGE_COLUMNS) -> str:
    """The same words on more lines; lines of the source, and what underlines them, stay whole."""
    return "\n".join(
        part
        for line in output.splitlines()
        for part in ([line] if len(line) <= columns else _folded(line, columns))
    )


def _folded(line: str, columns: int) -> list[str]:
    label = _LABEL.fullmatch(line)
    if label:
        mark = label["bar"] + label["blank"] + label["mark"]
        start = label["bar"] + " " * min(len(label["blank"]), _FARTHEST_LABEL)
        return [mark, *(start + part for part in _words(label["label"], columns - len(start)))]
    if _SOURCE.match(line):
        return [line]
    note = _NOTE.fullmatch(line)
    start = note["start"] if note else ""
    indent = " " * len(start) if note else "  "
    first, *rest = _words(note["text"] if note else line, columns - len(indent))
    return [start + first, *(indent + part for part in rest)]


def _words(text: str, room: int) -> list[str]:
    return wrap(text, max(room, 20), break_long_words=False, break_on_hyphens=False) or [""]
