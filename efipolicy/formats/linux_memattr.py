"""The Memory Attributes Table as kernels dump it (UEFI 2.10, 4.6.4)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from efipolicy.formats.capture_reading import Printed, numbered, without_copies
from efipolicy.formats.linux_log import Boot
from efipolicy.formats.logical_lines import CaptureText
from efipolicy.model.memory_map import MemoryAttributesTable

TABLE_HEADER: Final = "Processing EFI Memory Attributes table"
"""Above a dump of the table."""
_WRAPPED_HEADER: Final = re.compile(
    r"[\s>=]{1,40}".join(re.escape(one) for one in TABLE_HEADER.split())
)
_UNEXPECTED_VERSION: Final = "Unexpected EFI Memory Attributes table version "
_UNEXPECTED: Final = rf"{_UNEXPECTED_VERSION}(-?\d{{1,10}})(?!\d)"


def header_before(text: CaptureText, low: int, high: int) -> int:
    """Where the nearest header of a dump starts between two offsets, wrapped or not; else -1."""
    at = text.text.rfind(TABLE_HEADER, low, high)
    if at < 0:
        for found in _WRAPPED_HEADER.finditer(text.text, low, high):
            at = found.start()
    return at


def memory_attributes_table(
    text: CaptureText, entries: Sequence[Printed], boot: Boot, address: int | None
) -> MemoryAttributesTable | None:
    """The Memory Attributes Table of one boot; whole when the kernel dumped all of it."""
    within = [entry for entry in entries if boot.start <= entry.start < boot.end]
    if not within:
        found = _unexpected_version(text, boot)
        if found is None:
            return None
        return MemoryAttributesTable(
            version=int(found[1]) % (1 << 32),
            address=address,
            extent="partial",
            located=text.record(found.start(), found.end(), {"version": found.span(1)}),
        )
    first, last = within[0].start, within[-1].end
    dumped = header_before(text, boot.start, first) >= 0
    return MemoryAttributesTable(
        entries=numbered(without_copies(within)),
        address=address,
        extent="whole" if dumped else "partial",
        located=text.record(first, last),
    )


def _unexpected_version(text: CaptureText, boot: Boot) -> re.Match[str] | None:
    """The version of a table that the kernel of one boot could not read, in its words."""
    if not text.plain.holds(_UNEXPECTED_VERSION):  # long words are found faster than a pattern
        return None
    return re.compile(_UNEXPECTED).search(text.text, boot.start, boot.end)
