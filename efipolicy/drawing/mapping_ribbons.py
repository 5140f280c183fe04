"""The ribbons of a mapping: a region each, or neighbours that share one where there are many."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from efipolicy.drawing.findings import DrawnFinding
from efipolicy.drawing.mapping_regions import MappedRegion
from efipolicy.drawing.notation import TYPE_STYLES, type_style
from efipolicy.model.address import AddressRange, size_text
from efipolicy.model.mapping import PlacementWindow
from efipolicy.named_tuple import NamedTuple

MOST_RIBBONS: Final = 14
"""With more regions than this, neighbours share a ribbon."""

NEAR: Final = 1 << 30
"""Neighbours nearer than this, bytes, fold before others do."""

TIMES: Final = "\N{MULTIPLICATION SIGN}"


class Ribbon(NamedTuple):
    """What is drawn as one: a region, or neighbours in both columns, by physical address.

    ``outside`` is how far it lies from the nearest window, in bytes, 0 for one inside.
    """

    regions: tuple[MappedRegion, ...]
    outside: int = 0

    @property
    def physical(self) -> AddressRange:
        """From the lowest to the highest physical address, gaps in between included."""
        return _hull(region.physical for region in self.regions)

    @property
    def virtual(self) -> AddressRange | None:
        """From the lowest to the highest virtual address; ``None`` when it has none."""
        ranges = [region.virtual for region in self.regions if region.virtual is not None]
        return _hull(ranges) if ranges else None

    @property
    def size(self) -> int:
        """Bytes of its regions, gaps left out."""
        return sum(region.physical.size for region in self.regions)

    @property
    def types(self) -> tuple[int, ...]:
        """Its types, that with the most bytes first."""
        sizes: dict[int, int] = {}
        for region in self.regions:
            sizes[region.type] = sizes.get(region.type, 0) + region.physical.size
        return tuple(sorted(sizes, key=lambda kind: -sizes[kind]))

    @property
    def label(self) -> str:
        """``RT Code``, ``3 x RT Data``, ``12 x Boot Code, Boot Data``."""
        names = ", ".join(type_style(kind).label for kind in self.types)
        number = len(self.regions)
        return names if number == 1 else f"{number} {TIMES} {names}"

    @property
    def short_label(self) -> str:
        """The label in few words where a ribbon has several types."""
        if len(self.types) == 1:
            return self.label
        families = {type_style(kind).family for kind in self.types}
        name = "Boot" if families == {"boot"} else "other memory"
        return f"{len(self.regions)} {TIMES} {name}"

    @property
    def order(self) -> str:
        """The places in the order of placement: ``3``, or ``3-5`` with a dash between."""
        numbers = [region.order for region in self.regions if region.order is not None]
        if not numbers:
            return ""
        first, last = min(numbers), max(numbers)
        return str(first) if first == last else f"{first}\N{EN DASH}{last}"

    @property
    def missing(self) -> str | None:
        """What it lacks and why, where it has no address."""
        return self.regions[0].missing

    @property
    def findings(self) -> tuple[DrawnFinding, ...]:
        """The findings about its regions, the gravest first."""
        found = [finding for region in self.regions for finding in region.findings]
        return tuple(sorted(found, key=lambda finding: finding.rank))

    @property
    def boring(self) -> bool:
        """Whether it may share a ribbon with others of another type: no firmware runs from it."""
        return not any(region.runtime for region in self.regions) and all(
            kind in TYPE_STYLES for kind in self.types
        )

    def __str__(self) -> str:
        to = self.missing if self.virtual is None else f"{self.virtual}"
        more = f" outside by {size_text(self.outside)}" if self.outside else ""
        order = f"{self.order} " if self.order else ""
        return f"{order}{self.label} {size_text(self.size)} {self.physical} -> {to}{more}"


def _hull(ranges: Iterable[AddressRange]) -> AddressRange:
    known = list(ranges)
    return AddressRange(min(one.start for one in known), max(one.end for one in known))


def ribbons_of(regions: Sequence[MappedRegion], windows: Sequence[PlacementWindow]) -> list[Ribbon]:
    """The ribbons by physical address: a region each as long as they are few.

    Above `MOST_RIBBONS`, neighbours of one type that touch fold, then neighbours of one type less
    than 1 GiB apart, then those of one type, or of any type that firmware does not use, wherever
    they are; the first of these that is enough. Nothing folds across a finding, a limit of a
    window, or something without an address.
    """
    ribbons = [Ribbon((region,), _distance(region, windows)) for region in regions]
    if len(ribbons) <= MOST_RIBBONS:
        return ribbons
    folded = ribbons
    for level in (1, 2, 3):
        folded = _folded(folded, windows, level)
        if len(folded) <= MOST_RIBBONS:
            break
    return folded


def _distance(region: MappedRegion, windows: Sequence[PlacementWindow]) -> int:
    """How far a region reaches out of the window that it comes nearest to, bytes."""
    virtual = region.virtual
    if virtual is None or not windows:
        return 0
    return min(max(window.start - virtual.start, virtual.end - window.end, 0) for window in windows)


def _folded(
    ribbons: Sequence[Ribbon], windows: Sequence[PlacementWindow], level: int
) -> list[Ribbon]:
    by_virtual = sorted(
        (ribbon for ribbon in ribbons if ribbon.virtual is not None),
        key=lambda ribbon: ribbon.virtual or AddressRange(0, 0),
    )
    place = {id(ribbon): at for at, ribbon in enumerate(by_virtual)}
    folded: list[Ribbon] = []
    first = last = -1
    for ribbon in ribbons:
        at = place.get(id(ribbon), -2)
        before = folded[-1] if folded else None
        neighbours = at >= 0 and first >= 0 and (at == last + 1 or at == first - 1)
        if before and neighbours and _fold_together(before, ribbon, windows, level):
            folded[-1] = Ribbon((*before.regions, *ribbon.regions))
            first, last = min(first, at), max(last, at)
        else:
            folded.append(ribbon)
            first = last = at
    return folded


def _fold_together(
    one: Ribbon, other: Ribbon, windows: Sequence[PlacementWindow], level: int
) -> bool:
    here, there = one.virtual, other.virtual
    if here is None or there is None or one.outside or other.outside:
        return False
    if one.findings or other.findings:
        return False
    if not all(window.virtual.covers(here) == window.virtual.covers(there) for window in windows):
        return False
    alike = one.types == other.types
    if level == 3:
        return alike or (one.boring and other.boring)
    gap = other.physical.start - one.physical.end
    apart = max(here.start - there.end, there.start - here.end)
    return alike and max(gap, apart) < (1 if level == 1 else NEAR)
