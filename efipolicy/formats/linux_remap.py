"""``EFI remap 0x… => …``: where kernels from 3.16 to 5.x say that they map runtime regions.

arm64 and arm print a line for each region, its physical start and its virtual one without a size
(arch/arm64/kernel/efi.c, later drivers/firmware/efi/arm-runtime.c). Since 4.15 what is printed for
the virtual start is a hash, as for every pointer.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from efipolicy.formats.capture_reading import Unreadable
from efipolicy.formats.linux_log import Boot
from efipolicy.formats.logical_lines import CaptureText, JoinedLines, joined
from efipolicy.model.address import EFI_PAGE_SIZE
from efipolicy.model.evidence import Remapping
from efipolicy.model.memory_map import MemoryDescriptor, MemoryMap
from efipolicy.named_tuple import NamedTuple

_NAME: Final = "EFI"
_VERB: Final = "remap"
_LINE: Final = re.compile(
    r"EFIremap(?P<physical>0x[0-9a-fA-F]{1,16}|\(_*ptrval_*\))=(?:3D)?>"
    r"(?P<virtual>(?:0x)?[0-9a-fA-F]{8,16}|\(_*ptrval_*\))(?:\",?)?"
)
_DIGITS: Final = {"arm32": 8}
"""A pointer has 16 digits or, on some architectures, fewer; with others it was cut off."""

_STARTS_SO: Final = re.compile(r"EFIremap(?:0x|\()")
_FAILED: Final = re.compile(r"EFIremap0x[0-9a-fA-F]{1,16}:failedtocreatemapping")
_HASHED_SINCE: Final = (4, 15)


class Remap(NamedTuple):
    """The remap lines of a boot: what they tell, those that cannot be read, and where all are."""

    remappings: tuple[Remapping, ...]
    unreadable: tuple[Unreadable, ...]
    lines: tuple[tuple[int, int], ...]

    def virtual_map(self, memory_map: MemoryMap) -> tuple[MemoryDescriptor, ...] | None:
        """The runtime descriptors of a map with their virtual starts, in the order of the lines.

        ``None`` unless each line is about one of them and each of them has a line that could be
        read: a part of a layout would pass for the whole.
        """
        runtime = {one.physical_start: one for one in memory_map.runtime}
        starts = sorted(one.physical_start for one in self.remappings)
        if not starts or self.unreadable:
            return None
        if starts != sorted(one.physical_start for one in memory_map.runtime):
            return None
        return tuple(
            replace(
                runtime[one.physical_start],
                index=index,
                virtual_start=one.virtual_start,
                located=one.located,
            )
            for index, one in enumerate(self.remappings)
        )


class _Line(NamedTuple):
    """One line: its numbers, ``None`` for one that the kernel hid, and where they stand."""

    start: int
    end: int
    physical: int | None
    virtual: int | None
    fields: dict[str, tuple[int, int]]


def remap(
    text: CaptureText, boot: Boot, kernel: tuple[int, int] | None, architecture: str
) -> Remap:
    """What the remap lines of a boot tell. ``kernel`` is the kernel's version, where known."""
    digits = _DIGITS.get(architecture, 16)
    lines: list[_Line] = []
    unreadable: list[Unreadable] = []
    spans: list[tuple[int, int]] = []
    end = boot.early_end
    for at in _starts(text, boot.start, end):
        ahead = list(joined(text.text, at))
        found = _line(ahead, digits)
        if found:
            lines.append(found)
            spans.append((found.start, found.end))
        elif any(_FAILED.match(one.text) for one in ahead):
            spans.append((at, at + 1))
        elif any(_STARTS_SO.match(one.text) for one in ahead[:2]):
            what = "no two addresses behind `EFI remap`"
            unreadable.append(Unreadable(at, text.line_end(at), what))
    if lines and _hidden(lines, kernel):
        unreadable.append(Unreadable(lines[0].start, lines[0].end, _hidden_words(len(lines))))
        lines = []
    return Remap(tuple(_remappings(text, lines)), tuple(unreadable), tuple(spans))


def _starts(text: CaptureText, low: int, high: int) -> Iterator[int]:
    """Where ``EFI remap`` stands, the two words on one line or on two."""
    at = text.text.find(_VERB, low, high)
    while at >= 0:
        before = text.text[max(low, at - 8) : at].rstrip(" \t\r\n>=")
        start = max(low, at - 8) + len(before) - len(_NAME)
        if before.endswith(_NAME) and not text.is_remark(start):
            yield start
        at = text.text.find(_VERB, at + 1, high)


def _line(ahead: Sequence[JoinedLines], digits: int) -> _Line | None:
    """What a line tells, wrapped or not."""
    for lines in ahead:
        match = _LINE.fullmatch(lines.text)
        virtual = match["virtual"].removeprefix("0x") if match else ""
        if match and (len(virtual) == digits or virtual.startswith("(")):
            return _told(lines, match)
    return None


def _told(lines: JoinedLines, match: re.Match[str]) -> _Line:
    fields = {
        "physical_start": lines.span(*match.span("physical")),
        "virtual_start": lines.span(*match.span("virtual")),
    }
    physical, virtual = _number(match["physical"]), _number(match["virtual"])
    return _Line(lines.offsets[0], fields["virtual_start"][1], physical, virtual, fields)


def _number(words: str) -> int | None:
    return None if words.startswith("(") else int(words, 16)


def _hidden(lines: Sequence[_Line], kernel: tuple[int, int] | None) -> bool:
    """Whether the addresses are hashes of addresses.

    A region keeps its place in a page, which a hash does not: one that lost it gives all away.
    """
    if kernel is not None and kernel >= _HASHED_SINCE:
        return True
    return any(
        line.physical is None
        or line.virtual is None
        or (line.physical - line.virtual) % EFI_PAGE_SIZE
        for line in lines
    )


def _hidden_words(count: int) -> str:
    where = "" if count == 1 else f", here and in {count - 1} more lines"
    return f"a virtual address that the kernel hides{where}"


def _remappings(text: CaptureText, lines: Sequence[_Line]) -> Iterator[Remapping]:
    """What the lines tell, each of them once: a console may print the same line twice."""
    known: set[tuple[int, int]] = set()
    for line in lines:
        if line.physical is not None and line.virtual is not None:
            told = (line.physical, line.virtual)
            if told not in known:
                yield Remapping(*told, text.record(line.start, line.end, line.fields))
            known.add(told)
