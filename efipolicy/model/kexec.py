"""Kernels in the order in which they take over the machine."""

from __future__ import annotations

from typing import NamedTuple

from efipolicy.model.mapping import MappingPlan
from efipolicy.model.memory_map import MemoryDescriptor
from efipolicy.model.platform import MappingDeclaration


class Kernel(NamedTuple):
    """What one kernel declares, and the virtual layout it calls firmware under, where known.

    ``virtual_map`` is what the kernel declares, else what its plan tells SetVirtualAddressMap;
    ``None`` where neither says.
    """

    declared: MappingDeclaration
    virtual_map: tuple[MemoryDescriptor, ...] | None
    plan: MappingPlan | None
