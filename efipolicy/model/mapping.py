"""The mapping an operating system installs for runtime services, as a strategy predicts it."""

from __future__ import annotations

from typing import Literal, NamedTuple

from efipolicy.model.address import AddressRange

Access = Literal["R", "RW", "RX", "RWX"]
PlanStatus = Literal["ok", "incomplete", "impossible", "assumption"]


class Mapping(NamedTuple):
    """One range of virtual addresses and the physical range behind it.

    ``virtual_start`` is ``None`` when the strategy could not place the range. ``descriptors`` are
    the indices of the memory map's entries it was made from.
    """

    physical: AddressRange
    virtual_start: int | None
    type: int
    access: Access
    cache: str
    runtime: bool
    descriptors: tuple[int, ...] = ()
    why: str | None = None


class VirtualMapEntry(NamedTuple):
    """One entry of the list given to SetVirtualAddressMap (UEFI 2.10, 8.4.1). EFI pages."""

    physical_start: int
    virtual_start: int | None
    number_of_pages: int
    type: int
    attribute: int


class RuntimeCall(NamedTuple):
    """How the operating system enters a runtime service. ``None``: no source read says so."""

    register: str
    stays_mapped: str
    flushes: str | None = None
    preemption: str | None = None
    interrupts: str | None = None
    fp_state: str | None = None
    saved_state: Literal["per-cpu", "global"] | None = None


class PlanProblem(NamedTuple):
    """Something the strategy cannot do with this platform, and the rule that says so."""

    rule: str
    message: str
    region: AddressRange | None = None


class MappingPlan(NamedTuple):
    """What a strategy installs: mappings in placement order, and what it maps besides.

    ``svam`` is the list handed to SetVirtualAddressMap, ``None`` when it is not called.
    """

    strategy: str
    options: dict[str, object]
    status: PlanStatus
    mappings: tuple[Mapping, ...]
    extra: tuple[Mapping, ...]
    svam: tuple[VirtualMapEntry, ...] | None
    call: RuntimeCall
    problems: tuple[PlanProblem, ...] = ()
