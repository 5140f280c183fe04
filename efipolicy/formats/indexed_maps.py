"""Maps whose rows carry an index: it tells of gaps, and of where another map starts."""

from __future__ import annotations

from collections.abc import Sequence

from efipolicy.formats.capture_reading import (
    Printed,
    Refused,
    extent_of_lines,
    without_copies,
)
from efipolicy.formats.logical_lines import CaptureText
from efipolicy.model.memory_map import Extent, MemoryDescriptor, MemoryMap


def goes_back(last: Printed, row: Printed) -> bool:
    """Whether another map starts with a row; a console may print each one twice."""
    return row.descriptor.index <= last.descriptor.index and row.descriptor != last.descriptor


def indexed_map(text: CaptureText, rows: Sequence[Printed], refused: Refused) -> MemoryMap:
    """The map of firmware in these rows.

    It is whole when no index is missing and both runtime and conventional memory occur.
    """
    descriptors = tuple(row.descriptor for row in without_copies(rows, refused))
    # An unreadable line between two copies keeps them apart; the index tells them to be one.
    descriptors = tuple({one.index: one for one in descriptors}.values())
    missing = missing_indices(descriptors)
    extent: Extent = "partial"
    if not missing and {5, 7} <= {one.type for one in descriptors}:
        start, end = rows[0].start, rows[-1].end
        extent = extent_of_lines(text, start, end, refused, without_gaps="whole")
    return MemoryMap(
        descriptors=descriptors,
        extent=extent,
        missing=missing,
        origin="firmware",
        located=text.record(rows[0].start, rows[-1].end),
    )


def missing_indices(descriptors: Sequence[MemoryDescriptor]) -> tuple[tuple[int, int], ...]:
    """The gaps in the indices, what precedes the first entry included."""
    expected = [0, *(one.index + 1 for one in descriptors)]
    return tuple(
        (first, one.index - 1)
        for first, one in zip(expected, descriptors, strict=False)
        if one.index > first
    )
