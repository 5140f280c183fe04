"""``MemoryDescriptor { ty: …, … }``: the debug print of the Rust crate ``uefi``.

Loaders and kernels written with it print their map that way, on one line or, with ``{:#?}``, a
field a line. All numbers are decimal. Layouts are those of the crate's releases 0.4 to 0.35.
"""

from __future__ import annotations

import re
from typing import Final

from efipolicy.formats.capture_reading import Printed, Refused, Unreadable, decimal, shortened
from efipolicy.formats.logical_lines import CaptureText
from efipolicy.formats.printed_maps import reading, table_map
from efipolicy.formats.printed_rows import (
    GAP,
    GAP_OR_NOT,
    PART,
    Layout,
    grouped,
    left_over,
    row_at,
    starts_of,
    with_doubt,
)
from efipolicy.formats.rust_names import RUST_TYPES
from efipolicy.model.memory_map import MemoryDescriptor
from efipolicy.plugin.types import CaptureReading

RUST: Final = "rust-uefi-debug"

_ATTRIBUTES: Final[dict[str, int]] = {
    "UNCACHEABLE": 0x1,
    "WRITE_COMBINE": 0x2,
    "WRITE_THROUGH": 0x4,
    "WRITE_BACK": 0x8,
    "UNCACHABLE_EXPORTED": 0x10,
    "WRITE_PROTECT": 0x1000,
    "READ_PROTECT": 0x2000,
    "EXECUTE_PROTECT": 0x4000,
    "NON_VOLATILE": 0x8000,
    "MORE_RELIABLE": 0x1_0000,
    "READ_ONLY": 0x2_0000,
    "SPECIAL_PURPOSE": 0x4_0000,
    "CPU_CRYPTO": 0x8_0000,
    "HOT_PLUGGABLE": 0x10_0000,
    "ISA_MASK": 0x0FFF_F000_0000_0000,
    "ISA_VALID": 1 << 62,
    "RUNTIME": 1 << 63,
}
_EMPTY: Final = ("", "empty", "(empty)")

_BEGINS: Final = re.compile(r"MemoryDescriptor[\s>=]{0,8}\{")


def _pattern(gap: str) -> re.Pattern[str]:
    """The fields in their order; some releases print a padding."""
    fields = (
        r"MemoryDescriptor",
        r"\{",
        r"ty:",
        r"(?P<type>[A-Z_]+|MemoryType\(\s*\d{1,20},?\s*\))",
        rf",{gap}(?:padding:{gap}\d{{1,20}}{gap},{gap})?phys_start:",
        r"(?P<start>\d{1,40})",
        rf",{gap}virt_start:",
        r"(?P<virtual>\d{1,40})",
        rf",{gap}page_count:",
        r"(?P<pages>\d{1,40})",
        rf",{gap}att:",
        r"(?:MemoryAttribute\(\s*)?(?P<attribute>\(empty\)|[^()},]{0,400}?)(?:,?[\s>]*\))?",
        r",?",
        r"\}",
    )
    return re.compile(gap.join(fields))


_LAYOUT: Final = Layout(whole=_pattern(GAP_OR_NOT), joined=_pattern(""), begins=_BEGINS)
_LOOKS_LIKE: Final = re.compile(rf"{_BEGINS.pattern}|page_count:{GAP}\d|phys_start:{GAP}\d")
_NEVER: Final = re.compile(r"(?!)")


def read(text: CaptureText) -> CaptureReading | None:
    """What such a print says of a platform. The same words in source code are no print."""
    found = [one for start in starts_of(text, _BEGINS) for one in _row(text, start)]
    rows = [one for one in found if isinstance(one, Printed)]
    if not rows:
        return None
    refused = [one for one in found if isinstance(one, Unreadable)]
    refused += left_over(text, found, _LOOKS_LIKE)
    lines = Refused(refused)
    maps = [table_map(text, group, lines, _NEVER, RUST) for group in grouped(rows)]
    return reading(text, maps, refused, RUST)


def _row(text: CaptureText, start: int) -> list[Printed | Unreadable]:
    row = row_at(text, start, _LAYOUT)
    if row is None:
        return [Unreadable(start, text.line_end(start), PART)]
    number = re.search(r"\d+", row["type"])
    memory_type = decimal(number[0]) if number else RUST_TYPES.get(row["type"])
    if memory_type is None or memory_type >> 32:
        return [row.refused(f"the unknown type `{shortened(row['type'])}`")]
    first, virtual, pages = (decimal(row[name]) for name in ("start", "virtual", "pages"))
    if first is None or virtual is None or pages is None or (first | virtual | pages) >> 64:
        return [row.refused("a number that does not fit 64 bits")]
    groups = ("type", "start", "virtual", "pages", "attribute")
    names = ("type", "physical_start", "virtual_start", "pages", "attribute")
    fields = {name: row.span(group) for name, group in zip(names, groups, strict=True)}
    descriptor = MemoryDescriptor(
        index=0,
        type=memory_type,
        physical_start=first,
        virtual_start=virtual,
        number_of_pages=pages,
        attribute=_attribute(row["attribute"]),
        located=text.record(row.start, row.end, fields),
    )
    return with_doubt(row, Printed(row.start, row.end, RUST, descriptor), row["attribute"])


def _attribute(words: str) -> int | None:
    """The attribute that words joined by ``|`` stand for; ``None`` when one is unknown."""
    words = re.sub(r"=(?:20|09)?[ \t]*\r?\n|[\s>]", "", words)
    if words in _EMPTY:
        return 0
    attribute = 0
    for word in words.split("|"):
        if re.fullmatch(r"0x[0-9a-f]{1,16}", word):
            attribute |= int(word, 16)
        elif word in _ATTRIBUTES:
            attribute |= _ATTRIBUTES[word]
        else:
            return None
    return attribute
