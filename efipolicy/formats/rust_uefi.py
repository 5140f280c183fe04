"""``MemoryDescriptor { ty: …, … }``: the debug print of the Rust crate ``uefi``.

Loaders and kernels written with it print their map that way, on one line or, with ``{:#?}``, a
field a line. All numbers are decimal. Layouts are those of the crate's releases 0.4 to 0.35.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from efipolicy.formats.capture_reading import Printed, Refused, Unreadable, decimal, shortened
from efipolicy.formats.logical_lines import CaptureText
from efipolicy.formats.printed_maps import reading, table_map
from efipolicy.formats.printed_rows import (
    GAP,
    GAP_OR_NOT,
    PART,
    Layout,
    Row,
    grouped,
    left_over,
    row_at,
    starts_of,
    with_doubt,
)
from efipolicy.formats.rust_names import RUST_TYPES
from efipolicy.model.address import EFI_PAGE_SIZE
from efipolicy.model.efi import FIRST_OEM_TYPE
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

_NUMBER: Final = r"(?:0x[0-9a-f]{1,40}|[0-9a-f]{1,40})"
_MOST_DIGITS: Final = 16
_NUMBERS: Final = ("start", "virtual", "pages")
_UNCLEAR: Final = "numbers that may be decimal or hexadecimal: other rows are of both kinds"

_BEGINS: Final = re.compile(r"MemoryDescriptor[\s>=]{0,8}\{")


def _pattern(gap: str) -> re.Pattern[str]:
    """The fields in their order; some releases print a padding."""
    fields = (
        r"MemoryDescriptor",
        r"\{",
        r"ty:",
        r"(?P<type>[A-Z_]+|MemoryType\(\s*(?:0x)?[0-9a-f]{1,20},?\s*\))",
        rf",{gap}(?:padding:{gap}{_NUMBER}{gap},{gap})?phys_start:",
        rf"(?P<start>{_NUMBER})",
        rf",{gap}virt_start:",
        rf"(?P<virtual>{_NUMBER})",
        rf",{gap}page_count:",
        rf"(?P<pages>{_NUMBER})",
        rf",{gap}att:",
        r"(?:MemoryAttribute\(\s*)?(?P<attribute>\(empty\)|[^()},]{0,400}?)(?:,?[\s>]*\))?",
        r",?",
        r"\}",
    )
    return re.compile(gap.join(fields))


_LAYOUT: Final = Layout(whole=_pattern(GAP_OR_NOT), joined=_pattern(""), begins=_BEGINS)
_LOOKS_LIKE: Final = re.compile(
    rf"{_BEGINS.pattern}|page_count:{GAP}[0-9a-f]|phys_start:{GAP}[0-9a-f]"
)
_NEVER: Final = re.compile(r"(?!)")


def read(text: CaptureText) -> CaptureReading | None:
    """What such a print says of a platform. The same words in source code are no print."""
    found = [(start, row_at(text, start, _LAYOUT)) for start in starts_of(text, _BEGINS)]
    bases = _bases([row for _, row in found if row])
    entries = [
        one
        for start, row in found
        for one in (
            _row(text, row, bases) if row else [Unreadable(start, text.line_end(start), PART)]
        )
    ]
    rows = [one for one in entries if isinstance(one, Printed)]
    if not rows:
        return None
    refused = [one for one in entries if isinstance(one, Unreadable)]
    refused += left_over(text, entries, _LOOKS_LIKE)
    lines = Refused(refused)
    maps = [table_map(text, group, lines, _NEVER, RUST) for group in grouped(rows)]
    return reading(text, maps, refused, RUST)


def _bases(rows: Sequence[Row]) -> frozenset[int]:
    """The bases in which the rows without ``0x`` have their numbers, as far as one proves it.

    Letters prove hexadecimal, and so does a start that is a whole page in that base alone; the
    other way round it is decimal.
    """
    return frozenset(filter(None, map(_own_base, rows)))


def _own_base(row: Row) -> int | None:
    numbers = [row[name] for name in _NUMBERS if not row[name].startswith("0x")]
    if not all(map(str.isdigit, numbers)):
        return 16
    start = row["start"]
    if len(numbers) < len(_NUMBERS) or len(start) > _MOST_DIGITS:
        return None
    whole = [base for base in (10, 16) if int(start, base) % EFI_PAGE_SIZE == 0]
    return whole[0] if len(whole) == 1 else None


def _is_prefixed(row: Row) -> bool:
    return all(row[name].startswith("0x") for name in _NUMBERS)


def _number(digits: str, base: int) -> int | None:
    """The number; ``None`` when it does not fit 64 bits or has other digits than the base."""
    if digits.startswith("0x"):
        digits, base = digits[2:], 16
    if base == 16:
        return int(digits, 16) if len(digits) <= _MOST_DIGITS else None
    number = decimal(digits) if digits.isdigit() else None
    return None if number is None or number >> 64 else number


def _type(words: str, base: int) -> int | None:
    """The number of a type; of one without a name it is decimal wherever it can be."""
    number = re.search(r"(?:0x)?[0-9a-f]+(?=[\s,]*\))", words)
    if number is None:
        return RUST_TYPES.get(words)
    known = _number(number[0], 10)
    if base == 16 and (known is None or known < FIRST_OEM_TYPE <= int(number[0], 16)):
        known = _number(number[0], 16)
    return None if known is None or known >> 32 else known


def _row(text: CaptureText, row: Row, bases: frozenset[int]) -> list[Printed | Unreadable]:
    base = next(iter(bases), 10) if len(bases) < 2 or _is_prefixed(row) else _own_base(row)
    if base != 10 and 10 in bases and not _is_prefixed(row):
        return [row.refused(_UNCLEAR)]
    base = base or 10
    memory_type = _type(row["type"], base)
    if memory_type is None:
        return [row.refused(f"the unknown type `{shortened(row['type'])}`")]
    first, virtual, pages = (_number(row[name], base) for name in _NUMBERS)
    if first is None or virtual is None or pages is None:
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
