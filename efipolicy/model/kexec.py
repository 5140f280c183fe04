"""Kernels in the order in which they take over the machine."""

from __future__ import annotations

from typing import NamedTuple

from efipolicy.model.mapping import MappingPlan
from efipolicy.model.memory_map import MemoryDescriptor
from efipolicy.model.platform import MappingDeclaration, Platform


class Kernel(NamedTuple):
    """What one kernel declares, and the virtual layout it calls firmware under, where known.

    ``virtual_map`` is what the kernel declares, else what its plan tells SetVirtualAddressMap;
    ``None`` where neither says.
    """

    declared: MappingDeclaration
    virtual_map: tuple[MemoryDescriptor, ...] | None
    plan: MappingPlan | None


def kernels_before(declared: MappingDeclaration, platform: Platform) -> list[MappingDeclaration]:
    """The kernels that ran before a hop of ``kexec:``, first one first; none for a first kernel."""
    for first in platform.mapping or ():
        for place, hop in enumerate(first.kexec):
            if hop is declared:
                return [first, *first.kexec[:place]]
    return []


def firmware_is_virtual(
    declared: MappingDeclaration, platform: Platform, plan: MappingPlan | None = None
) -> bool | None:
    """Whether firmware runs at virtual addresses when a kernel calls it; ``None``: nobody says.

    That is so once the kernel or one before it has called SetVirtualAddressMap with success. The
    plan of a kernel's strategy counts for a first kernel that does not declare what it does.
    """
    before = kernels_before(declared, platform)
    unsure = False
    for kernel in (*before, declared):
        svam = kernel.set_virtual_address_map
        if svam and svam.calls:
            if svam.calls != "never" and svam.result != "failed":
                return True
        elif before or plan is None:
            unsure = True
        elif plan.svam is not None:
            return True
    return None if unsure else False
