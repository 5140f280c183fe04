"""``windows-virtual``: a stand-in for what Windows does, of which little is public.

Known is that it calls SetVirtualAddressMap with addresses of the kernel's half, and that code and
data do not share pages where the hypervisor protects them. Addresses, order and whether physical
addresses stay mapped are assumptions, and every plan says so.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from typing import Final

from efipolicy.plugin import (
    EFI_MEMORY_RO,
    EFI_MEMORY_UC,
    EFI_MEMORY_WB,
    EFI_MEMORY_WC,
    EFI_MEMORY_WT,
    EFI_MEMORY_XP,
    Access,
    AddressRange,
    Architecture,
    EfiMemoryType,
    Mapping,
    MappingPlan,
    MemoryAttributesTable,
    MemoryDescriptor,
    Option,
    Placement,
    PlacementWindow,
    PlanProblem,
    PlanRequest,
    Protection,
    RuntimeCall,
    Strategy,
    VirtualMapEntry,
    round_down,
    round_up,
)

BASE: Final = 0xFFFF_F800_0000_0000
SLOT: Final = 64 << 10
SECTION: Final = 2 << 20

_STRONGEST_FIRST: Final = (EFI_MEMORY_WB, EFI_MEMORY_WT, EFI_MEMORY_WC, EFI_MEMORY_UC)
_CALL: Final = RuntimeCall(register="not known", stays_mapped="not known")


def plan_virtual(request: PlanRequest) -> MappingPlan:
    """Place the runtime regions one after the other from ``base`` on, or below it, in slots.

    A slot is 64 KiB, so that no region shares a page with another.
    """
    options, platform = dict(request.options), request.platform
    granular = options["page_granular"]
    runtime = platform.memory_map.runtime
    mappings = tuple(
        [
            _mapping(descriptor, virtual_start, request.architecture, granular=granular)
            for descriptor, virtual_start in packed(
                runtime, options["base"], down=options["direction"] == "down"
            )
        ]
    )
    table = platform.memory_attributes_table if granular else None
    return MappingPlan(
        strategy="windows-virtual",
        options=options,
        status="assumption",
        mappings=mappings,
        extra=tuple(_one_to_one(mappings)) if options["keep_1to1"] else (),
        svam=tuple(map(_virtual_map_entry, runtime, mappings)),
        call=_CALL,
        problems=tuple(_unplaced(mappings)),
        protections=tuple(_protections(table, mappings, one_to_one=options["keep_1to1"])),
        placement=_placement(options["base"], down=options["direction"] == "down"),
    )


def _placement(base: int, *, down: bool) -> Placement:
    """From the base on. Below it nobody knows of any limit."""
    notes = (
        "Little is public about the addresses Windows chooses: base and order are assumptions.",
    )
    if down:
        return Placement(direction="down", notes=notes)
    window = PlacementWindow(base, 1 << 64, "base, assumed", "end of the address space")
    return Placement((window,), "up", notes)


def packed(
    descriptors: Iterable[MemoryDescriptor], base: int, *, down: bool = False
) -> Iterator[tuple[MemoryDescriptor, int | None]]:
    """Give each region the next slots, its offset kept; ``None`` beyond either end of 64 bits.

    One that starts on 2 MiB and is that large starts on 2 MiB again.
    """
    cursor = base
    for descriptor in descriptors:
        start, end = descriptor.physical
        first = round_down(start, SLOT)
        unit = SECTION if not start % SECTION and end - first >= SECTION else SLOT
        if down:
            top = round_down(cursor, SLOT) - (end - start)
            cursor = virtual_start = top - (top - start) % unit
        else:
            virtual_start = round_up(cursor, unit) + start - first
            cursor = virtual_start + end - start
        fits = virtual_start >= 0 and virtual_start + end - start <= 1 << 64
        yield descriptor, virtual_start if fits else None


def _mapping(
    descriptor: MemoryDescriptor,
    virtual_start: int | None,
    architecture: Architecture,
    *,
    granular: bool,
) -> Mapping:
    """The mapping of a region. Without granularity nobody keeps code and data apart."""
    code = descriptor.type == EfiMemoryType.EfiRuntimeServicesCode
    return Mapping(
        physical=descriptor.physical,
        virtual_start=virtual_start,
        type=descriptor.type,
        access="RWX" if code or not granular else "RW",
        cache=_cache(descriptor, architecture),
        runtime=True,
        descriptors=(descriptor.index,),
        pages_only=granular,
    )


def _cache(descriptor: MemoryDescriptor, architecture: Architecture) -> str:
    types = architecture.cacheability
    found = (types[bit] for bit in _STRONGEST_FIRST if descriptor.has(bit))
    return next(found, types[EFI_MEMORY_UC])


def _one_to_one(mappings: Iterable[Mapping]) -> Iterator[Mapping]:
    for mapping in mappings:
        yield mapping._replace(virtual_start=mapping.physical.start, why="1:1, if it is kept")


def _protections(
    table: MemoryAttributesTable | None, mappings: Iterable[Mapping], *, one_to_one: bool
) -> Iterator[Protection]:
    """What the Memory Attributes Table makes of each address, page by page."""
    entries = sorted(table.entries, key=lambda entry: entry.physical_start) if table else []
    by_address = sorted(mappings, key=lambda mapping: mapping.physical)
    at = 0
    for entry in entries:
        while at < len(by_address) and by_address[at].physical.end <= entry.physical_start:
            at += 1
        if at == len(by_address):
            return
        mapping = by_address[at]
        start = mapping.virtual_start
        if start is None or not mapping.physical.covers(entry.physical):
            continue
        access = _access(entry)
        offset = start - mapping.physical.start
        first, end = entry.physical
        yield Protection(AddressRange(first + offset, end + offset), access)
        if one_to_one:
            yield Protection(entry.physical, access)


def _access(entry: MemoryDescriptor) -> Access:
    if entry.has(EFI_MEMORY_RO):
        return "R" if entry.has(EFI_MEMORY_XP) else "RX"
    return "RW" if entry.has(EFI_MEMORY_XP) else "RWX"


def _virtual_map_entry(descriptor: MemoryDescriptor, mapping: Mapping) -> VirtualMapEntry:
    return VirtualMapEntry(
        physical_start=descriptor.physical_start,
        virtual_start=mapping.virtual_start,
        number_of_pages=descriptor.number_of_pages,
        type=descriptor.type,
        attribute=descriptor.attribute or 0,
    )


def _unplaced(mappings: Iterable[Mapping]) -> Iterator[PlanProblem]:
    for mapping in mappings:
        if mapping.virtual_start is None:
            yield PlanProblem(
                rule="plan/mapping-out-of-reach",
                message="no room left within 64 bits",
                region=mapping.physical,
            )


WINDOWS_VIRTUAL: Final = Strategy(
    name="windows-virtual",
    title="Windows, as far as it is known: addresses in the kernel's half",
    page=f"{os.path.dirname(__file__)}/pages/windows-virtual.rst",
    architectures=frozenset({"x86_64", "arm64"}),
    options=(
        Option(
            name="base",
            kind="address",
            default=BASE,
            doc="where the regions start, or end; arbitrary, no such address is documented",
        ),
        Option(
            name="direction",
            kind="choice",
            choices=("up", "down"),
            default="up",
            doc="whether each region is placed above the one before it or below",
        ),
        Option(
            name="page_granular",
            kind="boolean",
            default=True,
            doc="whether no page holds two permissions, as HVCI demands: small pages, and those "
            "of the Memory Attributes Table",
        ),
        Option(
            name="keep_1to1",
            kind="boolean",
            default=False,
            doc="whether the regions stay mapped at their physical addresses besides",
        ),
    ),
    plan=plan_virtual,
)
