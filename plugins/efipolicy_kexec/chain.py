"""Who in a chain of kernels called SetVirtualAddressMap, and under which layout the rest runs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from efipolicy.plugin import NO_VIRTUAL_START, Kernel, MemoryDescriptor, moves_firmware

CALLS = "mapping[].set_virtual_address_map.calls"
LAYOUT = "mapping[].virtual_map, or a strategy that calls SetVirtualAddressMap"


class Hop(NamedTuple):
    """A kernel that follows others.

    ``caller`` is the first kernel before it known to have called SetVirtualAddressMap with
    success; without one, ``unsure`` says that some kernel before it may have.
    """

    kernel: Kernel
    caller: Kernel | None
    unsure: bool


def hops(chain: tuple[Kernel, ...]) -> Iterator[Hop]:
    """Every kernel but the first, with what the ones before it did."""
    caller: Kernel | None = None
    unsure = False
    for place, kernel in enumerate(chain):
        if place:
            yield Hop(kernel, caller, unsure)
        if caller is None:
            moves = moves_firmware(kernel.declared, kernel.plan, physical=not unsure)
            caller = kernel if moves else None
            unsure = unsure or moves is None


def carried_over(entry: MemoryDescriptor) -> bool:
    """Whether firmware relies on an entry of a layout: nobody says that it does not."""
    mapped = entry.virtual_start != NO_VIRTUAL_START
    return mapped and (entry.attribute is None or entry.runtime)
