"""UEFI-SVAM-012."""

from collections.abc import Iterator

from efipolicy.plugin import (
    ATTRIBUTE_BITS,
    CACHEABILITY,
    EFI_MEMORY_UC,
    EFI_MEMORY_UCE,
    EFI_MEMORY_WC,
    EFI_MEMORY_WP,
    AddressRange,
    Architecture,
    Bad,
    Finding,
    Good,
    MappingDeclaration,
    MappingPlan,
    MemoryDescriptor,
    MemoryMap,
    NotJudged,
    Related,
    Responsible,
    RuntimeRegion,
    Severity,
    attribute_names,
    rule,
)
from efipolicy_uefi.descriptors import MMIO_TYPES
from efipolicy_uefi.extents import parts
from efipolicy_uefi.ranges import inside, merged, outside

_CACHE_TYPES = CACHEABILITY | EFI_MEMORY_WP | EFI_MEMORY_UCE


@rule(
    "uefi/runtime-region-mapped-with-other-cacheability",
    severity=Severity.ERROR,
    requirements=("UEFI-SVAM-012",),
    sources=("UEFI 2.10 §8.4.1", "UEFI 2.11 §8.4.1"),
    help="map the region with a cache type its descriptor offers",
    needs=("attributes",),
    responsible=Responsible.KERNEL,
    examples=(
        Bad(
            "EfiMemoryMappedIO  0xffc00000  0x400  RUNTIME UC",
            sections="""
mapping: [{os: a, runtime_regions: [{start: 0xffc00000, size: 0x400000, cache: WB}]}]
""",
            at=0,
        ),
        Bad(
            "EfiRuntimeServicesCode  0x7f000000  16  RUNTIME WB",
            sections="""
mapping: [{os: a, runtime_regions: [{start: 0x7f000000, size: 0x10000, cache: UC}]}]
""",
            at=0,
        ),
        Bad(
            "EfiRuntimeServicesData  0x7f000000  16  RUNTIME WT",
            architecture="x86_64",
            sections="mapping: [{strategy: x86-topdown}]",
            at=0,
        ),
        Good(
            "EfiMemoryMappedIO  0xffc00000  0x400  RUNTIME UC",
            sections="""
mapping: [{os: a, runtime_regions: [{start: 0xffc00000, size: 0x400000, cache: UC}]}]
""",
        ),
        # Linux maps all device memory so, whatever it offers.
        Good(
            "EfiMemoryMappedIO  0x4000000  0x4000  RUNTIME WC",
            sections="""
mapping: [{os: a, runtime_regions: [{start: 0x4000000, size: 0x4000000, cache: UC}]}]
""",
        ),
        Good(
            "EfiRuntimeServicesData  0x7f000000  16     RUNTIME UC WC WT WB",
            "EfiMemoryMappedIO       0xffc00000  0x400  RUNTIME UC",
            architecture="x86_64",
            sections="mapping: [{strategy: x86-topdown}, {strategy: identity}]",
        ),
    ),
)
def runtime_region_mapped_with_other_cacheability(
    memory_map: MemoryMap,
    mapping: MappingDeclaration,
    architecture: Architecture | None = None,
    plan: MappingPlan | None = None,
) -> Iterator[Finding | NotJudged]:
    """A runtime region is mapped with a cache type its descriptor does not offer.

    The memory map says how each region can be cached; whoever maps it for runtime services uses
    one of these types, no matter which. Device registers mapped as cached memory are read ahead,
    and take writes late or not at all. Memory mapped uncached here and cached elsewhere holds two
    values at once; on AArch64, where uncached means device memory, no instruction may be fetched
    from it, so that code aborts at the first call.

    Some readings are legal and let pass. Device memory may be mapped uncached, or as device
    memory, whatever it offers: Linux on arm64 does so with flash that offers WC only. UC- of x86
    page tables leaves the choice of WC to the MTRRs. A descriptor that offers nothing cannot be
    mapped right, which is ``uefi/runtime-region-without-cacheability``.

    Linux on x86-64 knows WB and UC- only, so that memory that offers nothing but WT is mapped
    wrong; on arm64 it takes everything but device memory for WB.
    """
    regions = mapping.runtime_regions or ()
    declared = merged(region.physical for region in regions)
    for region in regions:
        yield from _declared(region, memory_map)
    if plan and architecture:
        yield from _planned(plan, mapping, memory_map, architecture, declared)
    elif any(outside(descriptor.physical, declared) for descriptor in memory_map.runtime):
        yield NotJudged("mapping[].strategy, or mapping[].runtime_regions")


def _declared(region: RuntimeRegion, memory_map: MemoryMap) -> Iterator[Finding]:
    for part, holder in parts(memory_map, region.physical):
        if holder and not _fits(ATTRIBUTE_BITS[region.cache], holder):
            message = _message(holder, part, region.cache)
            related = (Related(holder, f"offers {_offered(holder)}"),)
            yield Finding(region, message, part, field="cache", related=related)


def _planned(
    plan: MappingPlan,
    mapping: MappingDeclaration,
    memory_map: MemoryMap,
    architecture: Architecture,
    declared: list[AddressRange],
) -> Iterator[Finding | NotJudged]:
    """What is left to the strategy: descriptors of which no part is declared."""
    by_index = {descriptor.index: descriptor for descriptor in memory_map.descriptors}
    for mapped in plan.mappings:
        bits = _bits_of(mapped.cache, architecture)
        if bits is None:
            yield NotJudged(f"what {architecture.name} means by the cache type {mapped.cache}")
            continue
        for descriptor in filter(None, map(by_index.get, mapped.descriptors)):
            if not _fits(bits, descriptor) and not inside(descriptor.physical, declared):
                yield Finding(
                    mapping,
                    _message(descriptor, descriptor.physical, mapped.cache),
                    descriptor.physical,
                    field="strategy",
                    related=(Related(descriptor, f"offers {_offered(descriptor)}"),),
                )


def _bits_of(cache: str, architecture: Architecture) -> int | None:
    """The EFI cache types that a mapping of this kind is right for."""
    bits = sum(bit for bit, name in architecture.cacheability.items() if name == cache)
    if cache == "UC-":
        return EFI_MEMORY_UC | EFI_MEMORY_WC
    if cache.startswith("device-"):
        return bits | EFI_MEMORY_UC
    return bits or None


def _fits(bits: int, descriptor: MemoryDescriptor) -> bool:
    """Whether a mapping right for these types is right for a descriptor, or is no concern of it."""
    if not descriptor.runtime or not descriptor.has(CACHEABILITY):
        return True
    uncached_device = descriptor.type in MMIO_TYPES and bits & EFI_MEMORY_UC
    return descriptor.has(bits) or bool(uncached_device)


def _offered(descriptor: MemoryDescriptor) -> str:
    return "|".join(attribute_names((descriptor.attribute or 0) & _CACHE_TYPES))


def _message(descriptor: MemoryDescriptor, part: AddressRange, cache: str) -> str:
    return f"{descriptor.type_name} {part} is mapped {cache} and offers {_offered(descriptor)}"
