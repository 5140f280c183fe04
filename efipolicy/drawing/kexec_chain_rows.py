"""Firmware's regions along a chain of kernels: the addresses it keeps, and those that are used."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from itertools import groupby
from operator import attrgetter
from typing import Final, Literal

from efipolicy.drawing.notation import counted, type_style
from efipolicy.engine.kexec_layout import Difference, Layout, differences
from efipolicy.engine.kexec_state import ChainState, Transition
from efipolicy.model.address import AddressRange, size_text
from efipolicy.model.chain import ChainHop
from efipolicy.model.mapping import Mapping
from efipolicy.model.platform import Platform
from efipolicy.named_tuple import NamedTuple

MOST_ROWS: Final = 10
"""With more rows than this, neighbouring rows that agree are folded into one."""

Agreement = Literal["same", "physical", "unused", "differs", "fault"]
"""How a kernel's address compares with firmware's: equal; of no matter, as firmware is physical;
not used, as the kernel does without firmware; another one; or one with which a call faults."""

_QUIET: Final = ("same", "physical", "unused")
_NOTES: Final = {
    "page-fault": "page fault",
    "rsvd-fault": "reserved bits set",
    "va-unreachable": "cannot be mapped there",
}


_NEVER_TOLD: Final = "never told to firmware"


class UsedAddress(NamedTuple):
    """The address a kernel has a region at, ``None`` where none can be told."""

    address: int | None
    agreement: Agreement
    note: str | None = None


class ChainRow(NamedTuple):
    """One region, or several neighbours that agree folded into one row.

    ``number`` counts the regions of the chain from 0; ``regions`` is how many the row stands for.
    ``given`` is the address of the kernel at the left, ``frozen`` firmware's, and ``used`` has one
    for each kernel after that.
    """

    number: int
    type: int
    physical: AddressRange
    given: UsedAddress
    frozen: int | None
    used: tuple[UsedAddress, ...]
    regions: int = 1

    @property
    def kinds(self) -> tuple[Agreement, ...]:
        """How each kernel after the first one gets on with the region."""
        return tuple([one.agreement for one in self.used])

    @property
    def quiet(self) -> bool:
        """Whether there is nothing wrong with it, so that it may be folded."""
        return all(kind in _QUIET for kind in self.kinds)

    @property
    def fold_words(self) -> str:
        """What a folded row says of its regions."""
        regions = counted(self.regions, "region")
        one = self.regions == 1
        if set(self.kinds) == {"same"}:
            keep, their = ("keeps", "its") if one else ("keep", "their")
            return f"{regions} {keep} {their} address"
        if "physical" in self.kinds:
            stay, their = ("stays", "its") if one else ("stay", "their")
            return f"{regions} {stay} at {their} physical address"
        return f"{regions} not used {'by the next kernel' if len(self.used) == 1 else 'throughout'}"

    def __str__(self) -> str:
        if self.regions > 1:
            return self.fold_words
        shown = [self.given.address, self.frozen, *[one.address for one in self.used]]
        told = " ".join("?" if address is None else f"{address:#x}" for address in shown)
        notes = [f" ({one.note})" for one in self.used if one.note]
        label = type_style(self.type).label
        where = f"{self.physical.start:#x}"
        return f"{label} {where}: {told}: {', '.join(self.kinds)}{''.join(notes)}"


def chain_rows(
    platform: Platform, taken: Sequence[Transition], hops: Sequence[ChainHop]
) -> tuple[ChainRow, ...]:
    """A row for each region with EFI_MEMORY_RUNTIME, in the order of physical addresses.

    ``taken`` and ``hops`` are those of one chain, hop by hop.
    """
    base = _regions(platform, [each.state for each in taken])
    columns = [list(_column(base, *each)) for each in zip(taken, hops, strict=True)]
    given = list(_given(base, taken[0].state))
    frozen = _looked_up(base, taken[0].state.layout)
    virtual = taken[0].state.firmware.virtual
    return tuple(
        ChainRow(
            number,
            one.type,
            one.physical,
            given[number],
            frozen[number] if virtual else one.physical.start,
            tuple([column[number] for column in columns]),
        )
        for number, one in enumerate(base)
    )


def _regions(platform: Platform, states: Sequence[ChainState]) -> Layout:
    """What firmware was told of, else what it has; and runtime regions that it was not told of."""
    layout = next((state.layout for state in states if state.layout), ())
    told = sorted(layout, key=lambda one: one.physical.start)
    ends = _running_ends(told)
    starts = [one.physical.start for one in told]
    besides = [
        Mapping(one.physical, None, int(one.type), "RWX", "", True, (one.index,))
        for one in platform.memory_map.runtime
        if one.addressable and one.physical.size and not _touched(one.physical, starts, ends)
    ]
    return tuple(sorted([*told, *besides], key=lambda one: one.physical.start))


def _running_ends(told: Sequence[Mapping]) -> list[int]:
    """The highest end of each region and all before it."""
    ends: list[int] = []
    for one in told:
        ends.append(max(one.physical.end, ends[-1] if ends else 0))
    return ends


def _touched(physical: AddressRange, starts: Sequence[int], ends: Sequence[int]) -> bool:
    before = bisect_left(starts, physical.end)
    return before > 0 and ends[before - 1] > physical.start


def _identity(base: Layout) -> Layout:
    return tuple([one._replace(virtual_start=one.physical.start) for one in base])


def _given(base: Layout, state: ChainState) -> Iterator[UsedAddress]:
    """The addresses of the first kernel: those it gave, or would have given."""
    if state.firmware.virtual:
        for address in _looked_up(base, state.layout):
            yield UsedAddress(address, "same" if address is not None else "unused")
        return
    failed = state.kernel.calls and not state.running
    layout = state.kernel.regions if failed else _identity(base)
    for address in _looked_up(base, layout):
        yield UsedAddress(address, "unused" if failed else "physical")


def used_layout(taken: Transition, hop: ChainHop, base: Layout) -> Layout | None:
    """Where the second kernel of a hop has firmware's regions; ``None``: it does without them."""
    state, second = taken.state, taken.second
    role = second.role
    if hop.verdict == "runtime-disabled":
        return None
    if hop.verdict == "pointer-misread":
        return _identity(base)
    if role.only_given:
        return state.listed
    if not state.firmware.virtual:
        claims_call = taken.channel in role.reads and taken.channel != "device-tree"
        return second.regions or state.listed if claims_call or second.calls else _identity(base)
    if second.addresses == "physical":
        return _identity(base)
    if role.addresses == "given" and taken.channel in role.reads:
        return state.listed
    return second.regions


def _column(base: Layout, taken: Transition, hop: ChainHop) -> Iterator[UsedAddress]:
    """Each region as the second kernel of a hop has it."""
    layout = used_layout(taken, hop, base)
    if layout is None:
        yield from [UsedAddress(None, "unused", "not used") for _ in base]
        return
    virtual = taken.state.firmware.virtual
    expected = _identity(base)
    if virtual:
        starts = _looked_up(base, taken.state.layout)
        expected = tuple(
            [one._replace(virtual_start=at) for one, at in zip(base, starts, strict=True)]
        )
    there = _Lookup(layout)
    if _changes_by_boot(taken, hop, expected, there):
        yield from [UsedAddress(None, "differs", "differs from boot to boot") for _ in base]
        return
    misread = hop.verdict == "pointer-misread"
    for one in expected:
        found = there.address_of(one)
        if not virtual and hop.verdict == "page-fault":
            told = found == one.physical.start
            yield UsedAddress(found, *(("physical",) if told else ("fault", _NEVER_TOLD)))
        elif _faults_at(hop, one.physical):
            yield UsedAddress(found, "fault", _NOTES[hop.verdict])
        elif not virtual and hop.verdict in ("ok", "svam-twice"):
            yield UsedAddress(found, "physical")
        elif one.virtual_start is None and not misread:
            yield UsedAddress(found, "unused", "not told to firmware")
        else:
            yield _compared(one, found, there, misread=misread)


def _compared(one: Mapping, found: int | None, there: _Lookup, *, misread: bool) -> UsedAddress:
    first = next(there.differences(one), None)
    if first is None:
        return UsedAddress(found, "same")
    if misread:
        return UsedAddress(found, "differs", "taken for physical")
    if found is None:
        note = "not known" if there.holds(one) else "not mapped"
        return UsedAddress(None, "differs", note)
    if first.expected is None:
        return UsedAddress(found, "differs", "firmware's is not known")
    offset = first.region.start - one.physical.start
    if first.found is None or offset:
        return UsedAddress(found, "differs", f"only for the first {size_text(offset)}")
    away = first.found - first.expected
    direction = "lower" if away < 0 else "higher"
    return UsedAddress(found, "differs", f"{size_text(abs(away))} {direction}")


def _changes_by_boot(taken: Transition, hop: ChainHop, expected: Layout, there: _Lookup) -> bool:
    """Whether the verdict is only that nobody can know the second kernel's addresses."""
    return (
        hop.verdict == "va-mismatch"
        and not taken.second.role.reproducible
        and taken.second.addresses == "own"
        and not any(next(there.differences(one), None) for one in expected)
    )


def _faults_at(hop: ChainHop, physical: AddressRange) -> bool:
    example = hop.counter_example
    if hop.verdict not in _NOTES or example is None or example.region is None:
        return False
    return bool((example.region & physical).size)


class _Lookup:
    """A layout in the order of physical addresses."""

    def __init__(self, layout: Layout) -> None:
        self._layout = sorted(layout, key=lambda one: one.physical.start)
        self._starts = [one.physical.start for one in self._layout]

    def _near(self, one: Mapping) -> Layout:
        first = max(bisect_right(self._starts, one.physical.start) - 1, 0)
        return tuple(self._layout[first : bisect_left(self._starts, one.physical.end)])

    def _holder(self, one: Mapping) -> Mapping | None:
        start = one.physical.start
        return next((each for each in self._near(one) if start in each.physical), None)

    def holds(self, one: Mapping) -> bool:
        """Whether there is anything for the first byte of a region."""
        return self._holder(one) is not None

    def address_of(self, one: Mapping) -> int | None:
        """The virtual address of the first byte of a region."""
        holder = self._holder(one)
        if holder is None or holder.virtual_start is None:
            return None
        return holder.virtual_start + one.physical.start - holder.physical.start

    def differences(self, one: Mapping) -> Iterator[Difference]:
        """The parts of a region that are elsewhere here."""
        return differences((one,), self._near(one))


def _looked_up(base: Layout, layout: Layout) -> list[int | None]:
    there = _Lookup(layout)
    return [there.address_of(one) for one in base]


def folded(rows: Sequence[ChainRow]) -> tuple[ChainRow, ...]:
    """The rows as drawn: of more than `MOST_ROWS`, neighbours that agree are one.

    A row that differs is never folded, and of those that agree the first stays as an example.
    """
    if len(rows) <= MOST_ROWS:
        return tuple(rows)
    drawn: list[ChainRow] = []
    seen: set[tuple[Agreement, ...]] = set()
    for kinds, alike in groupby(rows, key=attrgetter("kinds")):
        run = list(alike)
        if not run[0].quiet:
            drawn += run
            continue
        if kinds not in seen:
            seen.add(kinds)
            drawn.append(run.pop(0))
        if len(run) > 1:
            extent = AddressRange(run[0].physical.start, max(each.physical.end for each in run))
            drawn.append(run[0]._replace(physical=extent, regions=len(run)))
        else:
            drawn += run
    return tuple(drawn)
