"""The path of an address through the tables of a geometry: which entry of each level is read."""

from __future__ import annotations

from efipolicy.named_tuple import NamedTuple
from efipolicy.paging.geometry import Level, RadixGeometry


class Step(NamedTuple):
    """The entry that translation reads in a table of one level."""

    level: Level
    number: int


def path(geometry: RadixGeometry, address: int) -> tuple[Step, ...]:
    """The entries that a virtual address selects, from the root down to the smallest page.

    A leaf further up ends the walk there. Bits above those the tree translates select nothing.
    """
    return tuple(Step(level, level.index_of(address)) for level in geometry.levels)


def out_of_reach(geometry: RadixGeometry, address: int) -> bool:
    """Whether no table translates a virtual address, whatever the tables hold.

    x86 calls it not canonical, arm64 has no base register for it.
    """
    return not any(address in extent for extent in geometry.translated)
