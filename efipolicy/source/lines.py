"""Lines and columns of a text, as YAML counts them, for edits that respect them."""

from __future__ import annotations

import re

from efipolicy.source.edit import TextEdit

# YAML 1.1, which libyaml reads, ends lines at more than CR and LF.
LINE_ENDS = "\r\n\x85\u2028\u2029"
LINE_END = re.compile(f"\r\n|[{LINE_ENDS}]")
_FOLLOWING = re.compile(r"(?:[ \t]*[,\]}])*([ \t]+)(?=[^\s,\]}])")
_WORD = re.compile(r"#|[^\s:]+")


def line_start(text: str, offset: int) -> int:
    """Where the line of an offset starts."""
    start = text.rfind("\n", 0, offset) + 1
    return max(start, *(text.rfind(end, start, offset) + 1 for end in LINE_ENDS if end != "\n"))


def line_end(text: str, offset: int) -> int:
    """Where the line of an offset ends, before the characters that end it."""
    found = text.find("\n", offset)
    end = found if found >= 0 else len(text)
    others = (text.find(character, offset, end) for character in LINE_ENDS if character != "\n")
    return min([end, *(place for place in others if place >= 0)])


def next_line(text: str, offset: int) -> int:
    """Where the line after that of an offset starts, or the end of the text."""
    ending = LINE_END.match(text, line_end(text, offset))
    return ending.end() if ending else len(text)


def _line_before(text: str, start: int) -> int:
    """Where the line before the one that starts here starts."""
    return line_start(text, start - (2 if text.endswith("\r\n", 0, start) else 1))


def line_break(text: str) -> str:
    """The line end of a text: that of its first line."""
    found = LINE_END.search(text)
    return found[0] if found else "\n"


def keep_column(text: str, end: int, growth: int) -> TextEdit | None:
    """Keep what follows a value in its column, if a line beside it has the same in that column.

    ``end`` is the end of the value, which grows by so many characters, or shrinks.
    """
    following = _FOLLOWING.match(text, end)
    if not growth or following is None:
        return None
    token = following.end()
    start = line_start(text, end)
    word = _WORD.match(text, token)
    beside = [_line_before(text, start)] if start else []
    below = next_line(text, end)
    beside += [below] if below < len(text) else []
    if not word or not any(_has(text, line, token - start, word[0]) for line in beside):
        return None
    if growth < 0:
        return TextEdit(token, token, " " * -growth)
    room = len(following[1]) - 1
    return TextEdit(token - min(growth, room), token, "") if room else None


def _has(text: str, line: int, column: int, word: str) -> bool:
    """Whether a word stands in a column of the line that starts there."""
    place = line + column
    within = place <= line_end(text, line)
    return within and text.startswith(word, place) and text[place - 1] in " \t"
