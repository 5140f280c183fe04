"""The entries that small UEFI applications print on two or three lines."""

from __future__ import annotations

import re
from typing import Final

from efipolicy.formats.capture_reading import Printed, Unreadable, shortened
from efipolicy.formats.logical_lines import CaptureText
from efipolicy.formats.printed_rows import (
    GAP_OR_NOT,
    NOT_PAGES,
    Layout,
    Row,
    row_at,
    tail,
)
from efipolicy.formats.word_attributes import CACHE_AND_PROTECTION, in_order, words_behind
from efipolicy.model.address import EFI_PAGE_SIZE
from efipolicy.model.efi import MEMORY_TYPES
from efipolicy.model.memory_map import MemoryDescriptor
from efipolicy.named_tuple import NamedTuple

UEFI_APPLICATION: Final = "uefi-application"
WORDS_PRINTED: Final = "words"
"""The kind of a row that prints its attribute as words; of others it is a number."""
NUMBER_PRINTED: Final = "number"

_WORD: Final = 1 << 64
_NO_RANGE: Final = "an entry without its range"

_words = in_order(
    {
        **CACHE_AND_PROTECTION,
        "MORE_RELIABLE": 0x1_0000,
        "RO": 0x2_0000,
        "SP": 0x4_0000,
        "CPU_CRYPTO": 0x8_0000,
        "RUNTIME": 1 << 63,
    }
)
_NUMBER: Final = re.compile(r"0x[0-9A-Fa-f]{1,16}")
_DIGITS: Final = re.compile(r"[ \t]*[0-9A-Fa-fx]*")
_IS_NUMBER: Final = re.compile(rf"{GAP_OR_NOT}0")

_EVENT: Final = re.compile(
    rf"(?P<head>\[#[0-9]{{2,10}}\]{GAP_OR_NOT}Type:)|(?P<physical>\bPhys:)|(?P<virtual>\bVirt:)"
)
LOOKS_LIKE: Final = re.compile(
    r"\[#[0-9]{2,10}\][ \t]*Type:|\bType:[ \t]*Efi|\bAttr:[ \t]|\b(?:Phys|Virt):[ \t]*[0-9A-Fa-f]"
    r"|(?:^[ \t>]*|:[ \t]*)[0-9A-Fa-f]{16}-[0-9A-Fa-f]{16}[ \t]*(?=\r?$)",
    re.MULTILINE,
)


def _head_layout(gap: str) -> re.Pattern[str]:
    fields = (r"\[#(?P<index>[0-9]{2,10})\]", "Type:", "(?P<type>[A-Za-z]{3,40}?)", "Attr:")
    return re.compile(gap.join(fields))


def _range_layout(label: str) -> Layout:
    number = "[0-9A-Fa-f]{16}"
    words = (f"{label}:", rf"(?P<start>{number})-(?P<end>{number})(?![0-9A-Fa-f])")
    return Layout(
        whole=re.compile(GAP_OR_NOT.join(words)), joined=re.compile("".join(words)), begins=_EVENT
    )


_HEAD: Final = Layout(whole=_head_layout(GAP_OR_NOT), joined=_head_layout(""), begins=_EVENT)
_PHYSICAL: Final = _range_layout("Phys")
_VIRTUAL: Final = _range_layout("Virt")


class _Head(NamedTuple):
    """The first line of an entry, whose range is still to come."""

    row: Row
    words: str
    attribute: int | None
    span: tuple[int, int]

    def says_the_same(self, other: _Head) -> bool:
        """Whether two are copies."""
        fields = ("index", "type")
        return self.words == other.words and all(self.row[n] == other.row[n] for n in fields)

    def refused(self, what: str) -> Unreadable:
        """The line as one that cannot be read."""
        return self.row.refused(what, max(self.row.end, self.span[1]))


class _Entries:
    """The entries of a text as its lines come by; a console may print each line twice."""

    def __init__(self, text: CaptureText) -> None:
        self.text = text
        self.rows: list[Printed] = []
        self.refused: list[Unreadable] = []
        self.head: _Head | None = None
        self.last: tuple[_Head, Row] | None = None
        self.copies = 0

    def add_head(self, start: int) -> None:
        """The first line of an entry starts here."""
        row = row_at(self.text, start, _HEAD)
        if row is None:
            self.last = None  # the lines below are of an entry that is not known
            return
        attribute, span = _attribute(self.text, row.end)
        words = "".join(self.text.text[slice(*span)].split())
        head = _Head(row, words, attribute, span)
        if self.head and not self.head.says_the_same(head):
            self.end()
        self.head = self.head or head

    def add_physical(self, start: int) -> None:
        """Its range starts here."""
        row = row_at(self.text, start, _PHYSICAL)
        if row is None:
            self.last = None
            return
        if self.head:
            self.last, self.copies = (self.head, row), 0
            self.head = None
        if self.last and self.last[1].match.groups() == row.match.groups():
            self._add(_entry(self.text, self.last[0], row))
        else:
            self.last = None

    def _add(self, entry: Printed | Unreadable) -> None:
        if isinstance(entry, Unreadable):
            self.refused.append(entry)
            return
        self.rows.append(entry)
        self.copies += 1
        if self.copies == 1:
            self.refused += _doubt(self.text, entry)

    def add_virtual(self, start: int) -> None:
        """The range of the virtual addresses of the last entry starts here."""
        row = row_at(self.text, start, _VIRTUAL)
        if row is None or self.head or not self.last or not self.copies:
            return
        entry = _entry(self.text, *self.last, row)
        if isinstance(entry, Unreadable):
            self.refused.append(entry)
        else:
            self.rows[-self.copies :] = [entry] * self.copies

    def end(self) -> None:
        """No more lines belong to the entry."""
        if self.head:
            self.refused.append(self.head.refused(_NO_RANGE))
        self.head = None


def entries_of(text: CaptureText) -> tuple[list[Printed], list[Unreadable]]:
    """The entries of every map in a text, and what looks like one and cannot be read."""
    entries = _Entries(text)
    add = {
        "head": entries.add_head,
        "physical": entries.add_physical,
        "virtual": entries.add_virtual,
    }
    for event in _EVENT.finditer(text.text):
        if event.lastgroup and not text.is_remark(event.start()):
            add[event.lastgroup](event.start())
    entries.end()
    return entries.rows, entries.refused


def _entry(
    text: CaptureText, head: _Head, physical: Row, virtual: Row | None = None
) -> Printed | Unreadable:
    """The descriptor of an entry whose lines were read."""
    memory_type = MEMORY_TYPES.get(head.row["type"])
    if memory_type is None:
        what = f"the type `{head.row['type']}`: its number is not printed"
        return Unreadable(head.row.start, physical.end, what)
    pages = _pages(physical)
    if pages is None:
        return Unreadable(head.row.start, physical.end, NOT_PAGES)
    if virtual and _size(virtual) != _size(physical):
        what = "a virtual range that is not as long as the physical one"
        return Unreadable(head.row.start, virtual.end, what)
    fields = {
        "type": head.row.span("type"),
        "physical_start": physical.span("start"),
        "pages": physical.span("end"),
    }
    if head.words:
        fields["attribute"] = head.span
    if virtual:
        fields["virtual_start"] = virtual.span("start")
    end = virtual.end if virtual else physical.end
    descriptor = MemoryDescriptor(
        index=int(head.row["index"]),
        type=memory_type,
        physical_start=int(physical["start"], 16),
        virtual_start=int(virtual["start"], 16) if virtual else None,
        number_of_pages=pages,
        attribute=head.attribute,
        located=text.record(head.row.start, end, fields),
    )
    kind = NUMBER_PRINTED if head.words.startswith("0x") else WORDS_PRINTED
    return Printed(head.row.start, end, kind, descriptor)


def _size(row: Row) -> int:
    return (int(row["end"], 16) - int(row["start"], 16)) % _WORD


def _pages(row: Row) -> int | None:
    """The number of pages: a range of whole pages ends behind them, or with their last byte."""
    size = _size(row)
    if size % EFI_PAGE_SIZE == EFI_PAGE_SIZE - 1:
        size = (size + 1) % _WORD
    return None if size % EFI_PAGE_SIZE else size // EFI_PAGE_SIZE


def _attribute(text: CaptureText, start: int) -> tuple[int | None, tuple[int, int]]:
    """The attribute, a number or words, and where it stands."""
    if _IS_NUMBER.match(text.text, start):
        return tail(text, start, _DIGITS, _number)
    return words_behind(text, start, _words)


def _number(digits: str) -> int | None:
    return int(digits, 16) if _NUMBER.fullmatch(digits) else None


def _doubt(text: CaptureText, entry: Printed) -> list[Unreadable]:
    """The entry once more where the words of its attribute are unknown."""
    if entry.descriptor.attribute is not None:
        return []
    line = text.text[entry.start : text.line_end(entry.start)].split("Attr:")[-1]
    what = f"attributes that are not known for certain, `{shortened(line.strip())}`"
    return [Unreadable(entry.start, entry.end, what)]
