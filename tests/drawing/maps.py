"""Maps that tests of pictures start from."""

from __future__ import annotations

from efipolicy.drawing.findings import DrawnFinding
from efipolicy.model.efi import EFI_MEMORY_RO, EFI_MEMORY_XP, FIRST_OEM_TYPE
from efipolicy.model.finding import Severity
from efipolicy.model.memory_map import MemoryAttributesTable, MemoryDescriptor, MemoryMap

RUNTIME_WB = 0x8000_0000_0000_000F
WB = 0xF


def descriptors(*rows: tuple[int, int, int, int | None]) -> tuple[MemoryDescriptor, ...]:
    return tuple(
        MemoryDescriptor(
            index=index, type=kind, physical_start=start, number_of_pages=pages, attribute=word
        )
        for index, (kind, start, pages, word) in enumerate(rows)
    )


def map_of(*rows: tuple[int, int, int, int | None]) -> MemoryMap:
    """A map of (type, start, pages, attribute)."""
    return MemoryMap(descriptors=descriptors(*rows))


def finding(index: int | None, code: str = "MAP-005", **more) -> DrawnFinding:
    given = {
        "severity": Severity.ERROR,
        "rule": "uefi/overlapping-descriptors",
        "code": code,
        "message": "shares memory with another",
        "index": index,
        "href": "rule.html",
        **more,
    }
    return DrawnFinding(**given)


MALFORMED = map_of(
    (7, 0, 159, WB),
    (7, 0x10_0000, 0x3FF00, WB),
    (6, 0x4000_0000, 128, RUNTIME_WB | EFI_MEMORY_XP),
    (5, 0x4007_0000, 400, RUNTIME_WB | EFI_MEMORY_RO),
    (4, 0x4020_0000, 0, WB),
    (FIRST_OEM_TYPE + 1, 0x4020_0000, 0x7E00, WB),
    (31, 0x4800_0000, 256, WB),
    (13, 0x4810_0180, 2, RUNTIME_WB),
    (15, 0x4820_0000, 0x37DE0, WB),
    (11, 0xFF_F000_0000, 0x10000, 0x8000_0000_0000_0001),
    (5, 0x100_0000_0000, 16, None),
    (7, 0x100_0001_0000, 16, 0),
)
"""Overlap, zero pages, types of nobody's, odd start, unknown and empty attributes."""

MALFORMED_FINDINGS = [
    finding(1, accepted="accepted by someone: fine"),
    finding(3),
    finding(4, "MAP-003"),
    finding(6, "MAP-006", severity=Severity.WARNING),
    finding(7, "MAP-001"),
    finding(7, "a-long-name-o\N{HORIZONTAL ELLIPSIS}"),
    finding(9, "RT-007", severity=Severity.INFO),
    finding(None, "MAP-018"),
]

WIDE = map_of(
    (7, 0, 160, WB),
    (5, 0x10_0000, 300, RUNTIME_WB | 0x9_0000),
    (6, 0xFFFF_FFFF_FFF0_0000, 0x200, RUNTIME_WB),
    (7, 0x1234_5678_9000_0000, 1 << 20, WB | 0x5_8000),
    (6, 0x7FFF_0000_0000_0000, 1, RUNTIME_WB | 0x5_8000),
)
"""Sixteen digits, and a region that goes past the end of the address space."""

WIDE_FINDINGS = [finding(2), finding(4), finding(4, "wraps-round-t\N{HORIZONTAL ELLIPSIS}")]

SPLIT = map_of(
    (6, 0x7000_0000, 16, RUNTIME_WB),
    (5, 0x7001_0000, 48, RUNTIME_WB),
    (5, 0x7004_0000, 16, RUNTIME_WB),
    (11, 0xFF80_0000, 0x800, 0x8000_0000_0000_0001),
)
SPLIT_TABLE = MemoryAttributesTable(
    entries=descriptors(
        (6, 0x7000_0000, 16, 0x8000_0000_0000_4000),
        (5, 0x7001_0000, 1, 0x8000_0000_0000_4000),
        (5, 0x7001_1000, 40, 0x8000_0000_0002_0000),
        (5, 0x7003_9000, 7, 0x8000_0000_0000_0000),
    )
)


def crowd(number: int) -> MemoryMap:
    """Many descriptors, every twenty-fifth of them runtime data."""
    kinds = (7, 4, 3, 4, 7, 1, 2, 4)
    rows, start = [], 0x10_0000
    for place in range(number):
        kind = 6 if place % 25 == 24 else kinds[place % len(kinds)]
        pages = 1 + (place * 7919) % 1500
        rows.append((kind, start, pages, RUNTIME_WB if kind == 6 else WB))
        start += pages * 0x1000
    return map_of(*rows)
