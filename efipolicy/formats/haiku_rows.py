"""Rows of the list of Haiku's EFI loader, in its three styles.

Ends are exclusive, modulo 2^64; ``virt`` is the descriptor's field. An end, a size and a type that
are printed once more must say the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from efipolicy.formats.capture_reading import (
    Printed,
    Unreadable,
    decimal,
    pages_between,
    shortened,
)
from efipolicy.formats.logical_lines import CaptureText
from efipolicy.formats.printed_rows import (
    GAP,
    GAP_OR_NOT,
    NOT_PAGES,
    Layout,
    Row,
    row_at,
    tail,
)
from efipolicy.formats.type_names import SPECIFICATION
from efipolicy.model.address import EFI_PAGE_SIZE
from efipolicy.model.memory_map import MemoryDescriptor

HAIKU: Final = "haiku"

_WORD: Final = 1 << 64
_NAMES: Final[dict[str, int]] = {
    **{name.casefold(): number for name, number in SPECIFICATION.items()},
    "mmio": 11,
    "mmioportspace": 12,
}
"""Types by the words of all styles, ``Efi`` and ``Type`` removed and the case folded."""

_HEX: Final = "[0-9a-f]{1,16}"
_RANGE: Final = rf"(?<![0-9A-Za-z])0x{_HEX}-"
_CLOSED: Final = r"[ \t]{0,4}(?=\r?$|[\"'`,|\\<])"
BEGINS: Final = re.compile(rf"\bphys:{GAP_OR_NOT}0x|{_RANGE}0x{_HEX}{GAP}(?=0x)")
LOOKS_LIKE: Final = re.compile(
    rf"{BEGINS.pattern}|\bphys:[ \t]|\bvirt:[ \t]+0x|[\w)], attrs?:[ \t]"
    rf"|{_RANGE}[0-9a-fx]{{0,18}}[ \t]*0?[ \t]*(?=\r?$)|-0x{_HEX}(?:[ \t]+0x{_HEX}){{2}}[ \t]+0x"
    rf"|{_RANGE}[0-9a-fx \t~?!^\ufffd]{{6,80}}{_CLOSED}"
    rf"|(?:^|[\s\"'>|:])0x{_HEX}[ \t]+0x[0-9a-f]{{1,2}}[ \t]+0x{_HEX}{_CLOSED}",
    re.MULTILINE,
)


def _named(gap: str) -> re.Pattern[str]:
    """The styles with words: of the ends, or of the size."""
    fields = (
        "phys:",
        rf"0x(?P<start>{_HEX})(?:-0x(?P<end>{_HEX}))?,",
        "virt:",
        rf"0x(?P<virtual>{_HEX})(?:-0x(?P<virtual_end>{_HEX}))?,",
        rf"(?:size{gap}(?::|=(?:3D)?){gap}0x(?P<size>{_HEX}),{gap})?(?:type:)?",
        r"(?P<type>[A-Za-z]{1,32}|\?)",
        rf"(?:\((?:0x(?P<hex>{_HEX})|(?P<decimal>-?[0-9]{{1,20}}))\))?,",
        "attrs?:",
        "(?=0x)",
    )
    return re.compile(gap.join(fields))


_NAMED: Final = Layout(whole=_named(GAP_OR_NOT), joined=_named(""), begins=BEGINS)
_BARE_FIELDS: Final = (
    rf"0x(?P<start>{_HEX})-0x(?P<end>{_HEX})",
    rf"0x(?P<virtual>{_HEX})",
    rf"0x(?P<type>{_HEX})",
    "(?=0x)",
)
_BARE: Final = Layout(
    whole=re.compile(GAP.join(_BARE_FIELDS)),
    joined=re.compile("".join(_BARE_FIELDS)),
    begins=BEGINS,
)
_ATTRIBUTE: Final = re.compile(r"[ \t]*[0-9a-fx]*")


def haiku_row(text: CaptureText, start: int) -> list[Printed | Unreadable]:
    """The row that starts at an offset, in whatever style."""
    named = text.text.startswith("phys:", start)
    row = row_at(text, start, _NAMED if named else _BARE)
    if row is None:
        return []
    attribute, span = tail(text, row.end, _ATTRIBUTE, _attribute)
    after = max(row.end, span[1])
    values = _named_values(row) if named else _bare_values(row)
    if attribute is None or isinstance(values, str):
        what = values if isinstance(values, str) else "an attribute that is no number of 64 bits"
        return [row.refused(what, after)]
    memory_type, pages = values
    fields = {
        "type": row.span("type"),
        "physical_start": row.span("start"),
        "virtual_start": row.span("virtual"),
        "pages": row.span("end" if row["end"] else "size"),
        "attribute": span,
    }
    descriptor = MemoryDescriptor(
        index=0,
        type=memory_type,
        physical_start=int(row["start"], 16),
        virtual_start=int(row["virtual"], 16),
        number_of_pages=pages,
        attribute=attribute,
        located=text.record(row.start, after, fields),
    )
    return [Printed(row.start, after, HAIKU, descriptor)]


def _attribute(digits: str) -> int | None:
    return int(digits, 16) if re.fullmatch(f"0x{_HEX}", digits) else None


def _bare_values(row: Row) -> tuple[int, int] | str:
    """The type and the number of pages, or why there are none."""
    pages = pages_between(int(row["start"], 16), int(row["end"], 16))
    if pages is None:
        return NOT_PAGES
    memory_type = int(row["type"], 16)
    if memory_type >> 32:
        return f"type {shortened(row['type'])}, which does not fit 32 bits"
    return memory_type, pages


def _named_values(row: Row) -> tuple[int, int] | str:
    """The same of the styles with words."""
    lengths = set(_lengths(row))
    if len(lengths) != 1:
        return "ends and sizes that do not agree" if lengths else "neither an end nor a size"
    (size,) = lengths
    if size % EFI_PAGE_SIZE:
        return NOT_PAGES
    memory_type = _named_type(row)
    if memory_type is None:
        return f"the unknown type `{shortened(row['type'])}`"
    return memory_type, size // EFI_PAGE_SIZE


def _lengths(row: Row) -> Iterator[int]:
    """The length in bytes, as often as the row tells it."""
    if row["end"]:
        yield (int(row["end"], 16) - int(row["start"], 16)) % _WORD
    if row["virtual_end"]:
        yield (int(row["virtual_end"], 16) - int(row["virtual"], 16)) % _WORD
    if row["size"]:
        yield int(row["size"], 16)


def _named_type(row: Row) -> int | None:
    """The number of a type that is printed by name, by number or by both."""
    words = row["type"].removeprefix("Efi").casefold()
    named = _NAMES.get(words, _NAMES.get(words.removesuffix("type")))
    if not row["hex"] and not row["decimal"]:
        return named
    # In decimal it is printed as a signed number of 32 bits.
    printed = int(row["hex"], 16) if row["hex"] else (decimal(row["decimal"]) or 0) % (1 << 32)
    return printed if named in (None, printed) and not printed >> 32 else None
