"""Who in a chain of kernels called SetVirtualAddressMap, and under which layout the rest runs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from efipolicy.plugin import Kernel, MemoryDescriptor

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
            applies = applies_map(kernel, firmware_is_physical=not unsure)
            caller = kernel if applies else None
            unsure = unsure or applies is None


def applies_map(kernel: Kernel, *, firmware_is_physical: bool) -> bool | None:
    """Whether a kernel moves firmware to virtual addresses; ``None`` where nobody says.

    What its strategy plans counts only while firmware is physical for sure: the same strategy
    takes over a layout that is there already.
    """
    declared = kernel.declared
    svam = declared.set_virtual_address_map
    if svam and svam.calls:
        return svam.calls != "never" and svam.result != "failed"
    if declared.virtual_map is not None:
        # A layout of physical addresses is in use with the call and without it.
        moved = any(entry.virtual_start != entry.physical_start for entry in declared.virtual_map)
        return True if firmware_is_physical and moved else None
    if kernel.plan is None or not firmware_is_physical:
        return None
    return kernel.plan.svam is not None


def carried_over(entry: MemoryDescriptor) -> bool:
    """Whether firmware relies on an entry of a layout: nobody says that it does not."""
    return entry.attribute is None or entry.runtime
