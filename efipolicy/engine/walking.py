"""What a processor makes of the addresses of a plan, and whether it is what was planned.

Each address is walked for a read, a write and an execution. What is walked is in `walkers`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import get_args

from efipolicy.model.address import round_down, round_up, size_text
from efipolicy.model.mapping import Mapping, MappingPlan
from efipolicy.named_tuple import NamedTuple
from efipolicy.paging.entries import AccessKind
from efipolicy.paging.tables import Refusal
from efipolicy.paging.walker import Walk, WalkStep

KINDS: tuple[AccessKind, ...] = get_args(AccessKind)


class Walked(NamedTuple):
    """The way of a virtual address through the tables of a plan.

    ``accesses`` are the walks of a read, a write and an execution, in this order. ``differences``
    are sentences on what the processor makes of it and the plan did not mean. ``without_tables``
    says what translates it where no table is read, ``trouble`` why there is no walk.
    """

    address: int
    accesses: tuple[Walk, ...] = ()
    differences: tuple[str, ...] = ()
    without_tables: str | None = None
    trouble: str | None = None

    @property
    def steps(self) -> tuple[WalkStep, ...]:
        """The entries that are read, from the root down; the same for every kind of access."""
        return self.accesses[0].steps if self.accesses else ()

    @property
    def physical(self) -> int | None:
        """The address that some access reaches."""
        return self.reached.physical if self.reached else None

    @property
    def fault(self) -> str | None:
        """Why not even a read gets through."""
        return fault_text(self.accesses[0]) if self.accesses else self.trouble

    @property
    def reached(self) -> Walk | None:
        """The first access that gets through: all that do reach the same byte in the same way."""
        return next((one for one in self.accesses if one.fault is None), None)


def fault_text(walked: Walk) -> str | None:
    """A fault in the architecture's words, and at which entry; ``None`` where there is none."""
    if walked.fault is None:
        return None
    words = walked.explanation or walked.fault.cause
    if walked.fault.number is None:
        return words
    step = walked.steps[walked.fault.number]
    place = f"{step.level.name}[{step.number}]"
    if walked.fault.cause == "not-mapped":
        return f"{words}; {place} is empty"
    if walked.fault.cause == "reserved-bits":
        return f"{words}; {place} = {step.entry:#x} has reserved bits {walked.fault.reserved:#x}"
    return f"{words}; {place} = {step.entry:#x}"


class PlanWalker(ABC):
    """What holds the mappings of one plan, ready to be walked.

    ``refused`` are the mappings it cannot hold, ``page_size`` the bytes of what it protects, and
    ``unit`` the word for what it translates at once.
    """

    unit = "page"

    def __init__(self, plan: MappingPlan, refused: Sequence[Refusal], page_size: int) -> None:
        self.plan = plan
        self.planned = (*plan.mappings, *plan.extra)
        self.refused = {one.mapping: one.reason for one in refused}
        self.page_size = page_size

    @abstractmethod
    def access(self, address: int, kind: AccessKind) -> Walk:
        """The way of one access. Raises `ValueError` where nobody can say."""

    def mapped_at(self, physical: int) -> int | None:
        """A virtual address at which the pages around some mapping hold a physical one."""
        return None

    def without_tables(self, address: int) -> str | None:
        """What translates an address for which no table is read."""
        return None

    def walk(self, address: int, mapping: int | None = None) -> Walked:
        """Walk an address that a mapping of the plan, by its index, is meant to hold."""
        try:
            accesses = tuple(self.access(address, kind) for kind in KINDS)
        except ValueError as problem:
            return Walked(address, trouble=f"cannot be walked: {problem}")
        found = Walked(address, accesses, without_tables=self.without_tables(address))
        return found._replace(differences=tuple(self._differences(found, mapping)))

    def _differences(self, found: Walked, number: int | None) -> Iterator[str]:
        reached = found.reached
        if number is None:
            if reached and reached.mapping is None:
                yield "nothing is planned here, but every address is translated there"
            elif reached:
                yield f"nothing is planned here, but {self._page_of(reached)} reaches it"
            return
        meant = self.planned[number]
        if reached:
            yield from self._otherwise(found.address, reached, number)
        elif all(one.fault and one.fault.cause != "permission" for one in found.accesses):
            physical = _physical(meant, found.address)
            yield f"planned {_target(physical, meant.cache)}, but {self._why_not(number)}"

    def _otherwise(self, address: int, reached: Walk, number: int) -> Iterator[str]:
        """Where an access gets to another byte, with another cache type, or with other rights."""
        meant = self.planned[number]
        physical = _physical(meant, address)
        if (reached.physical, reached.cache) != (physical, meant.cache):
            used = _target(reached.physical or 0, reached.cache or "of an unknown cache type")
            misread = self.misread(reached, physical - address) if reached.mapping == number else ""
            yield (
                f"planned {_target(physical, meant.cache)}, but the processor uses {used}{misread}"
            )
        if reached.mapping not in (number, None):
            instead = "" if reached.access == meant.access else f": {reached.access}"
            yield f"{self._page_of(reached)} came on top of it{instead}"
        elif reached.access != meant.access:
            if self._is_protected(address):
                yield f"mapped {meant.access}, protected afterwards: {reached.access}"
            else:
                yield f"planned {meant.access}, but the processor allows {reached.access}"

    def misread(self, reached: Walk, offset: int) -> str:
        """What becomes of the bits of a frame that the leaf that was reached has no place for.

        ``offset`` is how far the planned physical address is from the virtual one.
        """
        return ""

    def _why_not(self, number: int) -> str:
        if self.planned[number].temporary:
            return "it is taken out again once SetVirtualAddressMap is done"
        if number in self.refused:
            return f"nothing can hold it: {self.refused[number]}"
        return "the processor faults"

    def _page_of(self, reached: Walk) -> str:
        """The page that a walk ended in, and the mapping that made it."""
        made = self.planned[reached.mapping or 0]
        size = size_text(reached.leaf_size or self.page_size)
        return f"the {size} {self.unit} of the mapping of {made.physical}"

    def _is_protected(self, address: int) -> bool:
        page = self.page_size
        return any(
            round_down(one.virtual.start, page) <= address < round_up(one.virtual.end, page)
            for one in self.plan.protections
        )


def _physical(mapping: Mapping, virtual: int) -> int:
    """The physical address a mapping means by one of its virtual ones."""
    return mapping.physical.start + virtual - (mapping.virtual_start or 0)


def _target(physical: int, cache: str) -> str:
    return f"physical {physical:#x} {cache}"
