"""The memory of an x86 machine as its BIOS, or what stands in for one, reports it to Linux.

The list is called e820, after the BIOS call. Where firmware is UEFI it is made from the memory
map, by the boot loader or by the kernel's stub. Forms were read in kernels 2.6.28 to 6.12
(arch/x86/kernel/e820.c).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from efipolicy.formats.linux_log import Boot
from efipolicy.formats.logical_lines import CaptureText, JoinedLines, joined
from efipolicy.model.address import AddressRange
from efipolicy.model.evidence import ReportedRange
from efipolicy.named_tuple import NamedTuple

_BIOS: Final = "BIOS-e820"
_E820: Final = "e820"
_HEADER: Final = "physical RAM map:"
"""Ends the header of each list. Lines of a list that was changed have a label of their own."""

_NEAR: Final = 4096
"""Characters from one line of a list to the next; noise of other processors may stand between."""

_TYPES: Final = (
    "usable",
    "reserved",
    "soft reserved",
    "device reserved",
    "ACPI data",
    "ACPI NVS",
    "unusable",
    "System RAM",
)
_NUMBERED: Final = ("persistent", "type")
"""Types with a number behind them: ``persistent (type 12)``, ``type 20``."""

_TYPE_OF: Final = {name.replace(" ", "").lower(): name for name in (*_TYPES, *_NUMBERED)}

_B: Final = r"[ \t]*"
_NAME: Final = "|".join(name.replace(" ", _B) for name in _TYPES)
_TYPE: Final = rf"\(?(?:{_NAME}|(?:{'|'.join(_NUMBERED)}){_B}\(?(?:type)?{_B}\d{{1,10}}\)?)\)?"
_RANGE: Final = (
    rf"(?:\[mem{_B}0x(?P<start>[0-9a-f]{{1,16}})-0x(?P<last>[0-9a-f]{{1,16}})\]"
    rf"|(?:range:)?{_B}(?P<first>[0-9a-f]{{16}}){_B}-{_B}(?P<end>[0-9a-f]{{16}}))"
)
_LABEL: Final = rf"(?P<label>{_BIOS}|user|modified|extended|reserve{_B}setup_data):"
_CHANGE: Final = rf"e820:?{_B}(?P<change>update|remove)"
_LINE: Final = (
    rf"(?i)(?:{_LABEL}|{_CHANGE}){_B}{_RANGE}{_B}(?P<type>{_TYPE})"
    rf"(?:{_B}(?:=(?:3D)?){{2}}>{_B}(?P<to>{_TYPE}))?{_B}(?=[\r\n\",\\]|=(?:20|09)|\Z)"
)
"""Compiled when a log says ``e820``, as it takes long."""


class _Line(NamedTuple):
    """A line: what was read of it, and the lines it was wrapped to, where it was."""

    match: re.Match[str]
    joined: JoinedLines | None = None

    def span(self, group: str | int = 0) -> tuple[int, int]:
        """Where a part of it stands."""
        span = self.match.span(group)
        return self.joined.span(*span) if self.joined else span


class Reported(NamedTuple):
    """The ranges of a boot, and where the lines are that report them."""

    ranges: tuple[ReportedRange, ...]
    lines: tuple[tuple[int, int], ...]


def reported_ranges(text: CaptureText, boot: Boot) -> Reported:
    """What the list of one boot holds, and what the kernel changed in it; copies left out."""
    high = boot.early_end
    if text.text.find(_E820, boot.start, high) < 0:
        return Reported((), ())
    lines = [*_lines(text, boot.start, high), *_edited_lines(text, boot.start, high)]
    lines.sort(key=lambda line: line.span())
    found: list[ReportedRange] = []
    for line in lines:
        reported = _reported(text, line)
        if reported and (not found or found[-1][:2] != reported[:2]):
            found.append(reported)
    return Reported(tuple(found), tuple(line.span() for line in lines))


def _lines(text: CaptureText, low: int, high: int) -> Iterator[_Line]:
    """The lines that say ``e820``."""
    at = text.text.find(_E820, low, high)
    while at >= 0:
        start = at - len(_BIOS) + len(_E820)
        start = start if text.text.startswith(_BIOS, max(start, 0)) else at
        line = None if text.is_remark(at) else _line(text, start)
        if line:
            yield line
        at = text.text.find(_E820, line.span()[1] if line else at + len(_E820), high)


def _edited_lines(text: CaptureText, low: int, high: int) -> Iterator[_Line]:
    """The lines of lists that the kernel or its user changed, below the header of each."""
    at = text.text.find(_HEADER, low, high)
    while at >= 0:
        at += len(_HEADER)
        label = re.compile(_LABEL).search(text.text, at, min(high, at + _NEAR))
        while label and label["label"] != _BIOS:
            line = None if text.is_remark(label.start()) else _line(text, label.start())
            if line:
                yield line
            at = label.end()
            label = re.compile(_LABEL).search(text.text, at, min(high, at + _NEAR))
        at = text.text.find(_HEADER, at, high)


def _line(text: CaptureText, start: int) -> _Line | None:
    """The line that starts here; of a wrapped one as much as fits."""
    match = re.compile(_LINE).match(text.text, start)
    if match and _is_whole(match) and not match[0].rstrip(" \t)")[-1].isdigit():
        return _Line(match)
    if "mem" not in text.text[start : start + 40] and match is None:
        return None
    line = None
    for lines in joined(text.text, start):
        match = re.compile(_LINE).fullmatch(lines.text.rstrip('",'))
        line = _Line(match, lines) if match and _is_whole(match) else line
    return line


def _is_whole(match: re.Match[str]) -> bool:
    """Whether a line that tells of a change says what it changed to."""
    return bool(match["to"]) == (match["change"] == "update")


def _reported(text: CaptureText, line: _Line) -> ReportedRange | None:
    match = line.match
    first, last = ("start", "last") if match["start"] else ("first", "end")
    start, end = int(match[first], 16), int(match[last], 16) + (last == "last")
    if end <= start:
        return None
    fields = {"physical_start": line.span(first), "end": line.span(last)}
    located = text.record(*line.span(), fields)
    return ReportedRange(AddressRange(start, end), _what(match), "e820", located)


def _what(match: re.Match[str]) -> str:
    """The words of a line, ``update: usable ==> reserved``, with the blanks the kernel prints."""
    words = _named(match["type"])
    if match["to"]:
        words += f" ==> {_named(match['to'])}"
    label = match["change"] or match["label"]
    if label == _BIOS:
        return words
    return f"{'reserve setup_data' if 'setup' in label else label}: {words}"


def _named(words: str) -> str:
    """``usable`` and ``ACPI NVS``; ``type 20`` and ``persistent (type 12)`` with their number."""
    bare = re.sub(r"[\s()]", "", words)
    name, number = bare.rstrip("0123456789"), bare[len(bare.rstrip("0123456789")) :]
    if not number:
        return _TYPE_OF[name.lower()]
    return f"persistent (type {number})" if name.lower() != "type" else f"type {number}"
