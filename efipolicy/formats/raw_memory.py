"""GetMemoryMap buffers, tables of UEFI and flattened device trees as raw memory.

What the bytes of a hex dump are is told by their content: a table by its header, a memory map,
which has none, by a distance at which every record is a plausible descriptor. A dump that is none
of these is passed over.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from efipolicy.formats.capture_reading import Unreadable
from efipolicy.formats.descriptor_bytes import (
    DESCRIPTOR,
    DEVICE_TREE,
    attributes_header,
    descriptor_places,
    resembles_descriptors,
    supported_services,
)
from efipolicy.formats.dump_characters import AS_PRINTED, REVERSED
from efipolicy.formats.dump_runs import memories
from efipolicy.formats.dumped_memory import Memory
from efipolicy.formats.logical_lines import CaptureText
from efipolicy.formats.printed_maps import About, PrintedMap, reading
from efipolicy.formats.raw_maps import MAP, memory_map
from efipolicy.formats.raw_tables import Table, attributes_table, runtime_properties
from efipolicy.model.declared import RuntimeProperties
from efipolicy.model.memory_map import MemoryAttributesTable
from efipolicy.named_tuple import NamedTuple
from efipolicy.plugin.types import CaptureReading

if TYPE_CHECKING:
    from efipolicy.formats.raw_device_tree import Tree

ATTRIBUTES: Final = "raw-memory-attributes-table"
PROPERTIES: Final = "raw-rt-properties"
TREE: Final = "raw-device-tree"

_SMALLEST: Final = 8
"""Bytes of the smallest table."""


class _Found(NamedTuple):
    """What memory holds, and what of it could not be read; ``ended`` if nothing can follow it."""

    memory_map: PrintedMap | None = None
    table: Table | None = None
    tree: Tree | None = None
    refused: tuple[Unreadable, ...] = ()
    ended: bool = False


def read(text: CaptureText) -> CaptureReading | None:
    """What the hex dumps of a text say of a platform."""
    runs = memories(text)
    alone = sum(len(memory) >= DESCRIPTOR.size for memory in runs) <= 1
    found: dict[Memory, _Found] = {}
    for memory in runs:
        here = _judged(text, memory, found, alone=alone)
        if here:
            found[memory] = here
    if not found:
        return None
    return _reading(text, found)


def _judged(
    text: CaptureText, memory: Memory, found: dict[Memory, _Found], *, alone: bool
) -> _Found | None:
    before = found.get(memory.before) if memory.before is not None else None
    if len(memory) < _SMALLEST and not before:
        return None
    if memory.why and not (before and before.ended):
        if not before and not _looks_like_memory(memory):
            return None
        first = memory.lines[0]
        return _Found(refused=(Unreadable(first.start, first.end, memory.why),))
    kinds = {order: _kind(text, memory, order, alone=alone) for order in memory.orders}
    order = _order(memory, kinds)
    if order:
        memory.ordered(order)
        return kinds[order]
    if not (any(kinds.values()) or (not kinds and _looks_like_memory(memory))):
        return None
    what = "a hex dump whose order of bytes cannot be told"
    return _Found(refused=(Unreadable(*memory.span(0, len(memory)), what),))


def _order(memory: Memory, kinds: dict[int, _Found | None]) -> int | None:
    """The order of bytes in which the memory holds something, if only one can be meant.

    A header proves it; descriptors do where the other order makes fewer of them.
    """
    tables = [order for order, kind in kinds.items() if kind and (kind.table or kind.tree)]
    if len(tables) == 1:
        return tables[0]
    if len(kinds) == 1:
        return next((order for order, kind in kinds.items() if kind), None)
    places = {order: len(descriptor_places(memory.ordered(order))) for order in kinds}
    best = max(places, key=lambda order: places[order], default=None)
    if best is None or any(places[best] == places[order] for order in places if order != best):
        return None
    return best if kinds[best] else None


def _kind(text: CaptureText, memory: Memory, order: int, *, alone: bool) -> _Found | None:
    """What the memory is with its bytes in some order."""
    content = memory.ordered(order)
    if content.startswith(DEVICE_TREE):
        from efipolicy.formats.raw_device_tree import device_tree

        tree = device_tree(text, memory, content)
        return _Found(tree=tree, refused=tree.refused) if tree else None
    table = attributes_table(text, memory, content) or runtime_properties(text, memory, content)
    if table:
        return _Found(table=table, refused=table.refused, ended=not table.refused)
    found = memory_map(text, memory, content, alone=alone)
    return _Found(memory_map=found.printed, refused=found.refused) if found else None


def _looks_like_memory(memory: Memory) -> bool:
    """Whether memory that is not to be read may hold what could be missed."""
    return any(
        resembles_descriptors(content, anywhere=True)
        or attributes_header(content) is not None
        or supported_services(content) is not None
        for content in map(memory.ordered, (AS_PRINTED, REVERSED))
    )


def _reading(text: CaptureText, found: dict[Memory, _Found]) -> CaptureReading:
    """The platform that all of it is about; of several tables the first that is whole."""
    kept, lines = _without_copies(found)
    maps = [one.memory_map for one in kept if one.memory_map]
    tables = [one.table.value for one in kept if one.table]
    attributes = [one for one in tables if isinstance(one, MemoryAttributesTable)]
    properties = [one for one in tables if isinstance(one, RuntimeProperties)]
    tree = next((one.tree for one in kept if one.tree), None)
    about = About(
        attributes_table=min(attributes, key=lambda one: one.extent != "whole", default=None),
        runtime_properties=next(iter(properties), None),
        system_table=tree.system_table if tree else None,
        lines=tuple(lines),
    )
    refused = [line for one in kept for line in one.refused]
    known = {ATTRIBUTES: attributes, PROPERTIES: properties, TREE: tree}
    dialect = next((name for name, found in known.items() if found), MAP)
    result = reading(text, maps, refused, dialect, about)
    if not maps:
        return _with_tree(result, tree) if tree else result
    # The same map as a kernel or a shell prints it says more, and takes one line an entry.
    entries = len(result.platform.memory_map.descriptors)
    return result._replace(understood=min(result.understood, entries - 1))


def _with_tree(result: CaptureReading, tree: Tree) -> CaptureReading:
    """The reading with what a device tree says of the map that it points to."""
    return result._replace(platform=replace(result.platform, memory_map=tree.memory_map))


def _without_copies(
    found: dict[Memory, _Found],
) -> tuple[list[_Found], list[tuple[int, int]]]:
    """What was found, a dump printed twice only once, and the lines of tables and of copies."""
    kept: dict[tuple[int, bytes], _Found] = {}
    lines: list[tuple[int, int]] = []
    for memory, one in found.items():
        key = (memory.address, memory.ordered(memory.order))
        if key in kept:
            lines.append(memory.span(0, len(memory)))
            continue
        kept[key] = one
        if one.table:
            lines.append(memory.span(0, one.table.size))
        if one.tree:
            lines.append(memory.span(0, len(memory)))
        if memory.ending:
            lines.append(memory.ending)
    return list(kept.values()), lines
