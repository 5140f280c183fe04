"""Whose leaves those of a plan's page tables are, and what a processor reads in them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from efipolicy.plugin import (
    AddressRange,
    Architecture,
    Finding,
    Mapping,
    MappingDeclaration,
    MappingPlan,
    MemoryDescriptor,
    MemoryMap,
    Related,
    size_text,
)

if TYPE_CHECKING:
    from efipolicy.plugin.paging import DecodedEntry, EntryFormats, LeafRun, PageTables

SHOWN = 8
"""How many places a finding tells beside its own."""


class Owners:
    """The descriptors and the declaration that the mappings of a plan come from."""

    def __init__(self, memory_map: MemoryMap, declared: MappingDeclaration) -> None:
        self.declared = declared
        self._by_index = {each.index: each for each in memory_map.descriptors}

    def descriptors_of(
        self, mapping: Mapping, frames: AddressRange | None = None
    ) -> list[MemoryDescriptor]:
        """The descriptors a mapping was made from, those first that hold some of the frames."""
        known = [self._by_index[i] for i in mapping.descriptors if i in self._by_index]
        if frames and len(known) > 1:
            known.sort(key=lambda each: not each.physical.overlaps(frames))
        return known

    def finding(
        self,
        mapping: Mapping,
        message: str,
        frames: AddressRange,
        related: Iterable[Related] = (),
    ) -> Iterator[Finding]:
        """A finding at the first of a mapping's descriptors, else where the mapping is declared.

        There is none about descriptors that were found to be garbage: it is told already.
        """
        known = self.descriptors_of(mapping, frames)
        if mapping.descriptors and not known:
            return
        strategy = self.declared.strategy or "the strategy"
        if known:
            others = [Related(each, "mapped together with it") for each in known[1:SHOWN]]
            planned = Related(self.declared, f"the mapping of {strategy}")
            places = (*related, *others, planned)
            yield Finding(known[0], message, frames, related=places)
        else:
            yield Finding(self.declared, message, frames, field="strategy", related=(*related,))

    def memory_of(self, mapping: Mapping) -> AddressRange:
        """The memory that asks for a mapping, which itself may be rounded out to larger pages."""
        known = [each.physical for each in self.descriptors_of(mapping)]
        if not known:
            return mapping.physical
        return AddressRange(min(one.start for one in known), max(one.end for one in known))

    def what(self, mapping: Mapping) -> str:
        """What is mapped, in words for a message."""
        known = self.descriptors_of(mapping)
        if known:
            return f"{known[0].type_name} {self.memory_of(mapping)}"
        return f"{mapping.why or 'memory'} ({mapping.physical})"


class Leaf(NamedTuple):
    """The first leaf of a run as a processor finds it: its bits, and what they say.

    ``fault`` is what reading through it comes to, in the architecture's words; ``None`` where it
    does not fault.
    """

    run: LeafRun
    entry: int
    decoded: DecodedEntry
    fault: str | None


def misaligned_leaves(
    tables: PageTables, plan: MappingPlan, architecture: Architecture
) -> dict[int, list[Leaf]]:
    """Large leaves whose frames do not start where such a leaf can point, by their mapping.

    One leaf stands for a run: the bits below its size are the same in all of them. Raises
    `ValueError` for a cache type that the architecture's entries lack.
    """
    runs = [run for run in tables.runs if run.misaligned]
    found: dict[int, list[Leaf]] = {}
    if runs and architecture.entry_formats:
        formats = architecture.entry_formats(tables.geometry)
        for run in runs:
            leaf = _first_leaf(run, tables, formats, plan.encryption_bit)
            found.setdefault(run.mapping, []).append(leaf)
    return found


def _first_leaf(
    run: LeafRun, tables: PageTables, formats: EntryFormats, encryption_bit: int | None
) -> Leaf:
    from efipolicy.plugin.paging import walk

    walked = walk(tables, formats, run.start, encryption_bit=encryption_bit)
    last = walked.steps[-1]
    return Leaf(run, last.entry, last.decoded, walked.explanation)


def number_of_leaves(runs: Iterable[LeafRun]) -> str:
    """How many leaves of which sizes: ``2 leaves of 2 MiB``."""
    counts: dict[int, int] = {}
    for run in runs:
        counts[run.leaf_size] = counts.get(run.leaf_size, 0) + run.number_of_leaves
    return ", ".join(
        f"{count} {'leaf' if count == 1 else 'leaves'} of {size_text(size)}"
        for size, count in sorted(counts.items(), reverse=True)
    )
