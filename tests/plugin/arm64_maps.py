"""Memory maps of arm64 for the tests of its strategies."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from hypothesis import strategies as st

from efipolicy.model.mapping import MappingPlan
from efipolicy.model.platform import Platform
from tests.plugin.plans import RUNTIME, WB, Row, choice, planned_as, platform_of

CODE, DATA, MMIO, RAM = 5, 6, 11, 7

ARM6 = [
    (MMIO, 0x09010000, 0x1000, RUNTIME | 1),
    (CODE, 0xBBE30000, 0xC0000, RUNTIME | WB),
    (DATA, 0xBBEF0000, 0x110000, RUNTIME | WB),
    (DATA, 0xBC000000, 0x400000, RUNTIME | WB),
    (CODE, 0xBF7E5000, 0xB000, RUNTIME | WB),
    (DATA, 0xBF7F0000, 0x10000, RUNTIME | WB),
]


def arm64(regions: Sequence[Row], attributes: Sequence[Row] | None = None) -> Platform:
    """A platform with such a memory map."""
    return platform_of(regions, "whole", architecture="arm64", attributes=attributes)


def plan_of(
    strategy: str, platform: Platform, page: int = 0x1000, bits: int = 39, **options: str
) -> MappingPlan:
    """What a strategy makes of it."""
    return planned_as(platform, choice(strategy, page_size=page, bits=bits, **options)).plan


@st.composite
def maps(draw: st.DrawFn) -> list[Row]:
    """Runtime regions, some side by side, in any order, with memory between them."""
    start, rows = 0x40000000, []
    shapes = st.tuples(
        st.integers(0, 2000), st.integers(1, 1200), st.sampled_from([CODE, DATA, MMIO, RAM])
    )
    for gap, pages, type in draw(st.lists(shapes, max_size=12)):
        start += gap * 0x1000
        attribute = {MMIO: RUNTIME | 1, RAM: WB}.get(type, RUNTIME | WB)
        rows.append((type, start, pages * 0x1000, attribute))
        start += pages * 0x1000
    return draw(st.permutations(rows))


PAGES_AND_BITS = [(0x1000, 39), (0x1000, 48), (0x4000, 47), (0x10000, 42)]


def no_two_overlap(made: MappingPlan) -> bool:
    """Whether each virtual address belongs to one region at most."""
    taken = sorted(each.virtual for each in made.mappings if each.virtual)
    return all(low.end <= high.start for low, high in pairwise(taken))
