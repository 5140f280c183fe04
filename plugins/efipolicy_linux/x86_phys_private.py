"""``x86-phys-private``: physical calls under a table of firmware's own, as proposed in 2010."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from efipolicy.plugin import (
    EFI_MEMORY_WB,
    EFI_PAGE_SIZE,
    AddressRange,
    EfiMemoryType,
    KexecRole,
    Mapping,
    MappingPlan,
    MemoryDescriptor,
    MemoryMap,
    Option,
    PlanProblem,
    PlanRequest,
    RuntimeCall,
    Strategy,
    pages_of,
)
from efipolicy_linux.direct_map import direct_map_of
from efipolicy_linux.page import page_of
from efipolicy_linux.x86_ioremap_svam import (
    PLACEMENT_OPTIONS,
    plan_ioremap_svam,
    resolved_options,
)
from efipolicy_linux.x86_parts import kernel_option

_CODE: Final = int(EfiMemoryType.EfiRuntimeServicesCode)
_DATA: Final = int(EfiMemoryType.EfiRuntimeServicesData)


def plan_phys_private(request: PlanRequest) -> MappingPlan:
    """Map each region at its physical address, in pages of 4 KiB, and never tell firmware.

    As mailed, regions were chosen by testing bits of the type's number, which chooses nearly all of
    them; a public derivative goes by EFI_MEMORY_RUNTIME. Both map one page more than each region
    has. Booted with ``virtefi``, the kernel does as ``x86-ioremap-svam`` does. Linux mailing list,
    August 2010, for 2.6.35.
    """
    options, memory_map = request.options, request.platform.memory_map
    if options["virtefi"]:
        made = plan_ioremap_svam(request)
        return made._replace(strategy="x86-phys-private")
    chosen = [d for d in memory_map.descriptors if _is_mapped(d, options)]
    mappings = tuple([_mapping(descriptor, options) for descriptor in chosen])
    problems = tuple(_left_out(memory_map, options))
    return MappingPlan(
        strategy="x86-phys-private",
        options=resolved_options(request),
        status="impossible" if problems else "ok",
        mappings=mappings,
        extra=tuple(_extra(mappings, options, memory_map)),
        svam=None,
        call=_call(options),
        problems=problems,
        largest_leaf=EFI_PAGE_SIZE,
        direct_map=direct_map_of(memory_map, EFI_PAGE_SIZE),
    )


def _is_mapped(descriptor: MemoryDescriptor, options: Any) -> bool:
    if options["variant"] == "distro":
        return descriptor.runtime
    if descriptor.attribute is None:
        return False
    if options["literal"]:
        return bool(descriptor.type & _CODE or descriptor.type & _DATA)
    return descriptor.type in (_CODE, _DATA)


def _left_out(memory_map: MemoryMap, options: Any) -> Iterator[PlanProblem]:
    """The runtime regions whose type is not looked for, such as registers."""
    for descriptor in memory_map.runtime:
        if not _is_mapped(descriptor, options):
            yield PlanProblem(
                rule="plan/mapping-out-of-reach",
                message=f"{descriptor} is of a type that is not mapped",
                region=descriptor.physical,
            )


def _mapping(descriptor: MemoryDescriptor, options: Any) -> Mapping:
    distro = options["variant"] == "distro"
    bit_test = options["literal"] and not distro
    code = descriptor.type & _CODE if bit_test else descriptor.type == _CODE
    return Mapping(
        physical=descriptor.physical,
        virtual_start=descriptor.physical_start,
        type=descriptor.type,
        access="RWX" if code else "RW",
        cache="UC-" if distro and not descriptor.has(EFI_MEMORY_WB) else "WB",
        runtime=descriptor.runtime,
        descriptors=(descriptor.index,),
        pages_only=True,
    )


def _extra(mappings: tuple[Mapping, ...], options: Any, memory_map: MemoryMap) -> Iterator[Mapping]:
    if options["inclusive_end"]:
        yield from _one_page_too_many(mappings, memory_map)
    if options["page0"]:
        yield Mapping(
            physical=AddressRange(0, EFI_PAGE_SIZE),
            virtual_start=0,
            type=int(EfiMemoryType.EfiConventionalMemory),
            access="RW",
            cache="WB",
            runtime=False,
            why="page 0, which firmware writes for a warm reset",
            pages_only=True,
        )


def _one_page_too_many(mappings: tuple[Mapping, ...], memory_map: MemoryMap) -> Iterator[Mapping]:
    """The page after each region, unless the region that starts there is mapped later anyway."""
    places = {mapping.physical.start: place for place, mapping in enumerate(mappings)}
    for place, mapping in enumerate(mappings):
        end = mapping.physical.end
        if end < 1 << 64 and places.get(end, -1) < place:
            owner = memory_map.at(end)
            yield mapping._replace(
                physical=pages_of(end, 1),
                virtual_start=end,
                type=owner.type if owner else int(EfiMemoryType.EfiReservedMemoryType),
                runtime=False,
                descriptors=(),
                why=f"one page too many, after {mapping.physical}",
            )


def _call(options: Any) -> RuntimeCall:
    """How a service is called. The code as it was mailed first saved its state in one place."""
    distro = options["variant"] == "distro"
    half = "the kernel's half" if distro else "the kernel's map of memory and its text"
    return RuntimeCall(
        register="CR3",
        stays_mapped=f"{half}, and the regions at their physical addresses",
        interrupts="off",
        saved_state="global" if options["literal"] and not distro else "per-cpu",
    )


X86_PHYS_PRIVATE: Final = Strategy(
    name="x86-phys-private",
    title="Proposed for Linux on x86-64 in 2010: physical calls under a table of their own",
    page=page_of("x86-phys-private"),
    architectures=frozenset({"x86_64"}),
    options=(
        kernel_option((2, 6, 35)),
        Option(
            name="variant",
            kind="choice",
            choices=("distro", "mailing-list"),
            default="distro",
            doc="how regions, execution and cache types are chosen: as a distribution did, by "
            "EFI_MEMORY_RUNTIME, or as mailed, by type and always write-back",
        ),
        Option(
            name="literal",
            kind="boolean",
            default=False,
            doc="with mailing-list: the bit test as it was written first, which chooses all types "
            "but 0 and 8, with one saved state for all processors",
        ),
        Option(
            name="inclusive_end",
            kind="boolean",
            default=True,
            doc="whether each region is mapped with one page too many",
        ),
        Option(
            name="page0",
            kind="boolean",
            default=False,
            doc="whether page 0 is mapped, as for machines of Dell",
        ),
        Option(
            name="virtefi",
            kind="boolean",
            default=False,
            doc="booted with virtefi: becomes x86-ioremap-svam, whose options below count then",
        ),
        *PLACEMENT_OPTIONS,
    ),
    plan=plan_phys_private,
    kexec=KexecRole("physical", exports_runtime_map=False),
)
