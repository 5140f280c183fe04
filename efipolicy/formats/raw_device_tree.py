"""A flattened device tree as raw memory: what its ``/chosen`` tells the kernel of UEFI."""

from __future__ import annotations

from efipolicy.formats.capture_reading import Unreadable
from efipolicy.formats.device_tree import PREFIX, PROPERTIES, chosen_text
from efipolicy.formats.dumped_memory import Memory
from efipolicy.formats.logical_lines import CaptureText
from efipolicy.model.declared import SystemTable
from efipolicy.model.memory_map import MemoryMap
from efipolicy.named_tuple import NamedTuple


class Tree(NamedTuple):
    """The system table and the map that a tree points to, and properties that cannot be meant."""

    system_table: SystemTable | None
    memory_map: MemoryMap
    refused: tuple[Unreadable, ...]


def device_tree(text: CaptureText, memory: Memory, content: bytes) -> Tree | None:
    """What a tree says of UEFI; ``None`` for one that says nothing or is not all there."""
    shown = chosen_text(content)
    if not shown:
        return None
    values: dict[str, int] = {}
    refused = []
    whole = memory.span(0, len(content))
    for line in shown.splitlines():
        name, found, digits = line.rpartition(PREFIX)[2].partition(":")
        if found:
            values[name] = int(digits, 16)
        else:
            size = PROPERTIES.get(name.partition(" ")[0], 8)
            refused.append(Unreadable(*whole, f"`{line}`, which is no number of {size} bytes"))
    places = {name: _place(memory, content, name, value) for name, value in values.items()}
    table = None
    if address := values.get("system-table"):
        at = places["system-table"]
        table = SystemTable(address=address, located=text.record(*at, {"address": at}))
    fields = {"size": "mmap-size", "descriptor_size": "mmap-desc-size"}
    fields["descriptor_version"] = "mmap-desc-ver"
    spans = {field: places[name] for field, name in fields.items() if name in places}
    memory_map = MemoryMap(
        size=values.get("mmap-size"),
        descriptor_size=values.get("mmap-desc-size"),
        descriptor_version=values.get("mmap-desc-ver"),
        located=text.record(*whole, spans),
    )
    return Tree(table, memory_map, tuple(refused))


def _place(memory: Memory, content: bytes, name: str, value: int) -> tuple[int, int]:
    """Where the value of a property stands; the whole tree where it is not the only such number."""
    number = value.to_bytes(PROPERTIES[name])
    if content.count(number) != 1:
        return memory.span(0, len(content))
    at = content.index(number)
    return memory.span(at, at + len(number))
