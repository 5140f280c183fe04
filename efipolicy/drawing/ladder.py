"""Lay a memory map out as a ladder: which rows there are, in address order, and how tall.

Reusable memory folds into runs; runtime regions, findings, malformed and unknown descriptors
never do. Every descriptor is in exactly one row, and the rows add up:
``regions + runs + holes - overlaps`` is the extent of the map.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from math import log2
from typing import Final, Literal

from efipolicy.drawing.notation import counted, legend_rank, type_style
from efipolicy.model.address import EFI_PAGE_SIZE, AddressRange, size_text
from efipolicy.model.efi import EFI_MEMORY_SP, FIRST_OEM_TYPE, EfiMemoryType
from efipolicy.model.memory_map import MemoryAttributesTable, MemoryDescriptor, MemoryMap

ADDRESS_SPACE_END: Final = 1 << 64
BOUNDARIES: Final = {1 << 20: "1 MiB", 1 << 32: "4 GiB", 1 << 40: "1 TiB"}
ROW_HEIGHT: Final = 19
MAT_ROW_HEIGHT: Final = 16
HEIGHT_BUDGET: Final = 1300

RowKind = Literal["region", "run", "hole", "overlap", "mat", "end"]

_REUSABLE = frozenset(
    {
        EfiMemoryType.EfiConventionalMemory,
        EfiMemoryType.EfiLoaderCode,
        EfiMemoryType.EfiLoaderData,
        EfiMemoryType.EfiBootServicesCode,
        EfiMemoryType.EfiBootServicesData,
    }
)
_RUNTIME_TYPES = frozenset(
    {
        EfiMemoryType.EfiRuntimeServicesCode,
        EfiMemoryType.EfiRuntimeServicesData,
        EfiMemoryType.EfiPalCode,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LadderRow:
    """One row. ``size`` is the bytes of what it stands for, ``gaps`` those a run swallowed.

    ``drawn`` is the addresses it covers, cut at 2^64. A row of kind ``mat`` holds entries of the
    Memory Attributes Table and belongs to the region above it. ``boundary`` names the round
    address at which the row starts. Heights are in units of the picture.
    """

    kind: RowKind
    drawn: AddressRange
    size: int
    height: float = ROW_HEIGHT
    descriptors: tuple[MemoryDescriptor, ...] = ()
    entries: tuple[MemoryDescriptor, ...] = ()
    gaps: int = 0
    note: str = ""
    boundary: str | None = None

    def __str__(self) -> str:
        told = f"{self.kind:<8}{self.drawn}  {size_text(self.size)}"
        if self.kind == "region":
            told += f"  mem{self.descriptors[0].index} {self.descriptors[0].type_name}"
        elif self.kind == "run":
            told += f"  {type_counts(self.descriptors)}"
        elif self.kind == "mat":
            told += f"  {counted(len(self.entries), 'entry', 'entries')}"
        return told


@dataclass(frozen=True, slots=True)
class _Density:
    """How much is drawn: heights at most this, and what may fold."""

    region_cap: float
    run_cap: float
    fewest_in_run: int
    any_type: bool
    mat_rows: bool


_DENSITIES = (
    _Density(64, 76, 3, any_type=False, mat_rows=True),
    _Density(30, 40, 3, any_type=False, mat_rows=False),
    _Density(26, 34, 2, any_type=True, mat_rows=False),
)


def type_counts(descriptors: Sequence[MemoryDescriptor], separator: str = ", ") -> str:
    """``7 Boot Code, 7 Boot Data, 1 Loader Code``: the commonest first, then by name."""
    counts = Counter(type_style(descriptor.type).label for descriptor in descriptors)
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return separator.join(f"{count} {label}" for label, count in ordered)


def drawn_range(descriptor: MemoryDescriptor) -> AddressRange:
    """The addresses of a descriptor, cut at 2^64."""
    physical = descriptor.physical
    return AddressRange(physical.start, min(physical.end, ADDRESS_SPACE_END))


def mat_entries_of(
    descriptor: MemoryDescriptor, table: MemoryAttributesTable | None
) -> tuple[MemoryDescriptor, ...]:
    """The entries of the table that say something about a runtime region, in their order."""
    if table is None or not descriptor.runtime:
        return ()
    physical = descriptor.physical
    return tuple(entry for entry in table.entries if entry.physical.overlaps(physical))


def ladder_rows(
    memory_map: MemoryMap,
    *,
    marked: Collection[int] = (),
    memory_attributes_table: MemoryAttributesTable | None = None,
) -> tuple[LadderRow, ...]:
    """The rows of a map. ``marked`` are the indices of descriptors that have findings.

    The least dense of three layouts that fits the budget is taken, else the densest.
    """
    if not memory_map.descriptors:
        return ()
    rows: tuple[LadderRow, ...] = ()
    for density in _DENSITIES:
        layout = _Layout(density, frozenset(marked), memory_attributes_table)
        rows = tuple(layout.rows(memory_map.by_address))
        if sum(row.height for row in rows) <= HEIGHT_BUDGET:
            break
    return rows


@dataclass(slots=True)
class _Layout:
    density: _Density
    marked: frozenset[int]
    table: MemoryAttributesTable | None
    pending: list[tuple[AddressRange | None, MemoryDescriptor]] = field(default_factory=list)

    def rows(self, descriptors: Sequence[MemoryDescriptor]) -> Iterator[LadderRow]:
        """Sweep over the descriptors by address, folding what may fold."""
        reach = descriptors[0].physical.start
        for descriptor in descriptors:
            drawn = drawn_range(descriptor)
            hole = AddressRange(reach, drawn.start) if drawn.start > reach else None
            overlapping = drawn.start < reach and drawn.size > 0
            if not overlapping and self._foldable(descriptor):
                if self.pending and not self._continues(hole, descriptor):
                    yield from self._flush()
                self.pending.append((hole, descriptor))
            else:
                yield from self._flush()
                if hole:
                    yield _hole(hole)
                if overlapping:
                    shared = AddressRange(drawn.start, min(reach, drawn.end))
                    yield LadderRow(kind="overlap", drawn=shared, size=shared.size)
                yield from self._region(descriptor)
            reach = max(reach, drawn.end)
        yield from self._flush()
        yield LadderRow(kind="end", drawn=AddressRange(reach, reach), size=0)

    def _foldable(self, descriptor: MemoryDescriptor) -> bool:
        physical = descriptor.physical
        malformed = (
            not physical.size
            or physical.end > ADDRESS_SPACE_END
            or physical.start % EFI_PAGE_SIZE != 0
        )
        unknown = descriptor.type >= FIRST_OEM_TYPE or descriptor.type > max(EfiMemoryType)
        if malformed or unknown or descriptor.runtime or descriptor.index in self.marked:
            return False
        if _zone(physical.start) != _zone(physical.last):
            return False
        if descriptor.attribute is None and descriptor.type in _RUNTIME_TYPES:
            return False
        if _zone(physical.start) == 0 or self.density.any_type:
            return True
        return (
            descriptor.type in _REUSABLE
            and not descriptor.has(EFI_MEMORY_SP)
            and physical.size < 256 << 20
        )

    def _continues(self, hole: AddressRange | None, descriptor: MemoryDescriptor) -> bool:
        """Whether a foldable descriptor belongs to the run that is being collected."""
        zone = _zone(descriptor.physical.start)
        if zone != _zone(self.pending[-1][1].physical.start):
            return False
        return hole is None or (self.density.any_type and zone < 2)

    def _flush(self) -> Iterator[LadderRow]:
        pending, self.pending = self.pending, []
        if not pending:
            return
        if pending[0][0]:
            yield _hole(pending[0][0])
        if len(pending) >= self.density.fewest_in_run:
            gaps = sum(hole.size for hole, _ in pending[1:] if hole)
            yield self._run(tuple(descriptor for _, descriptor in pending), gaps)
            return
        for position, (hole, descriptor) in enumerate(pending):
            if hole and position:
                yield _hole(hole)
            yield from self._region(descriptor)

    def _run(self, descriptors: tuple[MemoryDescriptor, ...], gaps: int) -> LadderRow:
        drawn = AddressRange(descriptors[0].physical.start, descriptors[-1].physical.end)
        height = min(self.density.run_cap, max(34, 3 * len(descriptors)))
        if _zone(drawn.start) == 0:
            note = "legacy area below 1 MiB"
        elif all(descriptor.type in _REUSABLE for descriptor in descriptors):
            note = "reusable after ExitBootServices"
        else:
            note = "no runtime region, no finding"
        return LadderRow(
            kind="run",
            drawn=drawn,
            size=sum(descriptor.physical.size for descriptor in descriptors),
            height=height,
            descriptors=descriptors,
            gaps=gaps,
            note=note,
            boundary=BOUNDARIES.get(drawn.start),
        )

    def _region(self, descriptor: MemoryDescriptor) -> Iterator[LadderRow]:
        drawn = drawn_range(descriptor)
        height = float(ROW_HEIGHT)
        if drawn.size > 16 << 20:
            height = round(min(self.density.region_cap, 19 + 2.6 * (log2(drawn.size) - 24)), 1)
        entries = mat_entries_of(descriptor, self.table)
        whole = len(entries) == 1 and entries[0].physical.covers(descriptor.physical)
        yield LadderRow(
            kind="region",
            drawn=drawn,
            size=drawn.size,
            height=height,
            descriptors=(descriptor,),
            entries=entries,
            boundary=BOUNDARIES.get(drawn.start),
        )
        if entries and not whole:
            rows = [(entry,) for entry in entries] if self.density.mat_rows else [entries]
            for row in rows:
                yield LadderRow(
                    kind="mat",
                    drawn=drawn_range(row[0]),
                    size=sum(entry.physical.size for entry in row),
                    height=MAT_ROW_HEIGHT,
                    entries=tuple(row),
                )


def _hole(hole: AddressRange) -> LadderRow:
    return LadderRow(
        kind="hole",
        drawn=hole,
        size=hole.size,
        height=26 if hole.size >= 1 << 30 else 20,
        boundary=BOUNDARIES.get(hole.start),
    )


def _zone(address: int) -> int:
    """0 below 1 MiB, 1 below 4 GiB, 2 above."""
    return (address >= 1 << 20) + (address >= 1 << 32)


def types_drawn(memory_map: MemoryMap) -> list[int]:
    """The types that occur, in the order of a legend."""
    return sorted({descriptor.type for descriptor in memory_map.descriptors}, key=legend_rank)
