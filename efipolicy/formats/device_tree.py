"""What a boot loader, or the EFI stub, tells the kernel in ``/chosen`` of the device tree.

``linux,uefi-system-table`` and ``linux,uefi-mmap-start`` are addresses of 64 bits, the size of the
map, that of a descriptor (both bytes) and its version are numbers of 32 bits; all big-endian
(Linux 6.12, Documentation/arch/arm/uefi.rst). Tools show them in many ways: ``dtc``, ``fdtdump``
and U-Boot as ``<0x0 0x79a0e9c0>``, others as bytes on the line below the name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Final

from efipolicy.formats.capture_reading import Unreadable, shortened
from efipolicy.formats.logical_lines import CaptureText
from efipolicy.formats.printed_maps import About, reading
from efipolicy.formats.sysfs import not_readable
from efipolicy.formats.sysfs_files import number_at
from efipolicy.model.declared import SystemTable
from efipolicy.model.memory_map import MemoryMap
from efipolicy.named_tuple import NamedTuple
from efipolicy.plugin.types import CaptureReading

DEVICE_TREE: Final = "device-tree"

PREFIX: Final = "linux,uefi-"
PROPERTIES: Final[dict[str, int]] = {
    "system-table": 8,
    "mmap-start": 8,
    "mmap-size": 4,
    "mmap-desc-size": 4,
    "mmap-desc-ver": 4,
}
"""The properties by name, without their prefix, and the bytes each holds."""

_NAME: Final = re.compile(rf"{PREFIX}({'|'.join(PROPERTIES)})(?![\w-])")
_BYTE: Final = "[0-9a-fA-F]{2}"
_NUMBER: Final = re.compile(r"[\"']?[ \t]*[:=](?=(?:3D)?[ \t]*[\"']?0x)")
_IN_LINE: Final = re.compile(
    r"(?:3D)?[ \t]*[\"']?(0x[0-9a-fA-F]{1,64})"
    r"(?:[\"'`)\]},;]{1,4}(?!\S|[ \t]+0x)|[ \t]+(?=linux,|[(|/]))"
)
"""A number with something behind it that closes it."""
_DIGITS: Final = re.compile(r"[ \t]*[:=](?:3D)?[ \t]*(\d{1,20})[ \t]*(?:\r?\n|\Z)")
_LINE_PREFIX: Final = re.compile(r"(?:[\]>|$\d]|\bkernel:)\Z")
_CELLS: Final = re.compile(
    r"[ \t]*=(?:3D)?\s*(?:/bits/\s*(?:32|(?P<wide>64))\s+)?<(?P<cells>[^<>;]{0,80})>"
)
_ARRAY: Final = re.compile(r"[ \t]*=(?:3D)?\s*\[([^\]]{0,80})\]")
_WORDS: Final = re.compile(r"[ \t]+([0-9a-f]{8}(?:[ \t]+[0-9a-f]{8})?)(?!\w)")
_BELOW: Final = r"[\"']?[ \t]*+(?::|<==)?[ \t]*+\r?\n[ \t>]*+"
_DUMPED: Final = re.compile(
    rf"{_BELOW}(?:[0-9a-f]{{4,8}}:[ \t]+((?:{_BYTE}){{1,8}}(?:[ ](?:{_BYTE}){{1,4}}){{0,8}})(?!\w)"
    rf"|[0-9a-f]{{7,8}}[ \t]+({_BYTE}(?:[ ]{_BYTE}){{0,15}})(?!\w)"
    rf"|({_BYTE}(?:[ ]{_BYTE}){{1,15}})[ \t]*(?:\r?\n|\Z)"
    rf"|((?:{_BYTE}){{4,8}})[ \t]*(?:\r?\n|\Z))"
)
_LOOKS_LIKE: Final = re.compile(
    rf"[ \t]*=(?:3D)?\s*(?:[<\[]|/bits/)|{_BELOW}[0-9a-f]{{7,8}}:?[ \t]+[0-9a-f]"
)
_CELL: Final = re.compile(r"0x[0-9a-fA-F]{1,16}")


class Property(NamedTuple):
    """One property: where it stands, its name without the prefix, its value and where that is."""

    start: int
    end: int
    name: str
    value: int
    span: tuple[int, int]


def read(text: CaptureText) -> CaptureReading | None:
    """What the properties say; of one that a text shows with two values, nothing."""
    found = list(_properties(text))
    refused = [one for one in found if isinstance(one, Unreadable)]
    known = _agreed(one for one in found if isinstance(one, Property))
    if found:
        refused += (*not_readable(text, of_lists=True), *not_readable(text, of_lists=False))
    if not refused and not known.keys() - {"mmap-start"}:
        return None
    address = known.get("system-table")
    table = None
    if address:
        located = text.record(address.start, address.end, {"address": address.span})
        table = SystemTable(address=address.value, located=located)
    about = About(system_table=table, lines=tuple((p.start, p.end) for p in known.values()))
    result = reading(text, (), refused, DEVICE_TREE, about)
    platform = replace(result.platform, memory_map=_memory_map(text, known))
    return result._replace(platform=platform)


def _memory_map(text: CaptureText, known: dict[str, Property]) -> MemoryMap:
    """The map that the properties point to, without its contents."""
    fields = {
        "mmap-size": "size",
        "mmap-desc-size": "descriptor_size",
        "mmap-desc-ver": "descriptor_version",
    }
    shown = {field: known[name] for name, field in fields.items() if name in known}
    values = {field: one.value for field, one in shown.items()}
    spans = {field: one.span for field, one in shown.items()}
    first = min(shown.values(), default=None)
    start, end = (first.start, first.end) if first else (0, len(text.text))
    return MemoryMap(
        size=values.get("size"),
        descriptor_size=values.get("descriptor_size"),
        descriptor_version=values.get("descriptor_version"),
        located=text.record(start, end, spans),
    )


def _agreed(found: Iterable[Property]) -> dict[str, Property]:
    """The properties by name, without those that are told in two ways."""
    known: dict[str, Property] = {}
    doubtful: set[str] = set()
    for one in found:
        if known.setdefault(one.name, one).value != one.value:
            doubtful.add(one.name)
    return {name: one for name, one in known.items() if name not in doubtful}


def _properties(text: CaptureText) -> Iterator[Property | Unreadable]:
    for name in _NAME.finditer(text.text):
        if text.is_remark(name.start()):
            continue
        value, span = _value(text, name.end())
        if span is None:
            continue
        if value is None or value >> 8 * PROPERTIES[name[1]]:
            words = shortened(" ".join(text.text[slice(*span)].split()))
            what = f"`{words}`, which is no number of {PROPERTIES[name[1]]} bytes"
            if words.isdecimal():
                what = f"`{words}`, which may be decimal or hexadecimal"
            yield Unreadable(name.start(), span[1], what)
        else:
            yield Property(name.start(), span[1], name[1], value, span)


def _value(text: CaptureText, at: int) -> tuple[int | None, tuple[int, int] | None]:
    """What stands behind a name, and where; without a place when it is only mentioned."""
    number = _NUMBER.match(text.text, at) or _DIGITS.match(text.text, at)
    if number:
        return (None, None) if _is_mention(text, at) else _number(text, number)
    name = text.text[max(0, at - 64) : at].rpartition(PREFIX)[2]
    for form in (_CELLS, _ARRAY, _WORDS, _DUMPED):
        found = form.match(text.text, at)
        if found and found.lastindex:
            content = _bytes(found[found.lastindex]) if form is not _CELLS else _cells(found)
            known = len(content) == PROPERTIES[name]
            return int.from_bytes(content) if known else None, found.span(found.lastindex)
    if _LOOKS_LIKE.match(text.text, at):
        return None, (at, text.line_end(text.line_end(at) + 1))
    return None, None


def _is_mention(text: CaptureText, at: int) -> bool:
    """Whether the name that ends at an offset stands in a sentence, a remark, or another value.

    Before a property there is its path at most, and what a log or a mail puts before every line.
    """
    start = text.text.rfind(PREFIX, 0, at)
    before = text.text[max(text.line_start(start), start - 512) : start]
    words = before.removesuffix(before.split()[-1]) if before.endswith("/") else before
    words = words.rstrip(" \t\"'`({[,;>-")
    return "#" in before or bool(words and not _LINE_PREFIX.search(words))


def _number(text: CaptureText, label: re.Match[str]) -> tuple[int | None, tuple[int, int]]:
    """The number behind ``=`` or a colon, and where; of one nobody can tell, its words.

    Digits without ``0x`` are of base ten or sixteen: only one digit is the same in both.
    """
    if label.re is _DIGITS:
        return int(label[1]) if len(label[1]) == 1 else None, label.span(1)
    closed = _IN_LINE.match(text.text, label.end())
    if closed:
        return int(closed[1], 16), closed.span(1)
    value, span = number_at(text, label.end())
    if value is None and span[0] == span[1]:
        start = text.text.index("0x", label.end())
        span = start, min(text.line_end(start), start + 80)
    return value, span


def _bytes(words: str) -> bytes:
    """The bytes that words show; none where they cannot."""
    digits = "".join(words.replace(">", " ").split())
    return bytes.fromhex(digits) if re.fullmatch(rf"(?:{_BYTE})+", digits) else b""


def _cells(found: re.Match[str]) -> bytes:
    """The bytes of cells, of 32 bits each unless the source says 64; none where they cannot."""
    size = 8 if found["wide"] else 4
    each = found["cells"].split()
    if not all(_CELL.fullmatch(cell) and len(cell) <= 2 * size + 2 for cell in each):
        return b""
    return b"".join(int(cell, 16).to_bytes(size) for cell in each)


_MAGIC: Final = b"\xd0\x0d\xfe\xed"
_BEGIN_NODE, _END_NODE, _PROPERTY, _NO_OPERATION = 1, 2, 3, 4


def chosen_text(content: bytes) -> str | None:
    """The properties of a flattened device tree, a line each: ``chosen/linux,uefi-mmap-size:0x…``.

    ``None`` for bytes that are none, that are damaged, or that have no such property (Devicetree
    Specification 0.4, chapter 5).
    """
    if not content.startswith(_MAGIC):
        return None
    try:
        lines = [*_chosen_lines(content)]
    except (IndexError, ValueError):
        return None
    return "".join(lines) or None


def _chosen_lines(content: bytes) -> Iterator[str]:
    """The lines. Raises `IndexError` or `ValueError` where the tree points outside itself."""
    at, strings = _cell(content, 8), _cell(content, 12)
    path: list[bytes] = []
    while True:
        token, at = _cell(content, at), at + 4
        if token == _BEGIN_NODE:
            name = _string(content, at)
            path.append(name)
            at += len(name) + 4 & ~3
        elif token == _END_NODE:
            path.pop()
        elif token == _PROPERTY:
            length, name = _cell(content, at), _string(content, strings + _cell(content, at + 4))
            if path == [b"", b"chosen"]:
                yield shown_property(name.decode("ascii"), content[at + 8 : at + 8 + length])
            at += 8 + (length + 3 & ~3)
        elif token != _NO_OPERATION:
            return


def shown_property(name: str, value: bytes) -> str:
    """The line that shows a property; nothing for one that is not ours.

    One of another size than it has to be is shown as bytes, which can be read but not understood.
    """
    if not name.startswith(PREFIX) or name.removeprefix(PREFIX) not in PROPERTIES:
        return ""
    if len(value) != PROPERTIES[name.removeprefix(PREFIX)]:
        return f"chosen/{name} = [{value[:16].hex(' ')}]\n"
    return f"chosen/{name}:{int.from_bytes(value):#x}\n"


def _cell(content: bytes, at: int) -> int:
    if at + 4 > len(content):
        raise IndexError(at)
    return int.from_bytes(content[at : at + 4])


def _string(content: bytes, at: int) -> bytes:
    return content[at : content.index(0, at)]
