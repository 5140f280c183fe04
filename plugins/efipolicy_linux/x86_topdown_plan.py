"""``x86-topdown``: what x86-64 Linux installs for runtime services since 3.14."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, Literal

from efipolicy.plugin import (
    EFI_PAGE_SIZE,
    AddressRange,
    EfiMemoryType,
    KexecRole,
    Mapping,
    MappingPlan,
    MemoryMap,
    Placement,
    PlanProblem,
    PlanRequest,
    RuntimeCall,
    Strategy,
    Unforeseen,
    VirtualMapEntry,
    pages_of,
    round_down,
    round_up,
    size_text,
)
from efipolicy_linux.direct_map import direct_map_of
from efipolicy_linux.page import page_of
from efipolicy_linux.x86_flags import MapTime, protections
from efipolicy_linux.x86_topdown import (
    NAMED_WINDOW,
    PHASE,
    SOFT_RESERVE_SINCE,
    Region,
    place,
    regions_of,
)
from efipolicy_linux.x86_topdown_options import OPTIONS

REVERSED_SINCE: Final = (4, 3)

_CALL: Final = RuntimeCall(
    register="CR3",
    stays_mapped="the kernel's half, and the regions at their physical addresses",
    interrupts="off during SetVirtualAddressMap",
)

_NOTE: Final = (
    "Region 1 is placed first, directly below \N{MINUS SIGN}4 GiB; each next one goes below it and "
    "keeps its offset in 2 MiB (Linux 6.12)."
)
_PLACEMENT: Final = Placement((NAMED_WINDOW,), "down", (_NOTE,))

_LIST: Final = "the list handed to SetVirtualAddressMap"
_DESCRIPTOR_SIZE: Final = 48
"""Bytes of a descriptor of EDK II, where nothing tells those of a machine's firmware."""


def plan_topdown(request: PlanRequest) -> MappingPlan:
    """Place every runtime and boot-services region below -4 GiB, highest first.

    Boot-services regions take up window space too, because firmware was seen to touch them during
    SetVirtualAddressMap. Each region is mapped a second time at its physical address. Large leaves
    are used wherever the virtual address allows them; nobody looks at the physical one.
    Behaviour of Linux 3.14 to 6.12 on 64-bit firmware.
    """
    options, platform = request.options, request.platform
    memory_map = platform.memory_map
    regions = regions_of(
        memory_map.descriptors,
        merge=options["merge"],
        boot_services=options["boot_services"],
        soft_reserve=options["soft_reserve"] and options["kernel"] >= SOFT_RESERVE_SINCE,
    )
    if _order(options) == "reverse":
        regions.reverse()
    map_time = MapTime.of(options)
    placed = [(region, map_time.mapping(region)) for region in place(regions)]
    mappings = tuple([mapping for _, mapping in placed])
    problems = tuple(_unplaced(mappings))
    return MappingPlan(
        strategy="x86-topdown",
        options=dict(options),
        status="impossible" if problems else _status(mappings, options),
        mappings=mappings,
        extra=tuple(_extra(mappings, options, map_time)),
        svam=tuple([_virtual_map_entry(region) for region, _ in placed]),
        call=_CALL,
        problems=problems,
        leaf_policy="va-only",
        largest_leaf=None if options["gbpages"] else PHASE,
        protections=protections(platform.memory_attributes_table, placed, options),
        encryption_bit=options["c_bit"] if map_time.encrypts else None,
        direct_map=direct_map_of(memory_map, EFI_PAGE_SIZE),
        unforeseen=() if options["svam_buffer"] else (_buffer(len(placed), memory_map),),
        placement=_PLACEMENT,
    )


def _order(options: Any) -> str:
    order = str(options["order"])
    if order == "auto":
        return "reverse" if options["kernel"] >= REVERSED_SINCE else "forward"
    return order


def _status(mappings: tuple[Mapping, ...], options: Any) -> Literal["ok", "assumption"]:
    """Whether something is only assumed: how a TDX guest maps device registers."""
    mmio = EfiMemoryType.EfiMemoryMappedIO
    if options["encryption"] == "tdx" and any(mapping.type == mmio for mapping in mappings):
        return "assumption"
    return "ok"


def _extra(mappings: tuple[Mapping, ...], options: Any, map_time: MapTime) -> Iterator[Mapping]:
    """The second mapping of every region, then single pages.

    In the page tables the later one wins where they overlap, so page 0 comes after the regions.
    """
    why = "1:1, for firmware that uses a physical address"
    for mapping in mappings:
        yield mapping._replace(virtual_start=mapping.physical.start, why=why)
    memory = _memory(encrypted=map_time.encrypts)
    if options["page0"]:
        yield memory._replace(
            physical=AddressRange(0, EFI_PAGE_SIZE),
            virtual_start=0,
            access=map_time.page_0,
            why="page 0, for firmware that reads it",
        )
    if options["svam_buffer"]:
        start, end = options["svam_buffer"]
        start, end = round_down(start, EFI_PAGE_SIZE), round_up(end, EFI_PAGE_SIZE)
        pages = AddressRange(start, end)
        yield memory._replace(physical=pages, virtual_start=start, why=_LIST)
    if options["encryption"] == "sev-es":
        why = "through it the guest talks to its hypervisor (GHCB)"
        for address in options["ghcb"]:
            page = pages_of(round_down(address, EFI_PAGE_SIZE), 1)
            yield _memory(encrypted=False)._replace(
                physical=page, virtual_start=page.start, why=why
            )


def _memory(*, encrypted: bool) -> Mapping:
    """A mapping of the kernel's own memory, its place still to be said."""
    return Mapping(
        physical=AddressRange(0, 0),
        virtual_start=None,
        type=int(EfiMemoryType.EfiConventionalMemory),
        access="RW",
        cache="WB",
        runtime=False,
        encrypted=encrypted,
    )


def _buffer(entries: int, memory_map: MemoryMap) -> Unforeseen:
    """The pages of the list, 1:1. The kernel takes them from its own memory wherever it likes.

    Each time the list outgrows its pages the kernel takes twice as many, two at first. How many
    entries it has is not certain, since the kernel splits some.
    """
    needed = entries * (memory_map.descriptor_size or _DESCRIPTOR_SIZE)
    order, room = 0, 0
    while room < needed:
        room += EFI_PAGE_SIZE << order
        order += 1
    return Unforeseen(_LIST, tuple(1 << power for power in range(max(order, 2) + 1)), "RW")


def _virtual_map_entry(region: Region) -> VirtualMapEntry:
    return VirtualMapEntry(
        physical_start=region.physical.start,
        virtual_start=region.virtual_start,
        number_of_pages=region.physical.size // EFI_PAGE_SIZE,
        type=region.type,
        attribute=region.attribute,
    )


def _unplaced(mappings: tuple[Mapping, ...]) -> Iterator[PlanProblem]:
    for mapping in mappings:
        if mapping.virtual_start is None:
            yield PlanProblem(
                rule="linux/runtime-window-overflow",
                message=f"no room left for {size_text(mapping.physical.size)} in the 64 GiB window",
                region=mapping.physical,
            )


_KEXEC: Final = KexecRole(
    "given",
    reads=("setup_data",),
    offers=("setup_data",),
    states_addresses=True,
    maps_identity=True,
    exports_runtime_map=True,
    kexec_flag=True,
)
"""The second kernel maps what it is handed, there and 1:1 (Linux 6.12, arch/x86/platform/efi)."""

X86_TOPDOWN: Final = Strategy(
    name="x86-topdown",
    title="Linux on x86-64 since 3.14: downwards from -4 GiB",
    page=page_of("x86-topdown"),
    architectures=frozenset({"x86_64"}),
    options=OPTIONS,
    plan=plan_topdown,
    kexec=_KEXEC,
)
