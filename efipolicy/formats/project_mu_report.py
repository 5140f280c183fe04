"""The page tables in the report of Project Mu's paging audit.

``PagingReportGenerator.py`` (mu_plus, UefiTestingPkg/AuditTests/PagingAudit; read at commit 0a61052
and in a later revision that knows arm64) writes a page of HTML with an object of JSON in it. Its
``MemoryRanges`` are runs of leaves that are alike: ``{"Page Size": "2m", "Present": "Yes",
"Read/Write": "Enabled", "Execute": "Disabled", …, "Start": "0x007EC00000", "End": "0x007EDFFFFF",
…}``. The last address is closed. The leaves are known by the frames they hold; boot services run
with virtual addresses equal to physical ones (UEFI 2.10, 2.3.4), and the report takes that for
granted.
"""

from __future__ import annotations

import re
from typing import Final

from efipolicy.formats.capture_reading import Unreadable
from efipolicy.formats.labelled_lines import CANNOT_BE_READ
from efipolicy.formats.logical_lines import CaptureText
from efipolicy.formats.printed_rows import PART
from efipolicy.model.address import AddressRange
from efipolicy.model.evidence import PageTableDump, PageTableRange
from efipolicy.model.mapping import Access

AUDIT: Final = "mu-paging-audit"

_BEGINS: Final = re.compile(r'\{[ \t]*"Page Size"[ \t]*:')
_LONGEST_OBJECT: Final = 2048
_LEAVES: Final = {"1g": 1 << 30, "2m": 1 << 21, "4k": 1 << 12}
_ADDRESS: Final = re.compile(r"0x[0-9A-Fa-f]{1,16}")
_WORDS: Final = ("Read/Write", "Execute", "Privilege", "Memory Type", "Section Type")


def page_tables(text: CaptureText) -> tuple[tuple[PageTableDump, ...], list[Unreadable]]:
    """The page tables of a report, what is not mapped left out, and what could not be read."""
    objects = list(_BEGINS.finditer(text.text))
    if not objects:
        return (), []
    import json

    decoder = json.JSONDecoder()
    ranges: list[PageTableRange] = []
    refused: list[Unreadable] = []
    for begins in objects:
        start = begins.start()
        end = text.text.find("}", start, start + _LONGEST_OBJECT) + 1  # no object is within it
        try:
            found = decoder.decode(text.text[start:end])
        except (ValueError, RecursionError):
            refused.append(Unreadable(*begins.span(), PART))
            continue
        one = _range(text, found, (start, end))
        if isinstance(one, Unreadable):
            refused.append(one)
        elif one:
            ranges.append(one)
    if not ranges:
        return (), refused
    whole = text.record(ranges[0].located.span.start, ranges[-1].located.span.end)
    return (PageTableDump(AUDIT, tuple(ranges), whole),), refused


def _range(
    text: CaptureText, found: dict[str, object], span: tuple[int, int]
) -> PageTableRange | Unreadable | None:
    """A run of leaves; ``None`` when nothing is mapped there."""
    if "No" in (found.get("Present"), found.get("Access Flag")):
        return None
    if found.get("System Memory") == "GuardPage":
        return None
    start, last = _address(found.get("Start")), _address(found.get("End"))
    if start is None or last is None or last + 1 < start:
        return Unreadable(*span, CANNOT_BE_READ)
    size = str(found.get("Page Size"))
    return PageTableRange(
        virtual=AddressRange(start, last + 1),
        physical_start=start,
        level=size,
        leaf_size=_LEAVES.get(size),
        access=_access(found),
        cache=None,
        flags=tuple(f"{name} {found[name]}" for name in _WORDS if found.get(name) is not None),
        section=None,
        located=text.record(*span),
    )


def _address(value: object) -> int | None:
    return int(value, 16) if isinstance(value, str) and _ADDRESS.fullmatch(value) else None


def _access(found: dict[str, object]) -> Access | None:
    """What firmware itself may do there; on arm64 the report tells ``UX`` from ``PX``."""
    write, execute = found.get("Read/Write"), found.get("Execute")
    if write not in ("Enabled", "Disabled"):
        return None
    if execute in ("Enabled", "PX", "UX/PX"):
        return "RWX" if write == "Enabled" else "RX"
    if execute in ("Disabled", "UX"):
        return "RW" if write == "Enabled" else "R"
    return None
