"""The mapping an operating system installs for runtime services, as a strategy predicts it."""

from __future__ import annotations

from typing import Literal

from efipolicy.model.address import AddressRange
from efipolicy.named_tuple import NamedTuple

Access = Literal["R", "RW", "RX", "RWX"]
PlanStatus = Literal["ok", "incomplete", "impossible", "assumption"]
LeafPolicy = Literal["strict", "va-only"]
"""Where a large leaf may stand: where virtual and physical address are multiples of its size, or
where the virtual one is and nobody looks at the other (Linux on x86)."""
PlacementDirection = Literal["up", "down", "none"]
"""How addresses go from one mapping of a plan to the next: they rise, they fall, or each follows
from the region alone, so that there is no order."""


class Mapping(NamedTuple):
    """One range of virtual addresses and the physical range behind it.

    ``virtual_start`` is ``None`` when the strategy could not place the range. ``descriptors`` are
    the indices of the memory map's entries it was made from. Access and cache are those at the time
    it is mapped. ``pages_only`` forbids larger leaves and contiguous runs, ``temporary`` says that
    it is taken out again once SetVirtualAddressMap is done, ``encrypted`` that its leaves carry the
    plan's encryption bit.
    """

    physical: AddressRange
    virtual_start: int | None
    type: int
    access: Access
    cache: str
    runtime: bool
    descriptors: tuple[int, ...] = ()
    why: str | None = None
    pages_only: bool = False
    temporary: bool = False
    encrypted: bool = False

    @property
    def virtual(self) -> AddressRange | None:
        """The virtual addresses, ``None`` when it has none."""
        start = self.virtual_start
        return None if start is None else AddressRange(start, start + self.physical.size)


class Protection(NamedTuple):
    """An access that leaves already there are changed to, such as the attributes table demands.

    Frame and cache type stay. A large leaf is split where only a part of it is named.
    """

    virtual: AddressRange
    access: Access


class Unforeseen(NamedTuple):
    """Memory that is mapped at its physical address and whose place nobody knows beforehand.

    ``number_of_pages`` are the counts of EFI pages it may have.
    """

    why: str
    number_of_pages: tuple[int, ...]
    access: Access


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


class PlacementWindow(NamedTuple):
    """A range of virtual addresses that a strategy fills, with a name for each of its limits.

    Addresses are bytes, ``end`` is exclusive: at most 2^64, and not beyond the page tables, whose
    width a strategy has from its request. A name is what the operating system's own source calls
    the limit, such as ``EFI_VA_START``, or a few words; it may be empty.
    """

    start: int
    end: int
    low_name: str = ""
    high_name: str = ""

    @property
    def virtual(self) -> AddressRange:
        """The addresses inside."""
        return AddressRange(self.start, self.end)


class Placement(NamedTuple):
    """Between which limits a strategy places regions, in which direction, and how it goes about it.

    What ``mappings`` of the plan have an address lies in one of ``windows``, unless a problem tells
    otherwise; windows do not overlap, and there are none where a strategy has no limits. Mappings
    are placed in ``direction``; where it is ``None``, their addresses have to tell. ``notes`` are
    sentences for who looks at a picture of the mapping, the most important first. Nothing is
    computed from any of this: it says of a plan what its addresses alone do not.
    """

    windows: tuple[PlacementWindow, ...] = ()
    direction: PlacementDirection | None = None
    notes: tuple[str, ...] = ()


class MappingPlan(NamedTuple):
    """What a strategy installs: mappings in placement order, and what it maps besides.

    ``svam`` is the list handed to SetVirtualAddressMap, ``None`` when it is not called.

    The rest is what page tables depend on: where large leaves may stand and how large (bytes), what
    is protected once everything is mapped, the number of the bit that marks encrypted memory, the
    physical memory that the kernel's own tables map as ordinary memory while firmware runs, and
    what is mapped besides at a place that no input tells, and the width of the tables where they
    translate more than the addresses the kernel uses. ``own_image`` says why the kernel's image may
    be missing from what is mapped 1:1, or protected in it, where nobody says where that image lies.
    ``placement`` says between which limits the strategy chose the addresses.
    """

    strategy: str
    options: dict[str, object]
    status: PlanStatus
    mappings: tuple[Mapping, ...]
    extra: tuple[Mapping, ...]
    svam: tuple[VirtualMapEntry, ...] | None
    call: RuntimeCall
    problems: tuple[PlanProblem, ...] = ()
    leaf_policy: LeafPolicy = "strict"
    largest_leaf: int | None = None
    protections: tuple[Protection, ...] = ()
    encryption_bit: int | None = None
    direct_map: tuple[AddressRange, ...] = ()
    unforeseen: tuple[Unforeseen, ...] = ()
    virtual_address_bits: int | None = None
    own_image: str | None = None
    placement: Placement = Placement()
