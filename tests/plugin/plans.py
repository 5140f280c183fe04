"""Platforms made of a few descriptors, and what strategies make of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from efipolicy.engine.planned import Planned
from efipolicy.engine.planning import PlanChoice, planned
from efipolicy.formats.recognition import recognise
from efipolicy.model.address import size_text
from efipolicy.model.mapping import MappingPlan
from efipolicy.model.memory_map import MemoryAttributesTable, MemoryDescriptor, MemoryMap
from efipolicy.model.platform import ArchitectureReason, Platform
from efipolicy.paging.tables import PageTables
from efipolicy.plugin.registry import Registry
from efipolicy.source import SourceText

RUNTIME = 0x8000_0000_0000_0000
RO = 0x20000
XP = 0x4000
WB = 8
MIB = 1 << 20

Row = tuple[int, int, int, int]
"""Type, start, bytes, attribute."""


def descriptors_of(rows: Iterable[Row]) -> tuple[MemoryDescriptor, ...]:
    """The descriptors of some rows."""
    return tuple(
        MemoryDescriptor(
            index=index,
            type=type,
            physical_start=start,
            number_of_pages=size // 0x1000,
            attribute=attribute,
        )
        for index, (type, start, size, attribute) in enumerate(rows)
    )


def platform_of(
    regions: Sequence[Row],
    extent: Any = "unknown",
    *,
    architecture: str = "x86_64",
    attributes: Iterable[Row] | None = None,
    **more: Any,
) -> Platform:
    """A platform with a memory map, and a Memory Attributes Table where one is given."""
    table = None
    if attributes is not None:
        table = MemoryAttributesTable(entries=descriptors_of(attributes))
    return Platform(
        name="p",
        architecture=architecture,
        architecture_reason=ArchitectureReason(kind="stated", evidence="test"),
        memory_map=MemoryMap(descriptors=descriptors_of(regions), extent=extent),
        memory_attributes_table=table,
        **more,
    )


def choice(
    strategy: str, *, page_size: int | None = None, bits: int | None = None, **options: str
) -> PlanChoice:
    """What the command line would say."""
    return PlanChoice(
        strategy=strategy, options=options, page_size=page_size, virtual_address_bits=bits
    )


def planned_as(platform: Platform, chosen: PlanChoice) -> Planned:
    """A plan with its geometry."""
    return planned(platform, Registry(), chosen)


def tables(made: Planned) -> PageTables:
    """The tables of a plan for a geometry that is a tree."""
    page_tables = made.page_tables()
    assert page_tables is not None
    return page_tables


def addresses(made: MappingPlan) -> list[tuple[int, int | None]]:
    """Where each mapping is, physically and virtually, in order of placement."""
    return [(mapping.physical.start, mapping.virtual_start) for mapping in made.mappings]


def leaves(made: Planned) -> list[tuple[int, str, str]]:
    """Start, size and access of each run of leaves."""
    return [(run.start, size_text(run.leaf_size), run.access) for run in tables(made).runs]


def read(path: Path) -> Platform:
    """What a captured text says."""
    reading = recognise(SourceText(path.name, path.read_text()), Registry().formats).reading
    assert reading is not None
    return reading.platform
