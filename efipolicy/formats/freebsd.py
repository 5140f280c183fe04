"""The table of FreeBSD's kernel, its loader's ``memmap`` and ``sysctl machdep.efi_map``.

Layouts were read in FreeBSD 10 to 15. A row has no end but a number of pages in hexadecimal;
``Virtual`` is the descriptor's field: in twelve digits, or a pointer, which kernels up to 13 print
without ``0x`` and leading zeros. Attribute bits without a name are left out of the print.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from efipolicy.formats.capture_reading import Printed, Refused, Unreadable
from efipolicy.formats.logical_lines import CaptureText
from efipolicy.formats.printed_maps import NOTHING_SAYS, About, reading, table_map
from efipolicy.formats.printed_rows import (
    GAP,
    Layout,
    Row,
    grouped,
    left_over,
    row_at,
    starts_of,
    tail,
    with_doubt,
)
from efipolicy.formats.type_names import SPECIFICATION, any_of
from efipolicy.model.memory_map import MemoryDescriptor
from efipolicy.model.platform import ArchitectureReason
from efipolicy.plugin.types import CaptureReading

FREEBSD: Final = "freebsd"

_NAMES: Final[dict[str, int]] = {
    "Reserved": 0,
    **{name: number for name, number in SPECIFICATION.items() if 0 < number < 15},
}
_UNKNOWN: Final = ("<INVALID>", "Unknown")
_ATTRIBUTES: Final[dict[str, int]] = {
    "UC": 0x1,
    "WC": 0x2,
    "WT": 0x4,
    "WB": 0x8,
    "UCE": 0x10,
    "WP": 0x1000,
    "RP": 0x2000,
    "XP": 0x4000,
    "NV": 0x8000,
    "MORE_RELIABLE": 0x1_0000,
    "MR": 0x1_0000,
    "RO": 0x2_0000,
    "RUNTIME": 1 << 63,
}
_IN_ORDER: Final = re.compile("".join(f"({word})?" for word in _ATTRIBUTES))
_WORDS: Final = re.compile(r"(?:[ \t]*[A-Z_]+(?![a-z]))*[ \t]*")

_HEADER: Final = re.compile(r"Type[ \t]+Physical[ \t]+Virtual[ \t]+#Pages[ \t]+Attr")
_TYPE: Final = rf"(?P<type>{any_of([*_NAMES, *_UNKNOWN])})"
_BEGINS: Final = re.compile(
    rf"(?<![A-Za-z0-9_])(?:{any_of([*_NAMES, *_UNKNOWN])}){GAP}[0-9a-f]{{4,12}}"
)
_PAGES: Final = "[0-9a-f]{8}(?![0-9a-fA-F-])"
# Fewer digits could be a part of a pointer: then two more numbers follow and not the pages alone.
_SHORT: Final = rf"{GAP}(?=(?:0|[1-9a-f][0-9a-f]{{0,10}}){GAP}{_PAGES}(?!{GAP}{_PAGES}))"
_LAYOUT: Final = Layout(
    whole=re.compile(
        rf"{_TYPE}{GAP}(?P<start>[0-9a-f]{{12,16}})(?:{GAP}(?=0x|[0-9a-f]{{12}})|{_SHORT})"
        rf"(?P<virtual>0x[0-9a-f]{{1,16}}|[0-9a-f]{{1,16}}){GAP}"
        r"(?P<pages>[0-9a-f]{8,16})(?![0-9a-zA-Z])"
    ),
    joined=re.compile(
        rf"{_TYPE}(?P<start>[0-9a-f]{{12}})(?P<virtual>[0-9a-f]{{12}})"
        r"(?P<pages>[0-9a-f]{8})(?![0-9a-f])"
    ),
    begins=_BEGINS,
)
_LOOKS_LIKE: Final = re.compile(
    rf"{_BEGINS.pattern}|(?<![0-9a-fA-Fx])[0-9a-f]{{12,16}}[ \t]+"
    r"(?:0x)?[0-9a-f]{1,16}[ \t]+[0-9a-f]{8}\b"
    rf"|(?<![A-Za-z0-9_])(?:{any_of(name for name in _NAMES if name != 'Reserved')})[ \t]+0"
    r"|(?<![0-9a-fA-Fx])[0-9a-f]{8}[ \t]+(?:UC|WC|WT|WB|RUNTIME)\b"
)
_CARRIES_RUNTIME: Final = (5, 6, 11, 12)
_KERNEL: Final = re.compile(r"/sys/[A-Z][\w-]{0,40}[ \t]+(amd64|arm64|riscv|i386)\b")
_MACHINES: Final = {"amd64": "x86_64", "arm64": "arm64", "riscv": "riscv64", "i386": "i386"}


def read(text: CaptureText) -> CaptureReading | None:
    """What FreeBSD's table says of a platform."""
    found = [one for start in starts_of(text, _BEGINS) for one in _row(text, start)]
    rows = [one for one in found if isinstance(one, Printed)]
    if not rows:
        return None
    refused = [one for one in found if isinstance(one, Unreadable)]
    refused += left_over(text, found, _LOOKS_LIKE)
    lines = Refused(refused)
    groups = grouped(rows, lambda last, row: _is_headed(text, last.end, row.start))
    maps = [
        table_map(text, _without_runtime_bit(group), lines, _HEADER, FREEBSD) for group in groups
    ]
    return reading(text, maps, refused, FREEBSD, About(architecture=_architecture(text)))


def _is_headed(text: CaptureText, end: int, start: int) -> bool:
    return start - end > 16 and _HEADER.search(text.text, end, start) is not None


def _row(text: CaptureText, start: int) -> list[Printed | Unreadable]:
    row = row_at(text, start, _LAYOUT)
    if row is None:
        return []
    name = row["type"]
    if name in _UNKNOWN:
        return [row.refused(f"the type `{name}`: its number is not printed")]
    attribute, span = tail(text, row.end, _WORDS, _attribute)
    after = max(row.end, span[1])
    descriptor = MemoryDescriptor(
        index=0,
        type=_NAMES[name],
        physical_start=int(row["start"], 16),
        virtual_start=int(row["virtual"], 16),
        number_of_pages=int(row["pages"], 16),
        attribute=attribute,
        located=text.record(row.start, after, _fields(row, span)),
    )
    return with_doubt(row, Printed(row.start, after, FREEBSD, descriptor), text.text[slice(*span)])


def _fields(row: Row, attribute: tuple[int, int]) -> dict[str, tuple[int, int]]:
    """Where each field stands; no attribute is printed when no bit is set."""
    fields = {
        "type": row.span("type"),
        "physical_start": row.span("start"),
        "virtual_start": row.span("virtual"),
        "pages": row.span("pages"),
    }
    return fields | {"attribute": attribute} if attribute[1] > attribute[0] else fields


def _attribute(words: str) -> int | None:
    """The attribute that words stand for, in their fixed order; ``None`` when one is unknown."""
    found = _IN_ORDER.fullmatch(words)
    if found is None:
        return None
    attribute = 0
    for word in found.groups():
        attribute |= _ATTRIBUTES[word] if word else 0
    return attribute


def _without_runtime_bit(rows: Sequence[Printed]) -> Sequence[Printed]:
    """The rows, their attributes unknown where whoever printed them leaves RUNTIME out.

    The loader's ``memmap`` does, and says nothing else that tells it from the kernel's table. So
    runtime memory without the bit in every row is no evidence against firmware.
    """
    known = [row.descriptor for row in rows]
    if any(one.runtime for one in known) or all(one.type not in _CARRIES_RUNTIME for one in known):
        return rows
    return [row._replace(descriptor=replace(row.descriptor, attribute=None)) for row in rows]


def _architecture(text: CaptureText) -> tuple[str, ArchitectureReason]:
    """What the kernel's own version line proves; its table is the same on all."""
    for kernel in _KERNEL.finditer(text.text):
        if not text.is_remark(kernel.start()):
            evidence = f"`{' '.join(kernel[0].split())}`"
            return _MACHINES[kernel[1]], ArchitectureReason(kind="stated", evidence=evidence)
    return NOTHING_SAYS
