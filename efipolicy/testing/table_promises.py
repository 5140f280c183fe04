"""What page tables of every geometry promise, each promise a function that says what breaks it.

The builder and the walker are efipolicy's. What is tested is that the data of an architecture make
trees of them in which each address leads where it was mapped.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from itertools import pairwise
from random import Random

from efipolicy.model.address import AddressRange, round_up
from efipolicy.model.mapping import LeafPolicy, Mapping, Protection
from efipolicy.named_tuple import NamedTuple
from efipolicy.paging import Level, RadixGeometry, out_of_reach
from efipolicy.paging.builder import build
from efipolicy.paging.entries import AccessKind, EntryFormats, wider
from efipolicy.paging.tables import PageTables
from efipolicy.paging.walker import Walk, walk
from efipolicy.testing.entry_promises import ACCESS, leaves_of, width_of
from efipolicy.testing.page_by_page import Page, PageByPage


class Tried(NamedTuple):
    """Some disjoint mappings for one kind of tables, and numbers to choose addresses by.

    ``formats`` are ``None`` where the architecture lays out no entries.
    """

    geometry: RadixGeometry
    formats: EntryFormats | None
    mappings: Sequence[Mapping]
    random: Random


Promise = Callable[[Tried], str | None]
"""What breaks a promise, ``None`` when it is kept."""

_KINDS: tuple[tuple[AccessKind, str], ...] = (("read", "R"), ("write", "W"), ("execute", "X"))
_POLICIES: tuple[LeafPolicy, ...] = ("strict", "va-only")
_TOP = 1 << 64


def continuous(geometry: RadixGeometry) -> Iterator[str]:
    """Each level continues where the one below ends, the last one holds leaves, all fit 64 bits."""
    for upper, lower in pairwise(geometry.levels):
        if upper.shift != lower.shift + lower.bits:
            ends = lower.shift + lower.bits
            yield f"{upper.name} starts at bit {upper.shift}, {lower.name} ends before bit {ends}"
        if geometry.table_bytes(lower) > geometry.page_size:
            yield f"a table of {lower.name} is larger than a page"
    if not geometry.levels[-1].leaf:
        yield f"{geometry.levels[-1].name} holds no leaves"
    if geometry.virtual_address_bits > 64:
        yield f"{geometry.virtual_address_bits} bits of an address are translated"
    names = [level.name for level in geometry.levels]
    if len({*names}) != len(names):
        yield f"two levels have one name: {', '.join(names)}"
    for level in geometry.levels:
        run = level.contiguous
        if run is not None and not (level.leaf and run > 1 and run.bit_count() == 1):
            yield f"{run} leaves of {level.name} make no contiguous run"


def random_mappings(
    geometry: RadixGeometry, formats: EntryFormats | None, random: Random
) -> tuple[Mapping, ...]:
    """A few mappings of any size anywhere in the address space, none on another.

    Their frames are such as every leaf can name, their cache types such as every leaf has.
    """
    page, width = geometry.page_size, 48
    caches = ["WB"]
    if formats:
        leaves = [leaf for _, leaf in leaves_of(geometry, formats)]
        width = min(map(width_of, leaves))
        caches = sorted(set.intersection(*(set(leaf.cache) for leaf in leaves)))
    found: list[Mapping] = []
    for reach in random.sample(geometry.translated, len(geometry.translated)):
        at = reach.start + random.randrange(reach.size // page // 2) * page
        for _ in range(random.randrange(4)):
            at += random.choice((0, 0, 1, 16, 511, 1 << 18)) * page
            most = min(reach.end - at, 1 << width - 1) // page
            if most < 1 or _in_window(geometry, at):
                break
            size = random.randint(1, min(most, random.choice((4, 600, 1 << 20, most)))) * page
            found.append(
                _mapping(at, size, random, width=width, page=page, cache=random.choice(caches))
            )
            at += size
    return tuple(one for one in found if one.virtual and not _meets_window(geometry, one.virtual))


def _mapping(at: int, size: int, random: Random, *, width: int, page: int, cache: str) -> Mapping:
    """A mapping at an address, its frames congruent as often as not, so that large leaves fit."""
    room = ((1 << width) - size) // page
    physical = random.randint(0, room) * page
    if random.random() < 0.5:
        aligned = random.choice((page, page << 9, page << 18))
        physical = (at + (physical - at) // aligned * aligned) % (room * page + page)
        physical -= physical % page
    return Mapping(
        AddressRange(physical, physical + size),
        at,
        6,
        random.choice(ACCESS),
        cache,
        runtime=True,
        pages_only=random.random() < 0.3,
    )


def _in_window(geometry: RadixGeometry, address: int) -> bool:
    return any(address in window.virtual for window in geometry.windows)


def _meets_window(geometry: RadixGeometry, extent: AddressRange) -> bool:
    return any(extent.overlaps(window.virtual) for window in geometry.windows)


def reached(tried: Tried) -> str | None:
    """An access to a mapped address ends at its frame, or at the fault that the access deserves."""
    geometry, formats, mappings, random = tried
    tables = build(geometry, mappings)
    for refusal in tables.refused:
        return f"{mappings[refusal.mapping].virtual} is refused: {refusal.reason}"
    if formats is None:
        return None
    for index, mapping in enumerate(mappings):
        virtual = mapping.virtual
        assert virtual
        for address in (virtual.start, virtual.last, random.randrange(*virtual)):
            meant = mapping.physical.start + address - virtual.start
            level = _level_of(tables, address)
            if level is None:
                return f"{address:#x} is mapped, and no leaf holds it"
            access = wider(mapping.access, formats.leaves[level.name])
            for kind, letter in _KINDS:
                found = walk(tables, formats, address, kind)
                if letter in access:
                    here = (found.physical, found.access, found.cache, found.mapping)
                    if here != (meant, access, mapping.cache, index):
                        wanted = f"{meant:#x} {access} {mapping.cache}"
                        return f"to {kind} {address:#x} comes to {_end(found)}, not to {wanted}"
                elif not found.fault or found.fault.cause != "permission":
                    return f"{address:#x} with access {access} lets code {kind}"
    return None


def _end(found: Walk) -> str:
    """Where a walk ends: at what memory, or at what entry with what fault."""
    if found.physical is not None:
        return f"{found.physical:#x} {found.access} {found.cache}"
    steps = ", ".join(
        f"{step.level.name} {step.entry:#x} ({step.decoded.kind})" for step in found.steps
    )
    return f"`{found.explanation}` after {steps or 'no entry'}"


def _level_of(tables: PageTables, address: int) -> Level | None:
    """The level of the leaf that holds an address."""
    sizes = {run.leaf_size for run in tables.runs if address in run.virtual}
    return next((one for one in tables.geometry.levels if one.entry_size in sizes), None)


def nothing_else(tried: Tried) -> str | None:
    """An access beside the mappings faults, at the first entry under which nothing is mapped."""
    geometry, formats, mappings, random = tried
    if formats is None:
        return None
    tables = build(geometry, mappings)
    extents = [mapping.virtual for mapping in mappings if mapping.virtual]
    near = [edge for one in extents for edge in (one.start - 1, one.end)]
    near += [edge for one in geometry.translated for edge in (one.start, one.last)]
    near += [random.randrange(_TOP) for _ in range(4)]
    for address in near:
        if not 0 <= address < _TOP or _in_window(geometry, address):
            continue
        if any(address in one for one in extents):
            continue
        found = walk(tables, formats, address)
        cause = "not-canonical" if out_of_reach(geometry, address) else "not-mapped"
        if found.physical is not None or not found.fault or found.fault.cause != cause:
            told = found.fault.cause if found.fault else f"{found.physical or 0:#x}"
            return f"nothing is mapped at {address:#x}, which comes to {told}, not to {cause}"
    return None


def whole_leaves(tried: Tried) -> str | None:
    """Leaves have the geometry's sizes, are aligned both ways, and lie inside their mappings."""
    geometry, mappings = tried.geometry, tried.mappings
    tables = build(geometry, mappings)
    by_size = {level.entry_size: level for level in geometry.levels if level.leaf}
    for run in tables.runs:
        level = by_size.get(run.leaf_size)
        if level is None:
            return f"leaves of {run.leaf_size:#x} bytes at {run.start:#x}"
        unit = run.leaf_size * ((level.contiguous or 1) if run.contiguous else 1)
        if run.start % unit or run.end % unit or run.physical % unit:
            return f"a leaf of {run.leaf_size:#x} bytes at {run.start:#x} is not aligned"
        inside = mappings[run.mapping].virtual
        if not inside or not _rounded(inside, geometry.page_size).covers(run.virtual):
            return f"leaves at {run.virtual} reach beyond their mapping"
        if mappings[run.mapping].pages_only and run.leaf_size != geometry.page_size:
            return f"a leaf of {run.leaf_size:#x} bytes where only pages may stand"
    sizes = sum(run.end - run.start for run in tables.runs)
    wanted = sum(_rounded(m.virtual, geometry.page_size).size for m in mappings if m.virtual)
    return None if sizes == wanted else f"leaves of {sizes:#x} bytes for {wanted:#x}"


def _rounded(extent: AddressRange, page: int) -> AddressRange:
    return AddressRange(extent.start - extent.start % page, round_up(extent.end, page))


def merges(tried: Tried) -> str | None:
    """Two neighbours that are alike are one mapping.

    Where they meet at the end of the largest leaf the tables are equal; where they meet inside one,
    every address leads where it did, and one mapping never takes more tables than two.
    """
    geometry, random = tried.geometry, tried.random
    page = geometry.page_size
    largest = max(
        level.entry_size * (level.contiguous or 1) for level in geometry.levels if level.leaf
    )
    for mapping in tried.mappings:
        virtual = mapping.virtual
        assert virtual
        places = [virtual.start + page * random.randrange(virtual.size // page)]
        places.append(round_up(virtual.start + 1, largest))
        whole = build(geometry, [mapping])
        for place in places:
            if not virtual.start < place < virtual.end:
                continue
            halves = build(geometry, _cut(mapping, place))
            if halves.total < whole.total:
                return (
                    f"{virtual} takes {whole.total} tables, {halves.total} when cut at {place:#x}"
                )
            if place % largest == 0 and _merged(halves) != _merged(whole):
                return f"{virtual} has other leaves when it is cut at {place:#x}"
            if _frames(halves) != _frames(whole):
                return f"{virtual} leads elsewhere when it is cut at {place:#x}"
    return None


def _cut(mapping: Mapping, place: int) -> list[Mapping]:
    assert mapping.virtual_start is not None
    middle = mapping.physical.start + place - mapping.virtual_start
    return [
        mapping._replace(physical=AddressRange(mapping.physical.start, middle)),
        mapping._replace(physical=AddressRange(middle, mapping.physical.end), virtual_start=place),
    ]


def _merged(tables: PageTables) -> list[tuple[object, ...]]:
    """The runs, neighbours of equal leaves as one, whatever mapping they are of."""
    joined: list[list[object]] = []
    for run in tables.runs:
        kind = (run.leaf_size, run.access, run.cache, run.contiguous, run.physical - run.start)
        if joined and joined[-1][1:] == [run.start, kind]:
            joined[-1][1] = run.end
        else:
            joined.append([run.start, run.end, kind])
    return [tuple(one) for one in joined]


def _frames(tables: PageTables) -> list[tuple[int, int, int]]:
    """Where addresses lead, whatever the size of the leaves."""
    joined: list[tuple[int, int, int]] = []
    for run in tables.runs:
        offset = run.physical - run.start
        if joined and joined[-1][1:] == (run.start, offset):
            joined[-1] = (joined[-1][0], run.end, offset)
        else:
            joined.append((run.start, run.end, offset))
    return joined


def repeatable(tried: Tried) -> str | None:
    """Building again gives the same, and so does another order of the mappings."""
    geometry, mappings = tried.geometry, tried.mappings
    tables = build(geometry, mappings)
    if build(geometry, iter(mappings)) != tables:
        return "built again the tables are others"
    other = build(geometry, tuple(reversed(mappings)))
    if other.tables != tables.tables or _merged(other) != _merged(tables):
        return "built in the opposite order the tables are others"
    return None


def out_of_reach_refused(geometry: RadixGeometry, formats: EntryFormats | None) -> Iterator[str]:
    """Addresses that the tables do not translate cannot be mapped, and an access to one faults."""
    page = geometry.page_size
    ends = [reach.end for reach in geometry.translated if reach.end < _TOP]
    starts = [reach.start - page for reach in geometry.translated if reach.start]
    for address in (*ends, *starts):
        if not out_of_reach(geometry, address) or _in_window(geometry, address):
            continue
        one = Mapping(AddressRange(0, page), address, 6, "RWX", "WB", runtime=True)
        tables = build(geometry, [one])
        if not tables.refused or tables.runs:
            yield f"{address:#x} is mapped, and {geometry.name} does not translate it"
        if formats:
            found = walk(tables, formats, address)
            if (
                found.physical is not None
                or not found.fault
                or found.fault.cause != "not-canonical"
            ):
                yield f"an access to {address:#x} is no fault"


def windows_lead(
    geometry: RadixGeometry, formats: EntryFormats | None, types: Collection[str]
) -> Iterator[str]:
    """An access in a window ends at the memory that the window names, without any table.

    Windows do not overlap, lie in 64 bits at both ends, and have a cache type of the architecture.
    """
    windows = sorted(geometry.windows)
    for low, high in pairwise(windows):
        if low.virtual.overlaps(high.virtual):
            yield f"the windows {low.virtual} and {high.virtual} overlap"
    for window in windows:
        virtual, behind = window.virtual, window.physical_start
        if not 0 <= virtual.start < virtual.end <= _TOP or not 0 <= behind <= _TOP - virtual.size:
            yield f"the window {virtual} to {behind:#x} is no range within 64 bits"
            continue
        if window.cache not in types:
            yield f"the window {virtual} makes memory {window.cache}, of {', '.join(sorted(types))}"
        extent = AddressRange(behind, behind + virtual.size)
        one = Mapping(extent, virtual.start, 6, "RWX", window.cache, runtime=True)
        tables = build(geometry, [one])
        if tables.refused or tables.runs:
            yield f"the window {virtual} needs tables"
        if formats is None:
            continue
        for address in (virtual.start, virtual.last):
            found = walk(tables, formats, address, "execute")
            if found.physical != behind + address - virtual.start or found.cache != window.cache:
                yield f"{address:#x} in the window {virtual} comes to {_end(found)}"


def miniature(geometry: RadixGeometry) -> RadixGeometry:
    """The same tree with tables of few entries, so that its pages can be counted one by one.

    Contiguous runs become two leaves long.
    """
    levels: list[Level] = []
    shift = geometry.levels[-1].shift
    for level in reversed(geometry.levels):
        bits = min(level.bits, 2)
        run = 2 if level.contiguous else None
        levels.insert(0, Level(level.name, shift, bits, level.leaf, run))
        shift += bits
    return geometry._replace(name=f"{geometry.name}-miniature", levels=tuple(levels))


def counted_page_by_page(geometry: RadixGeometry, random: Random) -> str | None:
    """A miniature of the tree has the pages and tables that looking at each page gives it."""
    small = miniature(geometry)
    policy = random.choice(_POLICIES)
    mappings = [_small_mapping(small, random) for _ in range(random.randrange(5))]
    protections = [_small_protection(small, random) for _ in range(random.randrange(3))]
    tables = build(small, mappings, leaf_policy=policy, protections=protections)
    expected = PageByPage(small, policy)
    tree = expected.build(mappings, protections)
    if tables.tables != expected.counts():
        return f"{small.name}: {dict(tables.tables)} tables, page by page {expected.counts()}"
    if {one.mapping for one in tables.refused} != tree.refused:
        return f"{small.name}: refused {tables.refused}, page by page {tree.refused}"
    return None if pages_of(tables) == tree.pages else f"{small.name}: pages differ"


def pages_of(tables: PageTables) -> dict[int, Page]:
    """Every page of some tables; small trees only."""
    page = tables.geometry.page_size
    return {
        address: Page(
            run.physical + address - run.start,
            run.access,
            run.cache,
            run.encrypted,
            run.mapping,
            run.leaf_size,
            run.contiguous,
        )
        for run in tables.runs
        for address in range(run.start, run.end, page)
    }


def _small_start(geometry: RadixGeometry, random: Random) -> int:
    """An address near an end of what is translated."""
    reach = random.choice(geometry.translated)
    near = random.choice((reach.start, reach.start, reach.end - 24 * geometry.page_size))
    return max(0, near + random.randint(-2, 40) * geometry.page_size)


def _small_mapping(geometry: RadixGeometry, random: Random) -> Mapping:
    page = geometry.page_size
    virtual = _small_start(geometry, random)
    size = random.randint(0, 70) * page
    physical = virtual % (1 << 36) + random.choice((0, 0, 1, 2, 4, 16, 64)) * page
    return Mapping(
        AddressRange(physical, physical + size),
        random.choice((virtual, virtual, virtual, virtual, None)),
        6,
        random.choice(ACCESS),
        random.choice(("WB", "UC")),
        runtime=True,
        pages_only=random.random() < 0.2,
    )


def _small_protection(geometry: RadixGeometry, random: Random) -> Protection:
    start = _small_start(geometry, random)
    size = random.randint(0, 40) * geometry.page_size
    return Protection(AddressRange(start, start + size), random.choice(ACCESS))
