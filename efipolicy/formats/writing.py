"""Write a platform file: what `efipolicy import` makes of a capture.

The text reads back to an equal platform, and each descriptor keeps the line it came from as a
comment. Only the part of the line that was understood is kept: prefixes hold host names.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from efipolicy.formats.platform_values import FORMAT_VERSION
from efipolicy.model.declared import RuntimeProperties, SystemTable
from efipolicy.model.efi import ATTRIBUTE_BITS, type_name
from efipolicy.model.memory_map import MemoryAttributesTable, MemoryDescriptor, MemoryMap
from efipolicy.model.platform import Capture, ConfigurationTable, Firmware, Platform
from efipolicy.source import Located

_PLAIN: Final = re.compile(r"[A-Za-z][A-Za-z0-9_./+-]*(?: [A-Za-z0-9_./+()-]+)*")
_SPECIAL: Final = re.compile(r"(?i)(?:y|n|yes|no|on|off|true|false|null|none)")
_UNWRITTEN: Final = (
    "acpi_tables",
    "conformance_profiles",
    "hardware",
    "allocations",
    "boot_page_tables",
    "mapping",
    "handover",
    "firmware_accesses",
    "accept",
)
_LONGEST_ORIGIN: Final = 160


def platform_text(platform: Platform) -> str:
    """The platform as a platform file.

    Raises `ValueError` for a section that no capture has and that would otherwise be lost.
    """
    for section in _UNWRITTEN:
        if getattr(platform, section):
            raise ValueError(f"the section `{section}` cannot be written from a capture")
    lines = [
        *_head_comment(platform),
        f"efipolicy: {FORMAT_VERSION}",
        *_header(platform),
        *_memory_map(platform.memory_map),
    ]
    if platform.memory_attributes_table is not None:
        lines += _memory_attributes_table(platform.memory_attributes_table)
    if platform.configuration_tables is not None:
        lines += _configuration_tables(platform.configuration_tables)
        if platform.configuration_tables_extent != "whole":
            lines.append(f"configuration_tables_extent: {platform.configuration_tables_extent}")
    for section in ("runtime_properties", "system_table"):
        declared = getattr(platform, section)
        if declared is not None:
            lines += [f"{section}: {_flow(declared)}"]
    return "\n".join(lines) + "\n"


def _head_comment(platform: Platform) -> Iterator[str]:
    capture = platform.capture
    if capture is None:
        return
    origin = "a capture"
    if capture.located is not None:
        origin = _comment(capture.located.span.path.replace("\\", "/").rpartition("/")[2])
    yield f"# Imported from {origin}, format {capture.dialect}. A comment behind an entry holds"
    yield "# the number and the words of the line it was read from."
    for line in capture.unreadable:
        span = line.located.span
        yield f"# Not read: line {span.line}, {_comment(line.what)}: {_comment(span.text)}"
    if capture.other_maps:
        yield f"# Left out: {_count(capture)} of the same text."


def _count(capture: Capture) -> str:
    number = len(capture.other_maps)
    return "another memory map" if number == 1 else f"{number} other memory maps"


def _header(platform: Platform) -> Iterator[str]:
    reason = platform.architecture_reason
    yield "platform:"
    yield f"  name: {quoted(platform.name)}"
    if platform.title is not None:
        yield f"  title: {quoted(platform.title)}"
    yield f"  architecture: {quoted(platform.architecture)}"
    yield f"  architecture_reason: {{kind: {reason.kind}, evidence: {quoted(reason.evidence)}}}"
    if platform.uefi is not None:
        yield f'  uefi: "{platform.uefi}"'
    if platform.firmware is not None:
        yield f"  firmware: {_firmware(platform.firmware)}"


def _firmware(firmware: Firmware) -> str:
    parts = []
    if firmware.vendor is not None:
        parts.append(f"vendor: {quoted(firmware.vendor)}")
    if firmware.version is not None:
        parts.append(f"version: {quoted(firmware.version)}")
    if firmware.exercised:
        parts.append(f"exercised: [{', '.join(firmware.exercised)}]")
    if firmware.bits is not None:
        parts.append(f"bits: {firmware.bits}")
    return "{" + ", ".join(parts) + "}"


def _memory_map(memory_map: MemoryMap) -> Iterator[str]:
    yield "memory_map:"
    for key in ("descriptor_version", "descriptor_size", "size", "map_key"):
        value = getattr(memory_map, key)
        if value is not None:
            yield f"  {key}: {value}"
    yield f"  extent: {memory_map.extent}"
    if memory_map.missing:
        gaps = ", ".join(f"[{first}, {last}]" for first, last in memory_map.missing)
        yield f"  missing: [{gaps}]"
    yield f"  origin: {memory_map.origin}"
    yield from _descriptors("descriptors", memory_map.descriptors)


def _memory_attributes_table(table: MemoryAttributesTable) -> Iterator[str]:
    yield "memory_attributes_table:"
    for key in ("version", "number_of_entries", "descriptor_size", "flags"):
        value = getattr(table, key)
        if value is not None:
            yield f"  {key}: {value}"
    if table.address is not None:
        yield f"  address: {table.address:#x}"
    yield f"  extent: {table.extent}"
    yield from _descriptors("entries", table.entries)


def _descriptors(key: str, descriptors: Sequence[MemoryDescriptor]) -> Iterator[str]:
    """One a line, the columns aligned."""
    if not descriptors:
        yield f"  {key}: []"
        return
    yield f"  {key}:"
    physical = _digits([one.physical_start for one in descriptors])
    virtual = _digits([one.virtual_start or 0 for one in descriptors])
    pages = max(len(f"{one.number_of_pages:#x}") for one in descriptors)
    rows = [_columns(one, physical, virtual, pages) for one in descriptors]
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    for row, descriptor in zip(rows, descriptors, strict=True):
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True) if width]
        last = max(place for place, cell in enumerate(cells) if cell.strip())
        cells[last] = cells[last].rstrip().rstrip(",")
        line = f"    - {{{' '.join(cells[: last + 1])}}}"
        room = sum(widths) + len(cells) + 6
        yield f"{line.ljust(room)}{_origin(descriptor.located)}".rstrip()


def _digits(addresses: Sequence[int]) -> int:
    """Hexadecimal digits that hold each of the addresses, at least eight."""
    return max(8, *(len(f"{address:x}") for address in addresses))


def _columns(one: MemoryDescriptor, physical: int, virtual: int, pages: int) -> list[str]:
    """The keys of a descriptor, each with its comma; an empty cell for an absent one."""
    start, attribute = one.virtual_start, one.attribute
    return [
        f"type: {type_name(one.type)},",
        f"physical_start: 0x{one.physical_start:0{physical}x},",
        f"virtual_start: 0x{start:0{virtual}x}," if start is not None else "",
        f"pages: {f'{one.number_of_pages:#x}'.rjust(pages)},",
        f"attribute: {_attribute(attribute)}," if attribute is not None else "",
        f"note: {quoted(one.note)}," if one.note is not None else "",
    ]


def _attribute(attribute: int) -> str:
    """The bits by name when each has one, else the word."""
    names = [name for name, bit in ATTRIBUTE_BITS.items() if attribute & bit]
    if sum(ATTRIBUTE_BITS[name] for name in names) == attribute:
        return f"[{', '.join(names)}]"
    return f"{attribute:#018x}"


def _configuration_tables(tables: Sequence[ConfigurationTable]) -> Iterator[str]:
    if not tables:
        yield "configuration_tables: []"
        return
    yield "configuration_tables:"
    for table in tables:
        known = table.name is not None
        parts = [f"table: {table.name}" if known else f"guid: {table.guid}"]
        parts.append(f"address: {table.address:#x}")
        if table.length is not None:
            parts.append(f"length: {table.length}")
        if table.loaded is not None:
            parts.append(f"loaded: {table.loaded}")
        if table.after_set_virtual_address_map is not None:
            after = table.after_set_virtual_address_map
            parts.append(f"after_set_virtual_address_map: {after:#x}")
        yield f"  - {{{', '.join(parts)}}}{_origin(table.located)}"


def _flow(declared: RuntimeProperties | SystemTable) -> str:
    """A section of numbers, or of names and numbers, on one line."""
    return _braces({key: value for key, value in vars(declared).items() if key != "located"})


def _braces(values: Mapping[str, Any]) -> str:
    parts = [
        f"{key}: {_braces(value) if isinstance(value, Mapping) else f'{value:#x}'}"
        for key, value in values.items()
        if value is not None
    ]
    return "{" + ", ".join(parts) + "}"


def _origin(located: Located | None) -> str:
    """The comment behind an entry: the line it was read from, without what preceded it."""
    if located is None:
        return ""
    span = located.span
    return f"  # {span.line}: {_comment(span.text)}"


def _comment(text: str) -> str:
    """Words for a comment: one line, printable, not endless."""
    words = re.sub(r"[ \t]*[\r\n][\s>]*", " ", text).replace("\t", " ").strip()
    words = "".join(character if character.isprintable() else "?" for character in words)
    return words if len(words) <= _LONGEST_ORIGIN else words[: _LONGEST_ORIGIN - 1] + "…"


def quoted(text: str) -> str:
    """The text as a YAML scalar: plain where no reader could take it for anything else."""
    if _PLAIN.fullmatch(text) and not _SPECIAL.fullmatch(text):
        return text
    characters = []
    for character in text:
        if character in '"\\':
            characters.append("\\" + character)
        elif character.isprintable():
            characters.append(character)
        else:
            characters.append(f"\\U{ord(character):08X}")
    return '"' + "".join(characters) + '"'
