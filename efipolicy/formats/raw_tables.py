"""The Memory Attributes Table and the table of runtime properties as raw memory.

Layouts: UEFI 2.10, 4.6.4 and 4.6.2. Version 2 of the first gave its reserved word a meaning.
"""

from __future__ import annotations

from typing import Final

from efipolicy.formats.capture_reading import Unreadable
from efipolicy.formats.descriptor_bytes import (
    DESCRIPTOR,
    FIELDS,
    HEADER_SIZE,
    AttributesHeader,
    attributes_header,
    supported_services,
)
from efipolicy.formats.dumped_memory import Memory, around
from efipolicy.formats.logical_lines import CaptureText
from efipolicy.model.declared import RuntimeProperties
from efipolicy.model.memory_map import Extent, MemoryAttributesTable, MemoryDescriptor
from efipolicy.named_tuple import NamedTuple

FILE_OFFSETS: Final = 0x1000
"""Bytes. An address below is an offset in a file, no place in memory: nothing is kept there."""

_HEADER_FIELDS: Final = {
    "version": (0, 4),
    "number_of_entries": (4, 8),
    "descriptor_size": (8, 12),
    "flags": (12, 16),
}
_PROPERTIES_FIELDS: Final = {"version": (0, 2), "length": (2, 4), "supported": (4, 8)}


class Table(NamedTuple):
    """A table, how many bytes of the memory it is, and what could not be read of it."""

    value: MemoryAttributesTable | RuntimeProperties
    size: int
    refused: tuple[Unreadable, ...] = ()


def descriptor_at(
    text: CaptureText, memory: Memory, content: bytes, at: int, index: int
) -> MemoryDescriptor:
    """The descriptor whose record starts at an offset, whatever it says."""
    memory_type, start, virtual, pages, attribute = DESCRIPTOR.unpack_from(content, at)
    places = memory.places(at, at + DESCRIPTOR.size)
    fields = {name: around(places[first:after]) for name, first, after in FIELDS}
    return MemoryDescriptor(
        index=index,
        type=memory_type,
        physical_start=start,
        virtual_start=virtual,
        number_of_pages=pages,
        attribute=attribute,
        located=text.record(*around(places), fields),
    )


def attributes_table(text: CaptureText, memory: Memory, content: bytes) -> Table | None:
    """The Memory Attributes Table that the bytes begin with, its entries as far as they go.

    It is whole where the bytes end with it or zeros follow. Its address is that of the dump.
    """
    header = attributes_header(content)
    if header is None:
        return None
    there = (len(content) - HEADER_SIZE) // header.descriptor_size
    entries = tuple(
        descriptor_at(text, memory, content, HEADER_SIZE + index * header.descriptor_size, index)
        for index in range(min(header.number_of_entries, there))
    )
    size = min(header.size, len(content))
    refused = _amiss(memory, content, header)
    extent: Extent = "partial" if refused else "whole"
    fields = {name: memory.span(*place) for name, place in _HEADER_FIELDS.items()}
    table = MemoryAttributesTable(
        entries=entries,
        version=header.version,
        number_of_entries=header.number_of_entries,
        descriptor_size=header.descriptor_size,
        flags=header.flags,
        address=memory.address if memory.address >= FILE_OFFSETS else None,
        extent=extent,
        located=text.record(*memory.span(0, size), fields),
    )
    return Table(table, size, refused)


def _amiss(memory: Memory, content: bytes, header: AttributesHeader) -> tuple[Unreadable, ...]:
    counted = (
        f"the {header.number_of_entries} entries of {header.descriptor_size} bytes that the header "
        f"of the Memory Attributes Table counts"
    )
    missing = header.size - len(content)
    if missing > 0:
        last = memory.span(len(content) - 1, len(content))
        return (Unreadable(*last, f"{missing} bytes are missing of {counted}"), *memory.faults)
    behind = content[header.size :]
    if behind.strip(b"\0"):
        rest = memory.span(header.size, len(content))
        return (Unreadable(*rest, f"{len(behind)} bytes behind {counted}"), *memory.faults)
    return memory.faults


def runtime_properties(text: CaptureText, memory: Memory, content: bytes) -> Table | None:
    """The table of the runtime services that firmware supports at run time."""
    supported = supported_services(content)
    if supported is None:
        return None
    size = _PROPERTIES_FIELDS["supported"][1]
    fields = {name: memory.span(*place) for name, place in _PROPERTIES_FIELDS.items()}
    located = text.record(*memory.span(0, size), fields)
    value = RuntimeProperties(version=1, length=size, supported=supported, located=located)
    return Table(value, size, memory.faults)
