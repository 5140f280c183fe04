"""Boots of a kernel log whose banner is cut off: where a list the kernel prints once starts over.

A log that was cut, or put together from several, holds two maps or two Memory Attributes Tables
and no line ``Linux version …`` between them. What stands behind such a place is of another boot.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from efipolicy.formats import linux_fdt, linux_log, linux_memattr, linux_x86
from efipolicy.formats.capture_reading import Printed, is_copy, without_copies
from efipolicy.formats.linux_listing import announced, stands_between
from efipolicy.formats.linux_log import Boot
from efipolicy.formats.linux_x86_lists import RUNTIME_LIST, looks_handed_over
from efipolicy.formats.logical_lines import CaptureText
from efipolicy.named_tuple import NamedTuple

_AHEAD: Final = 1 << 16
"""Characters above a list in which the lines that the same boot prints before it are looked for."""

_ORDER: Final = {"banner": 0, "map": 1, "invalid": 1, "mmio": 1, "attributes": 2}
"""The landmarks of a boot, in the order in which every kernel prints them."""

_BEFORE_BANNER: Final = (
    "Linux version ",
    "EFI stub:",
    "Booting Linux on physical CPU",
    "BIOS-provided physical RAM map",
    "BIOS-e820:",
    "EFI parameters from",
)
_BEFORE_MAP: Final = (*_BEFORE_BANNER, linux_fdt.MAP_HEADER)
"""Words of lines that a boot prints before its map, and never behind it."""


class _Landmark(NamedTuple):
    """Something a kernel prints once in a boot: from where to where."""

    start: int
    end: int
    kind: str


class Lists(NamedTuple):
    """The entries of a log: of the map in either form, and of the Memory Attributes Table."""

    x86: Sequence[Printed]
    fdt: Sequence[Printed]
    attributes: Sequence[Printed]


def with_restarts(text: CaptureText, boots: Sequence[Boot], lists: Lists) -> list[Boot]:
    """The boots, those divided that print one of their lists a second time."""
    landmarks = [
        *_x86_landmarks(text, lists.x86),
        *_fdt_landmarks(text, lists.fdt),
        *_attributes_landmarks(text, lists.attributes),
    ]
    if not landmarks:
        return list(boots)
    landmarks += _banners(text, boots, landmarks)
    landmarks.sort()
    divided: list[Boot] = []
    at = 0
    for boot in boots:
        first = at
        while at < len(landmarks) and landmarks[at].start < boot.end:
            at += 1
        divided += _divided(text, boot, landmarks[first:at])
    return divided


def _divided(text: CaptureText, boot: Boot, landmarks: Sequence[_Landmark]) -> Iterator[Boot]:
    start, kexec = boot.start, boot.kexec
    seen: list[_Landmark] = []
    for landmark in landmarks:
        same = next((one for one in seen if one.kind == landmark.kind), None)
        if same is not None:
            border = _border(text, same, landmark, seen)
            if _contradicts(text, landmark, border, seen):
                continue
            yield Boot(start, border, kexec, boot.banner)
            start, kexec = border, linux_log.after_kexec(text, border)
            seen = [one for one in seen if one.start >= border]
        seen.append(landmark)
    yield Boot(start, boot.end, kexec, boot.banner)


def _contradicts(
    text: CaptureText, landmark: _Landmark, border: int, seen: Iterable[_Landmark]
) -> bool:
    """Whether lines about MMIO that go back are to be compared with the map above them.

    Nothing of another boot stands before them, and their own boot has printed its map.
    """
    return (
        landmark.kind == "mmio"
        and border >= text.line_start(landmark.start)
        and any(one.kind == "map" for one in seen)
    )


def _border(
    text: CaptureText, same: _Landmark, landmark: _Landmark, seen: Sequence[_Landmark]
) -> int:
    """Where the boot starts that a landmark belongs to: behind the same one of the boot before."""
    words = _BEFORE_BANNER if landmark.kind == "banner" else _BEFORE_MAP
    earlier = [
        one.start
        for one in seen
        if one.start > same.start and _ORDER[one.kind] < _ORDER[landmark.kind]
    ]
    border = min([landmark.start, *earlier])
    for word in words:
        at = text.text.find(word, same.end, border)
        while at >= 0 and text.is_remark(at):
            at = text.text.find(word, at + 1, border)
        if at >= 0:
            border = at
    return max(text.line_start(border), same.end)


def _x86_landmarks(text: CaptureText, entries: Iterable[Printed]) -> Iterator[_Landmark]:
    """Lists of ``memNN`` lines, the kernel's own ones left out.

    A list starts over at its first number. A single line further down is a quotation.
    """
    kinds: dict[str, list[Printed]] = {"map": [], "invalid": [], "mmio": []}
    for entry in entries:
        name = {linux_x86.MMIO: "mmio", linux_x86.INVALID: "invalid"}.get(entry.kind, "map")
        kinds[name].append(entry)
    for name, printed in kinds.items():
        lists = _ascending(printed)
        before = 0
        for place, entries_of_one in enumerate(lists):
            start, end = entries_of_one[0].start, entries_of_one[-1].end
            if name != "map" or place == 0 or _starts_over(text, before, entries_of_one, lists[0]):
                yield _Landmark(start, end, name)
            before = end


def _ascending(printed: Sequence[Printed]) -> list[list[Printed]]:
    """Entries of one kind, divided where their number goes back."""
    lists: list[list[Printed]] = []
    for entry, ahead in zip(printed, [*printed[1:], *printed[-1:]], strict=True):
        if lists and (
            is_copy(lists[-1][-1], entry) or entry.descriptor.index > lists[-1][-1].descriptor.index
        ):
            lists[-1].append(entry)
        elif not lists or not stands_between(lists[-1], entry, ahead):
            lists.append([entry])
    return lists


def _starts_over(
    text: CaptureText, before: int, entries: Sequence[Printed], first: Sequence[Printed]
) -> bool:
    """Whether a list behind another is the map of a further boot."""
    descriptors = [entry.descriptor for entry in entries]
    return (
        len(entries) > 1
        and descriptors[0].index in (0, first[0].descriptor.index)
        and not announced(text, RUNTIME_LIST, before, entries[0].start)
        and not looks_handed_over(descriptors)
    )


def _fdt_landmarks(text: CaptureText, entries: Sequence[Printed]) -> Iterator[_Landmark]:
    """Lists without numbers: each starts below its header, or with the first two entries again."""
    lists: list[list[Printed]] = []
    printed = without_copies(entries)
    for place, entry in enumerate(printed):
        if lists and not _starts_again(text, lists[-1], printed[place : place + 2]):
            lists[-1].append(entry)
        else:
            lists.append([entry])
    for one in lists:
        yield _Landmark(one[0].start, one[-1].end, "map")


def _starts_again(text: CaptureText, last: list[Printed], ahead: Sequence[Printed]) -> bool:
    if announced(text, linux_fdt.MAP_HEADER, last[-1].end, ahead[0].start):
        return True
    again = [one.descriptor for one in ahead] == [one.descriptor for one in last[:2]]
    return again and len(ahead) == 2 and len(last) > 2


def _attributes_landmarks(text: CaptureText, entries: Iterable[Printed]) -> Iterator[_Landmark]:
    """Dumps of the Memory Attributes Table, from the header of each."""
    end = 0
    for entry in entries:
        low = max(end, entry.start - _AHEAD)
        header = linux_memattr.header_before(text, low, entry.start)
        if header >= 0:
            yield _Landmark(header, entry.end, "attributes")
        end = entry.end


def _banners(
    text: CaptureText, boots: Sequence[Boot], landmarks: Iterable[_Landmark]
) -> Iterator[_Landmark]:
    """The banners of firmware, those left out that a console printed twice in a row.

    They are looked for at the start of boots and above lists: a log of megabytes is not searched.
    """
    windows = [(boot.start, boot.early_end) for boot in boots]
    windows += [(max(0, one.start - _AHEAD), one.start) for one in landmarks]
    last: tuple[int, str] | None = None
    done = 0
    for low, high in sorted(windows):
        for found in linux_log.banners(text, max(low, done), high):
            if last is None or found[0] != last[1] or _apart(text, last[0], found.start()):
                yield _Landmark(found.start(), found.end(), "banner")
            last = found.end(), found[0]
        done = max(done, high)


def _apart(text: CaptureText, end: int, start: int) -> bool:
    """Whether there is a line between two places."""
    after = text.line_end(end)
    return bool(text.text[after : max(after, text.line_start(start))].strip())
