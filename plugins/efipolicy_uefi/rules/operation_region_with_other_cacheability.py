"""UEFI-CFG-019."""

from collections.abc import Iterator

from efipolicy.plugin import (
    ATTRIBUTE_BITS,
    CACHEABILITY,
    EFI_MEMORY_UC,
    Bad,
    Edit,
    Finding,
    Fix,
    Good,
    MappingDeclaration,
    MemoryDescriptor,
    MemoryMap,
    NotJudged,
    OperationRegion,
    Platform,
    Related,
    Responsible,
    Severity,
    attribute_names,
    kernels_before,
    rule,
)
from efipolicy_uefi.extents import parts


@rule(
    "uefi/operation-region-with-other-cacheability",
    severity=Severity.WARNING,
    requirements=("UEFI-CFG-019",),
    sources=("UEFI 2.10 §2.3.2 to §2.3.8", "EFI 1.10 §2.3.2 and §2.3.3"),
    help="map the operation region with a cache type its memory descriptor offers",
    responsible=Responsible.KERNEL,
    fix="unsafe",
    examples=(
        Bad(
            "EfiACPIMemoryNVS  0x7f77e000  128  WB",
            sections="""
mapping: [{os: a, operation_regions: [{start: 0x7f780000, size: 0x100, cache: UC}]}]
""",
            at=0,
        ),
        Good(
            "EfiACPIMemoryNVS  0x7f77e000  128  WB",
            sections="""
mapping: [{os: a, operation_regions: [{start: 0x7f780000, size: 0x100, cache: WB}]}]
""",
        ),
        Good(
            "EfiACPIMemoryNVS  0x7f77e000  128  UC WC WT WB",
            sections="""
mapping: [{os: a, operation_regions: [{start: 0x7f780000, size: 0x100, cache: UC}]}]
""",
        ),
        Good(
            "EfiACPIMemoryNVS  0x7f77e000  128  WB",
            sections="""
mapping: [{os: a, operation_regions: [{start: 0xfed40000, size: 0x100, cache: UC}]}]
""",
        ),
    ),
)
def operation_region_with_other_cacheability(
    memory_map: MemoryMap, mapping: MappingDeclaration, platform: Platform
) -> Iterator[Finding | NotJudged]:
    """An ACPI operation region is cached differently from the memory it lies in.

    Code in ACPI tables reaches memory through operation regions. The operating system maps them
    with the cacheability the memory map gives; where that says nothing, as the ACPI namespace has
    it; and uncached where neither does. The same bytes are mapped elsewhere too, by firmware or
    by the kernel, and two mappings of one page with different cache types are undefined on every
    architecture: a value that ACPI code wrote stays in one of them.

    Where the map offers several cache types, any of them is right. Outside the map only an
    uncached region can be judged, since the namespace is not in the file.
    """
    if mapping.operation_regions is None:
        if not kernels_before(mapping, platform):
            yield NotJudged("mapping[].operation_regions")
        return
    for region in mapping.operation_regions:
        yield from _judged(region, memory_map)


def _judged(region: OperationRegion, memory_map: MemoryMap) -> Iterator[Finding | NotJudged]:
    bit = ATTRIBUTE_BITS[region.cache]
    offering: list[MemoryDescriptor] = []
    for _, holder in parts(memory_map, region.physical):
        if holder and holder.attribute is None:
            yield NotJudged("memory_map.descriptors[].attribute")
        elif holder is None or not holder.has(CACHEABILITY):
            if bit != EFI_MEMORY_UC:
                yield NotJudged("the cache type that the ACPI namespace states")
        else:
            offering.append(holder)
    others = [descriptor for descriptor in offering if not descriptor.has(bit)]
    if others:
        offered = "|".join(attribute_names((others[0].attribute or 0) & CACHEABILITY))
        yield Finding(
            region,
            f"the operation region {region.physical} is mapped {region.cache}, and "
            f"{others[0].type_name} there offers {offered}",
            region.physical,
            field="cache",
            related=tuple(Related(d, f"offers {d.attribute_text}") for d in others),
            fix=_fix(region, offering),
        )


def _fix(region: OperationRegion, offering: list[MemoryDescriptor]) -> Fix | None:
    """The one cache type that all of it offers, where there is just one."""
    offered = CACHEABILITY
    for descriptor in offering:
        offered &= descriptor.attribute or 0
    names = attribute_names(offered)
    if len(names) != 1:
        return None
    return Fix("unsafe", f"map it {names[0]}", (Edit(region, "cache", names[0]),))
