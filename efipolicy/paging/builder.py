"""The one builder: from mappings to the leaves and tables that hold them, by intervals.

The cost grows with the mappings and the levels, never with the memory they span.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from operator import attrgetter

from efipolicy.model.address import AddressRange, round_down, round_up
from efipolicy.model.mapping import Access, LeafPolicy, Mapping, MappingPlan, Protection
from efipolicy.named_tuple import NamedTuple
from efipolicy.paging.geometry import RadixGeometry, Window
from efipolicy.paging.tables import LeafRun, Overlap, PageTables, Refusal

_START = attrgetter("start")
_END = attrgetter("end")
_LEAF = slice(LeafRun._fields.index("physical") + 1, None)  # all that is not about where it is


class _Leaf(NamedTuple):
    """A size a leaf may have, bytes, and that of a contiguous run of them, 0 where there is none.

    ``smaller`` is the next size down.
    """

    size: int
    run: int
    smaller: _Leaf | None


class _Placed(NamedTuple):
    """A mapping in whole pages: where, the frame behind its first byte, and which it is."""

    start: int
    end: int
    physical: int
    number: int
    mapping: Mapping


def build(
    geometry: RadixGeometry,
    mappings: Iterable[Mapping],
    *,
    leaf_policy: LeafPolicy = "strict",
    largest_leaf: int | None = None,
    protections: Iterable[Protection] = (),
) -> PageTables:
    """The tables that hold the mappings, made in their order and protected afterwards.

    Each mapping is rounded outwards to whole pages of the geometry. What has no virtual address is
    left out; what no table can hold is refused. Where mappings overlap the later one wins, but with
    ``va-only``, as Linux on x86 does it, leaves found where a mapping begins keep their frames and
    only change: access and encryption become those of the later mapping, and they become uncached
    where it is, but never cached again (Linux 6.12, arch/x86/mm/pat/set_memory.c).
    ``largest_leaf`` is bytes: the processor, or the kernel, has no larger leaves.
    """
    mappings = tuple(mappings)
    leaf = _leaves(geometry, largest_leaf)
    placed, refused = _rounded(geometry, mappings)
    runs: list[LeafRun] = []
    overlaps: list[Overlap] = []
    for group in _groups(sorted(placed)):
        if len(group) == 1:
            runs += _split(group[0], leaf, leaf_policy)
        else:
            layers = _Layers(leaf, leaf_policy, overlaps)
            for one in sorted(group, key=attrgetter("number")):
                layers.add(one)
            runs += layers.runs
    for protection in protections:
        _protect(runs, protection, geometry.page_size, leaf)
    return PageTables(
        geometry, mappings, tuple(runs), _counted(geometry, runs), tuple(overlaps), tuple(refused)
    )


def tables_of(plan: MappingPlan, geometry: RadixGeometry, *, after_boot: bool = True) -> PageTables:
    """The tables a plan comes to: as they stay after the boot, or as SetVirtualAddressMap has them.

    Before the boot is over, what is protected afterwards is not protected yet.
    """
    mappings = (*plan.mappings, *plan.extra)
    if after_boot and any(mapping.temporary for mapping in mappings):
        # The indices stay those of the plan: what is taken out again has no place any more.
        mappings = tuple(
            mapping._replace(virtual_start=None) if mapping.temporary else mapping
            for mapping in mappings
        )
    return build(
        geometry,
        mappings,
        leaf_policy=plan.leaf_policy,
        largest_leaf=plan.largest_leaf,
        protections=plan.protections if after_boot else (),
    )


def _leaves(geometry: RadixGeometry, largest_leaf: int | None) -> _Leaf:
    """The sizes a leaf may have, as a chain from the largest to the smallest."""
    leaf: _Leaf | None = None
    for level in reversed(geometry.levels):
        size = level.entry_size
        smallest = leaf is None
        if level.leaf and (smallest or largest_leaf is None or size <= largest_leaf):
            leaf = _Leaf(size, size * level.contiguous if level.contiguous else 0, leaf)
    if leaf is None:
        raise ValueError(f"{geometry.name} has no leaves")
    return leaf


def _rounded(
    geometry: RadixGeometry, mappings: Sequence[Mapping]
) -> tuple[list[_Placed], list[Refusal]]:
    """The mappings in whole pages, and those that cannot be mapped at all."""
    page, translated, windows = geometry.page_size, geometry.translated, geometry.windows
    placed: list[_Placed] = []
    refused: list[Refusal] = []
    for index, mapping in enumerate(mappings):
        virtual, physical = mapping.virtual_start, mapping.physical
        if virtual is None or physical.end <= physical.start:
            continue
        if windows and (met := _window(windows, mapping)):
            if reason := _not_as_mapped(met, mapping):
                refused.append(Refusal(index, reason))
            continue
        offset = virtual % page
        if physical.start % page != offset:
            reason = f"virtual and physical address differ within a page of {page:#x} bytes"
            refused.append(Refusal(index, reason))
            continue
        start = virtual - offset
        end = round_up(virtual + physical.end - physical.start, page)
        for reach in translated:
            if reach.start <= start and end <= reach.end:
                placed.append(_Placed(start, end, physical.start - offset, index, mapping))
                break
        else:
            refused.append(Refusal(index, f"no address that {geometry.name} translates"))
    return placed, refused


def _window(windows: Sequence[Window], mapping: Mapping) -> Window | None:
    """The window that a mapping has addresses in."""
    virtual = mapping.virtual
    return next((one for one in windows if virtual and one.virtual.overlaps(virtual)), None)


def _not_as_mapped(window: Window, mapping: Mapping) -> str | None:
    """Why a window, which no table can change, does not show what the mapping says."""
    virtual = mapping.virtual
    if not virtual or not window.virtual.covers(virtual):
        return f"only a part of it lies in the window {window.virtual}"
    physical = window.physical_start + virtual.start - window.virtual.start
    if physical != mapping.physical.start:
        return f"the window {window.virtual} shows physical memory at {physical:#x} there"
    return None


def _groups(placed: list[_Placed]) -> Iterator[list[_Placed]]:
    """The mappings in order of their addresses, those that overlap together."""
    group: list[_Placed] = []
    end = -1
    for one in placed:
        if one.start >= end:
            if group:
                yield group
            group = [one]
            end = one.end
        else:
            group.append(one)
            end = max(end, one.end)
    if group:
        yield group


def _split(placed: _Placed, leaf: _Leaf, policy: LeafPolicy) -> list[LeafRun]:
    """The leaves of a mapping: the largest that fit, smaller ones before and after them."""
    start, end, physical, number, mapping = placed
    access, cache, encrypted = mapping.access, mapping.cache, mapping.encrypted
    pages_only, offset = mapping.pages_only, physical - start
    apart = 0 if policy == "va-only" else offset  # what a leaf must divide
    runs: list[LeafRun] = []

    def fill(start: int, end: int, leaf: _Leaf) -> None:
        size, contiguous, smaller = leaf
        while smaller and (pages_only or end - start < size or apart % size):
            size, contiguous, smaller = smaller
        if not smaller:
            emit(start, end, size, contiguous)
            return
        first, last = -(-start // size) * size, end - end % size
        if first >= last:
            fill(start, end, smaller)
            return
        if start < first:
            fill(start, first, smaller)
        emit(first, last, size, contiguous)
        if last < end:
            fill(last, end, smaller)

    def emit(start: int, end: int, size: int, contiguous: int) -> None:
        if contiguous and not (pages_only or apart % contiguous):
            first, last = -(-start // contiguous) * contiguous, end - end % contiguous
            if first < last:
                if start < first:
                    add(start, first, size, marked=False)
                add(first, last, size, marked=True)
                if last < end:
                    add(last, end, size, marked=False)
                return
        add(start, end, size, marked=False)

    def add(start: int, end: int, size: int, *, marked: bool) -> None:
        frame = start + offset
        runs.append(LeafRun(start, end, frame, size, access, cache, marked, number, encrypted))

    fill(start, end, leaf)
    return runs


class _Layers:
    """Mappings that overlap, put on top of each other in the order they are made."""

    def __init__(self, leaf: _Leaf, policy: LeafPolicy, overlaps: list[Overlap]) -> None:
        self.leaf = leaf
        self.policy = policy
        self.overlaps = overlaps
        self.runs: list[LeafRun] = []

    def add(self, placed: _Placed) -> None:
        """Put one mapping on top of what is there."""
        self._note(placed)
        start = placed.start
        if self.policy == "va-only":
            start = self._change(placed)
        if start < placed.end:
            first, last = _between(self.runs, start, placed.end, self.leaf)
            rest = placed._replace(start=start, physical=placed.physical + start - placed.start)
            self.runs[first:last] = _split(rest, self.leaf, self.policy)

    def _note(self, placed: _Placed) -> None:
        """Which mappings lie below this one, each with the addresses both cover."""
        first, last = _touched(self.runs, placed.start, placed.end)
        for run in self.runs[first:last]:
            both = AddressRange(max(run.start, placed.start), min(run.end, placed.end))
            last_noted = self.overlaps[-1] if self.overlaps else None
            pair = (run.mapping, placed.number)
            if last_noted and last_noted[1:] == pair and last_noted.virtual.end == both.start:
                both = AddressRange(last_noted.virtual.start, both.end)
                self.overlaps.pop()
            self.overlaps.append(Overlap(both, *pair))

    def _change(self, placed: _Placed) -> int:
        """Change the leaves found from the start on, and return where the first hole begins."""
        runs, at = self.runs, placed.start
        first = bisect_right(runs, at, key=_END)
        while first < len(runs) and at < placed.end and runs[first].start <= at:
            at = min(runs[first].end, placed.end)
            first += 1
        mapping = placed.mapping
        first, last = _between(runs, placed.start, at, self.leaf)
        runs[first:last] = _joined(
            run._replace(
                access=mapping.access,
                cache=run.cache if mapping.cache == "WB" else mapping.cache,
                mapping=placed.number,
                encrypted=mapping.encrypted,
            )
            for run in runs[first:last]
        )
        return at


def _protect(runs: list[LeafRun], protection: Protection, page: int, leaf: _Leaf) -> None:
    """Change the access of the leaves in whole pages around a range.

    A leaf that has it already stays whole, however little of it is named (Linux 6.12,
    arch/x86/mm/pat/set_memory.c). Kernels that clear the bit D as well split it all the same once
    something was written through it, which no input tells.
    """
    start = round_down(protection.virtual.start, page)
    end = round_up(protection.virtual.end, page)
    access = protection.access
    first, last = _between(runs, start, end, leaf, whole=access)
    runs[first:last] = _joined(run._replace(access=access) for run in runs[first:last])


def _joined(runs: Iterable[LeafRun]) -> list[LeafRun]:
    """The same leaves, neighbours that no longer differ as one run.

    It keeps the work in proportion to the mappings when many of them change the same leaves.
    """
    joined: list[LeafRun] = []
    for run in runs:
        if joined:
            before = joined[-1]
            touch = before.end == run.start and before.frames.end == run.physical
            if touch and before[_LEAF] == run[_LEAF]:
                joined[-1] = before._replace(end=run.end)
                continue
        joined.append(run)
    return joined


def _touched(runs: Sequence[LeafRun], start: int, end: int) -> tuple[int, int]:
    """The slice of runs that have an address in a range."""
    return bisect_right(runs, start, key=_END), bisect_left(runs, end, key=_START)


def _between(
    runs: list[LeafRun], start: int, end: int, leaf: _Leaf, whole: Access | None = None
) -> tuple[int, int]:
    """The slice of runs that lie in a range, once those that cross its ends are split there.

    Those with the access ``whole`` are not split.
    """
    if start >= end:
        return 0, 0
    for address in (start, end):
        at = bisect_right(runs, address, key=_END)
        if at < len(runs) and runs[at].start < address and runs[at].access != whole:
            runs[at : at + 1] = _cut(runs[at], address, leaf)
    return _touched(runs, start, end)


def _cut(run: LeafRun, address: int, leaf: _Leaf) -> Iterator[LeafRun]:
    """The same leaves, the one that holds an address split until a leaf begins there.

    Leaves of a contiguous run are no longer marked in the group that is cut through.
    """
    while leaf.size > run.leaf_size and leaf.smaller:
        leaf = leaf.smaller
    unit = leaf.run if run.contiguous else leaf.size
    below, above = round_down(address, unit), round_up(address, unit)
    if run.start < below:
        yield _part(run, run.start, below)
    if below < above:
        middle = _part(run, below, above)
        if run.contiguous:
            yield from _cut(middle._replace(contiguous=False), address, leaf)
        elif leaf.smaller:
            yield from _cut(middle._replace(leaf_size=leaf.smaller.size), address, leaf.smaller)
    if above < run.end:
        yield _part(run, above, run.end)


def _part(run: LeafRun, start: int, end: int) -> LeafRun:
    return run._replace(start=start, end=end, physical=run.physical + start - run.start)


def _counted(geometry: RadixGeometry, runs: Sequence[LeafRun]) -> dict[str, int]:
    """How many tables each level has: one root, and one below each entry that leads to leaves."""
    counts: dict[str, int] = {}
    levels = geometry.levels
    counts[levels[0].name] = _roots(geometry, runs)
    for above, level in pairwise(levels):
        shift, size = above.shift, above.entry_size
        count, previous = 0, -1
        for run in runs:
            if run.leaf_size < size:
                first, last = run.start >> shift, (run.end - 1) >> shift
                count += last - first + (first != previous)
                previous = last
        counts[level.name] = count
    return counts


def _roots(geometry: RadixGeometry, runs: Sequence[LeafRun]) -> int:
    """One root, or one for each half of the address space that holds something."""
    if geometry.address_space != "split" or not runs:
        return 1
    low, high = geometry.translated
    return (runs[0].start < low.end) + (runs[-1].start >= high.start)
