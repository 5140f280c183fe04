"""The buffer that GetMemoryMap filled as raw memory: records without a header.

What is not in the bytes is the distance from one record to the next (UEFI 2.10, 7.2.3). It is what
the user says, else the only one at which every record is a plausible descriptor.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from efipolicy.formats.capture_reading import Printed, Unreadable
from efipolicy.formats.descriptor_bytes import (
    STRIDES,
    descriptor_places,
    fitting_strides,
    plausible,
    plausible_share,
    resembles_descriptors,
    say_protection_alone,
    used_records,
)
from efipolicy.formats.dumped_memory import Memory
from efipolicy.formats.logical_lines import CaptureText
from efipolicy.formats.printed_maps import PrintedMap
from efipolicy.formats.raw_tables import FILE_OFFSETS, descriptor_at
from efipolicy.model.memory_map import MemoryMap
from efipolicy.named_tuple import NamedTuple

MAP: Final = "raw-memory-map"

_SAY: Final = "say --descriptor-size"
_FEWEST: Final = 3
"""Records that tell their distance where something speaks against it."""


class RawMap(NamedTuple):
    """A map, unless nothing tells the distance of its records, and what could not be read."""

    printed: PrintedMap | None
    refused: tuple[Unreadable, ...] = ()


def memory_map(text: CaptureText, memory: Memory, content: bytes, *, alone: bool) -> RawMap | None:
    """The map that the bytes are, ``None`` when they are none.

    What the user says of the distance holds for a dump that is ``alone`` in its text if there is a
    descriptor at it at all, and for another if half of its records are descriptors.
    """
    said = text.source.descriptor_size
    if said:
        return _as_said(text, memory, content, said, alone=alone)
    return _by_content(text, memory, content)


def _offset(memory: Memory) -> int:
    """How many bytes of a file precede its dump."""
    return memory.address if memory.address < FILE_OFFSETS else 0


def _as_said(
    text: CaptureText, memory: Memory, content: bytes, said: int, *, alone: bool
) -> RawMap | None:
    first = -_offset(memory) % said
    records = range(first, len(content), said)
    good, looked = plausible_share(content, first, said)
    is_map = good > 0 and 2 * good >= looked
    if alone and not is_map:
        is_map = any(plausible(content, at) for at in records)
    if is_map and not _starts_elsewhere(memory, content, records):
        found = _read(text, memory, content, said, max(len(content) - first, 0) // said)
        return found._replace(refused=(*_said_amiss(memory, content, said), *found.refused))
    if not descriptor_places(content):
        return None
    what = f"raw memory with descriptors, but hardly any at a distance of {said} bytes"
    return RawMap(None, (Unreadable(*memory.span(0, len(content)), what),))


def _said_amiss(memory: Memory, content: bytes, said: int) -> tuple[Unreadable, ...]:
    """A line that names the distance at which all records are descriptors, if they are not here."""
    offset = _offset(memory)
    strides = fitting_strides(content, offset)
    if len(strides) != 1 or strides[0] % said == 0:
        return ()
    first = -offset % strides[0]
    count = used_records(content, first, strides[0])
    here = range(-offset % said, len(content) - said + 1, said)
    if count < _FEWEST or all(plausible(content, at) for at in here):
        return ()
    what = (
        f"raw memory in which all of {count} records of {strides[0]} bytes are descriptors, and "
        f"those of {said} bytes are not"
    )
    return (Unreadable(*memory.span(0, len(content)), what),)


def _starts_elsewhere(memory: Memory, content: bytes, records: range) -> bool:
    """Whether most descriptors are where no record is: the first lines of the dump were lost.

    A file starts with the map. An address in memory does not tell whether the dump does.
    """
    if memory.address < FILE_OFFSETS:
        return False
    places = descriptor_places(content)
    return 2 * sum(at not in records for at in places) > len(places)


def _by_content(text: CaptureText, memory: Memory, content: bytes) -> RawMap | None:
    ended = not (memory.lost or memory.faults)
    strides = fitting_strides(content, _offset(memory), ended=ended)
    if len(strides) != 1:
        if not strides and not resembles_descriptors(content):
            return None
        return RawMap(None, (_unknown_stride(memory, content, strides),))
    stride = strides[0]
    first = -_offset(memory) % stride
    count = used_records(content, first, stride)
    records = range(first, first + count * stride, stride)
    if count < _FEWEST and not (ended and set(descriptor_places(content)) <= set(records)):
        return RawMap(None, (_unknown_stride(memory, content, ()),))
    if say_protection_alone(content, records):
        what = "descriptors as of a Memory Attributes Table, whose header is missing before them"
        return RawMap(None, (Unreadable(*memory.span(0, len(content)), what),))
    return _read(text, memory, content, stride, count)


def _unknown_stride(memory: Memory, content: bytes, strides: Sequence[int]) -> Unreadable:
    where = memory.span(0, len(content))
    if strides:
        several = " or ".join(map(str, strides))
        return Unreadable(*where, f"raw descriptors of {several} bytes each; {_SAY}")
    shares = {stride: plausible_share(content, 0, stride) for stride in STRIDES}
    best = max(shares, key=lambda stride: (shares[stride][0], -stride))
    good, looked = shares[best]
    what = (
        f"raw memory in which no distance for certain makes descriptors of all records (at {best} "
        f"bytes {good} of the first {looked} are); {_SAY}"
    )
    return Unreadable(*where, what)


def _read(text: CaptureText, memory: Memory, content: bytes, stride: int, count: int) -> RawMap:
    """The records at a distance, each as it is, and a line for the bytes that are none."""
    offset = _offset(memory)
    first = -offset % stride
    before = (offset + first) // stride
    rows = []
    for number in range(count):
        at = first + number * stride
        descriptor = descriptor_at(text, memory, content, at, before + number)
        rows.append(Printed(*memory.span(at, at + stride), MAP, descriptor))
    refused = _amiss(memory, content, first, first + count * stride, stride)
    partial = bool(refused or memory.lost)
    if not rows:
        return RawMap(None, refused)
    printed = MemoryMap(
        descriptors=tuple(row.descriptor for row in rows),
        descriptor_size=stride,
        size=None if partial else count * stride,
        extent="partial" if partial else "unknown",
        missing=((0, before - 1),) if before else (),
        located=text.record(rows[0].start, rows[-1].end),
    )
    return RawMap(PrintedMap(printed, MAP, rows), refused)


def _amiss(
    memory: Memory, content: bytes, first: int, end: int, stride: int
) -> tuple[Unreadable, ...]:
    """Lines for what precedes the first record and what follows the last."""
    found = []
    if _offset(memory):
        what = f"the first {memory.address} bytes of the memory map are missing"
        found.append(Unreadable(*memory.span(0, max(first, 1)), what))
    rest = len(content) - end
    if rest:
        what = f"{rest} bytes, too few for a descriptor of {stride}"
        if rest >= stride:
            what = (
                f"{rest} bytes of zeros behind the descriptors, padding or entries of zeros "
                f"({_SAY} {stride} if these)"
            )
        found.append(Unreadable(*memory.span(end, len(content)), what))
    return (*found, *memory.faults)
