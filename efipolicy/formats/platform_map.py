"""The platform file's memory map and Memory Attributes Table."""

from __future__ import annotations

from typing import Any, Final

from efipolicy.formats.platform_values import ADDRESS, COUNT, TEXT, Gaps
from efipolicy.model.efi import ATTRIBUTE_BITS, MEMORY_TYPES
from efipolicy.model.memory_map import MemoryAttributesTable, MemoryDescriptor, MemoryMap
from efipolicy.source.document import Mapping
from efipolicy.source.shape import Bits, Choice, Field, ListOf, Number, Record

MEMORY_TYPE: Final = Number(
    MEMORY_TYPES,
    bits=32,
    phrase="a memory type: a name of the specification such as `EfiRuntimeServicesCode`, "
    "or a 32-bit number",
)
ATTRIBUTE: Final = Bits(
    ATTRIBUTE_BITS,
    bits=64,
    phrase="a list of bit names such as [RUNTIME, WB], or a 64-bit number",
)


def _descriptor(node: Mapping, values: dict[str, Any]) -> MemoryDescriptor:
    return MemoryDescriptor(
        index=-1,
        type=values["type"],
        physical_start=values["physical_start"],
        number_of_pages=values["pages"],
        attribute=values.get("attribute"),
        virtual_start=values.get("virtual_start"),
        note=values.get("note"),
        located=node,
    )


DESCRIPTOR: Final = Record(
    "a memory descriptor",
    "One EFI_MEMORY_DESCRIPTOR.",
    (
        Field("type", MEMORY_TYPE, "EFI_MEMORY_TYPE, by name or number", required=True),
        Field("physical_start", ADDRESS, "physical address of the first byte", required=True),
        Field("virtual_start", ADDRESS, "virtual address as the source printed it"),
        Field("pages", ADDRESS, "number of EFI pages (4 KiB each)", required=True),
        Field("attribute", ATTRIBUTE, "attribute bits; absent where the source does not say"),
        Field("note", TEXT, "a remark for readers"),
    ),
    _descriptor,
)


def numbered(
    descriptors: tuple[MemoryDescriptor, ...], missing: tuple[tuple[int, int], ...] = ()
) -> tuple[MemoryDescriptor, ...]:
    """Give each descriptor the index it was reported with: its place, missing ones counted."""
    gaps = dict(missing)
    index = 0
    for descriptor in descriptors:
        while index in gaps:
            index = gaps.pop(index) + 1
        object.__setattr__(descriptor, "index", index)
        index += 1
    return descriptors


def _memory_map(node: Mapping, values: dict[str, Any]) -> MemoryMap:
    return MemoryMap(
        descriptors=numbered(values["descriptors"], values.get("missing", ())),
        descriptor_version=values.get("descriptor_version"),
        descriptor_size=values.get("descriptor_size"),
        size=values.get("size"),
        map_key=values.get("map_key"),
        extent=values.get("extent", "unknown"),
        missing=values.get("missing", ()),
        origin=values.get("origin", "unknown"),
        located=node,
    )


def _memory_attributes_table(node: Mapping, values: dict[str, Any]) -> MemoryAttributesTable:
    return MemoryAttributesTable(
        entries=numbered(values["entries"]),
        version=values.get("version"),
        number_of_entries=values.get("number_of_entries"),
        descriptor_size=values.get("descriptor_size"),
        flags=values.get("flags"),
        address=values.get("address"),
        extent=values.get("extent", "whole"),
        located=node,
    )


MEMORY_MAP: Final = Record(
    "memory_map",
    "What GetMemoryMap returned.",
    (
        Field("descriptor_version", COUNT, "version of the descriptor format"),
        Field("descriptor_size", COUNT, "bytes from one descriptor to the next"),
        Field("size", ADDRESS, "bytes of the buffer"),
        Field("map_key", ADDRESS, "the key that GetMemoryMap returned with this map"),
        Field(
            "extent",
            Choice("whole", "partial", "unknown"),
            "whether these are all descriptors; absence can be judged on a whole map only",
        ),
        Field(
            "missing",
            Gaps(),
            "gaps in the indices, both ends included",
        ),
        Field(
            "origin",
            Choice("firmware", "kernel-edited", "kexec", "unknown"),
            "whose list it is, and so whom a finding may blame",
        ),
        Field(
            "descriptors",
            ListOf(DESCRIPTOR, phrase="a list of memory descriptors"),
            "in the order they were reported: the order is evidence",
            required=True,
        ),
    ),
    _memory_map,
)

MEMORY_ATTRIBUTES_TABLE: Final = Record(
    "memory_attributes_table",
    "EFI_MEMORY_ATTRIBUTES_TABLE.",
    (
        Field("version", COUNT, "1 up to UEFI 2.9, 2 since 2.10"),
        Field("number_of_entries", COUNT, "how many entries its header states"),
        Field("descriptor_size", COUNT, "bytes from one entry to the next"),
        Field("flags", COUNT, "reserved in version 1"),
        Field("address", ADDRESS, "physical address of the table"),
        Field(
            "extent",
            Choice("whole", "partial", "unknown"),
            "whether these are all entries; `whole` unless said otherwise",
        ),
        Field(
            "entries",
            ListOf(DESCRIPTOR, phrase="a list of memory descriptors"),
            "the entries in their order",
            required=True,
        ),
    ),
    _memory_attributes_table,
)
