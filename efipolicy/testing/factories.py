"""Small platforms from the notation of examples, for tests that need no file.

A line is ``TYPE START PAGES [BITS…] [@VA]``. TYPE is a name of the specification or a number; the
bits are names without ``EFI_MEMORY_`` or one number; ``?`` stands for an attribute nobody knows.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from efipolicy.formats.platform import HEADER, PLATFORM_FILE
from efipolicy.model.efi import ATTRIBUTE_BITS, CONFIGURATION_TABLES, MEMORY_TYPES
from efipolicy.model.memory_map import MemoryAttributesTable, MemoryDescriptor, MemoryMap
from efipolicy.model.platform import (
    UNKNOWN_ARCHITECTURE,
    ArchitectureReason,
    ConfigurationTable,
    Platform,
    Revision,
)
from efipolicy.source import SourceText
from efipolicy.source.document import Mapping, Node, parse
from efipolicy.source.shape import Reading, Record

_GUIDS = {guid: name for name, guid in CONFIGURATION_TABLES.items()}


def descriptor(line: str, *, index: int = 0) -> MemoryDescriptor:
    """One descriptor, or one entry of a Memory Attributes Table.

    Raises `ValueError` for a line that does not follow the notation.
    """
    words = line.split()
    virtual_start = int(words.pop()[1:], 0) if words[-1:] and words[-1].startswith("@") else None
    if len(words) < 3:
        raise ValueError(f"`{line}`: a descriptor is TYPE START PAGES [BITS] [@VA]")
    kind, start, pages, *bits = words
    return MemoryDescriptor(
        index=index,
        type=_number(kind, MEMORY_TYPES, "a memory type"),
        physical_start=int(start, 0),
        number_of_pages=int(pages, 0),
        attribute=_attribute(bits),
        virtual_start=virtual_start,
    )


def memory_map(*lines: str, **fields: Any) -> MemoryMap:
    """A memory map of descriptors in this order: all of it, as the firmware gave it.

    ``fields`` are those of `MemoryMap`, and override that.
    """
    fields = {"extent": "whole", "origin": "firmware", "descriptor_version": 1, **fields}
    return MemoryMap(descriptors=_descriptors(lines), **fields)


def memory_attributes_table(*lines: str, **fields: Any) -> MemoryAttributesTable:
    """A whole Memory Attributes Table; ``fields`` are those of `MemoryAttributesTable`."""
    fields = {"extent": "whole", **fields}
    return MemoryAttributesTable(entries=_descriptors(lines), **fields)


def configuration_table(line: str) -> ConfigurationTable:
    """A configuration table: ``NAME-OR-GUID ADDRESS [LENGTH] [boot|runtime]``, length in bytes.

    Raises `ValueError` for a line that does not follow the notation.
    """
    words = line.split()
    loaded: Any = words.pop() if words[-1:] and words[-1] in ("boot", "runtime") else None
    if len(words) not in (2, 3):
        raise ValueError(f"`{line}`: a table is NAME ADDRESS [LENGTH] [boot|runtime]")
    guid = CONFIGURATION_TABLES.get(words[0], words[0].lower())
    return ConfigurationTable(
        name=_GUIDS.get(guid),
        guid=guid,
        address=int(words[1], 0),
        length=int(words[2], 0) if len(words) == 3 else None,
        loaded=loaded,
    )


def platform(
    *lines: str,
    name: str = "example",
    architecture: str = UNKNOWN_ARCHITECTURE,
    uefi: str | None = None,
    memory_attributes_table: Iterable[str] | None = None,
    configuration_tables: Iterable[str] | None = None,
    sections: str = "",
    **fields: Any,
) -> Platform:
    """A platform with this memory map; what is not given is not known.

    ``fields`` with a name of `MemoryMap` (extent, origin, descriptor_version, …) go into the map,
    the others are those of `Platform`. ``sections`` is YAML of further top-level keys of the
    platform file, and of keys of its ``platform:``; what it gives replaces the argument of that
    name. Raises `ValueError` for YAML that no platform file may hold.
    """
    fields |= _sections(sections)
    of_the_map = {key: fields.pop(key) for key in _MAP_FIELDS & fields.keys()}
    values: dict[str, Any] = {
        "name": name,
        "architecture": architecture,
        "architecture_reason": ArchitectureReason(kind="stated", evidence="the example"),
        "uefi": Revision.parse(uefi) if uefi else None,
        "memory_map": memory_map(*lines, **of_the_map),
        "memory_attributes_table": _table(memory_attributes_table),
        "configuration_tables": None
        if configuration_tables is None
        else tuple(map(configuration_table, configuration_tables)),
    }
    return Platform(**values | fields)


def _sections(text: str) -> dict[str, Any]:
    """The values of top-level sections written as YAML."""
    node, errors = parse(SourceText("example", text)) if text.strip() else (None, [])
    reading = Reading()
    values: dict[str, Any] = {}
    if isinstance(node, Mapping):
        for name, (key, value) in node.entries.items():
            if name == "platform" and isinstance(value, Mapping):
                for inner, (inner_key, inner_value) in value.entries.items():
                    values |= _field(HEADER, inner, inner_key, inner_value, reading)
            else:
                values |= _field(PLATFORM_FILE, name, key, value, reading)
    for error in (*errors, *reading.errors):
        raise ValueError(f"the sections of an example: {error}")
    return values


def _field(record: Record, name: str, key: Node, value: Node, reading: Reading) -> dict[str, Any]:
    field = record.fields.get(name)
    if field is None:
        reading.refuse(key, f"the unknown key `{name}`", f"a key of {record.name}")
        return {}
    return {name: field.shape.read(value, reading)}


_MAP_FIELDS = MemoryMap.__dataclass_fields__.keys() - {"descriptors", "located"}


def _table(lines: Iterable[str] | None) -> MemoryAttributesTable | None:
    return None if lines is None else memory_attributes_table(*lines)


def _descriptors(lines: Iterable[str]) -> tuple[MemoryDescriptor, ...]:
    return tuple(descriptor(line, index=index) for index, line in enumerate(lines))


def _attribute(bits: list[str]) -> int | None:
    if bits == ["?"]:
        return None
    attribute = 0
    for word in bits:
        attribute |= _number(word, ATTRIBUTE_BITS, "an attribute bit")
    return attribute


def _number(word: str, names: dict[str, int], what: str) -> int:
    if word in names:
        return names[word]
    try:
        return int(word, 0)
    except ValueError:
        raise ValueError(
            f"`{word}` is not {what}: a name of the specification or a number"
        ) from None
