"""The list that edk2's HobPrintLib prints: a line ``HOB[n]: Type = …`` and labelled lines below.

::

    HOB[8]: Type = EFI_HOB_TYPE_MEMORY_ALLOCATION, Offset = 0x190, Length = 0x30
       Type              = EFI_HOB_TYPE_MEMORY_ALLOCATION
       Name              = 00000000-0000-0000-0000-000000000000
       MemoryBaseAddress = 0xD0000000
       MemoryLength      = 0x300000
       MemoryType        = EfiReservedMemoryType

``There are totally 17 Hobs, …`` ends it. Blocks are counted from 0, which tells where lines were
lost. Handlers of a platform's own may print any block otherwise: a block without a line that is
looked for is left alone when it has none of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import zip_longest
from typing import Final

from efipolicy.formats.capture_reading import Unreadable
from efipolicy.formats.hob_ranges import (
    FIRMWARE_VOLUME,
    RESOURCE_TYPES,
    hob_range,
    is_memory,
)
from efipolicy.formats.labelled_lines import CANNOT_BE_READ, EQUALS, hexadecimal
from efipolicy.formats.logical_lines import CaptureText
from efipolicy.formats.printed_rows import GAP, PART
from efipolicy.model.efi import MEMORY_TYPES
from efipolicy.model.evidence import ReportedRange
from efipolicy.named_tuple import NamedTuple

_HEADER: Final = re.compile(
    rf"HOB\[(?<!\wHOB\[)(?P<index>\d{{1,6}})\]:{GAP}Type{EQUALS}(?P<type>\w+)"
    rf"(?:,{GAP}Offset{EQUALS}0x[0-9a-fA-F]{{1,16}},{GAP}Length{EQUALS}0x[0-9a-fA-F]{{1,8}})?+"
)
_TOTAL: Final = re.compile(r"There are totally (\d{1,6}) Hobs")
_FIELD: Final = re.compile(
    r"(?<!\w)(?P<label>MemoryBaseAddress|MemoryLength|PhysicalStart|ResourceLength|BaseAddress"
    rf"|Length){EQUALS}0x|(?<!\w)(?P<name>MemoryType|ResourceType){EQUALS}(?P<words>\w+)"
)
_Labels = tuple[str, str, str | None]
_LABELS: Final[dict[str, _Labels]] = {
    "EFI_HOB_TYPE_MEMORY_ALLOCATION": ("MemoryBaseAddress", "MemoryLength", "MemoryType"),
    "EFI_HOB_TYPE_RESOURCE_DESCRIPTOR": ("PhysicalStart", "ResourceLength", "ResourceType"),
    "EFI_HOB_TYPE_RESOURCE_DESCRIPTOR2": ("PhysicalStart", "ResourceLength", "ResourceType"),
    "EFI_HOB_TYPE_FV": ("BaseAddress", "Length", None),
    "EFI_HOB_TYPE_FV2": ("BaseAddress", "Length", None),
    "EFI_HOB_TYPE_FV3": ("BaseAddress", "Length", None),
}
"""For each block of memory: its start, its length in bytes, and what it is."""
_KNOWN: Final = frozenset(
    {*RESOURCE_TYPES, *MEMORY_TYPES, "EfiMaxMemoryType", "EFI_RESOURCE_MAX_MEMORY_TYPE"}
)
"""Words for types. The largest of each kind stands for types that are younger than the print."""
_LONGEST_BLOCK: Final = 4096
"""Characters; other blocks may be dumped byte by byte, those that are read are a few lines."""

_LINES_MISSING: Final = "lines are missing here: parts of two blocks look like one"


class Listed(NamedTuple):
    """The ranges of a list, the spans of what was read, and what could not be."""

    ranges: tuple[ReportedRange, ...]
    lines: tuple[tuple[int, int], ...]
    refused: tuple[Unreadable, ...]


class _Header(NamedTuple):
    """The first line of a block: where it stands, its words, its number and the block's type."""

    start: int
    end: int
    words: list[str]
    number: int
    type: str


class _Block(NamedTuple):
    """The lines of one block: its numbers by label, ``None`` for what cannot be read, its words."""

    start: int
    end: int
    numbers: dict[str, int | None]
    words: dict[str, str]
    twice: bool


def hob_list(text: CaptureText) -> Listed:
    """The ranges of memory in the lists of a text."""
    headers = _headers(text)
    ranges: list[ReportedRange] = []
    lines: list[tuple[int, int]] = []
    refused: list[Unreadable] = []
    for header, behind in zip_longest(headers, headers[1:]):
        lines.append((header.start, header.end))
        labels = _LABELS.get(header.type)
        if labels is None or (behind and behind.words == header.words):
            continue  # a console printed each line twice
        block = _block(text, header, behind.start if behind else len(text.text), labels)
        if not block.numbers and not block.words:
            continue
        # Else it may be of two blocks, with lines lost between them.
        goes_on = behind is None or behind.number == header.number + 1
        refusal = _refusal(block, labels) or (None if goes_on else _LINES_MISSING)
        if refusal:
            refused.append(Unreadable(block.start, block.end, refusal))
            continue
        lines.append((block.start, block.end))
        ranges += _range(text, block, labels)
    return Listed(tuple(ranges), tuple(lines), tuple(refused))


def _headers(text: CaptureText) -> list[_Header]:
    """The first lines of blocks, and the lines that end lists: as if of one block more."""
    found = [
        _Header(*one.span(), one[0].split(), int(one["index"]), one["type"])
        for one in _HEADER.finditer(text.text)
    ]
    found += [_Header(*one.span(), [], int(one[1]), "") for one in _TOTAL.finditer(text.text)]
    return sorted(one for one in found if not text.is_remark(one.start))


def _block(text: CaptureText, header: _Header, limit: int, labels: _Labels) -> _Block:
    limit = min(limit, header.end + _LONGEST_BLOCK)
    numbers: dict[str, int | None] = {}
    words: dict[str, str] = {}
    end, twice = header.end, False
    for field in _FIELD.finditer(text.text, header.end, limit):
        label = field["label"] or field["name"]
        if label not in labels:
            continue
        if field["name"]:
            twice = twice or words.setdefault(label, field["words"]) != field["words"]
            end = field.end()
            continue
        number, (_, after) = hexadecimal(text, field.end())
        twice = twice or numbers.setdefault(label, number) != number
        end = max(field.end(), after)
    return _Block(header.start, end, numbers, words, twice)


def _refusal(block: _Block, labels: _Labels) -> str | None:
    """Why a block cannot be read."""
    start, length, name = labels
    if block.twice:
        return _LINES_MISSING
    if start not in block.numbers or length not in block.numbers:
        return PART
    if None in block.numbers.values():
        return CANNOT_BE_READ
    if name is not None and block.words.get(name) not in _KNOWN:
        return f"a type that is not known, `{block.words[name][:40]}`" if block.words else PART
    return None


def _range(text: CaptureText, block: _Block, labels: _Labels) -> Iterator[ReportedRange]:
    """The range of a block that can be read, if it is one of memory."""
    start, length = block.numbers[labels[0]], block.numbers[labels[1]]
    what = block.words[labels[2]] if labels[2] else FIRMWARE_VOLUME
    if start is not None and length is not None and is_memory(what):
        yield hob_range(text, start, length, what, (block.start, block.end))
