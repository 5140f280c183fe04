"""Kernels in the order in which they take over the machine."""

from __future__ import annotations

from typing import Final

from efipolicy.model.mapping import MappingPlan
from efipolicy.model.memory_map import MemoryDescriptor
from efipolicy.model.platform import MappingDeclaration, Platform
from efipolicy.named_tuple import NamedTuple

NO_VIRTUAL_START: Final = 0xFFFF_FFFF_FFFF_FFFF
"""The virtual start that says there is none: Linux's stub after a failed call, Xen for the rest."""


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


def moves_firmware(
    declared: MappingDeclaration, plan: MappingPlan | None, *, physical: bool
) -> bool | None:
    """Whether a kernel makes firmware virtual; ``None`` where nobody says.

    ``physical`` says that firmware was not virtual before, for sure. Only then is a layout in use
    the kernel's own doing, and does its plan count: the same strategy takes over a layout that is
    there already.
    """
    svam = declared.set_virtual_address_map
    if svam and svam.calls:
        return svam.calls != "never" and svam.result != "failed"
    if svam and svam.result:
        return svam.result == "success"
    if not physical:
        return None
    if any(map(_moved, declared.virtual_map or ())):
        return True
    # A layout of physical addresses is in use with the call and without it.
    return None if plan is None else plan.svam is not None


def _moved(entry: MemoryDescriptor) -> bool:
    """Whether an entry of a layout has firmware use other addresses than the physical ones."""
    placed = entry.virtual_start not in (None, NO_VIRTUAL_START, entry.physical_start)
    return placed and (entry.attribute is None or entry.runtime)


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
        moves = moves_firmware(kernel, None if before else plan, physical=not unsure)
        if moves:
            return True
        unsure = unsure or moves is None
    return None if unsure else False
