"""Lines that show a small file of sysfs with its path: ``runtime-map/0/type:0x6``.

``grep -r .`` prints them so, ``head`` and ``tail`` with ``==> runtime-map/0/type <==`` above the
value; relative to any folder. A file of /sys/firmware/efi, its runtime-map, or /sys/firmware/memmap
holds one value on one line (Linux 6.12, Documentation/ABI/testing/sysfs-firmware-*).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from typing import Final

from efipolicy.formats.logical_lines import CaptureText, joined
from efipolicy.formats.printed_rows import Layout, Row, row_at
from efipolicy.formats.type_names import any_of
from efipolicy.named_tuple import NamedTuple

RUNTIME_MAP: Final = "runtime-map"
MEMMAP: Final = "memmap"
EFI: Final = "efi"

DESCRIPTOR_FILES: Final = ("attribute", "num_pages", "phys_addr", "type", "virt_addr")
RANGE_FILES: Final = ("end", "start", "type")
ADDRESS_FILES: Final = ("config_table", "fw_vendor", "runtime")
PLATFORM_SIZE: Final = "fw_platform_size"

_LEAF: Final = "attribute|num_pages|phys_addr|virt_addr|type|start|end"
_NAMED: Final = "|".join((*ADDRESS_FILES, PLATFORM_SIZE))
_PATH: Final = (
    r"(?:/?sys/firmware/)?(?:(?:efi/)?(?P<folder>runtime-map|memmap)/)?(?:\./)?"
    rf"(?P<entry>\d{{1,10}})/(?P<leaf>{_LEAF})"
    rf"|(?:/?sys/firmware/)?(?:efi/)?(?:\./)?(?P<name>{_NAMED})"
)
_LAYOUT: Final = Layout(
    whole=re.compile(rf"(?:{_PATH})(?:[ \t]*(?::(?!:)|<==)|[ \t]+(?=0x))"),
    joined=re.compile(rf"(?:{_PATH})(?::(?!:)|<==|(?=0x))"),
    begins=re.compile(r"/sys/firmware/|(?<![\w-])(?:runtime-map|memmap)/\d"),
)
_ABSOLUTE: Final = re.compile(r"/sys/firmware/[em]")
_LISTS: Final = (re.compile(r"runtime-map/\d"), re.compile(r"memmap/\d"))
_IN_ENTRY: Final = re.compile(r"/(?:at|nu|ph|vi|ty|st|en|[anpvtse][ \t]*(?:\r?\n|\Z))")
_ENTRY: Final = re.compile(r"(?<![\w./:-])(?:\./)?\d{1,10}\Z")
_NAMES: Final = tuple(re.compile(rf"{name}(?=[ \t]*[:<])") for name in _NAMED.split("|"))
_BEFORE_NAME: Final = re.compile(r"(?:(?<![\w./-])(?P<here>\./)?|\befi/)\Z")
LOOKS_LIKE: Final = re.compile(
    rf"(?<![\w-])(?:runtime-map|memmap)/\d{{1,10}}/(?!(?:{_LEAF})[ \t\r\"']*$)", re.MULTILINE
)
"""A path with a part of a file's name, or with something behind it: not that of a mere listing."""

_NUMBER: Final = re.compile(r"(?:=?3D)?(0x[0-9a-fA-F]{1,64})(?![\w/.:=-])")
_DIGITS: Final = re.compile(r"[0-9a-fA-F]{1,16}")
_WORDS: Final = re.compile(r"[^\r\n]{1,80}")
_RANGE_TYPES: Final = (
    "System RAM",
    "ACPI Tables",
    "ACPI Non-volatile Storage",
    "Unusable memory",
    "Persistent Memory",
    "Persistent Memory (legacy)",
    "Soft Reserved",
    "Reserved",
)
_RANGE_TYPE: Final = re.compile(rf"[ \t]*({any_of(_RANGE_TYPES)})(?![\w(])", re.IGNORECASE)


class FileLine(NamedTuple):
    """A file and what is shown of it, from one offset up to another.

    ``entry`` is the number of its folder in ``folder``. ``number`` is what it holds, ``words`` the
    same as text; where it could not be read, ``number`` is ``None`` and ``words`` tell why.
    """

    start: int
    end: int
    folder: str
    entry: int
    name: str
    number: int | None
    words: str
    span: tuple[int, int]


class Number(NamedTuple):
    """A hexadecimal number at the end of a line; ``None`` where it cannot be told for certain."""

    value: int | None
    span: tuple[int, int]


def file_lines(text: CaptureText) -> Iterator[FileLine]:
    """The lines of a text that show a file of ours, remarks left out."""
    after = 0
    folder = RUNTIME_MAP
    for start in sorted(_starts(text.text)):
        if start < after or text.is_remark(start):
            continue
        row = row_at(text, start, _LAYOUT)
        if row is None:
            continue
        line = _line(text, row, folder)
        if line.folder != EFI:
            folder = line.folder
        after = line.end
        yield line


def _starts(text: str) -> Iterator[int]:
    """Where paths of ours may start, found by words that a log of megabytes has few of."""
    yield from (found.start() for found in _ABSOLUTE.finditer(text))
    for pattern in _LISTS:
        for found in pattern.finditer(text):
            before = text[found.start() - 1 : found.start()]
            if not (before.isalnum() or before in ("_", "-")):
                yield found.start()
    for found in _IN_ENTRY.finditer(text):
        entry = _ENTRY.search(text, max(0, found.start() - 12), found.start())
        if entry:
            yield entry.start()
    for pattern in _NAMES:
        for found in pattern.finditer(text):
            before_name = _BEFORE_NAME.search(text, max(0, found.start() - 4), found.start())
            if before_name:
                yield before_name.start() if before_name["here"] else found.start()


def _line(text: CaptureText, row: Row, folder: str) -> FileLine:
    """What stands behind the path; ``folder`` is that of the line above."""
    name = row["leaf"] or row["name"]
    value = number_at(text, row.end) if name != PLATFORM_SIZE else Number(None, (row.end, row.end))
    words, span = _words(text, row.end)
    if row["name"]:
        folder, entry = EFI, 0
    else:
        entry = int(row["entry"])
        folder = row["folder"] or _folder_of(name, value.value, words, folder)
    known = value.value is not None
    span = value.span if known else span
    return FileLine(
        start=row.start,
        end=max(row.end, span[1]),
        folder=folder,
        entry=entry,
        name=name,
        number=value.value,
        words=words,
        span=span,
    )


def _folder_of(name: str, number: int | None, words: str, before: str) -> str:
    """The folder of a path that starts with the entry: only the name `type` is in both."""
    if name != "type":
        return MEMMAP if name in RANGE_FILES else RUNTIME_MAP
    if number is not None:
        return RUNTIME_MAP
    return MEMMAP if words[:1].isalpha() and "ermission" not in words else before


def _words(text: CaptureText, at: int) -> tuple[str, tuple[int, int]]:
    """The rest of a line, or of the next one where nothing is left of it."""
    end = text.line_end(at)
    if not text.text[at:end].strip() and end < len(text.text):
        at, end = end + 1, text.line_end(end + 1)
    known = _RANGE_TYPE.match(text.text, at)
    if known:
        return " ".join(known[1].replace(">", " ").split()), known.span(1)
    found = _WORDS.match(text.text, at, end)
    if found is None:
        return "", (at, at)
    words = found[0].strip(" \t\"',>")
    start = at + found[0].find(words)
    return words, (start, start + len(words))


def number_at(text: CaptureText, at: int) -> Number:
    """The number from an offset to the end of its line, or of the next line where none is left.

    Nothing closes it. So a line below that could be the rest of its digits leaves it unknown,
    unless the mail says that the line goes on.
    """
    for lines in joined(text.text, at):
        found = _NUMBER.match(lines.text)
        if found is None:
            continue
        span = lines.span(*found.span(1))
        further = _digits_below(text, span[1]) if found.end() == len(lines.text) else None
        if further is None:
            return Number(int(found[1], 16), span)
        if not text.text[span[1] : text.line_end(span[1])].strip().startswith("="):
            return Number(None, span)
    return Number(None, (at, at))


def _digits_below(text: CaptureText, end: int) -> str | None:
    """The digits that are all of the next line with words."""
    below = [lines.text for lines in islice(joined(text.text, end), 2)][-1]
    return below if _DIGITS.fullmatch(below) else None
