"""Lists of memory descriptors as the platform file writes them: one a line, in columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from efipolicy.formats.platform_map import DESCRIPTOR
from efipolicy.formats.written_origins import origin
from efipolicy.formats.written_values import flow, stated
from efipolicy.model.memory_map import MemoryDescriptor


def descriptor_lines(
    key: str, descriptors: Sequence[MemoryDescriptor], indent: str, *, origins: bool
) -> Iterator[str]:
    """The key with its descriptors below; ``origins`` puts behind each what it was read from."""
    if not descriptors:
        yield f"{indent}{key}: []"
        return
    yield f"{indent}{key}:"
    digits = _digits(descriptors)
    pages = max(len(f"{one.number_of_pages:#x}") for one in descriptors)
    rows = [_cells(one, digits, pages) for one in descriptors]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    room = len(indent) + sum(widths) + sum(map(bool, widths)) + 4
    for row, descriptor in zip(rows, descriptors, strict=True):
        line = f"{indent}  - {{{_columns(row, widths)}}}"
        behind = origin(descriptor) if origins else ""
        yield f"{line.ljust(room)}{behind}" if behind else line


def _columns(row: Sequence[str], widths: Sequence[int]) -> str:
    """The cells, each as wide as its column, without the comma behind the last."""
    padded = [cell.ljust(width) for cell, width in zip(row, widths, strict=True) if width]
    return " ".join(padded).rstrip().removesuffix(",")


def _digits(descriptors: Sequence[MemoryDescriptor]) -> dict[str, int]:
    """The digits of each number that stands in a column; at least eight of an address."""
    physical = max(len(f"{one.physical_start:x}") for one in descriptors)
    virtual = max(len(f"{one.virtual_start or 0:x}") for one in descriptors)
    return {"physical_start": max(8, physical), "virtual_start": max(8, virtual)}


def _cells(one: MemoryDescriptor, digits: dict[str, int], pages: int) -> list[str]:
    """The keys of a descriptor, each with its comma; an empty cell for an absent one."""
    given = {field.name: (field.shape, value) for field, value in stated(DESCRIPTOR, one)}
    cells = []
    for name in DESCRIPTOR.fields:
        if name not in given:
            cells.append("")
            continue
        shape, value = given[name]
        text = f"0x{value:0{digits[name]}x}" if name in digits else flow(shape, value, name)
        cells.append(f"{name}: {text.rjust(pages) if name == 'pages' else text},")
    return cells
