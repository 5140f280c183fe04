"""Hold predicted page tables against dumps of real ones, range by range."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Final, cast

from efipolicy.engine.planned import Planned
from efipolicy.engine.verification import Difference, Explained, Mismatch, pages
from efipolicy.model.address import AddressRange, size_text
from efipolicy.model.efi import EfiMemoryType
from efipolicy.model.evidence import PageTableDump, PageTableRange
from efipolicy.model.mapping import Mapping as PlannedMapping
from efipolicy.model.mapping import MappingPlan, Unforeseen
from efipolicy.model.platform import Platform
from efipolicy.named_tuple import NamedTuple
from efipolicy.paging import RadixGeometry
from efipolicy.paging.builder import tables_of
from efipolicy.paging.tables import LeafRun

_KERNEL_HALF: Final = 1 << 63
_CONTIGUOUS: Final = frozenset(("CON", "CONT"))
_PROTECTED: Final = (EfiMemoryType.EfiRuntimeServicesCode, EfiMemoryType.EfiRuntimeServicesData)
_KEPT: Final = "boot-services memory that stays mapped, as with efi=debug"
_LARGEST_IMAGE: Final = 64 << 20
"""Bytes; kernels of distributions have 20 to 40 MiB."""
_NO_ATTRIBUTES_TABLE: Final = (
    "protected as the Memory Attributes Table says, whose entries the input does not hold"
)


class ComparedTables(NamedTuple):
    """How many rows were compared, what differs, and what of that is explained."""

    compared: int
    mismatches: Sequence[Mismatch]
    explained: Sequence[Explained]
    left_out: int


class _Stretch(NamedTuple):
    """Virtual addresses, the leaves predicted for all of them, and the row that shows them.

    ``kept`` is what would be there if nothing were taken out after SetVirtualAddressMap.
    """

    start: int
    end: int
    run: LeafRun | None
    kept: LeafRun | None
    row: PageTableRange | None


def compare_tables(
    planned: Planned, platform: Platform, dumps: Iterable[PageTableDump]
) -> ComparedTables:
    """Compare each dump with the tables that the plan comes to after the boot.

    Rows of the kernel's half that are not said to be firmware's are left out: nobody predicts them.
    A dump that shows nothing else is no evidence.
    """
    if not isinstance(planned.geometry, RadixGeometry):
        return ComparedTables(0, (), (), 0)
    prediction = _Prediction(planned.plan, planned.geometry, platform)
    compared = left_out = 0
    mismatches: list[Mismatch] = []
    explained: list[Explained] = []
    for dump in dumps:
        rows = sorted((row for row in dump.ranges if not _is_kernels(row)), key=_row_start)
        left_out += len(dump.ranges) - len(rows)
        compared += len(rows)
        if rows:
            found, reasons = prediction.compare(rows)
            mismatches += found
            explained += reasons
    return ComparedTables(compared, mismatches, explained, left_out)


class _Prediction:
    """The tables of a plan, and what is known of what they leave open."""

    def __init__(self, plan: MappingPlan, geometry: RadixGeometry, platform: Platform) -> None:
        self.plan = plan
        self.platform = platform
        self.mappings = (*plan.mappings, *plan.extra)
        self.runs = tables_of(plan, geometry).runs
        everything = plan._replace(mappings=_lasting(plan.mappings), extra=_lasting(plan.extra))
        self.kept = tables_of(everything, geometry).runs

    def compare(
        self, rows: Sequence[PageTableRange]
    ) -> tuple[Iterable[Mismatch], Iterable[Explained]]:
        """What differs from the rows of one dump, which ascend, and what of it is explained."""
        mismatches, explained = _Joined(), _Joined()
        differing = [
            (stretch, differences)
            for stretch in _stretches(self.runs, self.kept, rows)
            if (differences := _differences(stretch.run, stretch))
        ]
        own = self._own_image(differing)
        for stretch, differences in differing:
            why = self.plan.own_image if stretch.start in own else self._why(stretch, differences)
            for what in (why,) if why else differences:
                (explained if why else mismatches).add(what, stretch)
        unforeseen = list(self.plan.unforeseen)
        found: list[Mismatch] = []
        for what, stretch in mismatches.stretches():
            kind = next((u for u in unforeseen if self._is(u, what, stretch)), None)
            if kind:
                unforeseen.remove(kind)
                explained.add(kind.why, stretch)
            else:
                found.append(_mismatch(what, stretch))
        reasons = [
            Explained(stretch.start, pages(stretch.end - stretch.start), why)
            for why, stretch in explained.stretches()
        ]
        return found, sorted(reasons)

    def _own_image(
        self, differing: Sequence[tuple[_Stretch, Sequence[Difference]]]
    ) -> frozenset[int]:
        """The starts of what can be the kernel's image: taken out of the 1:1 map, or protected.

        One image is in one place; what is scattered further than an image is something else.
        """
        if self.plan.own_image is None:
            return frozenset()
        taken = [stretch for stretch, found in differing if self._is_own(stretch, found)]
        if not taken or taken[-1].end - taken[0].start > _LARGEST_IMAGE:
            return frozenset()
        return frozenset(stretch.start for stretch in taken)

    def _is_own(self, stretch: _Stretch, differences: Sequence[Difference]) -> bool:
        run, row = stretch.run, stretch.row
        if run is None or run.physical != run.start or self.mappings[run.mapping].runtime:
            return False
        if row is None or _is_narrower(run, row, differences):
            return True
        # A page of it that is executable is not writable: the way back from firmware.
        split = row.leaf_size is None or row.leaf_size <= run.leaf_size
        return split and set(differences) <= {"access", "leaf"} and row.access == "RX"

    def _why(self, stretch: _Stretch, differences: Sequence[str]) -> str | None:
        """What explains the differences of a stretch, if anything does."""
        predicted = stretch.run or stretch.kept
        if predicted is None or stretch.row is None:
            return None
        reason = _KEPT if stretch.run is None else None
        left = differences if stretch.run else _differences(predicted, stretch)
        if left and self._is_protected(predicted) and _is_narrower(predicted, stretch.row, left):
            return _NO_ATTRIBUTES_TABLE
        return None if left else reason

    def _is_protected(self, run: LeafRun) -> bool:
        """Whether an attributes table that was not read may have changed some leaves."""
        table = self.platform.memory_attributes_table
        if self.plan.protections or (table and (table.entries or table.extent == "whole")):
            return False
        tables = self.platform.configuration_tables
        published = tables is None or any("MEMORY_ATTRIBUTES" in str(one) for one in tables)
        return published and self.mappings[run.mapping].type in _PROTECTED

    def _is(self, unforeseen: Unforeseen, what: str, stretch: _Stretch) -> bool:
        """Whether a stretch nobody predicted can be memory whose place is not known."""
        row = stretch.row
        if what != "extra" or row is None or row.access != unforeseen.access:
            return False
        if pages(stretch.end - stretch.start) not in unforeseen.number_of_pages:
            return False
        if row.physical_start is not None and row.physical_start != row.virtual.start:
            return False
        extent = AddressRange(stretch.start, stretch.end)
        descriptor = self.platform.memory_map.at(extent.start)
        return descriptor is None or descriptor.type != EfiMemoryType.EfiMemoryMappedIO


def _is_narrower(run: LeafRun, row: PageTableRange, differences: Sequence[str]) -> bool:
    """Whether a row is what protecting some of the leaves makes of them: less access, split."""
    if not set(differences) <= {"access", "leaf"}:
        return False
    smaller = row.leaf_size is None or row.leaf_size <= run.leaf_size
    return smaller and set(row.access or "") <= set(run.access)


def _lasting(mappings: tuple[PlannedMapping, ...]) -> tuple[PlannedMapping, ...]:
    return tuple(mapping._replace(temporary=False) for mapping in mappings)


def _is_kernels(row: PageTableRange) -> bool:
    """Whether a row lies in the kernel's half, in a part whose name is not of EFI."""
    return (
        row.virtual.start >= _KERNEL_HALF
        and row.section is not None
        and "efi" not in row.section.lower()
    )


def _row_start(row: PageTableRange) -> int:
    return row.virtual.start


class _Joined:
    """Stretches by what is said of them, neighbours of which the same is said as one."""

    def __init__(self) -> None:
        self._stretches: dict[str, list[_Stretch]] = {}

    def add(self, what: str, stretch: _Stretch) -> None:
        known = self._stretches.setdefault(what, [])
        if known and _continues(known[-1], stretch):
            known[-1] = known[-1]._replace(end=stretch.end)
        else:
            known.append(stretch)

    def stretches(self) -> Iterator[tuple[str, _Stretch]]:
        for what, known in self._stretches.items():
            for stretch in known:
                yield what, stretch


def _continues(first: _Stretch, second: _Stretch) -> bool:
    """Whether a stretch goes on where another ends, with the same leaves and rows like it."""
    return first.end == second.start and _words(first) == _words(second)


def _words(stretch: _Stretch) -> tuple[object, ...]:
    run, row = stretch.run, stretch.row
    frame = (
        row.physical_start - row.virtual.start if row and row.physical_start is not None else None
    )
    return (
        (run.leaf_size, run.access, run.cache, run.contiguous, run.mapping) if run else None,
        (row.leaf_size, row.access, row.cache, frame) if row else None,
    )


def _stretches(
    runs: Sequence[LeafRun], kept: Sequence[LeafRun], rows: Sequence[PageTableRange]
) -> Iterator[_Stretch]:
    """Every stretch that a run or a row holds, cut where any begins or ends."""
    edges = {edge for run in (*runs, *kept) for edge in (run.start, run.end)}
    edges |= {edge for row in rows for edge in row.virtual}
    extents = [row.virtual for row in rows]
    at_run = at_kept = at_row = 0
    for start, end in pairwise(sorted(edges)):
        at_run = _next(runs, at_run, start)
        at_kept = _next(kept, at_kept, start)
        while at_row < len(rows) and extents[at_row].end <= start:
            at_row += 1
        row = rows[at_row] if at_row < len(rows) and extents[at_row].start <= start else None
        run, other = _held(runs, at_run, start), _held(kept, at_kept, start)
        if run or row:
            yield _Stretch(start, end, run, other, row)


def _next(runs: Sequence[LeafRun], at: int, address: int) -> int:
    while at < len(runs) and runs[at].end <= address:
        at += 1
    return at


def _held(runs: Sequence[LeafRun], at: int, address: int) -> LeafRun | None:
    return runs[at] if at < len(runs) and runs[at].start <= address else None


def _differences(run: LeafRun | None, stretch: _Stretch) -> list[Difference]:
    """In what the predicted leaves and the row differ. What a dump does not tell is equal."""
    row = stretch.row
    if run is None:
        return ["extra"]
    if row is None:
        return ["missing"]
    found: list[Difference] = []
    if row.physical_start is not None:
        frame = row.physical_start + stretch.start - row.virtual.start
        if frame != run.physical + stretch.start - run.start:
            found.append("address")
    if row.leaf_size not in (None, run.leaf_size) or _is_contiguous(row) != run.contiguous:
        found.append("leaf")
    if row.access not in (None, run.access):
        found.append("access")
    if row.cache not in (None, run.cache):
        found.append("cache")
    return found


def _is_contiguous(row: PageTableRange) -> bool:
    return not _CONTIGUOUS.isdisjoint(row.flags)


def _mismatch(what: str, stretch: _Stretch) -> Mismatch:
    run, row, start = stretch.run, stretch.row, stretch.start
    predicted = run.physical + start - run.start if run else None
    seen = (
        row.physical_start + start - row.virtual.start
        if row and row.physical_start is not None
        else None
    )
    return Mismatch(
        what=cast("Difference", what),
        physical_start=predicted if predicted is not None else seen,
        virtual_start=start,
        size=stretch.end - start,
        predicted=_run_words(what, run, predicted) if run else None,
        observed=_row_words(what, row, seen) if row else None,
    )


def _run_words(what: str, run: LeafRun, frame: int | None) -> str:
    return _word(what, frame, run.leaf_size, run.access, run.cache, contiguous=run.contiguous)


def _row_words(what: str, row: PageTableRange, frame: int | None) -> str:
    contiguous = _is_contiguous(row)
    return _word(what, frame, row.leaf_size, row.access, row.cache, contiguous=contiguous)


def _word(
    what: str,
    frame: int | None,
    leaf_size: int | None,
    access: str | None,
    cache: str | None,
    *,
    contiguous: bool,
) -> str:
    """What one side has, in the words of the difference."""
    size = size_text(leaf_size) if leaf_size else "leaves of unknown size"
    leaf = f"{size}, contiguous" if contiguous else size
    words = {
        "address": f"{frame:#x}" if frame is not None else "an unknown frame",
        "leaf": leaf,
        "access": access or "unknown",
        "cache": cache or "unknown",
    }
    return words.get(what) or ", ".join((words["access"], words["cache"], leaf))
