"""Which memory stays writable and executable in the page tables of a plan."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from operator import attrgetter
from typing import TYPE_CHECKING, NamedTuple

from efipolicy.plugin import AddressRange, MappingPlan, MemoryDescriptor
from efipolicy_plan.leaves import SHOWN, Owners

if TYPE_CHECKING:
    from efipolicy.plugin.paging import LeafRun, PageTables

_PHYSICAL_END = attrgetter("frames.end")


class WritableAndExecutable(NamedTuple):
    """The virtual addresses at which a descriptor can be written and executed.

    ``assigned`` are those at which firmware is called, ``besides`` those of further mappings.
    ``is_mapped`` tells whether it has addresses of the first kind at all, protected or not.
    """

    descriptor: MemoryDescriptor
    assigned: list[AddressRange]
    besides: list[AddressRange]
    is_mapped: bool


def by_descriptor(
    tables: PageTables, plan: MappingPlan, owners: Owners
) -> Iterator[WritableAndExecutable]:
    """What stays writable and executable of each descriptor, as far as anything does."""
    assigned = len(plan.mappings)
    found: dict[int, WritableAndExecutable] = {}
    for index, runs in _by_mapping(tables).items():
        for descriptor in owners.descriptors_of(tables.mappings[index]):
            pieces = joined(_pieces(runs, descriptor.physical))
            if pieces:
                one = found.get(id(descriptor))
                if one is None:
                    one = found[id(descriptor)] = WritableAndExecutable(descriptor, [], [], False)
                (one.assigned if index < assigned else one.besides).extend(pieces)
    mapped = {i for one in plan.mappings if one.virtual_start is not None for i in one.descriptors}
    for one in found.values():
        yield one._replace(is_mapped=one.descriptor.index in mapped)


def _by_mapping(tables: PageTables) -> dict[int, list[LeafRun]]:
    """The runs that are writable and executable, by the mapping they come from."""
    found: dict[int, list[LeafRun]] = {}
    for run in tables.runs:
        if run.access == "RWX":
            found.setdefault(run.mapping, []).append(run)
    for runs in found.values():
        runs.sort(key=attrgetter("physical"))
    return found


def _pieces(runs: list[LeafRun], physical: AddressRange) -> Iterator[AddressRange]:
    """The virtual addresses of the parts of the runs that hold a physical range."""
    for run in runs[bisect_right(runs, physical.start, key=_PHYSICAL_END) :]:
        if run.physical >= physical.end:
            break
        part = run.frames & physical
        start = run.start + part.start - run.physical
        yield AddressRange(start, start + part.size)


def joined(pieces: Iterable[AddressRange]) -> list[AddressRange]:
    """Neighbours as one."""
    found: list[AddressRange] = []
    for piece in pieces:
        if found and found[-1].end == piece.start:
            found[-1] = AddressRange(found[-1].start, piece.end)
        else:
            found.append(piece)
    return found


def places(pieces: list[AddressRange]) -> str:
    """Addresses in words, the first of them where they are many."""
    shown = ", ".join(map(str, pieces[:SHOWN]))
    return shown + (f" and {len(pieces) - SHOWN} more" if len(pieces) > SHOWN else "")
