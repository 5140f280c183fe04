"""The path of an address through the tables of a geometry: which entry of each level is read."""

from __future__ import annotations

from typing import NamedTuple

from efipolicy.paging.geometry import Level, RadixGeometry


class Step(NamedTuple):
    """The entry that translation reads in a table of one level."""

    level: Level
    number: int


def path(geometry: RadixGeometry, address: int) -> tuple[Step, ...]:
    """The entries that a virtual address selects, from the root down to the smallest page.

    A leaf further up ends the walk there. Bits above those the tree translates select nothing.
    """
    return tuple(
        Step(level, (address >> level.shift) & ((1 << level.bits) - 1)) for level in geometry.levels
    )


def out_of_reach(geometry: RadixGeometry, address: int) -> bool:
    """Whether the bits that no table translates are neither all clear nor all set.

    No processor with these tables translates such an address: x86 calls it not canonical, arm64
    has no base register for it.
    """
    above = (address & ((1 << 64) - 1)) >> geometry.virtual_address_bits
    return above not in (0, (1 << (64 - geometry.virtual_address_bits)) - 1)
