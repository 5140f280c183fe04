"""The one walker: what a processor does with an address, entry by entry."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from operator import attrgetter

from efipolicy.model.mapping import Access
from efipolicy.named_tuple import NamedTuple
from efipolicy.paging.entries import (
    AccessKind,
    DecodedEntry,
    EntryFormats,
    Fault,
    decode,
    encode,
    with_encryption_bit,
)
from efipolicy.paging.geometry import Level
from efipolicy.paging.path import out_of_reach
from efipolicy.paging.tables import LeafRun, PageTables

_START = attrgetter("start")
_LETTER: dict[AccessKind, str] = {"read": "R", "write": "W", "execute": "X"}


class WalkStep(NamedTuple):
    """The entry that is read in a table of one level.

    ``entry`` is its bits, those of the address left clear where it leads to a table: nobody can
    say where an operating system puts that.
    """

    level: Level
    number: int
    entry: int
    decoded: DecodedEntry


class Walk(NamedTuple):
    """The way of one access through the tables.

    ``physical`` is the address it reaches, ``None`` when it faults. ``leaf_size`` is bytes and
    ``mapping`` the index of the mapping that made the leaf. ``explanation`` is the fault in the
    architecture's words.
    """

    address: int
    kind: AccessKind
    steps: tuple[WalkStep, ...]
    physical: int | None = None
    access: Access | None = None
    cache: str | None = None
    leaf_size: int | None = None
    mapping: int | None = None
    fault: Fault | None = None
    explanation: str | None = None


def walk(
    tables: PageTables,
    formats: EntryFormats,
    address: int,
    kind: AccessKind = "read",
    *,
    physical_address_bits: int | None = None,
    encryption_bit: int | None = None,
) -> Walk:
    """What a processor does when code reads, writes or executes at a virtual address.

    ``physical_address_bits`` is the width the processor has; a leaf that names a higher address
    faults. ``encryption_bit`` is the plan's. Raises `ValueError` when the formats cannot express
    what a leaf of the tables is to be.
    """
    if encryption_bit is not None:
        formats = with_encryption_bit(formats, encryption_bit)
    return _Walker(tables, formats, physical_address_bits, encryption_bit).walk(address, kind)


class _Walker:
    def __init__(
        self,
        tables: PageTables,
        formats: EntryFormats,
        physical_address_bits: int | None,
        encryption_bit: int | None,
    ) -> None:
        self.tables = tables
        self.formats = formats
        widest = formats.physical_address_bits
        self.width = min(physical_address_bits or widest, widest)
        self.encryption_bit = encryption_bit

    def walk(self, address: int, kind: AccessKind) -> Walk:
        geometry = self.tables.geometry
        for window in geometry.windows:
            if address in window.virtual:
                physical = window.physical_start + address - window.virtual.start
                return Walk(address, kind, (), physical, "RWX", window.cache)
        if out_of_reach(geometry, address):
            return self._stopped(address, kind, [], Fault("not-canonical", kind))
        steps: list[WalkStep] = []
        for number, level in enumerate(geometry.levels):
            entry, run = self._entry(level, address)
            decoded = decode(self.formats, level, entry)
            steps.append(WalkStep(level, level.index_of(address), entry, decoded))
            if decoded.kind == "empty":
                fault = Fault("not-mapped", kind, level, number)
                return self._stopped(address, kind, steps, fault)
            if run:
                return self._reached(address, kind, steps, run)
        raise ValueError(f"{geometry.name}: a table stands where only leaves can")

    def _entry(self, level: Level, address: int) -> tuple[int, LeafRun | None]:
        """The entry an address selects in a table of a level, and the run it is a leaf of."""
        start = address & -level.entry_size
        runs = self.tables.runs
        at = bisect_right(runs, address, key=_START) - 1
        if at >= 0 and address < runs[at].end and runs[at].leaf_size == level.entry_size:
            return self._leaf(level, runs[at], start), runs[at]
        if _leads_on(runs, start, start + level.entry_size, level.entry_size):
            table = self.formats.tables[level.name]
            return table.value | table.always, None
        return 0, None

    def _leaf(self, level: Level, run: LeafRun, start: int) -> int:
        marked = 1 << self.encryption_bit if run.encrypted and self.encryption_bit else 0
        return encode(
            self.formats.leaves[level.name],
            run.physical + start - run.start,
            run.access,
            run.cache,
            contiguous=run.contiguous,
            also=marked,
        )

    def _reached(self, address: int, kind: AccessKind, steps: list[WalkStep], run: LeafRun) -> Walk:
        """What the leaf makes of the access, by what its bits say and not by what was meant."""
        step, number = steps[-1], len(steps) - 1
        decoded, level = step.decoded, step.level
        frame = decoded.physical or 0
        meant = run.physical + (address & -level.entry_size) - run.start
        fault: Fault | None = None
        if decoded.reserved:
            fault = Fault("reserved-bits", kind, level, number, decoded.reserved)
        elif frame >> self.width or (frame ^ meant) >> level.shift:  # beyond, or had no place
            fault = Fault("address-size", kind, level, number, frame >> self.width << self.width)
        elif decoded.access and _LETTER[kind] not in decoded.access:
            fault = Fault("permission", kind, level, number)
        if fault:
            return self._stopped(address, kind, steps, fault)
        return Walk(
            address,
            kind,
            tuple(steps),
            frame + address % level.entry_size,
            decoded.access,
            decoded.cache,
            level.entry_size,
            run.mapping,
        )

    def _stopped(self, address: int, kind: AccessKind, steps: list[WalkStep], fault: Fault) -> Walk:
        explanation = self.formats.describe(fault)
        return Walk(address, kind, tuple(steps), fault=fault, explanation=explanation)


def _leads_on(runs: Sequence[LeafRun], start: int, end: int, size: int) -> bool:
    """Whether a range of virtual addresses holds leaves smaller than it."""
    at = bisect_right(runs, start, key=attrgetter("end"))
    return at < len(runs) and runs[at].start < end and runs[at].leaf_size < size
