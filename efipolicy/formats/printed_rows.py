"""Rows of a memory map as loaders and hypervisors print them: found, unwrapped, read in full.

Mail clients wrap a row at its blanks, terminals at any column. The first is a matter of patterns
(`GAP`), the second of joining lines; both give the same `Row`.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

from efipolicy.formats.capture_reading import Printed, Unreadable, shortened
from efipolicy.formats.logical_lines import CaptureText, JoinedLines, continuation, joined
from efipolicy.model.efi import ATTRIBUTE_BITS, EFI_MEMORY_ISA_MASK, EFI_MEMORY_ISA_VALID
from efipolicy.named_tuple import NamedTuple

GAP: Final = r"(?:[ \t]++|=(?:20|09)?[ \t]*+\r?\n[ \t>]*+|\r?\n[ \t>]*+)++"
"""Blanks between two fields of a row, which a mail client may have wrapped and quoted there."""
GAP_OR_NOT: Final = GAP[:-2] + "*+"

PART: Final = "a part of a row whose other part is missing"
NOT_PAGES: Final = "not a whole number of pages from its start to its end"

_AROUND: Final = 4096
"""Characters around what was read in which more of it is looked for."""
_MOST_JOINS: Final = 3
_BLANK: Final = " \t\r="
_SOFT_END: Final = re.compile(r"=(?:20|09)?[ \t]*\Z")

_ATTRIBUTE_WORD: Final = (
    r"(?i:UCE?|WC|WT|WB|WP|RP|XP|NV|MR|REL|MORE_RELIABLE|RO|SP|CRYPT|HOTPL|RT|ISA_VALID"
    r"|ISA=0x[0-9a-f]{1,4}|RUNTIME(?![ \t_]*(?:CODE|DATA|SERVICES)))(?![\w-])"
)
"""A word for a bit of an attribute, in either case; not the type of another row."""
_BETWEEN: Final = r"(?:</?[A-Za-z][^<>\n]{0,40}>|&#?\w{1,8};|\\u[0-9A-Fa-f]{4}|[^\w\n])"
"""What may have come between two words: markup, an escaped character, a separator."""
_GOES_ON: Final = re.compile(
    rf"\w{{1,16}}+|{_BETWEEN}{{0,64}}+{_ATTRIBUTE_WORD}"
    r"|(?:<wbr[ /]{0,2}>|[\u00ad\u200b-\u200f\u2060\ufeff])++[0-9A-Fa-f]"
    r"|(?:[~?!@#^%\x00-\x08\ufffd]|\\u[0-9A-Fa-f]{4}){1,4}+[ \t]?\w|\[[ \t]*\d{1,9}\.\d"
    r"|(?:(?<=[0-9a-f])|(?<=[0-9][0-9A-F]))[ \t]{1,2}[0-9a-fA-F]{1,16}"
    r"[ \t]{0,4}+(?:[\r\"'`,|\\<)]|\Z)"
    rf"|[ \t]*+\r(?!\n)[ \t]*+(?:[0-9a-f]{{1,16}}|{_ATTRIBUTE_WORD})[ \t]*+(?:[\r\n]|\Z)"
)
"""More of an attribute, behind characters that no dialect prints in it: damaged ones, the stamp of
a message that came between, a blank, or the mere carriage return with which a terminal wraps."""
_WORDS_ALONE: Final = re.compile(
    rf"(?:{_BETWEEN}{{0,64}}+{_ATTRIBUTE_WORD}){{1,24}}+[^\w\n]{{0,64}}+$", re.MULTILINE
)
"""The same as a line of its own."""

_OPEN_NUMBER: Final = re.compile(r"0x([0-9a-f]{1,15})\Z")
_LINE_NUMBER: Final = re.compile(r"[\s>]{0,16}([0-9]{1,8})[\s:|.]")
_NUMBER_ABOVE: Final = re.compile(r"(?:\A|\n)[ \t>]{0,16}([0-9]{1,8})\s{0,16}\Z")
_FULL_WIDTH: Final = 16


class Layout(NamedTuple):
    """How a dialect prints the fields of a row that tell where they end.

    ``whole`` reads them on one line or wrapped at blanks, ``joined`` with every blank removed;
    ``begins`` is how any row begins: a wrapped row does not reach into the next.
    """

    whole: re.Pattern[str]
    joined: re.Pattern[str]
    begins: re.Pattern[str]


class Row:
    """The fields of a row, and where they stand in the text."""

    __slots__ = ("_lines", "end", "match", "start")

    def __init__(self, match: re.Match[str], lines: JoinedLines | None = None) -> None:
        self.match = match
        self._lines = lines
        self.start, self.end = lines.span(*match.span()) if lines else match.span()

    def __getitem__(self, group: str) -> str:
        return self.match[group]

    def span(self, group: str) -> tuple[int, int]:
        """Where a field stands."""
        return self._lines.span(*self.match.span(group)) if self._lines else self.match.span(group)

    def refused(self, what: str, end: int | None = None) -> Unreadable:
        """The row as one that cannot be read, and why."""
        return Unreadable(self.start, self.end if end is None else end, what)


def row_at(text: CaptureText, start: int, layout: Layout) -> Row | None:
    """The row that starts at an offset, however it was wrapped."""
    match = layout.whole.match(text.text, start)
    row = Row(match) if match else None
    if row and not _swallows_another(text, row, layout.begins):
        return row
    for lines in joined(text.text, start):
        match = layout.joined.match(lines.text)
        if match:
            row = Row(match, lines)
            return None if _swallows_another(text, row, layout.begins) else row
    return None


def _swallows_another(text: CaptureText, row: Row, begins: re.Pattern[str]) -> bool:
    """Whether what was read as its continuation is a row of its own."""
    first_end = text.line_end(row.start)
    if row.end <= first_end:
        return False
    return begins.search(text.text, first_end, text.line_end(row.end)) is not None


def tail(
    text: CaptureText,
    start: int,
    words: re.Pattern[str],
    read: Callable[[str], int | None],
) -> tuple[int | None, tuple[int, int]]:
    """The last field of a row, which nothing closes: its value, and where it stands.

    ``words`` is what the field may be made of, ``read`` makes a number of its characters, blanks
    removed. Lines below that are nothing but such words belong to it if the whole can be read.
    ``None`` when it cannot be, or when it goes on in words that cannot, on its line or below. A
    number without leading zeros may be whole where its line ends; digits below it are its own, or
    those of whoever numbered the lines: ``None`` where nothing tells.
    """
    characters, end = _words_at(text, start, words)
    value, after = read(characters), end
    damaged = _GOES_ON.match(text.text, end, text.line_end(end))
    if damaged:
        return None, _without_blanks(text, start, damaged.end())
    goes_on = False
    for number in range(_MOST_JOINS + 1):
        line_end = text.line_end(end)
        rest = text.text[end:line_end]
        at = None if rest.strip(_BLANK) else continuation(text.text, line_end)
        if at is None:
            break
        more, end = _words_at(text, at, words)
        longer = read(characters + more)
        behind = text.text[end : text.line_end(end)]
        if not more or behind.strip(_BLANK):
            goes_on = goes_on or _is_damaged_rest(text, at, longer, more, behind)
            break
        if longer is not None and "=" not in rest and _may_be_whole(characters, more):
            goes_on = not _numbers_a_line(text, start, more)
            break
        goes_on = goes_on or number == _MOST_JOINS or "=" in rest or "|" in characters[-1:] + more
        characters += more
        if longer is not None and number < _MOST_JOINS:
            value, after, goes_on = longer, end, False
    return None if goes_on else value, _without_blanks(text, start, after)


def _without_blanks(text: CaptureText, start: int, end: int) -> tuple[int, int]:
    """Where the words between two offsets stand, of which the latter is the end of one."""
    return end - len(text.text[start:end].lstrip()), end


def _is_damaged_rest(
    text: CaptureText, at: int, longer: int | None, more: str, behind: str
) -> bool:
    """Whether a line below is more of the field, and holds besides what no dialect prints there."""
    if _WORDS_ALONE.match(text.text, at, text.line_end(at)):
        return True
    wordless = not any(map(str.isalnum, behind))
    return longer is not None and wordless and any(map(str.isalnum, more))


def _may_be_whole(characters: str, more: str) -> bool:
    """Whether a number is one with or without the digits of the line below.

    Only the full width of 64 bits with nothing but bits that have a meaning proves that it was
    broken there, and that only where the part alone has others or ends among zeros.
    """
    number = _OPEN_NUMBER.search(characters)
    if not number or not re.match("[0-9a-f]", more):
        return False
    digits = number[1] + more
    broken = len(digits) == _FULL_WIDTH and _has_a_meaning(digits)
    return not (broken and (more.startswith("00") or not _has_a_meaning(number[1])))


def _has_a_meaning(digits: str) -> bool:
    """Whether hexadecimal digits are an attribute of nothing but the specification's bits."""
    rest = int(digits, 16)
    if rest & EFI_MEMORY_ISA_VALID:
        rest &= ~EFI_MEMORY_ISA_MASK
    return not rest & ~sum(ATTRIBUTE_BITS.values())


def _numbers_a_line(text: CaptureText, start: int, digits: str) -> bool:
    """Whether digits below a line are its number plus one: it was pasted with line numbers."""
    line = text.line_start(start)
    own = _LINE_NUMBER.match(text.text, line, start)
    above = _NUMBER_ABOVE.search(text.text[max(0, line - 64) : line])
    return any(found is not None and digits == str(int(found[1]) + 1) for found in (own, above))


def _words_at(text: CaptureText, start: int, words: re.Pattern[str]) -> tuple[str, int]:
    """The characters of a field on one line, without blanks, and where the last one ends."""
    found = words.match(text.text, start, text.line_end(start))
    line = _SOFT_END.sub("", found[0]).rstrip() if found else ""
    return "".join(line.split()), start + len(line)


def with_doubt(row: Row, printed: Printed, words: str) -> list[Printed | Unreadable]:
    """The descriptor of a row, and the row besides where the words of its attribute are unknown."""
    if printed.descriptor.attribute is not None:
        return [printed]
    what = f"attributes that are not known for certain, `{shortened(' '.join(words.split()))}`"
    return [printed, row.refused(what, printed.end)]


def starts_of(text: CaptureText, begins: re.Pattern[str]) -> Iterator[int]:
    """Where rows may start, remarks of whoever kept the log left out."""
    for match in begins.finditer(text.text):
        if not text.is_remark(match.start()):
            yield match.start()


def left_over(
    text: CaptureText, found: Iterable[Printed | Unreadable], looks_like: re.Pattern[str]
) -> list[Unreadable]:
    """Lines near those that were read that look the same and were not."""
    known = _known(text, found)
    if not known:
        return []
    starts = [start for start, _ in known]
    lines: dict[int, Unreadable] = {}
    low, high = _neighbourhood(text, starts[0], max(end for _, end in known), looks_like)
    for match in looks_like.finditer(text.text, low, high):
        at = match.start()
        nearest = bisect_right(starts, at) - 1
        if (nearest >= 0 and at < known[nearest][1]) or text.is_remark(at):
            continue
        lines.setdefault(text.line_start(at), Unreadable(at, text.line_end(at), PART))
    return list(lines.values())


def _known(text: CaptureText, found: Iterable[Printed | Unreadable]) -> list[tuple[int, int]]:
    """What was read, each with what precedes it on its line, as far as no other row is there."""
    known: list[tuple[int, int]] = []
    for start, end in sorted((row.start, row.end) for row in found):
        line = text.line_start(start)
        known.append((start if known and known[-1][1] > line else line, end))
    return known


def _neighbourhood(
    text: CaptureText, low: int, high: int, looks_like: re.Pattern[str]
) -> tuple[int, int]:
    """Where else rows may stand: near those that were read, and near those found that way."""
    while before := looks_like.search(text.text, max(0, low - _AROUND), low):
        low = before.start()
    while behind := looks_like.search(text.text, high, high + _AROUND):
        high = behind.end()
    return max(0, low - _AROUND), high + _AROUND


def grouped(
    entries: Sequence[Printed], new_map: Callable[[Printed, Printed], bool] | None = None
) -> list[list[Printed]]:
    """The entries of each map: a new one starts where ``new_map`` says so of two neighbours.

    Maps without an index or a header are told apart by their first entry, which comes once.
    """
    groups: list[list[Printed]] = []
    for entry in entries:
        last = groups[-1] if groups else None
        if last is None or (new_map and new_map(last[-1], entry)) or starts_again(last, entry):
            groups.append([entry])
        else:
            last.append(entry)
    return groups


def starts_again(entries: Sequence[Printed], entry: Printed) -> bool:
    """Whether the first of several entries comes again: the same map, printed once more."""
    first, last = entries[0].descriptor, entries[-1].descriptor
    return len(entries) > 1 and entry.descriptor == first and last != first
