"""``x86-ioremap-svam``: firmware in the kernel's own page tables, as before Linux 3.14."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from efipolicy.plugin import (
    EFI_PAGE_SIZE,
    AddressRange,
    EfiMemoryType,
    KexecRole,
    Mapping,
    MappingPlan,
    Option,
    PlanRequest,
    Protection,
    RuntimeCall,
    Strategy,
)
from efipolicy_linux.direct_map import direct_map_of
from efipolicy_linux.linear_map import (
    IOREMAP,
    Room,
    during_the_call,
    mapping_of,
    place,
    problems_of,
    status_of,
    virtual_map,
)
from efipolicy_linux.page import page_of
from efipolicy_linux.x86_parts import chosen_regions, end_of_ram, kernel_option, merge_option
from efipolicy_linux.x86_topdown import GIB, Region
from efipolicy_linux.x86_window import OVERFLOW

FIXMAP_UNTIL: Final = (2, 6, 28)
FIXMAP: Final = Room(100 * EFI_PAGE_SIZE, 0, OVERFLOW, "the 100 pages of the fixmap")
FIRST_ENTRY: Final = 512 * GIB
"""Up to 2.6.28 one entry at the top is copied for the call, later as many as memory needs."""

BOOT_SERVICES_SINCE: Final = (3, 14)
PAGE_OFFSET_MOVED: Final = (4, 20)
REMOVED: Final = (5, 10)
"""The first long-term release that does not know ``efi=old_map`` any more."""

_CALL: Final = RuntimeCall(
    register="CR3, which stays the kernel's own",
    stays_mapped="all of the kernel; nothing at its physical address, except during "
    "SetVirtualAddressMap",
    interrupts="off during SetVirtualAddressMap",
)


def plan_ioremap_svam(request: PlanRequest) -> MappingPlan:
    """Use the kernel's map of all memory, and ioremap for what lies outside.

    Linux 2.6.28 to 3.13, later with ``efi=old_map``. Up to 2.6.28 only low memory counts as mapped,
    anything else goes into the fixmap, 100 pages in all; later, registers go to ioremap and other
    memory extends the kernel's map. A region without an address is told to firmware as 0.

    The kernel makes no table for it: the page tables shown are those of a map that holds only the
    regions.
    """
    memory_map = request.platform.memory_map
    options = resolved_options(request)
    request = request._replace(options=options)
    kernel, end = options["kernel"], options["direct_map_end"]
    old = _uses_fixmap(kernel)

    def is_linear(region: Region) -> bool:
        if old:
            return region.physical.end <= int(end)
        return region.type != EfiMemoryType.EfiMemoryMappedIO

    room = FIXMAP if old else None
    placed = tuple(
        place(
            chosen_regions(request),
            page_offset=options["page_offset"],
            is_linear=is_linear,
            ioremapped=options["ioremap"],
            room=room,
        )
    )
    mappings = tuple([mapping_of(each) for each in placed])
    status = status_of(placed)
    return MappingPlan(
        strategy="x86-ioremap-svam",
        options=options,
        status="assumption" if kernel >= REMOVED and status == "ok" else status,
        mappings=mappings,
        extra=tuple(during_the_call(placed, FIRST_ENTRY if old else 1 << 64)),
        svam=virtual_map(placed, memory_map, kernel),
        call=_CALL,
        problems=tuple(problems_of(placed, room)),
        protections=_after_the_call(mappings),
        direct_map=direct_map_of(memory_map, EFI_PAGE_SIZE),
    )


def _uses_fixmap(kernel: Any) -> bool:
    return bool(kernel[:3] <= FIXMAP_UNTIL)


def resolved_options(request: PlanRequest) -> dict[str, Any]:
    """The options, with what the release and the map come to where they are not given."""
    options = dict(request.options)
    kernel = options["kernel"]
    if options["boot_services"] is None:
        options["boot_services"] = kernel >= BOOT_SERVICES_SINCE
    if options["page_offset"] is None:
        options["page_offset"] = _page_offset(kernel, request.geometry.virtual_address_bits)
    if options["direct_map_end"] is None:
        low = 4 * GIB if _uses_fixmap(kernel) else 1 << 64
        options["direct_map_end"] = end_of_ram(request.platform.memory_map, low)
    return options


def _page_offset(kernel: Any, virtual_address_bits: int) -> int:
    """Where the kernel maps all memory, unless it is moved at random."""
    if virtual_address_bits == 57:
        return 0xFF11_0000_0000_0000
    return 0xFFFF_8880_0000_0000 if kernel >= PAGE_OFFSET_MOVED else 0xFFFF_8800_0000_0000


def _after_the_call(mappings: Iterable[Mapping]) -> tuple[Protection, ...]:
    """Boot-services code is executable only while firmware converts its pointers."""
    code = EfiMemoryType.EfiBootServicesCode
    return tuple(
        Protection(AddressRange(*mapping.virtual), "RW")
        for mapping in mappings
        if mapping.type == code and not mapping.runtime and mapping.virtual
    )


PLACEMENT_OPTIONS: Final = (
    Option(
        name="boot_services",
        kind="boolean",
        default=None,
        doc="whether EfiBootServicesCode and EfiBootServicesData are mapped too; since 3.14 unless "
        "given",
    ),
    merge_option(default=False),
    Option(
        name="page_offset",
        kind="address",
        default=None,
        doc="where the kernel maps all memory: 0xffff880000000000 up to 4.19, 0xffff888000000000 "
        "later, 0xff11000000000000 with 57 bits, unless given; random with KASLR",
    ),
    Option(
        name="direct_map_end",
        kind="address",
        default=None,
        doc="the physical end of that map; the end of the highest RAM, up to 2.6.28 of that below "
        "4 GiB, unless given",
    ),
    IOREMAP,
)

X86_IOREMAP_SVAM: Final = Strategy(
    name="x86-ioremap-svam",
    title="Linux on x86-64 before 3.14: in the kernel's own map",
    page=page_of("x86-ioremap-svam"),
    architectures=frozenset({"x86_64"}),
    options=(kernel_option((3, 14), (2, 6, 25)), *PLACEMENT_OPTIONS),
    plan=plan_ioremap_svam,
    kexec=KexecRole(
        "own",
        reproducible=False,
        varies_with="the allocator's order, RAM and page_offset",
        exports_runtime_map=False,
        kexec_flag=False,
    ),
)
