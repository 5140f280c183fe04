"""Whether a system that was hibernated in one boot can be resumed in another.

What resumes is the memory of the operating system: it holds addresses of runtime services and ACPI
tables of the boot it was saved in, and it is written over whatever lies there now. So the regions
that outlive a boot have to be the same in both, and what was the operating system's memory has to
be memory still (UEFI 2.10, 7.2 on what each type means after ExitBootServices; ACPI 6.4, table 15.1
on what is preserved in S4).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, Literal

from efipolicy.model.address import size_text
from efipolicy.model.changes import REUSED, RegionChange, outlives_boot
from efipolicy.model.efi import EfiMemoryType
from efipolicy.model.extents import TypeExtents, united, without
from efipolicy.model.memory_map import MemoryDescriptor, MemoryMap
from efipolicy.named_tuple import NamedTuple

Verdict = Literal["safe", "unsafe", "unknown"]

_USABLE: Final = REUSED | {EfiMemoryType.EfiUnacceptedMemoryType}


class Reason(NamedTuple):
    """Why a verdict is what it is, and the region before and after that proves it, if one does."""

    message: str
    change: RegionChange | None = None


class Hibernation(NamedTuple):
    """The verdict on resuming in a new boot what was hibernated in an old one."""

    verdict: Verdict
    why: tuple[Reason, ...]


def hibernation(
    old: MemoryMap, new: MemoryMap, changes: Iterable[RegionChange], names: tuple[str, str]
) -> Hibernation:
    """The verdict on two maps and what changed between them; ``names`` are what to call them.

    It is about bytes and not about descriptors: what one map has in one descriptor and the other,
    of the same type, in two is where it was. Of maps that are not whole, or not of one origin, only
    a contradiction proves anything: an address of which they say different things. Otherwise so
    does every region that outlives the boot and is not the same in both.
    """
    doubts = tuple(_doubts(old, new, names))
    evidence = list(_evidence(old, new, changes))
    proofs = [
        Reason(f"{one.change.old or one.change.new} {one.change.outcome}", one.change)
        for one in evidence
        if one.contradicts(old, new)
        or (one.is_proof if not doubts else one.is_resized_beside_all(old, new))
    ]
    if not doubts:
        proofs += [Reason(f"{lost} is no memory any more") for lost in _lost(old, new)]
    if proofs:
        return Hibernation("unsafe", tuple(proofs))
    if doubts:
        return Hibernation("unknown", doubts)
    kept = sum(1 for one in old.descriptors if one.number_of_pages and outlives_boot(one))
    aside = [Reason(f"{one.change.new} is new, where nothing was", one.change) for one in evidence]
    return Hibernation("safe", (Reason(_all_in_place(kept, names[0])), *aside))


def _all_in_place(kept: int, name: str) -> str:
    if kept == 0:
        return f"no region of {name} outlives the boot"
    if kept == 1:
        return f"the one region of {name} that outlives the boot is where it was"
    return f"all {kept} regions of {name} that outlive the boot are where they were"


def _doubts(old: MemoryMap, new: MemoryMap, names: tuple[str, str]) -> Iterator[Reason]:
    """Why the maps do not tell everything."""
    for one, name in zip((old, new), names, strict=True):
        if not one.descriptors:
            yield Reason(f"{name} holds no memory map")
        elif one.extent == "partial":
            yield Reason(f"the map of {name} is partial")
        elif one.extent == "unknown":
            yield Reason(f"nothing says whether the map of {name} is whole")
    if old.descriptors and new.descriptors and old.origin != new.origin:
        yield Reason(
            f"the maps are of different origins: {old.origin} in {names[0]}, "
            f"{new.origin} in {names[1]}"
        )


class _Evidence(NamedTuple):
    """A change, and whether of its regions bytes went or came that outlive the boot."""

    change: RegionChange
    went: bool
    came: bool

    @property
    def is_proof(self) -> bool:
        """Whether a change between whole maps hurts who resumes.

        Nobody looks for a reserved region that is new where nothing was. Where memory was, it shows
        as a contradiction.
        """
        new = self.change.new
        return self.went or self.change.old is not None or (new is not None and new.runtime)

    def is_resized_beside_all(self, old: MemoryMap, new: MemoryMap) -> bool:
        """Whether a region has another size in its place, and all of the smaller one is known.

        In part of a map, what is lacking may stand in a descriptor that was not captured.
        """
        if self.change.kind != "resized" or not self.change.in_place or old.origin != new.origin:
            return False
        return (self.went and new.extent == "whole") or (self.came and old.extent == "whole")

    def contradicts(self, old: MemoryMap, new: MemoryMap) -> bool:
        """Whether one of the maps says that something else is where the other has the region."""
        return (self.went and _is_other(self.change.old, new)) or (
            self.came and _is_other(self.change.new, old)
        )


def _evidence(
    old: MemoryMap, new: MemoryMap, changes: Iterable[RegionChange]
) -> Iterator[_Evidence]:
    """The changes of bytes that outlive the boot.

    What is in its place, in another descriptor, and was taken for the partner of a region that is
    new has no part in it.
    """
    here, there = TypeExtents(old.descriptors), TypeExtents(new.descriptors)
    for change in changes:
        went = _is_missing(change.old, there)
        came = _is_missing(change.new, here)
        if went or _share_addresses(change):
            told = change
        else:
            told = RegionChange("added", None, change.new)
        if went or came:
            yield _Evidence(told, went, came)


def _is_missing(region: MemoryDescriptor | None, there: TypeExtents) -> bool:
    return region is not None and outlives_boot(region) and not there.cover(region)


def _share_addresses(change: RegionChange) -> bool:
    old, new = change.old, change.new
    return old is not None and new is not None and (old.physical & new.physical).size > 0


def _is_other(region: MemoryDescriptor | None, there: MemoryMap) -> bool:
    return region is not None and any(
        other.type != region.type for other in there.sharing(region.physical)
    )


def _lost(old: MemoryMap, new: MemoryMap) -> Iterator[str]:
    """What was the operating system's memory in the old map and is nothing of the kind in the new.

    What a region that outlives the boot took of it is told of that region.
    """
    here = united(one.physical for one in old.descriptors if one.type in _USABLE)
    there = united(
        one.physical for one in new.descriptors if one.type in _USABLE or outlives_boot(one)
    )
    for extent in without(here, there):
        yield f"{extent} ({size_text(extent.size)})"
