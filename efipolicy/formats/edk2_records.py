"""The records of five lines in which edk2 prints a descriptor of an attributes table.

::

    Entry (0x7E9C3028)
      Type              - 0x5
      PhysicalStart     - 0x000000007EC00000
      VirtualStart      - 0x0000000000000000
      NumberOfPages     - 0x0000000000000080
      Attribute         - 0x8000000000020000

The layout was read in MdeModulePkg/Core/Dxe/Misc/MemoryAttributesTable.c of edk2 (commit 0ab90ad,
2016) and of Project Mu's mu_basecore (03536fd, 2023), and is the same, behind ``OCMM:``, in early
OpenCore. PrintLib prints capital digits, and of the pointer in ``Entry`` the lower 32 bits.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from efipolicy.formats.capture_reading import Printed, Unreadable
from efipolicy.formats.labelled_lines import (
    CANNOT_BE_READ,
    FULL_WIDTH,
    Labelled,
    around,
    hexadecimal,
    labelled,
    last_above,
)
from efipolicy.formats.logical_lines import CaptureText
from efipolicy.formats.printed_rows import GAP, PART
from efipolicy.model.memory_map import MemoryDescriptor
from efipolicy.named_tuple import NamedTuple

MEMORY_ATTRIBUTES: Final = "edk2-memory-attributes"

_ORDER: Final = ("Type", "PhysicalStart", "VirtualStart", "NumberOfPages", "Attribute")
_FIELDS: Final = ("type", "physical_start", "virtual_start", "pages", "attribute")
_WIDTHS: Final = dict.fromkeys(_ORDER[1:], FULL_WIDTH)
_LABEL: Final = re.compile(
    r"(?<!\w)(?P<label>PhysicalStart|VirtualStart|NumberOfPages|Attribute|Type)"
    rf"{GAP}-{GAP}0x(?!%)"
)
_ENTRY: Final = re.compile(rf"(?<!\w)Entry{GAP}\(0x(?=[0-9a-fA-F])")
_OWN: Final = ("PhysicalStart", "VirtualStart", "NumberOfPages")
"""The labels that are not in many another print."""
_NEAR: Final = 1024
"""Characters between two lines of one record, with all that others print in between."""


class Record(NamedTuple):
    """A record with all of its lines, and the address that stands above it, if any does."""

    printed: Printed
    pointer: int | None


def records(text: CaptureText) -> Iterator[Record | Unreadable]:
    """The records of a text, and parts of records near them."""
    last = -_NEAR
    for run in _runs(text):
        whole = tuple(one.label for one in run) == _ORDER
        if whole:
            yield _record(text, run, last)
        elif any(one.label in _OWN for one in run) or run[0].start - last < _NEAR:
            yield Unreadable(run[0].start, run[-1].end, PART)
        else:
            continue
        last = run[-1].end


def _runs(text: CaptureText) -> Iterator[list[Labelled]]:
    """Neighbouring lines that can be of one record: near each other, and in their order."""
    run: list[Labelled] = []
    for one in labelled(text, _LABEL, _WIDTHS, around(text, _OWN, _NEAR)):
        if run and (one.label, one.number) == (run[-1].label, run[-1].number):
            continue  # printed twice
        if run and not _follows(text, run[-1], one):
            yield run
            run = []
        run.append(one)
    if run:
        yield run


def _follows(text: CaptureText, last: Labelled, one: Labelled) -> bool:
    place = _ORDER.index(one.label)
    return (
        place > 0
        and _ORDER[place - 1] == last.label
        and one.start - last.end < _NEAR
        and not _ENTRY.search(text.text, last.end, one.start)
    )


def _record(text: CaptureText, run: list[Labelled], last: int) -> Record | Unreadable:
    start, end = run[0].start, run[-1].end
    entry = last_above(text, _ENTRY, max(last, start - _NEAR), start)
    pointer = hexadecimal(text, entry.end())[0] if entry else None
    if entry:
        start = entry.start()
    memory_type, physical, virtual, pages, attribute = (one.number for one in run)
    if memory_type is None or physical is None or virtual is None or pages is None:
        return Unreadable(start, end, CANNOT_BE_READ)
    if attribute is None:
        return Unreadable(start, end, CANNOT_BE_READ)
    if memory_type >> 32:
        return Unreadable(start, end, f"type {memory_type:#x}, which does not fit 32 bits")
    fields = {name: one.digits for name, one in zip(_FIELDS, run, strict=True)}
    descriptor = MemoryDescriptor(
        index=0,
        type=memory_type,
        physical_start=physical,
        virtual_start=virtual,
        number_of_pages=pages,
        attribute=attribute,
        located=text.record(start, end, fields),
    )
    return Record(Printed(start, end, MEMORY_ATTRIBUTES, descriptor), pointer)
