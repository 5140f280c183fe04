"""The table of ``efidebug memmap`` and ``efi mem`` in U-Boot, in the old style and the new.

Layouts were read in U-Boot 2019 to 2026. The end of a row is exclusive, whatever its column is
called. The old style prints EFI_MEMORY_XP as ``WP``, in the place behind ``RP``.
"""

from __future__ import annotations

import re
from typing import Final

from efipolicy.formats import linux_machine
from efipolicy.formats.capture_reading import Printed, Refused, Unreadable, pages_between
from efipolicy.formats.linux_log import Boot
from efipolicy.formats.logical_lines import CaptureText
from efipolicy.formats.printed_maps import (
    NOTHING_SAYS,
    About,
    PrintedMap,
    chosen,
    reading,
    table_map,
)
from efipolicy.formats.printed_rows import (
    GAP,
    NOT_PAGES,
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

OLD: Final = "u-boot-efidebug"
NEW: Final = "u-boot-efi-mem"

_OLD_NAMES: Final[dict[str, int]] = {
    "RESERVED": 0,
    "LOADER CODE": 1,
    "LOADER DATA": 2,
    "BOOT CODE": 3,
    "BOOT DATA": 4,
    "RUNTIME CODE": 5,
    "RUNTIME DATA": 6,
    "CONVENTIONAL": 7,
    "UNUSABLE MEM": 8,
    "ACPI RECLAIM MEM": 9,
    "ACPI RECLAIM": 9,
    "ACPI NVS": 10,
    "IO": 11,
    "IO PORT": 12,
    "PAL": 13,
    "PERSISTENT": 14,
    "UNACCEPTED": 15,
}
_NUMBERS: Final = {
    **{name.replace(" ", ""): number for name, number in _OLD_NAMES.items()},
    **SPECIFICATION,
}

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
    "REL": 0x1_0000,
    "RO": 0x2_0000,
    "SP": 0x4_0000,
    "CRYPT": 0x8_0000,
    "HOTPL": 0x10_0000,
    "ISA_VALID": 1 << 62,
    "RT": 1 << 63,
}
_WORD: Final = re.compile(r"[A-Z_]+|ISA=0x[0-9a-f]{1,4}|0x[0-9a-f]{1,16}")
_WORDS: Final = re.compile(r"[ \t]*[A-Zx0-9a-f_|=]*")

_HEADER: Final = re.compile(
    r"Type[ \t]+Start[ \t]+End[ \t]+Attributes(?:[ \t>]*\r?\n[ \t>]*=[= \t]+)?"
)
_RANGE: Final = r"(?P<start>[0-9a-f]{16})-(?P<end>[0-9a-f]{16})"
_WRAPPED: Final = any_of([*_OLD_NAMES, *SPECIFICATION])
_JOINED: Final = any_of(_NUMBERS)
_BEGINS: Final = re.compile(rf"(?<![A-Za-z0-9_])(?:{_WRAPPED}){GAP}[0-9a-f]{{4}}")
_LAYOUT: Final = Layout(
    whole=re.compile(rf"(?P<type>{_WRAPPED}){GAP}{_RANGE}(?![0-9a-fA-F])"),
    joined=re.compile(rf"(?P<type>{_JOINED}){_RANGE}(?![0-9a-f])"),
    begins=_BEGINS,
)
_LOOKS_LIKE: Final = re.compile(
    rf"{_BEGINS.pattern}|(?<![0-9a-fA-Fx])[0-9a-f]{{16}}-(?:[0-9a-f]{{1,16}})?(?![0-9A-Fa-f>])"
    rf"|(?<![A-Za-z0-9_])(?:{any_of(name for name in _OLD_NAMES if len(name) > 4)}"
    rf"|{any_of(SPECIFICATION)})[ \t]+(?:0|(?:UC|WC|WT|WB|WP|XP|RO|RT)[|\s])"
    r"|-[0-9a-f]{16}[ \t]+(?:UC|WC|WT|WB|RT)[|\s]"
)
_COMPILER: Final = re.compile(
    r"U-Boot \d{4}\.\d\d[^\n]{0,200}\n[\s>]{0,8}"
    r"\b(aarch64|arm|riscv64|x86_64|i[3-6]86)-[\w-]{0,40}gcc\b"
)
_MACHINES: Final = {"aarch64": "arm64", "arm": "arm32", "riscv64": "riscv64", "x86_64": "x86_64"}


def read(text: CaptureText) -> CaptureReading | None:
    """What U-Boot's table says of a platform."""
    found = [one for start in starts_of(text, _BEGINS) for one in _row(text, start)]
    rows = [one for one in found if isinstance(one, Printed)]
    if not rows:
        return None
    refused = [one for one in found if isinstance(one, Unreadable)]
    refused += left_over(text, found, _LOOKS_LIKE)
    lines = Refused(refused)
    groups = grouped(rows, lambda last, row: _is_headed(text, last.end, row.start))
    maps = [table_map(text, group, lines, _HEADER, _dialect(group)) for group in groups]
    return reading(text, maps, refused, OLD, About(architecture=_architecture(text, maps)))


def _dialect(rows: list[Printed]) -> str:
    return OLD if sum(row.kind == OLD for row in rows) * 2 >= len(rows) else NEW


def _is_headed(text: CaptureText, end: int, start: int) -> bool:
    return start - end > 16 and _HEADER.search(text.text, end, start) is not None


def _row(text: CaptureText, start: int) -> list[Printed | Unreadable]:
    row = row_at(text, start, _LAYOUT)
    if row is None:
        return []
    first, end = int(row["start"], 16), int(row["end"], 16)
    pages = pages_between(first, end)
    if pages is None:
        return [row.refused(NOT_PAGES)]
    name = re.sub(r"[^A-Za-z]", "", row["type"])
    kind = NEW if name in SPECIFICATION else OLD
    attribute, span = tail(text, row.end, _WORDS, _old_attribute if kind == OLD else _attribute)
    after = max(row.end, span[1])
    descriptor = MemoryDescriptor(
        index=0,
        type=_NUMBERS[name],
        physical_start=first,
        number_of_pages=pages,
        attribute=attribute,
        located=text.record(row.start, after, _fields(row, span)),
    )
    return with_doubt(row, Printed(row.start, after, kind, descriptor), text.text[slice(*span)])


def _fields(row: Row, attribute: tuple[int, int]) -> dict[str, tuple[int, int]]:
    """Where each field stands; no attribute is printed when no bit is set."""
    fields = {
        "type": row.span("type"),
        "physical_start": row.span("start"),
        "pages": row.span("end"),
    }
    return fields | {"attribute": attribute} if attribute[1] > attribute[0] else fields


def _attribute(words: str) -> int | None:
    """The attribute that words joined by ``|`` stand for; ``None`` when one is unknown.

    None comes twice, which would be the rest of another row, but UC in versions that print it so.
    """
    attribute = 0
    known: set[str] = set()
    for word in words.replace("=3D0x", "=0x").split("|") if words else ():
        if not _WORD.fullmatch(word) or (word in known and known != {"UC"}):
            return None
        known.add(word)
        name, _, digits = word.partition("=")
        if name.startswith("0x"):
            attribute |= int(name, 16)
        elif digits:
            attribute |= int(digits, 16) << 44
        elif name in _ATTRIBUTES:
            attribute |= _ATTRIBUTES[name]
        else:
            return None
    return attribute


def _old_attribute(words: str) -> int | None:
    """The same where ``WP`` may stand for XP: ``None`` when nothing tells which it is.

    Versions with that mistake print UC twice. Whatever stands behind ``RP`` is XP.
    """
    names = words.split("|")
    count = names.count("WP")
    if not count or "XP" in names or names.count("UC") == 1:
        return _attribute(words)
    rest = _attribute("|".join(name for name in names if name != "WP"))
    if rest is None or count > 2:
        return None
    if count == 2:
        return rest | 0x5000
    if "RP" not in names:
        return None
    return rest | (0x4000 if names.index("WP") > names.index("RP") else 0x1000)


def _architecture(text: CaptureText, maps: list[PrintedMap]) -> tuple[str, ArchitectureReason]:
    """What the compiler U-Boot names or the Linux it starts prove; its table is the same on all."""
    start = chosen(maps).rows[0].start
    for compiler in _COMPILER.finditer(text.text):
        if not text.is_remark(compiler.start()):
            machine = _MACHINES.get(compiler[1], "i386")
            words = compiler[0].rpartition("\n")[2].strip(" \t>")
            return machine, ArchitectureReason(kind="stated", evidence=f"`{words}`")
    following = [one.rows[0].start for one in maps if one.rows[0].start > start]
    boot = Boot(start, min(following, default=len(text.text)), kexec=False)
    version = linux_machine.version_line(text, boot)
    return linux_machine.stated_architecture(text, boot, version) or NOTHING_SAYS
