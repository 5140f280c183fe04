"""The complete fact of a row, as a pointer or a screen reader gets it."""

from __future__ import annotations

from efipolicy.drawing.ladder import LadderRow, type_counts
from efipolicy.drawing.notation import address_text, counted, type_style
from efipolicy.model.address import size_text


def span(row: LadderRow, groups: int) -> str:
    """The addresses of a row."""
    start, end = (address_text(at, groups) for at in (row.drawn.start, row.drawn.end))
    return f"{start} to {end}"


def region_title(row: LadderRow, groups: int) -> str:
    """Index, type, place, size and attribute of a descriptor."""
    descriptor = row.descriptors[0]
    physical = descriptor.physical
    attribute = (
        "attribute not stated"
        if descriptor.attribute is None
        else f"attribute {address_text(descriptor.attribute, 4)}"
    )
    start, end = (address_text(at, groups) for at in (physical.start, physical.end))
    pages = counted(descriptor.number_of_pages, "page")
    label = type_style(descriptor.type).label
    return (
        f"mem{descriptor.index}: {label}, {start} to {end} "
        f"({size_text(physical.size)}, {pages}), {attribute}"
    )


def run_title(row: LadderRow, groups: int) -> str:
    """What a run holds."""
    indices = [descriptor.index for descriptor in row.descriptors]
    return (
        f"mem{min(indices)} to mem{max(indices)}: {len(indices)} collapsed, "
        f"{span(row, groups)} ({size_text(row.size)}): {type_counts(row.descriptors)}"
    )


def mat_title(row: LadderRow, groups: int) -> str:
    """What an entry of the Memory Attributes Table says, or how many there are."""
    if len(row.entries) > 1:
        return f"{len(row.entries)} entries of the Memory Attributes Table"
    entry = row.entries[0]
    return (
        f"Memory Attributes Table, entry {entry.index}: {type_style(entry.type).label}, "
        f"{span(row, groups)} ({size_text(row.size)}), {entry.attribute_text}"
    )


def hole_title(row: LadderRow, groups: int) -> str:
    """Where nothing is described."""
    return f"no descriptor: {span(row, groups)} ({size_text(row.size)})"


def overlap_title(row: LadderRow, groups: int) -> str:
    """What is described more than once."""
    return f"overlap: {span(row, groups)} ({size_text(row.size)}) is described twice"
